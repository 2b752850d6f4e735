"""What rows of the books become as inputs of the rules; previews; choices."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from entrepot.hub.reconciliation.casefiles.reader import read_fixture
from entrepot.hub.reconciliation.casefiles.runner import FIXTURE, shipped_cases
from entrepot.hub.reconciliation.casefiles.state import World
from entrepot.hub.reconciliation.rules.books import Books
from entrepot.hub.reconciliation.rules.engine import reconcile
from entrepot.hub.reconciliation.rules.keys import sort_into_keys
from entrepot.hub.reconciliation.rules.policy import AgreementMode, AgreementRule
from entrepot.hub.reconciliation.rules.results import Do
from entrepot.hub.reconciliation.subscription_rows import Listed, _Days, _record
from entrepot.hub.subscriptions.tables import SubscriptionRow
from entrepot.sdk.model import BillingCycle

BASE = read_fixture(shipped_cases() / FIXTURE)
NOW = datetime(2026, 6, 20, 12, tzinfo=UTC)
TERM_END = datetime(2027, 2, 1, tzinfo=UTC)


def row(**values) -> SubscriptionRow:
    base = {
        "id": "sub_1",
        "connection_id": "con_1",
        "customer_vendor_id": "contoso",
        "name": "Seat",
        "product_id": "",
        "sku": "SEAT",
        "offer_key": "SEAT",
        "segment": "",
        "currency": "",
        "status": "active",
        "quantity": Decimal(10),
        "unit_cost": None,
        "term": "P1Y",
        "billing_cycle": "monthly",
        "billed": True,
        "is_trial": False,
        "auto_renew": True,
        "scheduled": [],
        "started_at": datetime(2026, 2, 1, tzinfo=UTC),
        "term_end": TERM_END,
        "missing_runs": 0,
        "known_at": datetime(2026, 2, 1, tzinfo=UTC),
    }
    return SubscriptionRow(**(base | values))


def record(**values):
    prices = {("con_1", "SEAT"): Listed(Decimal(22), Decimal(30), "EUR")}
    return _record(row(**values), [], prices, _Days(ZoneInfo("UTC"), NOW))


def test_what_a_vendor_leaves_out_comes_from_the_offer():
    found = record()
    assert (found.currency, found.phases[0].unit_cost) == ("EUR", Decimal(22))
    assert record(currency="USD").currency == "USD"
    assert record(offer_key="other").currency == ""


@pytest.mark.parametrize(
    ("values", "ends"),
    [
        ({}, None),
        ({"auto_renew": None}, None),
        ({"auto_renew": False}, date(2027, 2, 1)),
        # The vendor says what comes after the term: seats run on unrenewed.
        (
            {
                "auto_renew": False,
                "scheduled": [
                    {"kind": "other", "effective_at": TERM_END.isoformat()},
                ],
            },
            None,
        ),
        (
            {"scheduled": [{"kind": "end", "effective_at": "2026-08-01T00:00:00Z"}]},
            date(2026, 8, 1),
        ),
        # Still active long after its term: it did run on.
        ({"auto_renew": False, "term_end": datetime(2026, 6, 1, tzinfo=UTC)}, None),
        (
            {"auto_renew": False, "term_end": datetime(2026, 6, 20, tzinfo=UTC)},
            date(2026, 6, 20),
        ),
        (
            {"status": "ended", "ended_at": datetime(2026, 5, 3, tzinfo=UTC)},
            date(2026, 5, 3),
        ),
    ],
)
def test_without_renewal_a_service_ends_unless_it_runs_on(values, ends):
    assert record(**values).ends == ends


@pytest.mark.parametrize(
    ("planned", "costs"),
    [
        ({"quantity": "7"}, [Decimal(22), Decimal(22)]),
        ({"quantity": "7", "billing_cycle": "annual"}, [Decimal(22), None]),
        ({"term": "P3Y"}, [Decimal(22), None]),
    ],
)
def test_what_another_plan_will_cost_is_not_guessed(planned, costs):
    coming = {"kind": "next_term", "effective_at": TERM_END.isoformat()}
    phases = record(scheduled=[coming | planned]).phases
    assert [phase.unit_cost for phase in phases] == costs
    assert (phases[0].scheduled, phases[1].scheduled) == (False, True)


def inputs_of(case: dict):
    return World.of(BASE, case).inputs("here")


def with_second_agreement(lines: dict, cycle: BillingCycle = BillingCycle.ANNUAL):
    """Two active agreements of one company, and no rule that says which."""
    inputs, _ = inputs_of({"psa": {"lines": lines}})
    first = next(one for one in inputs.psa.agreements if one.id == "901")
    second = replace(first, id="902", name="Yearly", billing_cycle=cycle)
    return replace(
        inputs,
        psa=replace(inputs.psa, agreements=(first, second), links=()),
        policy=replace(
            inputs.policy, agreements=(AgreementRule(mode=AgreementMode.ONLY),)
        ),
    )


def test_of_several_agreements_the_one_of_the_same_cycle_is_taken():
    inputs = with_second_agreement({"A-1": None})
    books = Books(inputs)
    found = sort_into_keys(books, inputs.vendor.subscriptions)
    assert [case.key.agreement for case in found.cases] == ["901"]
    assert found.unresolved == []


def test_two_agreements_of_the_same_cycle_are_left_to_a_person():
    inputs = with_second_agreement({"A-1": None}, BillingCycle.MONTHLY)
    found = sort_into_keys(Books(inputs), inputs.vendor.subscriptions)
    assert found.cases == []
    assert [one.subscription for one in found.unresolved] == ["S-1"]


def test_a_line_tells_where_the_product_stands_before_any_cycle():
    inputs = with_second_agreement({"A-1": None})
    line = replace(
        next(one for one in inputs_of({})[0].psa.lines if one.id == "A-1"),
        agreement="902",
    )
    inputs = replace(inputs, psa=replace(inputs.psa, lines=(line,)))
    found = sort_into_keys(Books(inputs), inputs.vendor.subscriptions)
    assert [case.key.agreement for case in found.cases] == ["902"]


def kept_price(lines: dict):
    """Prices are not managed: the catalogue's holds for a new line."""
    case = {"psa": {"lines": lines}, "rules": {"price": {"mode": "keep"}}}
    inputs, auto = inputs_of(case)
    item = replace(inputs.psa.catalogue[0], price=Decimal("30.00"))
    return replace(inputs, psa=replace(inputs.psa, catalogue=(item,), links=())), auto


