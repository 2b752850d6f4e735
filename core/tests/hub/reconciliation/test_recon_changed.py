"""Summing up only what changed gives what summing up everything gives."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from entrepot.hub.mapping.tables import CustomerMap, ProductMap
from entrepot.hub.psa.tables import PsaAgreement
from entrepot.hub.reconciliation import changed
from entrepot.hub.reconciliation.decisions import Decide
from entrepot.hub.reconciliation.firstpass import _special, first_pass
from entrepot.hub.reconciliation.loading import load_base
from entrepot.hub.reconciliation.run_steps import RunInfo, new_run
from entrepot.hub.reconciliation.scopes import subjects_of
from entrepot.hub.reconciliation.tables import ReconCoverage, ReconMemory, ReconRule
from entrepot.store import TenantScope
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

COUNT = 14


@pytest.fixture
def world(books):
    """Companies that match, and were proved to by their sums."""
    for number in range(COUNT):
        name = f"c{number}"
        books.vendor.sell(name, f"{name}-a", 4)
        books.vendor.sell(name, f"{name}-b", 6)
        books.psa.line(f"{name}-l", name, 10)
    books.sync()
    books.map_all()
    books.reconcile()
    books.hub.clock.advance(timedelta(days=3))
    books.reconcile()
    return books


@dataclass
class Undone(Exception):
    """Ends a unit whose writes are not wanted."""

    found: Any


def looked(books, *, forget: bool) -> Any:
    """What a first look says now; nothing of it is kept."""
    tenant, psa, now = books.actor.tenant_id, books.psa_id, books.hub.clock.now()
    try:
        with books.hub.store.unit(TenantScope(tenant)) as session:
            if forget:
                session.execute(
                    delete(ReconMemory)
                    .where(ReconMemory.tenant_id == tenant)
                    .execution_options(synchronize_session=False)
                )
            base = load_base(session, tenant, psa, "UTC", now)
            row = new_run(RunInfo("look", tenant, psa), "all", "test", "test", now)
            session.add(row)
            session.flush()
            marked = _special(session, base)
            subjects = subjects_of(session, base, "all")
            kept, verdict = first_pass(session, base, subjects, row)
            rows = session.execute(
                select(
                    ReconCoverage.scope,
                    ReconCoverage.outcome,
                    ReconCoverage.subscriptions,
                    ReconCoverage.lines,
                    ReconCoverage.keys,
                ).where(ReconCoverage.tenant_id == tenant)
            ).all()
            said = sorted(tuple(one) for one in rows if one.scope not in marked)
            raise Undone((kept, verdict, said))
    except Undone as undone:
        return undone.found


def _company(books, name):
    """Another PSA agreement state, written past sync: only the digest can tell."""
    with books.hub.store.unit(TenantScope(books.actor.tenant_id)) as session:
        row = session.query(PsaAgreement).filter_by(company_vendor_id=name).one()
        row.currency = "EUR" if row.currency == "USD" else "USD"


def _map(books, name):
    with books.hub.store.unit(TenantScope(books.actor.tenant_id)) as session:
        row = session.query(CustomerMap).filter_by(psa_company_id=name).one()
        row.status = "excluded" if row.status == "confirmed" else "confirmed"


def _product(books, _):
    with books.hub.store.unit(TenantScope(books.actor.tenant_id)) as session:
        row = session.query(ProductMap).filter_by(sku="OTHER").first()
        if row is None:
            books.map_product(session, "OTHER", "5502")
        else:
            row.status = "excluded" if row.status == "confirmed" else "confirmed"


def _quantity(books, name):
    for id_ in (f"{name}-a", f"{name}-x"):
        if id_ in books.vendor.subscriptions:
            found = books.vendor.subscriptions[id_]
            books.vendor.set(id_, quantity=found.quantity + 1)


def _both(books, name):
    _quantity(books, name)
    if f"{name}-l" in books.psa.lines:
        line = books.psa.lines[f"{name}-l"]
        books.psa.edit(f"{name}-l", quantity=line.quantity + 1)


def _gone(books, name):
    books.vendor.subscriptions.pop(f"{name}-b", None)


def _line_gone(books, name):
    books.psa.lines.pop(f"{name}-l", None)


def _more(books, name):
    books.vendor.sell(name, f"{name}-x", 2, sku="OTHER")
    books.psa.line(f"{name}-m", name, 2, product_id="5502")


def _moves(books, name):
    """To another customer, and the line with it to another company."""
    other = "c1" if name != "c1" else "c2"
    if f"{name}-b" in books.vendor.subscriptions:
        books.vendor.set(f"{name}-b", customer_id=other)


def _line_moves(books, name):
    other = "c2" if name != "c2" else "c1"
    if f"{name}-l" in books.psa.lines:
        books.psa.edit(f"{name}-l", company_id=other, agreement_id=f"a-{other}")


def _cost(books, name):
    if f"{name}-a" in books.vendor.subscriptions:
        books.vendor.set(f"{name}-a", unit_cost=Decimal("23.50"))


def _ends(books, name):
    """A term that won't renew: time alone brings it near."""
    if f"{name}-a" in books.vendor.subscriptions:
        end = datetime(2026, 9, 12, tzinfo=UTC)
        books.vendor.set(f"{name}-a", auto_renew=False, term_end=end)


