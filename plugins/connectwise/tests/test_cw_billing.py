"""What the PSA invoices, by the worked cases of the reconciliation paper."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from entrepot_connectwise.periods import DAYS, MONTHS, BillingPeriod, Cycle, add_months
from entrepot_connectwise.simulator.billing import (
    BilledLine,
    BillingRules,
    bill_period,
    immediate_rows,
)
from hypothesis import given
from hypothesis import strategies as st

MONTHLY = Cycle("Monthly", calendar=True, anchor=date(2026, 2, 1))
JUNE = BillingPeriod(date(2026, 6, 1), date(2026, 6, 30))
JULY = BillingPeriod(date(2026, 7, 1), date(2026, 7, 31))
PRORATE = BillingRules(prorate=True)
WHOLE = BillingRules(prorate=False)
START = date(2026, 2, 1)


def line(number=1, quantity=10, price="26.40", **values):
    base = {
        "line_id": number,
        "description": "",
        "quantity": Decimal(quantity),
        "less_included": Decimal(0),
        "unit_price": Decimal(price),
        "bill_customer": "Billable",
        "taxable": True,
        "effective": START,
    }
    return BilledLine(**{**base, **values})


def invoiced(quantity=10, **values):
    """A line whose June is invoiced already."""
    full = Decimal("26.40") * quantity
    return line(
        quantity=quantity, billed_through=JUNE.last, billed_amount=full, **values
    )


def through_may(number=1, quantity=10, **values):
    """A line of an agreement in arrears: invoiced to the end of May."""
    return line(number, quantity, billed_through=date(2026, 5, 31), **values)


def total(*lines, period=JULY, rules=PRORATE):
    return bill_period(lines, period, MONTHLY, rules).total


def test_r01_a_full_month():
    assert total(invoiced()) == Decimal("264.00")


def test_r02_patched_quantity_and_one_time_line():
    one_time = line(2, 1, "26.40", effective=JULY.first, cancelled=JULY.last)
    assert total(invoiced(12), one_time) == Decimal("343.20")


def test_r03_the_psa_prorates_the_delta_itself():
    delta = line(2, 2, effective=date(2026, 6, 16))
    billed = bill_period((invoiced(), delta), JULY, MONTHLY, PRORATE)
    assert billed.total == Decimal("343.20")
    kinds = {row.kind: row.amount for row in billed.rows if row.line_id == 2}
    assert kinds == {"catch_up": Decimal("26.40"), "recurring": Decimal("52.80")}


def test_r04_only_the_quantity_is_patched():
    assert total(invoiced(12)) == Decimal("316.80")


def test_r06_arrears_with_a_boundary_split():
    old = through_may(1, 10, cancelled=JUNE.last)
    new = line(2, 12, effective=JULY.first)
    one_time = line(3, 1, "26.40", effective=JUNE.first, cancelled=JUNE.last)
    assert total(old, new, one_time, period=JUNE) == Decimal("290.40")


def test_r07_arrears_patched_in_place_bills_too_much():
    assert total(through_may(1, 12), period=JUNE) == Decimal("316.80")


def test_r10_arrears_split_at_the_day_of_the_decrease():
    old = through_may(1, 10, cancelled=date(2026, 6, 15))
    new = line(2, 7, effective=date(2026, 6, 16))
    billed = bill_period((old, new), JUNE, MONTHLY, PRORATE)
    assert [row.amount for row in billed.rows] == [Decimal("132.00"), Decimal("92.40")]


def test_r25_created_from_the_first_uninvoiced_day_with_its_charge():
    new = line(1, 10, effective=JULY.first)
    one_time = line(2, 1, "264.00", effective=JULY.first, cancelled=JULY.last)
    assert total(new, one_time) == Decimal("528.00")


def test_r31_arrears_end_inside_the_period():
    assert total(through_may(cancelled=date(2026, 6, 15)), period=JUNE) == Decimal(
        "132.00"
    )


def test_an_early_end_after_the_invoice_gives_a_credit_once():
    ended = invoiced(cancelled=date(2026, 6, 15))
    first = bill_period((ended,), JULY, MONTHLY, PRORATE)
    assert [(r.kind, r.amount) for r in first.rows] == [("credit", Decimal("-132.00"))]
    again = bill_period(first.lines, MONTHLY.after(JULY), MONTHLY, PRORATE)
    assert again.rows == ()


def test_no_credit_where_the_tenant_gives_none():
    rules = BillingRules(prorate=True, credit_on_cancel=False)
    assert total(invoiced(cancelled=date(2026, 6, 15)), rules=rules) == 0


def test_without_proration_a_late_line_skips_its_partial_period():
    late = line(effective=date(2026, 6, 16))
    assert total(late, period=JUNE, rules=WHOLE) == 0
    assert total(late, period=JULY, rules=WHOLE) == Decimal("264.00")


def test_without_proration_any_day_may_bill_the_whole_period():
    rules = BillingRules(prorate=False, nonprorated_rule="active_any_day")
    late = line(effective=date(2026, 6, 16))
    assert total(late, period=JUNE, rules=rules) == Decimal("264.00")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"less_included": Decimal(2)}, "211.20"),
        ({"less_included": Decimal(12)}, "0.00"),
        ({"bill_customer": "NoCharge"}, "0.00"),
        ({"bill_customer": "DoNotBill"}, "0.00"),
        ({"quantity": -1}, "-26.40"),
    ],
)
def test_flags_and_included_units(values, expected):
    assert total(invoiced(**values)) == Decimal(expected)


def test_not_billed_lines_give_no_row_and_free_ones_an_empty_row():
    hidden = bill_period((invoiced(bill_customer="DoNotBill"),), JULY, MONTHLY, PRORATE)
    free = bill_period((invoiced(bill_customer="NoCharge"),), JULY, MONTHLY, PRORATE)
    assert hidden.rows == ()
    assert [row.amount for row in free.rows] == [Decimal("0.00")]


def test_the_cancelled_day_may_be_the_first_unbilled_one():
    rules = BillingRules(prorate=True, cancel_inclusive=False)
    ended = through_may(cancelled=date(2026, 6, 16))
    assert total(ended, period=JUNE, rules=rules) == Decimal("132.00")


def test_prorated_additions_can_be_billed_at_once():
    late = line(2, 2, effective=date(2026, 6, 16))
    rows = immediate_rows(late, JUNE.last, MONTHLY, PRORATE)
    assert [row.amount for row in rows] == [Decimal("26.40")]
    assert immediate_rows(late, JUNE.last, MONTHLY, WHOLE) == ()


@given(
    day=st.integers(1, 30),
    seats=st.integers(1, 500),
    cents=st.integers(1, 100_000),
)
def test_owner_hub_and_owner_psa_bill_the_same(day, seats, cents):
    """Invariant I1: both ways to push an increase end in the same sum per period."""
    price = Decimal(cents) / 100
    since = date(2026, 6, day)
    amount = (seats * price * (31 - day) / 30).quantize(Decimal("0.01"))
    before = line(1, 10, str(price), billed_through=JUNE.last, billed_amount=price * 10)
    patched = line(
        1, 10 + seats, str(price), billed_through=JUNE.last, billed_amount=price * 10
    )
    one_time = line(2, 1, str(amount), effective=JULY.first, cancelled=JULY.last)
    delta = line(2, seats, str(price), effective=since)
    assert abs(total(patched, one_time) - total(before, delta)) <= Decimal("0.01")


@given(
    st.dates(date(2020, 1, 1), date(2035, 12, 31)),
    st.dates(date(2020, 1, 1), date(2035, 12, 31)),
    st.sampled_from(sorted({*MONTHS, *DAYS})),
    st.booleans(),
)
def test_periods_cover_every_day_once(anchor, day, option, calendar):
    cycle = Cycle(option, calendar=calendar, anchor=anchor)
    here = cycle.containing(day)
    assert here.first <= day <= here.last
    assert cycle.after(here).first == here.last + timedelta(days=1)
    assert cycle.before(here).last == here.first - timedelta(days=1)
    assert cycle.containing(here.first) == here == cycle.containing(here.last)


def test_months_are_added_with_the_last_day_kept_inside():
    assert add_months(date(2026, 1, 31), 1) == date(2026, 2, 28)
    assert add_months(date(2026, 12, 15), -12) == date(2025, 12, 15)
