"""The plugin keeps the promises that every plugin makes, in both layouts."""

from __future__ import annotations

from entrepot.sdk.conformance import PluginConformance
from entrepot.sdk.simulator import Options


class TestIbmPartnerConformance(PluginConformance):
    plugin_name = "ibm"
    options = Options(customers=7, subscriptions=52, frozen=True)
    data_paths = "^/(partner|rc|catalog)/"

    def connect(self, simulator, base_url):
        # Licences come from the settings, so nothing can happen to them at the vendor.
        changed = {"api_url": base_url, "entitlements": ""}
        return {**simulator.connection_settings(), **changed}


class TestIbmEnterpriseConformance(PluginConformance):
    plugin_name = "ibm"
    options = Options(customers=7, subscriptions=52, frozen=True)
    data_paths = "^/(enterprise|billing|rc|catalog)"

    def connect(self, simulator, base_url):
        settings = simulator.connection_settings()
        keys = [simulator.book.at(i, simulator.clock.now()).id for i in range(7)]
        lines = (f"{key}={simulator.authority.customer_key(key)}" for key in keys)
        return {
            **settings,
            "layout": "enterprise",
            "api_url": base_url,
            "instances": "keys",
            "entitlements": "",
            "customer_keys": "\n".join(lines),
        }
