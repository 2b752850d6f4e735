"""The plugin keeps the promises that every plugin makes."""

from __future__ import annotations

from entrepot.sdk.conformance import PluginConformance
from entrepot.sdk.simulator import Options


class TestLedgerlineConformance(PluginConformance):
    """Everything else is inherited."""

    plugin_name = "ledgerline"
    options = Options(customers=8, seed=5)

    def connect(self, simulator, base_url):
        """Settings and secrets by field name, for a running simulator."""
        return {"address": base_url, "api_key": simulator.api_key}
