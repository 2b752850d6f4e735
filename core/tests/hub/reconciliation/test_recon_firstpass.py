"""The first look in the database: what it leaves out is proved equal."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from entrepot.hub.mapping.tables import CustomerMap
from entrepot.hub.reconciliation.rules_store import RuleWish
from entrepot.hub.reconciliation.tables import ReconMemory
from entrepot.sdk.model import BillCustomer, ScheduledChange, ScheduledKind
from entrepot.store import TenantScope
from sqlalchemy import event

COUNT = 12


@pytest.fixture
def settled(books):
    """Twelve companies that match, all lines taken up, nothing new for days."""
    for number in range(COUNT):
        name = f"c{number:02}"
        books.vendor.sell(name, f"{name}-a", 4)
        books.vendor.sell(name, f"{name}-b", 6)
        books.psa.line(f"{name}-l", name, 10)
    books.sync()
    books.map_all()
    books.reconcile()
    books.hub.clock.advance(timedelta(days=3))
    return books


def test_equal_companies_are_settled_by_sums_alone(settled):
    run = settled.reconcile()
    assert run.outcome == "clean"
    assert run.counts.get("detailed", 0) == 0
    assert run.counts["subscriptions"] == 2 * COUNT
    assert run.counts["lines"] == COUNT


def test_lines_of_companies_nobody_mapped_are_out_of_scope(settled):
    settled.psa.line("x-l", "stranger", 3)
    settled.sync()
    settled.hub.clock.advance(timedelta(days=3))
    run = settled.reconcile()
    assert (run.outcome, run.counts.get("detailed", 0)) == ("clean", 0)
    assert run.counts["lines"] == COUNT


def test_a_company_that_is_unmapped_no_longer_counts(settled):
    with settled.hub.store.unit(TenantScope(settled.actor.tenant_id)) as session:
        session.query(CustomerMap).filter_by(
            psa_company_id="c03"
        ).one().status = "excluded"
    run = settled.reconcile()
    assert (run.outcome, run.counts["lines"]) == ("clean", COUNT - 1)


def _quantity(books):
    books.vendor.set("c03-a", quantity=Decimal(5))


def _line_price(books):
    books.psa.edit("c03-l", unit_price=Decimal("26.00"))


def _line_cost(books):
    books.psa.edit("c03-l", unit_cost=Decimal("21.00"))


def _vendor_cost(books):
    books.vendor.set("c03-a", unit_cost=Decimal("25.00"))


def _flag(books):
    books.psa.edit("c03-l", bill=BillCustomer.DO_NOT_BILL)


def _tax(books):
    books.psa.edit("c03-l", taxable=False)


def _end(books):
    books.psa.edit("c03-l", ends=date(2026, 6, 30))


def _included(books):
    books.psa.edit("c03-l", included_quantity=Decimal(1))


def _gone_line(books):
    del books.psa.lines["c03-l"]


def _second_line(books):
    books.psa.line("c03-m", "c03", 10)


def _other_product(books):
    books.vendor.sell("c03", "c03-x", 2, sku="OTHER")


def _found(books):
    rows = books.issues()
    return {(one.kind, one.company_id, one.impact_recurring) for one in rows}


@pytest.mark.parametrize(
    "change",
    [
        _quantity,
        _line_price,
        _line_cost,
        _vendor_cost,
        _flag,
        _tax,
        _end,
        _included,
        _gone_line,
        _second_line,
        _other_product,
    ],
)
def test_whatever_differs_is_looked_at_and_found(settled, change):
    """The same answer as a run that looks at everything in detail."""
    change(settled)
    settled.sync()
    settled.hub.clock.advance(timedelta(days=3))
    run = settled.reconcile()
    assert run.counts["detailed"] < COUNT
    assert settled.kinds() != []
    found = {
        (one.kind, one.company_id, one.impact_recurring) for one in settled.issues()
    }
    settled.reconcile("company:c03")
    again = {
        (one.kind, one.company_id, one.impact_recurring) for one in settled.issues()
    }
    assert {company for _, company, _ in found} <= {"c03", ""}
    assert found == again


def test_two_mistakes_that_cancel_out_are_seen(settled):
    """Sums are per product: two too many here, two too few there still differ."""
    with settled.hub.store.unit(TenantScope(settled.actor.tenant_id)) as session:
        settled.map_product(session, "OTHER", "5502")
    settled.vendor.sell("c03", "c03-x", 5, sku="OTHER")
    settled.psa.line("c03-m", "c03", 7, product_id="5502")
    settled.psa.edit("c03-l", quantity=Decimal(8))
    settled.sync()
    settled.reconcile()
    assert settled.kinds() == ["QUANTITY_OVERBILLED", "QUANTITY_UNDERBILLED"]


@pytest.mark.parametrize("what", ["share", "minimum", "scheduled", "preset"])
def test_what_sums_cannot_tell_is_looked_at(settled, what):
    if what == "share":
        with settled.hub.store.unit(TenantScope(settled.actor.tenant_id)) as session:
            row = session.query(CustomerMap).filter_by(psa_company_id="c03").one()
            row.share = "remainder"
    elif what == "minimum":
        wish = RuleWish(
            psa_connection_id=settled.psa_id,
            kind="minimum",
            company_id="c03",
            product_id="5501",
            body={"quantity": "11"},
        )
        settled.hub.reconciliation.rules.set(settled.actor, wish)
    elif what == "scheduled":
        moment = settled.hub.clock.now() + timedelta(days=100)
        change = ScheduledChange(
            kind=ScheduledKind.NEXT_TERM, effective_at=moment, quantity=Decimal(2)
        )
        settled.vendor.set("c03-a", scheduled=(change,))
        settled.sync()
        settled.hub.clock.advance(timedelta(days=3))
    else:
        wish = RuleWish(
            psa_connection_id=settled.psa_id,
            kind="agreement",
            body={"mode": "only", "preset_cancel_date": True},
        )
        settled.hub.reconciliation.rules.set(settled.actor, wish)
    run = settled.reconcile()
    assert run.counts["detailed"] == (COUNT if what == "preset" else 1)


def test_incomplete_data_leaves_nothing_to_sums(settled):
    settled.psa.forbidden.add("a-c05")
    settled.sync()
    run = settled.reconcile()
    assert run.outcome == "incomplete"
    assert settled.kinds() == ["DATA_INCOMPLETE"]


def test_a_company_with_an_open_issue_is_looked_at_so_that_it_heals(settled):
    before = settled.vendor.subscriptions["c03-a"]
    settled.vendor.set("c03-a", quantity=Decimal(5))
    settled.sync()
    settled.reconcile()
    assert settled.kinds() == ["QUANTITY_UNDERBILLED"]
    settled.vendor.subscriptions["c03-a"] = replace(before)
    settled.sync()
    settled.hub.clock.advance(timedelta(days=5))
    settled.reconcile()
    assert settled.kinds() == []
    run = settled.reconcile()
    assert (run.outcome, run.counts.get("detailed", 0)) == ("clean", 0)
    assert isinstance(run.as_of, datetime)


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_sums_of_all_companies_are_not_joined_in_loops(settled):
    """The planner takes kinds of subscriptions for rarer than they are.

    It then read all customers once for each subscription: minutes at a hundred
    thousand of them, hours at a million.
    """
    asked = []

    def plan(connection, cursor, statement, parameters, *_):
        if "INSERT INTO recon_coverage" in statement and not asked:
            asked.append(statement)
            found = connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)
            asked.extend(row[0] for row in found)

    with settled.hub.store.unit(TenantScope(settled.actor.tenant_id)) as session:
        session.query(ReconMemory).delete()
    event.listen(settled.hub.store.engine, "before_cursor_execute", plan)
    try:
        settled.reconcile()
    finally:
        event.remove(settled.hub.store.engine, "before_cursor_execute", plan)
    assert any("Hash" in line for line in asked[1:])
    assert not any("Nested Loop" in line for line in asked[1:])
