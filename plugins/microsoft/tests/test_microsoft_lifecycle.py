"""What time does to subscriptions in the simulator (B40 to B46)."""

from __future__ import annotations

from datetime import timedelta


def walk(vendor, made, days):
    vendor.control.advance(timedelta(days=days))
    customer = vendor.sim.book.customer(made["customer"], vendor.control.now())
    return customer.subs[made["subscription"]]


def test_expired_becomes_disabled_becomes_deleted(start) -> None:
    vendor = start(extra={"est": "no"})
    made = vendor.control.act("new_subscription", term="P1M")
    vendor.control.act("set_auto_renew", subscription=made["subscription"], on=False)
    states = [walk(vendor, made, days).status for days in (30, 3, 30, 90)]
    assert states == ["active", "expired", "disabled", "deleted"]


def test_suspended_is_disabled_at_the_end_of_its_term(vendor) -> None:
    made = vendor.control.act("new_subscription", term="P1M")
    vendor.control.act("suspend", subscription=made["subscription"])
    states = [walk(vendor, made, days).status for days in (30, 3, 100, 30)]
    assert states == ["suspended", "disabled", "disabled", "deleted"]


def test_legacy_suspended_is_deleted_after_ninety_days(vendor) -> None:
    made = vendor.control.act("new_legacy")
    vendor.control.act(
        "suspend", customer=made["customer"], subscription=made["subscription"]
    )
    assert [walk(vendor, made, d).status for d in (89, 2)] == ["suspended", "deleted"]


def test_trial_turns_into_a_paid_year(vendor) -> None:
    made = vendor.control.act("new_trial", quantity=25)
    sub = walk(vendor, made, 32)
    assert (sub.item, sub.term, sub.cycle) == ("CFQ7TTC0LCHC:0002", "P1Y", "monthly")
    assert not sub.is_trial
    assert sub.cost > 0


def test_price_is_locked_until_the_renewal(vendor) -> None:
    made = vendor.control.act("new_subscription", term="P1M")
    before = walk(vendor, made, 1).cost
    vendor.control.act(
        "change_price", sku="CFQ7TTC0LDPB:0001", term="P1M", factor="1.5"
    )
    assert walk(vendor, made, 1).cost == before
    assert walk(vendor, made, 32).cost > before


def test_extended_term_costs_more(vendor) -> None:
    made = vendor.control.act("new_subscription")
    before = walk(vendor, made, 1).cost
    vendor.control.act("set_auto_renew", subscription=made["subscription"], on=False)
    sub = walk(vendor, made, 367)
    assert (sub.status, sub.term, sub.extended) == ("active", "P1M", True)
    assert sub.cost > before


def test_scheduled_cancel_really_ends(vendor) -> None:
    made = vendor.control.act("new_subscription")
    vendor.control.act(
        "set_auto_renew", subscription=made["subscription"], on=False, cancel=True
    )
    assert walk(vendor, made, 367).status == "deleted"
