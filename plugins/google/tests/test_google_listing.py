"""Customers, entitlements, offers and history as the hooks give them."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from entrepot.sdk import queries as ask
from entrepot.sdk.errors import NotFound, Rejected, Retryable
from entrepot.sdk.model import BillingCycle, ScheduledKind, SubscriptionStatus
from entrepot_google.plugin import plugin


def every(ctx, hook, query, **fields):
    """All records of a listing."""
    found, cursor = [], None
    while True:
        page = hook(ctx, query(cursor=cursor, **fields))
        found += page.records()
        cursor = page.next_cursor
        if cursor is None:
            return found


def customers(ctx, **fields):
    return every(ctx, plugin.list_customers, ask.ListCustomers, **fields)


def subscriptions(ctx, customer):
    return every(
        ctx, plugin.list_subscriptions, ask.ListSubscriptions, customer_id=customer
    )


def everything(ctx):
    return [s for c in customers(ctx) for s in subscriptions(ctx, c.vendor_id)]


def test_google_books_agree_with_the_vendor(vendor) -> None:
    ctx, seed = vendor.connect(), vendor.sim.export_seed()
    assert [c.vendor_id for c in customers(ctx, page_size=4)] == [
        c.vendor_id for c in seed.customers
    ]
    expected = {s.vendor_id: s for s in seed.subscriptions}
    found = {s.vendor_id: s for s in everything(ctx)}
    assert found.keys() == expected.keys()
    for key, held in found.items():
        wanted = expected[key]
        assert held.quantity == wanted.quantity, key
        assert held.billed is wanted.billed, key
        assert (held.sku, held.name, held.currency) == (
            wanted.sku,
            wanted.name,
            wanted.currency,
        )
        assert held.parent_id == wanted.parent_vendor_id


def test_google_customer_in_full(vendor) -> None:
    ctx = vendor.connect()
    listed = customers(ctx)[0]
    facts = vendor.sim.book.find(listed.vendor_id).facts
    assert plugin.get_customer(ctx, ask.GetCustomer(customer_id=listed.vendor_id)) == (
        listed
    )
    assert (listed.name, listed.domain, listed.phone) == (
        facts.name,
        facts.domain,
        facts.contacts[0].phone,
    )
    assert listed.address.country == "US"
    assert dict(listed.external_ids)["cloud_identity"].startswith("C0")
    page = plugin.list_contacts(ctx, ask.ListContacts(owner_id=listed.vendor_id))
    assert page.items[0].email == facts.contacts[0].email


def test_google_offers_carry_both_prices(vendor) -> None:
    ctx = vendor.connect()
    found = {o.key: o for o in every(ctx, plugin.list_offers, ask.ListOffers)}
    standard = [o for o in found.values() if o.name.endswith("Business Standard")]
    by_plan = {(o.attributes["payment_plan"], o.billing_cycle): o for o in standard}
    monthly = by_plan["COMMITMENT", BillingCycle.MONTHLY]
    yearly = by_plan["COMMITMENT", BillingCycle.ANNUAL]
    assert monthly.list_price == Decimal(14)
    assert monthly.unit_cost == Decimal("11.2")
    assert yearly.unit_cost == Decimal("134.4")
    assert str(monthly.term) == "P1Y"
    assert by_plan["FLEXIBLE", BillingCycle.MONTHLY].term is None
    assert "1010020028" in monthly.part_numbers
    assert monthly.max_quantity == 300
    held = {s.offer_key for s in everything(ctx) if s.offer_key}
    assert held <= found.keys()


def test_google_list_prices_only_when_asked_so(vendor) -> None:
    ctx = vendor.connect(prices="list_only")
    found = every(ctx, plugin.list_offers, ask.ListOffers)
    paid = [o for o in found if o.attributes["payment_plan"] == "COMMITMENT"]
    assert {o.unit_cost for o in paid} == {None}
    assert not any("Purchasable" in e for e in vendor.sim.seen)


def test_google_price_change_retires_offers(vendor) -> None:
    ctx = vendor.connect()
    customer = vendor.sim.book.ids[0]
    bought = vendor.control.act("buy", customer=customer, sku="1010020028", seats=3)
    vendor.control.act("change_price", sku="1010020028", factor="1.25")
    query = ask.GetSubscription(
        customer_id=customer, subscription_id=bought["subscription_id"]
    )
    held = plugin.get_subscription(ctx, query)
    # Bought before, it keeps its price: the retired offer is looked up.
    assert held.unit_cost == Decimal("11.2")
    assert held.name == "Google Workspace Business Standard"
    offers = {o.key: o for o in every(ctx, plugin.list_offers, ask.ListOffers)}
    assert offers[held.offer_key].unit_cost == Decimal("14")


def test_google_empty_pages_are_no_end(start) -> None:
    vendor = start(customers=12, extra={"empty_pages": "yes"})
    assert len(customers(vendor.connect(), page_size=5)) == 12


def test_google_renewal_unknown_is_not_false(start) -> None:
    vendor = start(extra={"list_omits": "yes"})
    ctx = vendor.connect(renewals="skip")
    listed = [s for s in everything(ctx) if s.term is not None]
    assert listed
    assert {s.auto_renew for s in listed} == {None}
    off = vendor.control.act("set_renewal", enable=False)
    query = ask.GetSubscription(
        customer_id=off["customer"], subscription_id=off["subscription_id"]
    )
    held = plugin.get_subscription(ctx, query)
    assert held.auto_renew is False
    assert held.scheduled[0].kind is ScheduledKind.END
    assert held.scheduled[0].effective_at == held.term_end
    seed = {s.vendor_id: s for s in vendor.sim.export_seed().subscriptions}
    assert not seed[off["subscription_id"]].renews


def gets(vendor):
    return sum(
        "/entitlements/" in each["path"] and ":" not in each["path"]
        for each in vendor.control.requests(limit=1000)
    )


def test_google_renewal_is_read_where_listings_lack_it(start) -> None:
    vendor = start(extra={"list_omits": "yes"})
    ctx, seed = vendor.connect(), vendor.sim.export_seed()
    renews = {s.vendor_id: s.renews for s in seed.subscriptions if s.term}
    found = {s.vendor_id: s.auto_renew for s in everything(ctx)}
    assert {key: found[key] for key in renews} == renews
    once = gets(vendor)
    assert once == len(renews)
    everything(ctx)
    assert gets(vendor) == once
    off = vendor.control.act("set_renewal", enable=False)
    again = {s.vendor_id: s.auto_renew for s in subscriptions(ctx, off["customer"])}
    assert again[off["subscription_id"]] is False
    assert gets(vendor) == once + 1, "only what changed is asked for again"
    raw = every(
        ctx,
        plugin.list_subscriptions,
        ask.ListSubscriptions,
        customer_id=off["customer"],
        raw=True,
    )
    assert {s.vendor_id: s.auto_renew for s in raw} == again


def test_google_customers_of_partners(start) -> None:
    vendor = start(customers=9, extra={"partners": "2"})
    everybody = {c.vendor_id for c in vendor.sim.export_seed().customers}
    own = {c.vendor_id for c in customers(vendor.connect(), page_size=2)}
    assert own == set(vendor.sim.book.listed())
    assert len(own) == 3
    ctx = vendor.connect(partners="on")
    found = customers(ctx, page_size=2)
    assert len(found) == len(everybody)
    assert {c.vendor_id for c in found} == everybody
    by_partner = {c.attributes.get("channel_partner_id") for c in found}
    links = vendor.sim.book.links.values()
    assert by_partner == {None, *(x.identity for x in links if x.state == "ACTIVE")}
    theirs = next(c for c in found if c.vendor_id not in own)
    assert subscriptions(ctx, theirs.vendor_id)
    assert customers(ctx, raw=True) == customers(ctx)


def test_google_partner_that_may_not_be_read_hides_nobody_else(start) -> None:
    vendor = start(customers=9, extra={"partners": "2"})
    links = vendor.sim.book.links
    first = min(key for key, link in links.items() if link.state == "ACTIVE")
    (invited,) = (key for key, link in links.items() if link.state == "INVITED")
    ctx = vendor.connect(partners="on")
    page = plugin.list_customers(ctx, ask.ListCustomers())
    vendor.control.act("set_partner_state", link=first, state="REVOKED")
    pages = [page]
    while pages[-1].next_cursor:
        query = ask.ListCustomers(cursor=pages[-1].next_cursor)
        pages.append(plugin.list_customers(ctx, query))
    assert [p.complete for p in pages].count(False) == 1
    assert sum(len(p.records()) for p in pages) == 6
    # A new look knows that there is nothing to ask this one for.
    again = plugin.list_customers(vendor.connect(partners="on"), ask.ListCustomers())
    assert first not in again.next_cursor
    assert invited not in again.next_cursor


def test_google_states_follow_the_reasons(vendor) -> None:
    ctx, customer = vendor.connect(), vendor.sim.book.ids[1]

    def state(told):
        query = ask.GetSubscription(
            customer_id=customer, subscription_id=told["subscription_id"]
        )
        held = plugin.get_subscription(ctx, query)
        return held.status, held.billed, held.vendor_status

    bought = vendor.control.act("buy", customer=customer, waiting=True, seats=4)
    terms = "SUSPENDED: PENDING_TOS_ACCEPTANCE"
    assert state(bought) == (SubscriptionStatus.PENDING, True, terms)
    vendor.control.act("accept_terms", customer=customer)
    assert state(bought) == (SubscriptionStatus.ACTIVE, True, "ACTIVE")
    names = {"customer": customer, "entitlement": bought["entitlement"]}
    vendor.control.act("suspend", **names)
    vendor.control.act("suspend_by_vendor", **names)
    both = "SUSPENDED: RESELLER_INITIATED, OTHER"
    assert state(bought) == (SubscriptionStatus.SUSPENDED, True, both)
    vendor.control.act("activate", **names)
    flexible = vendor.control.act("buy", customer=customer, plan="flexible", seats=9)
    names["entitlement"] = flexible["entitlement"]
    vendor.control.act("assign", assigned=2, **names)
    vendor.control.act("suspend", **names)
    suspended = "SUSPENDED: RESELLER_INITIATED"
    assert state(flexible) == (SubscriptionStatus.SUSPENDED, False, suspended)


def test_google_time_renews_ends_and_cancels(vendor) -> None:
    ctx, customer = vendor.connect(), vendor.sim.book.ids[2]
    act = vendor.control.act
    kept = act("buy", customer=customer, seats=5)
    ended = act("buy", customer=customer, sku="1010020027", seats=5)
    names = {"customer": customer, "entitlement": ended["entitlement"]}
    act("set_renewal", enable=False, **names)
    flexible = act("buy", customer=customer, sku="1010020025", seats=5)
    names["entitlement"] = flexible["entitlement"]
    act("set_renewal", enable=True, plan="FLEXIBLE", **names)
    trial = act("buy", customer=customer, plan="trial", seats=5)
    vendor.control.advance(timedelta(days=366))
    held = {s.vendor_id: s for s in subscriptions(ctx, customer)}
    assert held[kept["subscription_id"]].term_end.year == 2028
    assert held[ended["subscription_id"]].status is SubscriptionStatus.ENDED
    assert held[ended["subscription_id"]].ended_at is not None
    assert held[flexible["subscription_id"]].term is None
    assert held[trial["subscription_id"]].status is SubscriptionStatus.ENDED
    names["entitlement"] = kept["entitlement"]
    act("suspend", **names)
    vendor.control.advance(timedelta(days=61))
    assert kept["subscription_id"] not in {
        s.vendor_id for s in subscriptions(ctx, customer)
    }


def test_google_upgrade_has_a_history(vendor) -> None:
    ctx, customer = vendor.connect(), vendor.sim.book.ids[0]
    bought = vendor.control.act("buy", customer=customer, seats=3)
    names = {"customer": customer, "entitlement": bought["entitlement"]}
    vendor.control.act("change_seats", seats=7, **names)
    moved = vendor.control.act("upgrade", **names)
    found = every(ctx, plugin.list_orders, ask.ListOrders, customer_id=customer)
    by_id = {}
    for order in found:
        by_id.setdefault(order.lines[0].subscription_id, set()).add(order.vendor_status)
    assert by_id[bought["subscription_id"]] == {"CREATED", "COMMITMENT_CHANGED"}
    assert by_id[moved["subscription_id"]] == {"SKU_CHANGED"}
    assert len({o.vendor_id for o in found}) == len(found)
    query = ask.GetSubscription(
        customer_id=customer, subscription_id=bought["subscription_id"]
    )
    with pytest.raises(NotFound):
        plugin.get_subscription(ctx, query)


@pytest.mark.parametrize("listed", ["yes", "no"])
def test_google_operations_where_they_are_listed(start, listed) -> None:
    vendor = start(extra={"operations": listed})
    ctx, customer = vendor.connect(), vendor.sim.book.ids[0]
    names = {"customer": customer, "entitlement": "Snew"}
    vendor.control.act("add_operation", **names)
    vendor.control.act("add_operation", error="FAILED_PRECONDITION", **names)
    found = every(ctx, plugin.list_orders, ask.ListOrders, customer_id=customer)
    own = [o for o in found if o.vendor_status == "CREATE_ENTITLEMENT"]
    assert len(own) == (1 if listed == "yes" else 0)


def test_google_refused_customer_says_so(vendor) -> None:
    ctx, customer = vendor.connect(), vendor.sim.book.ids[0]
    vendor.control.act("forbid_customer", customer=customer)
    with pytest.raises(Rejected) as caught:
        subscriptions(ctx, customer)
    assert caught.value.info.remedy
    assert subscriptions(ctx, vendor.sim.book.ids[1])


def test_google_stuck_page_is_a_passing_fault(start) -> None:
    vendor = start(customers=12)
    vendor.control.add_fault("repeated_page", path="/customers$", skip=1, count=0)
    with pytest.raises(Retryable):
        customers(vendor.connect(), page_size=5)


def test_google_vendor_events_end_things(vendor) -> None:
    ctx, act = vendor.connect(), vendor.control.act
    first, second, third = vendor.sim.book.ids[:3]
    bought = act("buy", customer=first, seats=2)
    names = {"customer": first, "entitlement": bought["entitlement"]}
    act("transfer_out", **names)
    assert bought["subscription_id"] not in {
        s.vendor_id for s in subscriptions(ctx, first)
    }
    history = every(ctx, plugin.list_orders, ask.ListOrders, customer_id=first)
    (last,) = [o for o in history if o.vendor_status == "CANCELLED"]
    assert last.attributes["reason"] == "RELATIONSHIP_ENDED"
    assert last.attributes["operator"] == vendor.sim.authority.admin
    act("close_account", customer=second)
    act("remove_customer", customer=third)
    assert not {second, third} & {c.vendor_id for c in customers(ctx)}
    with pytest.raises(NotFound):
        plugin.get_customer(ctx, ask.GetCustomer(customer_id=second))
    renamed = act("rename_customer", name="New Name Ltd", domain="new.example")
    found = plugin.get_customer(ctx, ask.GetCustomer(customer_id=renamed["customer"]))
    assert (found.name, found.domain) == ("New Name Ltd", "new.example")


def test_google_seed_plants_the_same_companies(start, tmp_path) -> None:
    one = start(customers=3)
    path = tmp_path / "seed.json"
    one.sim.export_seed().save(path)
    other = start(customers=9, extra={"country": "US"}, seed_file=path)
    names = {c.name for c in one.sim.export_seed().customers}
    assert {c.name for c in other.sim.export_seed().customers} == names
