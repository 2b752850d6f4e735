"""Level 2 over the books: closed periods, what settles them, what stays beside them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from entrepot.hub.psa.tables import PsaAgreement
from entrepot.hub.reconciliation.decisions import Decide
from entrepot.hub.reconciliation.periods_store import _Invoices
from entrepot.hub.reconciliation.queries import IssueQuery
from entrepot.hub.reconciliation.rules.psa_records import QuantityUntil
from entrepot.hub.reconciliation.rules_store import RuleWish
from entrepot.hub.reconciliation.tables import GapLedger
from entrepot.sdk.errors import Rejected
from entrepot.store import TenantScope

UTC_ZONE = UTC


@pytest.fixture
def grown(contoso):
    """R02: ten seats became twelve on June 16; June is invoiced in advance."""
    contoso.reconcile()
    contoso.vendor.set(
        "s1", quantity=Decimal(12), changed_at=datetime(2026, 6, 16, tzinfo=UTC)
    )
    contoso.sync()
    return contoso


def gap_of(books):
    return next(one for one in books.issues() if one.kind == "PERIOD_GAP")


def test_closed_periods_are_found_settled_and_stay_settled(grown):
    run = grown.reconcile(level=2)
    assert (run.level, run.outcome) == (2, "differences")
    assert grown.kinds() == ["PERIOD_GAP", "QUANTITY_UNDERBILLED"]
    assert gap_of(grown).impact_once == Decimal("26.40")
    # A look at the next invoice says nothing of closed periods, good or bad.
    grown.reconcile()
    assert grown.kinds() == ["PERIOD_GAP", "QUANTITY_UNDERBILLED"]
    done = grown.correct("QUANTITY_UNDERBILLED")
    assert done.state == "done"
    # June was invoiced with ten, whatever the line carries now.
    grown.sync()
    assert grown.reconcile().outcome == "differences"
    grown.reconcile(level=2)
    gap = gap_of(grown)
    assert gap.impact_once == Decimal("26.40")
    (total,) = grown.hub.reconciliation.totals(grown.actor, IssueQuery())
    assert (total.under, total.once_under) == (0, Decimal("26.40"))

    service = grown.hub.reconciliation
    wanted = Decide(resolution="settle", reason="charged by hand", line_id="l9")
    with pytest.raises(Rejected, match="reason"):
        service.decide(grown.actor, gap.id, Decide(resolution="settle"))
    service.decide(grown.actor, gap.id, wanted)
    with grown.hub.store.read(TenantScope(grown.actor.tenant_id)) as session:
        (entry,) = session.query(GapLedger).all()
        assert (entry.period_start, entry.unit_days) == (date(2026, 6, 1), 30)
        assert (entry.amount, entry.line_id) == (Decimal("26.40"), "l9")
    assert grown.reconcile(level=2).outcome == "clean"
    closed = grown.issues(open=False, kinds=("PERIOD_GAP",))
    assert [one.state for one in closed] == ["resolved"]

    # A later change of truth: only what goes beyond the settled part is a gap.
    grown.vendor.set(
        "s1", quantity=Decimal(13), changed_at=datetime(2026, 6, 17, tzinfo=UTC)
    )
    grown.sync()
    grown.reconcile(level=2)
    assert gap_of(grown).impact_once == Decimal("12.32")


def test_a_connection_can_ask_for_closed_periods_always(grown):
    grown.hub.reconciliation.rules.set(
        grown.actor,
        RuleWish(psa_connection_id=grown.psa_id, kind="limits", body={"level": 2}),
    )
    assert grown.reconcile().level == 2
    assert "PERIOD_GAP" in grown.kinds()
    with pytest.raises(Rejected, match="level 3"):
        grown.hub.reconciliation.rules.set(
            grown.actor,
            RuleWish(psa_connection_id=grown.psa_id, kind="limits", body={"level": 3}),
        )


def test_only_closed_periods_can_be_settled_and_only_two_levels_exist(grown):
    grown.reconcile()
    (issue,) = grown.issues()
    wanted = Decide(resolution="settle", reason="by hand")
    with pytest.raises(Rejected, match="closed period"):
        grown.hub.reconciliation.decide(grown.actor, issue.id, wanted)
    with pytest.raises(Rejected, match="level 3"):
        grown.hub.reconciliation.start(grown.actor, grown.psa_id, level=3)


def agreement(**values) -> PsaAgreement:
    base = {
        "vendor_id": "901",
        "company_vendor_id": "250",
        "name": "A",
        "type_id": "",
        "status": "active",
        "billing_cycle": "monthly",
        "period_anchor": "calendar",
        "billing_mode": "advance",
        "lock_mode": "unknown",
        "currency": "USD",
        "start": date(2026, 1, 1),
        "lock_known": True,
        "lock_through": date(2026, 6, 30),
        "lock_periods": [],
        "family_vendor_id": "",
        "vendor_version": "",
    }
    return PsaAgreement(**(base | values))


def at(month: int, day: int) -> datetime:
    return datetime(2026, month, day, 12, tzinfo=UTC)


STEPS = [(at(1, 5), Decimal(8)), (at(4, 10), Decimal(10)), (at(6, 20), Decimal(12))]


@pytest.mark.parametrize(
    ("values", "until"),
    [
        ({}, [date(2026, 4, 30), date(2026, 6, 30)]),
        (
            {"billing_mode": "arrears", "lock_through": date(2026, 5, 31)},
            [date(2026, 3, 31), date(2026, 5, 31)],
        ),
        # The invoices themselves know better than the usual course.
        (
            {
                "lock_periods": [
                    {"invoiced_on": "2026-03-28", "last_day": "2026-04-30"},
                    {"invoiced_on": "2026-04-05", "last_day": "2026-05-31"},
                ]
            },
            [date(2026, 5, 31)],
        ),
        ({"lock_through": None}, []),
    ],
)
def test_what_a_line_carried_when_its_periods_were_invoiced(values, until):
    found = _Invoices(agreement(**values), UTC_ZONE).earlier(STEPS)
    assert [one.until for one in found] == until
    assert all(isinstance(one, QuantityUntil) for one in found)
