"""The plugin keeps the promises that every plugin makes."""

from __future__ import annotations

from typing import ClassVar
from uuid import uuid4

from entrepot.sdk.conformance import PluginConformance, WordMissing
from entrepot.sdk.simulator import Options


class TestMicrosoftConformance(PluginConformance):
    plugin_name = "microsoft"
    options = Options(customers=7, subscriptions=52, seed=6)  # with an Azure plan
    data_paths = "^/v1"
    exempt: ClassVar = {
        "exact_amount": "Prices come in a CSV sheet with two decimals.",
        "restate_charge": "An invoice never changes; corrections come as new lines.",
    }

    def connect(self, simulator, base_url):
        authority = simulator.authority
        return {
            "tenant_id": authority.tenant_id,
            "client_id": authority.client_id,
            "client_secret": authority.client_secret,
            "refresh_token": authority.consent_again(),
            "api_url": base_url,
            "export": "graph",
        }

    def play(self, simulator, word, **ids):
        if word not in ("vanish_subscription", "rekey_subscription"):
            raise WordMissing(word)
        with simulator.lock:
            now = simulator.clock.now()
            customer = simulator.book.customer(ids["customer_id"], now)
            found = customer.subs.pop(ids["subscription_id"])
            if word == "rekey_subscription":
                found.id = str(uuid4())
                customer.subs[found.id] = found
            simulator.book.keep(customer, now)
            return {"subscription_id": found.id}
