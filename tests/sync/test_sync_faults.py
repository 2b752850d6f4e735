"""Every fault of a simulator: the right state, nothing lost, an honest record."""

from __future__ import annotations

import entrepot_connectwise.listings as psa_listings
import entrepot_microsoft.reads as vendor_reads
import pytest

PLACES = {
    "vendor": ("/v1/customers$", "/v1/customers/[^/]+$", "/subscriptions$", "sheets"),
    "psa": (
        "company/companies$",
        "finance/agreements$",
        "/additions$",
        "procurement/catalog$",
        "finance/invoices$",
    ),
}
PASSING = {
    "429 with Retry-After": {"kind": "rate_limited", "retry_after": "2", "count": 2},
    "429 without Retry-After": {"kind": "rate_limited", "count": 2},
    "500": {"kind": "status", "status": 500, "count": 2},
    "503": {"kind": "status", "status": 503, "count": 2},
    "reset": {"kind": "reset", "count": 2},
    "slow body": {"kind": "slow_body", "seconds": 0.2},
    "truncated": {"kind": "truncated", "count": 2},
    "time-out": {"kind": "timeout_after_commit", "seconds": 1.0},
    "token expiry": {"kind": "token_expiry"},
}
PAGED = {"vendor": "/v1/customers$", "psa": "company/companies$"}
OWNED = {
    "vendor": ("SELECT vendor_id FROM customer_account", "/{}/subscriptions$"),
    "psa": ("SELECT agreement_vendor_id FROM psa_line", "/{}/additions$"),
}


@pytest.fixture(params=["vendor", "psa"])
def side(both, request, quick, monkeypatch):
    # Small pages, so that a page can be repeated or left out.
    monkeypatch.setattr(vendor_reads, "PAGE", 4)
    monkeypatch.setattr(psa_listings, "PAGE_SIZE", 5)
    return getattr(both, request.param)


def kind_of(both, side):
    return "vendor" if side is both.vendor else "psa"


def change(both, side, number):
    """Something happens at the other side: a purchase, an edited line."""
    if side is both.vendor:
        side.control.act("new_subscription", quantity=number)
        side.control.act("set_quantity", quantity=100 + number, force=True)
    else:
        line = sorted(both.billed())[number % 7]
        side.control.act("edit_line", id=int(line), quantity=100 + number)


def plan(side, places, fault):
    for place in places:
        side.control.add_fault(
            fault["kind"],
            path=place,
            **{key: value for key, value in fault.items() if key != "kind"},
        )


def test_passing_faults_everywhere_cost_nothing(both, side):
    places = PLACES[kind_of(both, side)]
    # Already the first reading meets one of them everywhere.
    for place, fault in zip(places, PASSING.values(), strict=False):
        plan(side, [place], fault)
    assert both.sync(side).state == "complete"
    assert both.agree(side)
    for number, (name, fault) in enumerate(PASSING.items()):
        if fault["kind"] == "token_expiry" and side is both.psa:
            continue  # keys of a PSA do not expire
        change(both, side, number)
        side.control.clear_faults()
        plan(side, places[:3], fault)
        run = both.sync(side)
        assert (run.state, run.incomplete_reason) == ("complete", ""), name
        assert both.agree(side), name
        fired = [planned["fired"] for planned in side.control.faults()]
        assert any(fired), name
    side.control.clear_faults()
    again = both.sync(side)
    written = [
        one.get("new", 0) + one.get("changed", 0) for one in again.counts.values()
    ]
    assert sum(written) == 0


@pytest.mark.parametrize("kind", ["repeated_page", "missing_page"])
def test_a_wrong_page_is_never_called_complete(both, side, kind):
    both.sync(side)
    held = both.held()
    for skip in (0, 1):
        change(both, side, skip)
        side.control.clear_faults()
        path = PAGED[kind_of(both, side)]
        side.control.add_fault(kind, path=path, skip=skip)
        run = both.sync(side)
        assert all(
            after >= before for after, before in zip(both.held(), held, strict=True)
        )
        if run.complete:
            assert both.agree(side), "complete, but something is missing"
            assert kind == "repeated_page" or not side.control.faults()[0]["fired"]
        else:
            assert run.state == "incomplete"
            assert run.incomplete_reason
    side.control.clear_faults()
    healed = both.sync(side, "incremental")
    assert (healed.state, healed.incomplete_reason) == ("complete", "")
    assert both.agree(side)


