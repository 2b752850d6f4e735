"""Open money, added up in the database."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sqlalchemy import and_, case, func, select
from sqlalchemy.orm import Session

from entrepot.hub.reconciliation.rules.lifecycle import SILENT
from entrepot.hub.reconciliation.tables import ReconIssue
from entrepot.store import MoneyTotal

_SILENT = sorted(str(state) for state in SILENT)
_ZERO = Decimal(0)
_AMOUNTS = ("under", "over", "once_under", "once_over", "cost", "estimated")


def open_totals(
    session: Session,
    tenant_id: str,
    psa_connection_id: str | None,
    *where: Any,  # noqa: ANN401 - further criteria
) -> list[dict[str, Any]]:
    """Under- and over-billed money per currency, never netted.

    Returns:
        One mapping per currency: currency, under, over, once_under, once_over (of
        single periods), cost, estimated, issues, silent. Issues without money count
        under their currency; those without either, such as undecided mappings, are
        left to the lists.
    """
    row = ReconIssue
    loud = row.state.not_in(_SILENT)
    known = and_(loud, row.estimated.is_(False))
    amount, once = row.impact_recurring, row.impact_once
    query = (
        select(
            row.currency,
            _sum(and_(known, amount > _ZERO), amount).label("under"),
            _sum(and_(known, amount < _ZERO), amount).label("over"),
            _sum(and_(known, once > _ZERO), once).label("once_under"),
            _sum(and_(known, once < _ZERO), once).label("once_over"),
            _sum(known, row.cost_impact).label("cost"),
            _sum(and_(loud, row.estimated.is_(True)), amount).label("estimated"),
            func.sum(case((loud, 1), else_=0)).label("issues"),
            func.sum(case((loud, 0), else_=1)).label("silent"),
        )
        .where(row.tenant_id == tenant_id, row.is_open.is_(True), *where)
        .group_by(row.currency)
        .order_by(row.currency)
    )
    if psa_connection_id is not None:
        query = query.where(row.psa_connection_id == psa_connection_id)
    found = [
        {
            "currency": one.currency,
            "under": one.under or _ZERO,
            "over": -(one.over or _ZERO),
            "once_under": one.once_under or _ZERO,
            "once_over": -(one.once_over or _ZERO),
            "cost": one.cost or _ZERO,
            "estimated": one.estimated or _ZERO,
            "issues": int(one.issues or 0),
            "silent": int(one.silent or 0),
        }
        for one in session.execute(query)
    ]
    return [one for one in found if one["currency"] or any(map(one.get, _AMOUNTS))]


def _sum(condition: Any, amount: Any) -> Any:  # noqa: ANN401 - SQL expressions
    picked = case((condition, amount), else_=None)
    return func.sum(picked, type_=MoneyTotal())
