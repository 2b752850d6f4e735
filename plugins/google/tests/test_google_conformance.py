"""The plugin keeps the promises that every plugin makes."""

from __future__ import annotations

from entrepot.sdk.conformance import PluginConformance
from entrepot.sdk.simulator import Options


class TestGoogleConformance(PluginConformance):
    plugin_name = "google"
    options = Options(customers=7, subscriptions=30)
    data_paths = "^/v1/accounts"

    def connect(self, simulator, base_url):
        return {
            **simulator.connection_settings(),
            "api_url": base_url,
            "subscription": "projects/reseller-hub/subscriptions/conformance",
            "delivery": "push",
        }

    def charge_periods(self, now):
        # A month of metered days is enough to turn pages in.
        return super().charge_periods(now)[:1]

    def files(self, simulator):
        with simulator.lock:
            return "\n".join(simulator.actions["export_billing"]()["rows"]).encode()

    def filed_values(self, values):
        return {**values, "billing_table": ""}

    def play(self, simulator, word, **ids):
        if word != "restate_charge":
            return super().play(simulator, word, **ids)
        # The export has no line ids: late rows concern all lines of a customer.
        with simulator.lock:
            return simulator.actions["restate_charges"](customer=ids["customer_id"])
