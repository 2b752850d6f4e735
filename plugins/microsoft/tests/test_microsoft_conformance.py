"""The plugin keeps the promises that every plugin makes."""

from __future__ import annotations

from entrepot.sdk.conformance import PluginConformance
from entrepot.sdk.simulator import Options


class TestMicrosoftConformance(PluginConformance):
    plugin_name = "microsoft"
    options = Options(customers=7, subscriptions=52)
    data_paths = "^/v1"

    def connect(self, simulator, base_url):
        authority = simulator.authority
        return {
            "tenant_id": authority.tenant_id,
            "client_id": authority.client_id,
            "client_secret": authority.client_secret,
            "refresh_token": authority.consent_again(),
            "api_url": base_url,
        }