def test_an_unknown_word_is_kept_and_heals(both, side):
    table, path, value = (
        ("subscription", "/subscriptions$", "hovering")
        if side is both.vendor
        else ("psa_agreement", "finance/agreements$", "Hovering")
    )
    both.sync(side)
    side.control.add_fault("unknown_enum", path=path, value=value)
    run = both.sync(side)
    assert run.state == "complete"
    assert both.agree(side)
    query = f"SELECT count(*) FROM {table} WHERE vendor_status = '{value}'"
    if side is both.vendor:
        assert both.one(query + " AND status = 'unknown'") >= 1
    both.sync(side)
    assert both.one(query) == 0


def test_one_owner_that_cannot_be_read_stops_its_own_endings_only(both, side):
    both.sync(side)
    held, (query, path) = both.held(), OWNED[kind_of(both, side)]
    path = path.format(both.one(query))
    side.control.add_fault("status", status=500, path=path, count=0)
    change(both, side, 2)
    run = both.sync(side)
    assert run.state == "incomplete"
    assert "1 customer incomplete" in run.incomplete_reason or (
        "1 agreement incomplete" in run.incomplete_reason
    )
    assert all(after >= before for after, before in zip(both.held(), held, strict=True))
    assert side is both.psa or not both.sync(side, "incremental").complete
    side.control.clear_faults()
    healed = both.sync(side, "incremental")
    assert (healed.state, healed.incomplete_reason) == ("complete", "")


def test_a_lasting_fault_fails_the_run_and_ends_nothing(both, side):
    both.sync(side)
    held = both.held()
    change(both, side, 3)
    for path in PLACES[kind_of(both, side)][:3:2]:
        side.control.clear_faults()
        side.control.add_fault("status", status=500, path=path, count=0)
        run = both.sync(side)
        assert run.state == "failed"
        assert not run.complete
        assert run.error_text
        assert run.remedy
        assert both.held() == held
    side.control.clear_faults()
    assert both.sync(side).complete
    assert both.agree(side)


def test_a_refused_customer_freezes_alone(world):
    vendor = world.vendor
    assert world.sync(vendor).complete
    held = world.bought()
    closed, other = (
        one["customer"] for one in vendor.simulator.actions["customers"](limit=2)
    )
    vendor.control.act("forbid_customer", customer=closed)
    gone = vendor.control.act("remove_customer", customer=other)
    assert gone["customer"] == other
    for mode in ("full", "full", "incremental"):
        run = world.sync(vendor, mode)
        assert run.state == "incomplete"
        assert "customer" in run.incomplete_reason
    left = world.bought()
    query = "SELECT vendor_id FROM subscription WHERE customer_vendor_id = '{}'"
    ended = {row[0] for row in world.rows(query.format(other))}
    assert set(held) - set(left) == ended
    vendor.control.act("restore_customer", customer=closed)
    healed = world.sync(vendor, "incremental")
    assert (healed.state, healed.incomplete_reason) == ("complete", "")
    assert world.agree(vendor)


def test_what_vanished_while_nobody_could_look_ends_afterwards(world):
    vendor = world.vendor
    world.sync(vendor)
    closed = vendor.control.act("forbid_customer")["customer"]
    world.sync(vendor)
    lost = next(
        row[0]
        for row in world.rows(
            f"SELECT vendor_id FROM subscription WHERE customer_vendor_id = '{closed}'"
        )
    )
    vendor.control.act("restore_customer", customer=closed)
    customer = vendor.simulator.book._touched[closed]
    del customer.subs[lost]
    vendor.simulator.book.keep(customer, vendor.simulator.clock.now())
    assert world.sync(vendor).complete
    assert lost not in world.bought()
    assert world.agree(vendor)
