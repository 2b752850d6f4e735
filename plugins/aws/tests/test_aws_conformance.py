"""The promises that every plugin makes."""

from __future__ import annotations

from typing import ClassVar

from entrepot.sdk.conformance import PluginConformance
from entrepot.sdk.simulator import Options


class TestAwsConformance(PluginConformance):
    plugin_name = "aws"
    options = Options(customers=7, subscriptions=40)
    data_paths = "^/$"
    exempt: ClassVar = {
        "rekey_subscription": "ids of accounts never change",
        "exact_amount": "nothing listed so far has an amount",
    }

    def connect(self, simulator, base_url):
        return {**simulator.connection_settings(), "endpoint_url": base_url}
