"""Usage and charges: read, restated, withdrawn, resumed, exported."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from entrepot.hub.charges import rules
from entrepot.hub.charges.service import LineQuery
from entrepot.sdk.errors import AuthRequired, NotFound, Rejected
from entrepot.sdk.model import Charge, ChargeKind, Listing, Money, Period, UsageLine
from entrepot.store import SettingsInvalid

MARCH = Period(date(2026, 3, 1), date(2026, 4, 1))
TABLES = ("charge", "charge_fact", "usage_line", "usage_line_fact")


def charge(number: int, amount: str = "22.00", **values: Any) -> Charge:
    customer = f"c{number % 3}"
    common: dict[str, Any] = {
        "vendor_id": f"inv-1/{number}",
        "customer_id": customer,
        "subscription_id": f"{customer}-s0",
        "kind": ChargeKind.RECURRING,
        "period": MARCH,
        "amount": Money(Decimal(amount), "USD"),
        "unit_price": Money(Decimal("2.2"), "USD"),
        "quantity": Decimal(10),
        "invoice_id": "inv-1",
        "source": f"invoice inv-1, line {number}",
    }
    return Charge(**(common | values))


def usage(number: int, quantity: str = "1.5", **values: Any) -> UsageLine:
    begin = datetime(2026, 3, 1 + number % 28, tzinfo=UTC)
    common: dict[str, Any] = {
        "vendor_id": f"u/{number}",
        "customer_id": f"c{number % 3}",
        "starts_at": begin,
        "ends_at": begin + timedelta(days=1),
        "quantity": Decimal(quantity),
        "unit": "GB",
    }
    return UsageLine(**(common | values))


def listed(ledger: Any, **values: Any) -> list[Any]:
    query = LineQuery(**values)
    return list(ledger.hub.charges.charges(ledger.actor, query).items)


def counts(ledger: Any) -> dict[str, int]:
    return {name: ledger.count(name) for name in TABLES}


def test_lines_are_read_with_their_customer_and_subscription(ledger) -> None:
    ledger.vendor.charges["2026-03"] = [charge(n) for n in range(9)]
    ledger.vendor.usage["2026-03"] = [usage(n) for n in range(5)]
    ledger.sync()
    done = ledger.read()
    assert done["state"] == "complete"
    assert done["counts"]["new"] == 14
    found = listed(ledger)
    assert [one.vendor_id for one in found] == [f"inv-1/{n}" for n in range(9)]
    first = found[0]
    assert (first.amount, first.currency) == (Decimal("22.00"), "USD")
    assert (first.period_start, first.period_end) == (MARCH.start, MARCH.end)
    assert first.source == "invoice inv-1, line 0"
    assert first.customer_name == "C0"
    own = listed(ledger, subscription_id=first.subscription_id)
    assert [one.vendor_id for one in own] == ["inv-1/0", "inv-1/3", "inv-1/6"]
    assert listed(ledger, customer_id=first.customer_id) == own
    metered = ledger.hub.charges.usage(ledger.actor, LineQuery(month="2026-03"))
    assert metered.items[0].quantity == Decimal("1.5")
    assert metered.items[0].cost is None


def test_nothing_is_written_for_unchanged_lines(ledger) -> None:
    ledger.vendor.charges["2026-03"] = [charge(n) for n in range(9)]
    ledger.vendor.usage["2026-02"] = [usage(n) for n in range(5)]
    ledger.read()
    before, rows = counts(ledger), listed(ledger)
    done = ledger.read()
    assert done["counts"]["same"] == 14
    assert counts(ledger) == before
    assert listed(ledger) == rows


def test_another_notation_of_a_number_restates_nothing(ledger) -> None:
    ledger.vendor.charges["2026-03"] = [charge(0, "22.00")]
    ledger.read()
    ledger.vendor.charges["2026-03"] = [charge(0, "22.0", quantity=Decimal("1E+1"))]
    found = ledger.read()["counts"]
    assert (found["read"], found["same"], found["changed"]) == (1, 1, 0)


def test_restated_line_gets_a_version_and_withdrawn_one_an_end(ledger) -> None:
    ledger.vendor.charges["2026-03"] = [charge(n) for n in range(6)]
    ledger.read()
    ledger.vendor.restate("2026-03", 1, amount=Money(Decimal("20.00"), "USD"))
    withdrawn = ledger.vendor.charges["2026-03"].pop(5)
    done = ledger.read()
    assert (done["counts"]["changed"], done["counts"]["gone"]) == (1, 1)
    assert counts(ledger)["charge_fact"] == 6 + 2
    live = {one.vendor_id: one for one in listed(ledger)}
    assert live["inv-1/1"].amount == Decimal("20.00")
    assert withdrawn.vendor_id not in live
    every = {one.vendor_id: one for one in listed(ledger, withdrawn=True)}
    assert every[withdrawn.vendor_id].gone_at is not None
    versions = ledger.hub.charges.history(
        ledger.actor, rules.CHARGES, live["inv-1/1"].id
    )
    assert [one.change for one in versions] == ["changed", "new"]
    assert [one.values["amount"]["amount"] for one in versions] == ["20.00", "22.00"]
    ledger.vendor.charges["2026-03"].append(withdrawn)
    assert ledger.read()["counts"]["back"] == 1
    assert withdrawn.vendor_id in {one.vendor_id for one in listed(ledger)}


def test_incomplete_month_withdraws_nothing_and_says_why(ledger) -> None:
    ledger.vendor.charges["2026-03"] = [charge(n) for n in range(6)]
    ledger.read()
    ledger.vendor.charges["2026-03"].pop()
    ledger.vendor.cut.add("2026-03")
    done = ledger.read()
    assert done["state"] == "incomplete"
    assert len(listed(ledger)) == 6
    (kept,) = ledger.hub.charges.readings(
        ledger.actor, kind=rules.CHARGES, month="2026-03"
    )
    assert not kept.complete
    assert kept.reason == "the report is being written"
    assert kept.complete_at is not None  # the first reading's
    assert kept.complete_at < kept.attempted_at
    others = ledger.hub.charges.readings(ledger.actor, month="2026-02")
    assert [one.complete for one in others] == [True, True]


def test_line_listed_twice_makes_the_month_doubtful(ledger) -> None:
    lines = [charge(n) for n in range(4)]
    ledger.vendor.charges["2026-03"] = [*lines, lines[0]]
    done = ledger.read()
    assert "repeated 1 lines" in done["incomplete"]["charges 2026-03"]
    assert ledger.count("charge") == 4


def test_reading_goes_on_at_its_cursor_after_a_kill(ledger, monkeypatch) -> None:
    monkeypatch.setattr("entrepot.hub.charges.reading.CHECKPOINT_SECONDS", 0)
    ledger.vendor.charges["2026-03"] = [charge(n) for n in range(20)]
    ledger.read()
    gone = ledger.vendor.charges["2026-03"].pop()
    run = ledger.run_info()
    ledger.vendor.dies_at = "12"
    with pytest.raises(KeyboardInterrupt):
        ledger.read(run, "2026-03")
    ledger.vendor.dies_at, ledger.vendor.asked = None, []
    done = ledger.read(run, "2026-03")
    cursors = [cursor for _, cursor in ledger.vendor.asked if cursor is not None]
    assert cursors == ["12", "16"]
    # What was read before the kill does not look withdrawn, what is gone does.
    assert done["counts"]["gone"] == 1
    assert len(listed(ledger)) == 19
    assert gone.vendor_id not in {one.vendor_id for one in listed(ledger)}
    assert ledger.count("charge_checkpoint") == 0


@pytest.mark.parametrize("listing", [Listing.PER_CUSTOMER])
def test_customer_without_rights_keeps_its_lines(ledger) -> None:
    ledger.vendor.charges["2026-03"] = [charge(n) for n in range(6)]
    ledger.sync()
    ledger.read()
    assert len(listed(ledger)) == 6
    ledger.vendor.charges["2026-03"] = [charge(0)]
    ledger.vendor.forbidden.add("c1")
    ledger.vendor.missing.add("c2")
    done = ledger.read()
    assert "1 customers incomplete" in done["incomplete"]["charges 2026-03"]
    assert done["counts"]["gone"] == 1  # of the one customer that was read
    kept = {one.customer_vendor_id for one in listed(ledger)}
    assert kept == {"c0", "c1", "c2"}
    assert len(listed(ledger)) == 5


def test_failure_is_noted_for_what_was_not_read(ledger) -> None:
    steps, run = ledger.hub.charges.steps, ledger.run_info()
    plan = steps.plan(run, "2026-03")
    steps.fail(run, plan, AuthRequired("expired", "The sign-in has expired."))
    found = ledger.hub.charges.readings(ledger.actor)
    assert [(one.kind, one.complete, one.reason) for one in found] == [
        ("charges", False, "The sign-in has expired."),
        ("usage", False, "The sign-in has expired."),
    ]
    state = ledger.hub.connections.get(ledger.actor, ledger.connection_id).state
    assert state == "parked"
    with pytest.raises(Rejected, match="is parked"):
        ledger.hub.charges.start(ledger.actor, ledger.connection_id, cause="test")


def test_numbers_stay_exact_beyond_the_columns(ledger) -> None:
    fine = charge(0, "0.00000116279069767")
    many = usage(0, "123456789012345.000000000001")
    ledger.vendor.charges["2026-03"] = [fine, charge(1, "9999999999")]
    ledger.vendor.usage["2026-03"] = [many]
    done = ledger.read()
    assert "inv-1/1" in done["incomplete"]["charges 2026-03"]
    (kept,) = listed(ledger)
    assert kept.amount == Decimal("0.0000011628")
    (version,) = ledger.hub.charges.history(ledger.actor, rules.CHARGES, kept.id)
    assert version.values["amount"]["amount"] == format(fine.amount.amount, "f")
    metered = ledger.hub.charges.usage(ledger.actor, LineQuery())
    assert metered.items[0].quantity == many.quantity


@pytest.mark.parametrize("form", ["csv", "ndjson"])
def test_export_holds_every_line_and_says_how_complete_it_is(ledger, form) -> None:
    ledger.vendor.charges["2026-03"] = [
        charge(0, name="=HYPERLINK(1)"),
        charge(1, "-3.10", kind=ChargeKind.CREDIT),
    ]
    ledger.sync()
    ledger.read()
    query = LineQuery(month="2026-03", limit=1)
    lines = list(ledger.hub.charges.export(ledger.actor, rules.CHARGES, form, query))
    if form == "csv":
        head, *rows, end = list(csv.reader(lines))
        found = [dict(zip(head, row, strict=True)) for row in rows]
        assert found[0]["name"] == "'=HYPERLINK(1)"
        assert end[0] == "#trailer"
        trailer = json.loads(end[1])
    else:
        *rows, end = [json.loads(line) for line in lines]
        found, trailer = rows, end["trailer"]
        assert found[0]["name"] == "=HYPERLINK(1)"
    assert [row["amount"] for row in found] == ["22.00", "-3.10"]
    assert trailer["rows"] == 2
    assert trailer["complete"] is True
    (reading,) = trailer["readings"]
    assert (reading["kind"], reading["month"]) == ("charges", "2026-03")


def test_list_of_charges_pages_by_key(ledger) -> None:
    ledger.vendor.charges["2026-03"] = [charge(n) for n in range(9)]
    ledger.read()
    service, met, last = ledger.hub.charges, [], None
    while True:
        part = service.charges(ledger.actor, LineQuery(limit=4, last=last))
        met += [one.vendor_id for one in part.items]
        last = part.last
        if not part.has_more:
            break
    assert met == [f"inv-1/{n}" for n in range(9)]


def test_start_submits_one_run_per_connection_and_month(ledger) -> None:
    service = ledger.hub.charges
    first = service.start(ledger.actor, ledger.connection_id, cause="test")
    again = service.start(ledger.actor, ledger.connection_id, cause="test")
    other = service.start(ledger.actor, ledger.connection_id, "2026-01", cause="test")
    assert (again.run_id, again.joined) == (first.run_id, True)
    assert other.run_id != first.run_id
    with pytest.raises(Rejected, match="not a billing month"):
        service.start(ledger.actor, ledger.connection_id, "2026-13", cause="test")
    with pytest.raises(NotFound):
        service.start(ledger.actor, "con_unknown", cause="test")


def test_connection_is_read_daily_until_it_is_removed(ledger) -> None:
    def rule() -> list[Any]:
        found = ledger.hub.jobs.schedules.rules(ledger.actor.tenant_id)
        return [one for one in found if one.job == "sync_charges"]

    (one,) = rule()
    assert one.every_seconds == 86_400
    ledger.hub.connections.remove(ledger.actor, ledger.connection_id)
    assert rule() == []


def test_line_that_moves_to_another_month_is_not_withdrawn(ledger) -> None:
    ledger.vendor.charges["2026-02"] = [charge(0)]
    ledger.read()
    ledger.vendor.charges = {"2026-03": [replace(charge(0), estimated=True)]}
    ledger.read()
    (kept,) = listed(ledger)
    assert (kept.month, kept.estimated, kept.gone_at) == ("2026-03", True, None)


def test_months_to_read_cross_the_year() -> None:
    assert rules.months_to_read(date(2026, 1, 31), 3) == (
        "2025-11",
        "2025-12",
        "2026-01",
    )
    assert rules.period_of("2025-12") == Period(date(2025, 12, 1), date(2026, 1, 1))


def test_number_of_months_is_checked(settings) -> None:
    with pytest.raises(SettingsInvalid, match="CHARGE_MONTHS"):
        replace(settings, charge_months=0)
