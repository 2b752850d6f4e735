"""When the orders of one customer were last read."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from entrepot.hub.customers.tables import CustomerAccount
from entrepot.hub.sync.tables import SyncAhead, SyncScope
from entrepot.sdk.errors import ConfigInvalid
from entrepot.sdk.model import Listing
from flask_babel import gettext
from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from entrepot_web.context import hub
from entrepot_web.freshness import Freshness, SourceState
from entrepot_web.reseller.pages import connection_names


def telling() -> set[str]:
    """Return the connections whose vendor tells orders at all."""
    found = set()
    for one in connection_names():
        try:
            listed = hub().plugins.info(one.plugin).capabilities.orders
        except ConfigInvalid:
            continue  # its plugin is not loaded any more
        if one.kind == "vendor" and listed is not Listing.NONE:
            found.add(one.id)
    return found


def orders_read(
    session: Session, customer_id: str, connections: Collection[str]
) -> Freshness:
    """Return how complete a customer's orders are, account by account.

    They are read with all others', with the customer, or behind a whole reading.

    Args:
        session: The reseller's.
        customer_id: Whose.
        connections: Those that tell orders; accounts at others don't count.
    """
    account, scope, ahead = CustomerAccount, SyncScope, SyncAhead
    found = session.execute(
        select(
            account.connection_id,
            scope.complete,
            scope.complete_at,
            scope.reason,
            ahead.read_at,
            ahead.reason.label("refused"),
        )
        .outerjoin(
            scope,
            and_(
                scope.connection_id == account.connection_id,
                scope.tenant_id == account.tenant_id,
                scope.stream == "orders",
                scope.scope.in_(("", account.vendor_id)),
            ),
        )
        .outerjoin(
            ahead,
            and_(
                ahead.connection_id == account.connection_id,
                ahead.tenant_id == account.tenant_id,
                ahead.scope == account.vendor_id,
            ),
        )
        .where(
            account.customer_id == customer_id,
            account.connection_id.in_(connections),
            account.gone_at.is_(None),
        )
    )
    sources = tuple(_source(row) for row in found)
    moments = [one.complete_at for one in sources if one.complete_at]
    complete = bool(sources) and all(one.complete for one in sources)
    return Freshness(complete, min(moments) if moments else None, sources)


def _source(row: Any) -> SourceState:  # noqa: ANN401 - a row
    moments = [one for one in (row.complete_at, row.read_at) if one is not None]
    if row.complete is not None:
        complete, reason = bool(row.complete), row.reason
    else:
        complete, reason = row.read_at is not None and not row.refused, row.refused
    why = reason or ("" if complete else gettext("orders have not been read yet"))
    at = max(moments) if moments else None
    return SourceState(row.connection_id, "orders", complete, at, why)