def test_a_new_line_of_an_unmanaged_price_is_worth_the_catalogues():
    inputs, auto = kept_price({"A-1": None})
    result = reconcile(inputs, policy=auto)
    (issue,) = result.issues
    (proposal,) = result.proposals
    assert (issue.kind, issue.impact_recurring) == ("MISSING_IN_PSA", Decimal(300))
    (create,) = proposal.operations
    assert (create.do, create.unit_price) == (Do.CREATE, Decimal("30.00"))
    assert (proposal.preview["before"], proposal.preview["after"]) == ("0.00", "300.00")
    assert proposal.answered == proposal.issues


def test_a_price_nobody_knows_is_not_shown_as_nothing():
    inputs, auto = kept_price({"A-1": None})
    item = replace(inputs.psa.catalogue[0], price=None)
    inputs = replace(inputs, psa=replace(inputs.psa, catalogue=(item,)))
    (proposal,) = reconcile(inputs, policy=auto).proposals
    assert proposal.preview["before"] == "0.00"
    assert proposal.preview["after"] == "not known"


def test_a_line_stranded_on_an_ended_agreement_is_found():
    """Nothing invoices it any more, and no other agreement takes over."""
    inputs, auto = inputs_of({"psa": {"agreements": {"901": {"status": "cancelled"}}}})
    result = reconcile(inputs, policy=auto)
    assert [one.kind for one in result.issues] == ["AGREEMENT_INACTIVE"]
    (why,) = result.proposals[0].not_pushed
    assert why.code == "no_successor"
