"""What a comparison covers: companies, and vendor customers without one."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, delete, exists, select
from sqlalchemy.orm import Session

from entrepot.hub.customers.tables import CustomerAccount
from entrepot.hub.mapping.tables import CustomerMap
from entrepot.hub.reconciliation.loading import Base
from entrepot.hub.reconciliation.tables import ReconCoverage, ReconIssue
from entrepot.hub.subscriptions.tables import SubscriptionRow

Subject = tuple[str, str]
"""``company`` and its PSA id, or ``customer`` and ``<connection>/<vendor id>``."""

_MAPPED = ("confirmed", "stale")  # stale ones become an issue of their own
_DECIDED = (*_MAPPED, "excluded")


_CHUNK = 5_000


def subjects_of(session: Session, base: Base, scope: str) -> list[Subject]:
    """Everything a scope covers, in a stable order.

    Args:
        session: For reading.
        base: The connection.
        scope: ``all``, ``company:<PSA id>`` or ``customer:<hub id>``.
    """
    kind, _, id_ = scope.partition(":")
    if kind == "company":
        return [("company", id_)]
    accounts: list[str] | None = None
    if kind == "customer":
        accounts = list(
            session.scalars(
                select(CustomerAccount.id).where(
                    CustomerAccount.tenant_id == base.tenant_id,
                    CustomerAccount.customer_id == id_,
                )
            )
        )
    return [
        *_companies(session, base, accounts),
        *_undecided(session, base, accounts),
    ]


def forget_others(session: Session, base: Base, subjects: list[Subject]) -> None:
    """Forget what was said of companies and customers that are not covered any more."""
    covered = {
        id_ if kind == "company" else f"customer:{id_.partition('/')[2]}"
        for kind, id_ in subjects
    }
    mine = (
        ReconCoverage.tenant_id == base.tenant_id,
        ReconCoverage.psa_connection_id == base.psa_connection_id,
    )
    known = set(session.scalars(select(ReconCoverage.scope).where(*mine)))
    gone = sorted(known - covered - {"*"})
    for start in range(0, len(gone), _CHUNK):
        session.execute(
            delete(ReconCoverage)
            .where(*mine, ReconCoverage.scope.in_(gone[start : start + _CHUNK]))
            .execution_options(synchronize_session=False)
        )


def _companies(
    session: Session, base: Base, accounts: list[str] | None
) -> list[Subject]:
    query = (
        select(CustomerMap.psa_company_id)
        .where(
            CustomerMap.tenant_id == base.tenant_id,
            CustomerMap.psa_connection_id == base.psa_connection_id,
            CustomerMap.status.in_(_MAPPED),
        )
        .distinct()
        .order_by(CustomerMap.psa_company_id)
    )
    if accounts is not None:
        query = query.where(CustomerMap.account_id.in_(accounts))
    found = [("company", one) for one in session.scalars(query)]
    if accounts is None:
        known = {one for _, one in found}
        found += [("company", one) for one in _left_over(session, base, known)]
    return found


def _left_over(session: Session, base: Base, known: set[str]) -> list[str]:
    """Companies that have open issues but no mapping any more, so that they heal."""
    rows = session.scalars(
        select(ReconIssue.company_id)
        .where(
            ReconIssue.tenant_id == base.tenant_id,
            ReconIssue.psa_connection_id == base.psa_connection_id,
            ReconIssue.is_open.is_(True),
            ReconIssue.company_id != "",
        )
        .distinct()
    )
    return sorted(set(rows) - known)


def _undecided(
    session: Session, base: Base, accounts: list[str] | None
) -> list[Subject]:
    """Accounts that nobody decided on and that bought something."""
    query = (
        select(CustomerAccount.connection_id, CustomerAccount.vendor_id)
        .where(
            CustomerAccount.tenant_id == base.tenant_id,
            CustomerAccount.gone_at.is_(None),
            ~_decided(base),
            exists(_bought(base)),
        )
        .order_by(CustomerAccount.connection_id, CustomerAccount.vendor_id)
    )
    if accounts is not None:
        query = query.where(CustomerAccount.id.in_(accounts))
    open_now = [(row.connection_id, row.vendor_id) for row in session.execute(query)]
    healing = _formerly_undecided(session, base) if accounts is None else []
    every = sorted({*open_now, *healing})
    return [("customer", f"{connection}/{id_}") for connection, id_ in every]


def _decided(base: Base) -> Any:  # noqa: ANN401 - an EXISTS
    return exists(
        select(CustomerMap.id).where(
            CustomerMap.tenant_id == base.tenant_id,
            CustomerMap.psa_connection_id == base.psa_connection_id,
            CustomerMap.account_id == CustomerAccount.id,
            CustomerMap.status.in_(_DECIDED),
        )
    )


def _bought(base: Base) -> Select[Any]:
    return select(SubscriptionRow.id).where(
        SubscriptionRow.tenant_id == base.tenant_id,
        SubscriptionRow.connection_id == CustomerAccount.connection_id,
        SubscriptionRow.customer_vendor_id == CustomerAccount.vendor_id,
        SubscriptionRow.status != "ended",
    )


def _formerly_undecided(session: Session, base: Base) -> list[tuple[str, str]]:
    """Customers with open issues of their own, so that they heal."""
    rows = session.execute(
        select(ReconIssue.vendor_connection_id, ReconIssue.vendor_customer_id)
        .where(
            ReconIssue.tenant_id == base.tenant_id,
            ReconIssue.psa_connection_id == base.psa_connection_id,
            ReconIssue.is_open.is_(True),
            ReconIssue.company_id == "",
            ReconIssue.vendor_customer_id != "",
        )
        .distinct()
    )
    return [(row.vendor_connection_id, row.vendor_customer_id) for row in rows]
