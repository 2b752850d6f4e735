"""Differences of every sort in the books, for tests of the pages that show them."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from entrepot.hub.reconciliation.tables import (
    ReconIssue,
    ReconOperation,
    ReconPlan,
    ReconPlanPart,
    ReconRun,
)
from entrepot.hub.subscriptions.tables import SubscriptionRow
from entrepot.store import TenantScope, new_id

D = Decimal
KINDS = (
    ("QUANTITY_UNDERBILLED", {"quantity": "96"}, {"quantity": "88"}, D(8), D("176.00")),
    ("QUANTITY_OVERBILLED", {"quantity": "31"}, {"quantity": "40"}, D(-9), D("-36.00")),
    (
        "PRICE_MISMATCH",
        {"unit_price": "22.10"},
        {"unit_price": "22.00"},
        None,
        D("8.80"),
    ),
    ("PERIOD_GAP", {"period": "October"}, {"unit_days": "31"}, None, D(0)),
)


def differences(store: Any, now: Any, tenant_id: str, books: Any) -> dict[str, str]:
    """Differences of every sort, two comparisons and a draft of a plan, by name."""
    found: dict[str, str] = {}
    with store.unit(TenantScope(tenant_id)) as session:
        for name, hours in (("before", 30), ("after", 1)):
            moment = now - timedelta(hours=hours)
            run = ReconRun(
                id=f"recon:all:{new_id('x')}", tenant_id=tenant_id, scope="all",
                psa_connection_id=books.psa, state="ok", cause="button",
                requested_by="Ana", created_at=moment, started_at=moment,
                ended_at=moment, outcome="differences",
            )  # fmt: skip
            session.add(run)
            found[name] = run.id
        session.get(SubscriptionRow, books.subscriptions[0]).quantity = D(96)
        for at, (kind, expected, actual, delta, impact) in enumerate(KINDS):
            issue = ReconIssue(
                id=new_id("iss"), tenant_id=tenant_id, psa_connection_id=books.psa,
                fingerprint=f"{at:064x}", kind=kind, severity="error",
                company_id="2471", agreement_id="118", product_id="7",
                vendor_connection_id=books.vendor, sku="SKU-0", expected=expected,
                actual=actual, delta=delta, impact_recurring=impact, currency="USD",
                impact_once=D("14.20") if kind == "PERIOD_GAP" else None,
                subject="2026-10-01", state="open", is_open=True, value_hash="h" * 64,
                first_seen=now - timedelta(hours=1 if at else 30), last_seen=now,
                first_run=found["after"], last_run=found["after"], lines=["204"],
                subscriptions=[books.subscriptions[0]],
            )  # fmt: skip
            session.add(issue)
            found[kind] = issue.id
        found["plan"] = _plan(session, now, tenant_id, books)
    return found


def _plan(session: Any, now: Any, tenant_id: str, books: Any) -> str:
    plan = ReconPlan(
        id=new_id("pln"), tenant_id=tenant_id, psa_connection_id=books.psa,
        state="draft", issues=[], digest="d" * 64, created_by="Ana", created_at=now,
        preview=[{
            "before": "1315.00", "after": "not known", "difference": "90.00",
            "currency": "USD", "invoice_from": "2026-12-01",
        }],
    )  # fmt: skip
    session.add(plan)
    session.flush()
    for seq in (1, 2):
        session.add(
            ReconPlanPart(
                plan_id=plan.id,
                seq=seq,
                tenant_id=tenant_id,
                company_id="2471",
                agreement_id="118",
                product_id="7",
                issues=[],
                proposal={},
                state="draft",
            )
        )
    call = {
        "description": "Change it.",
        "method": "PATCH",
        "target": "/additions/204",
        "body": "{}",
    }
    session.add(
        ReconOperation(
            plan_id=plan.id,
            part=1,
            seq=1,
            tenant_id=tenant_id,
            line_id="204",
            psa_connection_id=books.psa,
            reference="ep-1",
            do="set_quantity",
            agreement_id="118",
            body={"quantity": "96"},
            state="planned",
            calls=[call],
        )
    )
    return str(plan.id)
