"""What must hold for any subscriptions, lines and shares."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from random import Random

import pytest
from entrepot.hub.reconciliation.casefiles.reader import read_fixture
from entrepot.hub.reconciliation.casefiles.runner import FIXTURE, shipped_cases
from entrepot.hub.reconciliation.casefiles.state import World
from entrepot.hub.reconciliation.rules.books import Books, Inputs
from entrepot.hub.reconciliation.rules.engine import reconcile
from entrepot.hub.reconciliation.rules.keys import sort_into_keys
from entrepot.hub.reconciliation.rules.kinds import Kind
from entrepot.hub.reconciliation.rules.lock import lock_of, period_of
from entrepot.hub.reconciliation.rules.numbers import money, plain
from entrepot.hub.reconciliation.rules.psa_records import Agreement
from entrepot.hub.reconciliation.rules.records import CustomerShare, ShareMode
from entrepot.hub.reconciliation.rules.results import Do, Outcome
from entrepot.hub.reconciliation.rules.shares import problem_of, split
from entrepot.hub.reconciliation.rules.staleness import stale_because
from entrepot.hub.reconciliation.rules.timeline import (
    Segment,
    expect,
    merge,
    timeline,
)
from entrepot.sdk.model import BillingCycle, BillingMode, PeriodAnchor
from hypothesis import given, settings
from hypothesis import strategies as st

BASE = read_fixture(shipped_cases() / FIXTURE)
FEW = settings(max_examples=60, deadline=None)


def world(case: dict) -> World:
    return World.of(BASE, case)


def run(case: dict):
    inputs, auto = world(case).inputs("property")
    return reconcile(inputs, policy=auto)


quantities = st.integers(0, 40)
days = st.dates(date(2026, 2, 2), date(2026, 7, 20))


@st.composite
def cases(draw) -> dict:
    """A company with up to three subscriptions and lines, advance or arrears."""
    subscriptions = {}
    for number in range(draw(st.integers(1, 3))):
        body: dict = {"quantity": draw(quantities)}
        if draw(st.booleans()):
            body |= {"since": draw(days), "was": draw(quantities)}
        if draw(st.integers(0, 4)) == 0:
            body["last_day"] = draw(days)
        subscriptions[f"S-{number + 1}"] = body
    lines: dict = {"A-1": None}
    for number in range(draw(st.integers(0, 3))):
        line: dict = {"quantity": draw(quantities)}
        if draw(st.booleans()):
            line["linked"] = draw(st.sampled_from(sorted(subscriptions)))
        if draw(st.integers(0, 4)) == 0:
            line["cancelled"] = draw(days)
        if draw(st.integers(0, 4)) == 0:
            line["effective"] = draw(days)
        lines[f"L-{number + 1}"] = line
    return {
        "vendor": {"subscriptions": subscriptions},
        "psa": {
            "lines": lines,
            "agreements": {
                "901": {"mode": draw(st.sampled_from(["advance", "arrears"]))}
            },
        },
        "rules": {
            "agreement": {
                "owner": draw(st.sampled_from(["hub", "psa", "none"])),
                "dated_lines": draw(st.sampled_from(["when_needed", "always"])),
            }
        },
    }


@given(cases())
@FEW
def test_applying_puts_the_key_right_and_twice_changes_nothing(case):
    """I2 and I3 at level 1, for whatever this version writes."""
    before = world(case)
    inputs, _ = before.inputs("property")
    first = reconcile(inputs)
    after = before
    written = []
    for proposal in first.proposals:
        assert stale_because(inputs, proposal) == []
        after = after.applied(proposal.operations)
        written += proposal.operations
    inputs, _ = after.inputs("property")
    second = reconcile(inputs)
    kinds = {issue.kind for issue in second.issues}
    if any(op.do in (Do.SET_QUANTITY, Do.CREATE) for op in written):
        assert Kind.MISSING_IN_PSA not in kinds
        assert Kind.QUANTITY_UNDERBILLED not in kinds
        assert Kind.QUANTITY_OVERBILLED not in kinds
    again = [op for proposal in second.proposals for op in proposal.operations]
    assert not set(again) & set(written)


@given(cases())
@FEW
def test_no_operation_alters_an_invoiced_day(case):
    """I4: nothing begins, ends or changes inside what is already invoiced."""
    inputs, _ = world(case).inputs("property")
    through = inputs.psa.agreements[0].locked_through
    for proposal in reconcile(inputs).proposals:
        for operations in (proposal.operations, *proposal.choices.values()):
            for operation in operations:
                if operation.effective is not None:
                    assert operation.effective > through
                if operation.ends is not None:
                    assert operation.ends >= through


@given(cases())
@FEW
def test_an_arrears_line_is_never_changed_in_place(case):
    case["psa"]["agreements"]["901"]["mode"] = "arrears"
    for proposal in run(case).proposals:
        assert all(op.do is not Do.SET_QUANTITY for op in proposal.operations)


@given(cases(), st.randoms(use_true_random=False))
@FEW
def test_the_order_of_records_does_not_matter(case, random: Random):
    inputs, _ = world(case).inputs("property")
    subscriptions = list(inputs.vendor.subscriptions)
    lines = list(inputs.psa.lines)
    random.shuffle(subscriptions)
    random.shuffle(lines)
    shuffled = Inputs(
        as_of=inputs.as_of,
        vendor=replace(inputs.vendor, subscriptions=tuple(subscriptions)),
        psa=replace(inputs.psa, lines=tuple(lines)),
        policy=inputs.policy,
        tenant=inputs.tenant,
        psa_connection=inputs.psa_connection,
    )
    assert reconcile(shuffled) == reconcile(inputs)


@given(cases())
@FEW
def test_headline_never_nets_and_adds_up(case):
    result = run(case)
    recurring = [issue.impact_recurring or Decimal(0) for issue in result.issues]
    under = sum((total.under for total in result.totals), Decimal(0))
    over = sum((total.over for total in result.totals), Decimal(0))
    assert under == sum((one for one in recurring if one > 0), Decimal(0))
    assert over == -sum((one for one in recurring if one < 0), Decimal(0))
    assert all(one == money(one) for one in recurring)


@given(cases())
@FEW
def test_one_key_has_one_issue_of_a_kind_and_unique_fingerprints(case):
    prints = [issue.fingerprint for issue in run(case).issues]
    assert len(prints) == len(set(prints))


@given(cases())
@FEW
def test_clean_means_that_bought_and_billed_agree(case):
    result = run(case)
    if result.verdict.outcome is Outcome.CLEAN:
        assert result.verdict.subscriptions + result.verdict.lines > 0
        assert all(issue.severity == "info" for issue in result.issues)


@given(cases())
@FEW
def test_a_timeline_is_gapless_merged_and_agrees_with_its_days(case):
    inputs, _ = world(case).inputs("property")
    books = Books(inputs)
    for key in sort_into_keys(books, inputs.vendor.subscriptions).cases:
        segments = timeline(books, key)
        for left, right in pairwise(segments):
            assert left.ends == right.starts
            assert (left.quantity, left.unit_price, left.unit_cost) != (
                right.quantity,
                right.unit_price,
                right.unit_cost,
            )
        for segment in segments:
            last = (segment.ends or segment.starts + timedelta(days=40)) - timedelta(1)
            for day in (segment.starts, last):
                assert expect(books, key, day).quantity == segment.quantity


def test_equal_neighbours_become_one_segment():
    def part(first: int, last: int | None, quantity: int) -> Segment:
        return Segment(
            starts=date(2026, 6, first),
            ends=None if last is None else date(2026, 6, last),
            quantity=Decimal(quantity),
            unit_price=None,
            unit_cost=None,
        )

    merged = merge([part(1, 5, 3), part(5, 9, 3), part(9, None, 4)])
    assert merged == (part(1, 9, 3), part(9, None, 4))
    assert merge([]) == ()


@st.composite
def share_sets(draw) -> list[CustomerShare]:
    count = draw(st.integers(1, 5))
    shares = []
    room = 100
    for number in range(count):
        fixed = draw(st.booleans())
        top = 30 if fixed else max(room, 0)
        value = draw(st.integers(0, top))
        room -= 0 if fixed else value
        mode = ShareMode.FIXED if fixed else ShareMode.PERCENT
        shares.append(
            CustomerShare(
                connection="V",
                customer="C",
                company=f"{number}",
                mode=mode,
                value=Decimal(value),
            )
        )
    rest = CustomerShare(
        connection="V", customer="C", company="rest", mode=ShareMode.REMAINDER
    )
    return [*shares, rest]


@given(share_sets(), st.integers(0, 500))
@settings(max_examples=200, deadline=None)
def test_shares_add_up_exactly_and_stay_whole(shares, quantity):
    assert problem_of(shares) == ""
    parts = split(Decimal(quantity), shares)
    assert sum(parts.values()) == quantity
    assert all(
        part >= 0 and part == part.to_integral_value() for part in parts.values()
    )


@given(st.decimals("0", "9999", places=3), share_sets())
@settings(max_examples=100, deadline=None)
def test_shares_of_fractions_add_up_too(quantity, shares):
    assert sum(split(quantity, shares).values()) == quantity


def _share(company: str, mode: str, value: int = 0) -> CustomerShare:
    return CustomerShare(
        connection="V",
        customer="C",
        company=company,
        mode=ShareMode(mode),
        value=Decimal(value),
    )


@pytest.mark.parametrize(
    ("shares", "words"),
    [
        ([_share("a", "all"), _share("b", "remainder")], "gets all"),
        ([_share("a", "fixed", 2), _share("b", "fixed", 3)], "exactly one"),
        ([_share("a", "remainder"), _share("b", "remainder")], "exactly one"),
        ([_share("a", "percent", 60), _share("b", "percent", 50)], "110 %"),
        ([_share("a", "fixed", 11), _share("b", "remainder")], "larger"),
        ([_share("a", "fixed", 1), _share("a", "remainder")], "two shares"),
    ],
)
def test_shares_that_do_not_add_up_say_why(shares, words):
    assert words in problem_of(shares, Decimal(10))


def test_fixed_first_then_percent_of_the_rest_then_the_remainder():
    shares = [
        _share("a", "fixed", 2),
        _share("b", "percent", 50),
        _share("c", "remainder"),
    ]
    assert split(Decimal(11), shares) == {"a": 2, "b": 5, "c": 4}
    assert split(Decimal(10), shares) == {"a": 2, "b": 4, "c": 4}


@given(
    st.dates(date(2020, 1, 31), date(2024, 12, 31)),
    st.dates(date(2025, 1, 1), date(2030, 1, 1)),
    st.sampled_from(
        [
            BillingCycle.MONTHLY,
            BillingCycle.QUARTERLY,
            BillingCycle.SEMIANNUAL,
            BillingCycle.ANNUAL,
            BillingCycle.WEEKLY,
            BillingCycle.BIWEEKLY,
        ]
    ),
    st.sampled_from([PeriodAnchor.CONTRACT, PeriodAnchor.CALENDAR]),
)
@settings(max_examples=200, deadline=None)
def test_periods_follow_one_another_without_gap(starts, day, cycle, anchor):
    agreement = Agreement(
        id="a", company="c", starts=starts, billing_cycle=cycle, anchor=anchor
    )
    period = period_of(agreement, day)
    assert day in period
    assert period_of(agreement, period.end).start == period.end
    assert period_of(agreement, period.start) == period


def test_lock_of_the_fixture():
    agreement = Agreement(
        id="901",
        company="250",
        locked_through=date(2026, 6, 30),
        starts=date(2026, 1, 1),
    )
    lock = lock_of(agreement, BillingMode.UNKNOWN, date(2026, 6, 20))
    assert (lock.first_open, lock.open_last) == (date(2026, 7, 1), date(2026, 7, 31))
    assert lock.horizon == date(2026, 7, 1)
    assert lock.mode is BillingMode.ADVANCE


def test_an_unknown_lock_writes_nothing_and_compares_today():
    case = {
        "vendor": {"subscriptions": {"S-1": {"quantity": 12}}},
        "psa": {"agreements": {"901": {"lock": "unknown"}}},
    }
    result = run(case)
    assert [issue.kind for issue in result.issues] == [Kind.QUANTITY_UNDERBILLED]
    assert [one.operations for one in result.proposals] == [()]
    assert [r.code for p in result.proposals for r in p.not_pushed] == ["lock_unknown"]


def test_nothing_examined_is_never_clean():
    case = {"vendor": {"subscriptions": {"S-1": None}}, "psa": {"lines": {"A-1": None}}}
    case["hub"] = {"subscriptions": {"S-1": None}}
    assert run(case).verdict.outcome is Outcome.NOT_EXAMINED


def test_the_moment_must_have_a_zone():
    with pytest.raises(ValueError, match="time zone"):
        Inputs(as_of=datetime(2026, 6, 20))  # noqa: DTZ001 - that is the point


def test_days_are_those_of_the_billing_zone():
    late = datetime(2026, 6, 30, 23, 30, tzinfo=UTC)
    assert Inputs(as_of=late, zone="Europe/Vienna").today == date(2026, 7, 1)


@given(
    st.decimals(
        allow_nan=False,
        allow_infinity=False,
        places=4,
        max_value=10**9,
        min_value=-(10**9),
    )
)
def test_money_rounds_half_up_and_texts_are_canonical(value):
    rounded = money(value)
    assert abs(rounded - value) <= Decimal("0.005")
    assert plain(value) == plain(value * Decimal("1.000"))
    assert str(money(Decimal("-0.001"))) == "0.00"
