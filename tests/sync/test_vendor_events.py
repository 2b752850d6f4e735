"""What happens at every vendor can be played, and its plugin sees it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from entrepot.sdk.conformance import Harness
from entrepot.sdk.conformance.harness import installed_plugin
from entrepot.sdk.conformance.listings import pages
from entrepot.sdk.errors import NotFound
from entrepot.sdk.model import SubscriptionStatus
from entrepot.sdk.simulator import ControlClient, Options
from entrepot.sdk.simulator.registry import build_named

SETTINGS = {"google": {"prices": "list_only"}}
YEAR = timedelta(days=366)


class Vendor:
    """A small simulated vendor, read anew each time."""

    def __init__(self, name: str, url: str, clock: Any) -> None:
        self.control = ControlClient(url)
        self.act = self.control.act
        values = {**self.act("connection_settings"), **SETTINGS.get(name, {})}
        self.harness = Harness(installed_plugin(name), values, clock.now)

    def subscriptions(self) -> list[Any]:
        found = []
        for customer in self.records("list_customers"):
            wish = {"customer_id": customer.vendor_id}
            try:
                found += self.records("list_subscriptions", **wish)
            except NotFound:
                continue
        return found

    def records(self, hook: str, **wishes: Any) -> list[Any]:
        # A process of its own, as it were, where catalogues are kept for a while.
        ctx = self.harness.fresh_context() if hook == "list_offers" else None
        found = pages(self.harness, hook, ctx=ctx, **wishes)
        return [record for page in found for record in page.records()]


def seats(vendor: Vendor) -> list[Any]:
    return sorted((one.vendor_id, one.quantity) for one in vendor.subscriptions())


def states(vendor: Vendor) -> list[Any]:
    return sorted((one.vendor_id, one.status) for one in vendor.subscriptions())


def terms(vendor: Vendor) -> list[Any]:
    found = vendor.subscriptions()
    return sorted((one.vendor_id, str(one.term_end)) for one in found)


def prices(vendor: Vendor) -> list[Any]:
    found = vendor.records("list_offers")
    return sorted((o.key, str(o.unit_cost), str(o.list_price)) for o in found)


def costs(vendor: Vendor) -> list[Any]:
    found = vendor.records("list_charges", period=vendor.harness.periods[-1])
    return sorted((one.vendor_id, one.amount.amount) for one in found)


def living(vendor: Vendor) -> list[str]:
    active = SubscriptionStatus.ACTIVE
    return sorted(o.vendor_id for o in vendor.subscriptions() if o.status is active)


Event = tuple[Callable[[Vendor], list[Any]], Callable[[], object]]


def google(vendor: Vendor) -> Iterator[Event]:
    made = vendor.act("buy", seats=4)
    one = {name: made[name] for name in ("customer", "entitlement")}
    vendor.act("accept_terms", customer=one["customer"])
    yield seats, lambda: vendor.act("change_seats", seats=9, **one)
    yield prices, lambda: vendor.act("change_price", sku="1010020028", factor="1.3")
    vendor.act("set_renewal", enable=True, months=12, **one)
    yield terms, lambda: vendor.control.advance(YEAR)
    yield states, lambda: vendor.act("suspend", **one)
    yield living, lambda: vendor.act("close_account", customer=one["customer"])


def aws(vendor: Vendor) -> Iterator[Event]:
    yield seats, lambda: vendor.act("set_agreement_quantity", quantity=77)
    yield costs, lambda: vendor.act("change_price", factor="3")
    yield terms, lambda: vendor.act("renew_agreement")
    yield states, lambda: vendor.act("suspend_account")

    def close() -> None:
        vendor.act("close_account")
        vendor.control.advance(timedelta(days=2))  # until then it is announced only

    yield living, close


def ibm(vendor: Vendor) -> Iterator[Event]:
    yield seats, lambda: vendor.act("set_quantity", quantity=77)
    plan = next(o.key for o in vendor.records("list_offers") if o.list_price)
    yield prices, lambda: vendor.act("change_price", plan=plan, factor="1.3")
    bought = [o for o in vendor.subscriptions() if o.vendor_id.startswith("CFL")]
    first = min(bought, key=lambda one: one.term_end)

    def renew() -> None:
        where = {"customer": first.customer_id, "option": first.vendor_id}
        vendor.act("renew_commitment", **where)
        left = first.term_end - vendor.harness.ctx.clock.now()
        vendor.control.advance(left + timedelta(days=2))  # listed once it runs

    yield terms, renew
    yield states, lambda: vendor.act("suspend_account")
    yield living, lambda: vendor.act("close_account")


def microsoft(vendor: Vendor) -> Iterator[Event]:
    made = vendor.act("new_subscription", quantity=4)
    one = {name: made[name] for name in ("customer", "subscription")}
    yield seats, lambda: vendor.act("set_quantity", quantity=9, **one)
    vendor.control.advance(timedelta(days=40))
    yield terms, lambda: vendor.act("renew", **one)
    sku = vendor.records("list_offers")[0].sku
    yield prices, lambda: vendor.act("change_price", sku=sku, factor="1.3")
    yield states, lambda: vendor.act("suspend", **one)
    yield living, lambda: vendor.act("remove_customer", customer=one["customer"])


@pytest.mark.parametrize("play", [google, aws, ibm, microsoft])
def test_events_of_every_vendor_are_seen(play) -> None:
    options = Options(customers=4, subscriptions=16, seed=5)
    with build_named(play.__name__, options).running() as up:
        vendor = Vendor(play.__name__, up.base_url, up.simulator.clock)
        seen = []
        for facts, event in play(vendor):
            before = facts(vendor)
            event()
            after = facts(vendor)
            assert before != after, f"{facts.__name__} are what they were"
            seen.append(facts.__name__)
        vendor.harness.close()
    assert len(seen) == 5