def _price(books, _):
    with books.hub.store.unit(TenantScope(books.actor.tenant_id)) as session:
        row = session.query(ReconRule).filter_by(kind="price").one()
        other = {"20": "21", "21": "20"}[row.body["value"]]
        row.body = {"mode": "markup", "value": other}


def _unmanaged(books, _):
    for issue in books.issues():
        if issue.lines:
            wanted = Decide(resolution="mark_unmanaged", reason="not ours")
            books.hub.reconciliation.decide(books.actor, issue.id, wanted)
            return


OWN = [
    _company,
    _map,
    _quantity,
    _both,
    _gone,
    _line_gone,
    _more,
    _moves,
    _line_moves,
    _cost,
    _ends,
]
SHARED = [_unmanaged, _product, _price]
step = st.tuples(
    st.sampled_from(OWN + SHARED),
    st.integers(3, 9).map("c{}".format),
)


@settings(
    max_examples=5,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    steps=st.lists(step, min_size=1, max_size=3),
    hours=st.sampled_from([1, 60, 240]),
    whole=st.booleans(),
)
def test_what_changed_is_all_that_needs_summing_up(world, steps, hours, whole):
    """From any state, after any changes, the short way says what the long one says."""
    for change, name in steps:
        change(world, name)
    world.sync()
    world.hub.clock.advance(timedelta(hours=hours))
    assert looked(world, forget=False) == looked(world, forget=True)
    if whole:
        world.reconcile()
        assert looked(world, forget=False) == looked(world, forget=True)


@pytest.fixture
def summed(monkeypatch):
    """Which companies each look has summed up; None for all."""
    found: list[list[str] | None] = []
    real = changed.changed_companies

    def spy(*given: Any) -> list[str] | None:
        found.append(real(*given))
        return found[-1]

    monkeypatch.setattr("entrepot.hub.reconciliation.firstpass.changed_companies", spy)
    return found


def test_each_kind_of_change_is_seen(world, summed):
    """Each befalls a company of its own, so that none hides another."""
    for number, change in enumerate(OWN):
        change(world, f"c{number + 3}")
    world.sync()
    world.hub.clock.advance(timedelta(hours=60))
    assert looked(world, forget=False) == looked(world, forget=True)
    assert summed[0] is not None
    world.reconcile()
    world.hub.clock.advance(timedelta(days=3))
    for change in SHARED:
        change(world, "")
        assert looked(world, forget=False) == looked(world, forget=True)


def test_only_changed_companies_are_summed_up_again(world, summed):
    world.reconcile()
    _both(world, "c3")
    world.vendor.set(
        "c5-a", auto_renew=False, term_end=datetime(2026, 9, 12, tzinfo=UTC)
    )
    world.sync()
    world.hub.clock.advance(timedelta(days=3))
    world.reconcile()
    world.hub.clock.advance(timedelta(days=3))
    world.reconcile()
    assert summed == [[], ["c3", "c5"], []]
    world.hub.clock.advance(timedelta(days=30))
    run = world.reconcile()
    assert (summed[-1], run.counts["detailed"]) == (["c5"], 1)
    _price(world, "c1")
    assert world.reconcile().counts["detailed"] == COUNT
