"""Reading runs and issues."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    and_,
    case,
    func,
    select,
    text,
    type_coerce,
)
from sqlalchemy.orm import Session

from entrepot.hub.connections.tables import Connection
from entrepot.hub.customers.tables import CustomerAccount
from entrepot.hub.mapping.tables import CustomerMap
from entrepot.hub.paging import Slice, after, cut, limited
from entrepot.hub.psa.tables import PsaCompany, PsaProductRow
from entrepot.hub.reconciliation.rules.kinds import CATALOGUE, Kind
from entrepot.hub.reconciliation.rules.lifecycle import SILENT
from entrepot.hub.reconciliation.tables import ReconIssue, ReconRun
from entrepot.hub.reconciliation.views import GroupView, IssueView, issue_view
from entrepot.sdk.errors import NotFound, Rejected
from entrepot.store import MoneyTotal


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueQuery:
    """Which issues.

    Attributes:
        open: True = open ones (silenced included), False = closed ones, None = all.
        states: Only these states; empty = any.
        company_id: PSA id.
        customer_id: Our customer; finds its companies and accounts.
        product_id: PSA id of the product, or a vendor SKU.
        vendor_customer_id: The vendor's id of a customer that isn't mapped.
        last: Sort key of the last item seen.
    """

    psa_connection_id: str | None = None
    open: bool | None = True
    kinds: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    company_id: str | None = None
    customer_id: str | None = None
    product_id: str | None = None
    vendor_customer_id: str | None = None
    run_id: str | None = None
    limit: int = 50
    last: tuple[Any, ...] | None = None


def list_issues(
    session: Session, tenant_id: str, query: IssueQuery
) -> Slice[IssueView]:
    """Issues in the order in which they were first seen."""
    found = _filtered(session, tenant_id, query)
    found = after(found, (ReconIssue.id,), query.last)
    rows = session.scalars(found.limit(limited(query.limit))).all()
    names = names_of(session, tenant_id, rows)
    return cut(
        [with_names(row, names) for row in rows], query.limit, lambda one: (one.id,)
    )


def issue_filters(session: Session, tenant_id: str, query: IssueQuery) -> list[Any]:
    """The criteria of a query, for totals over the same issues."""
    row = ReconIssue
    found: list[Any] = []
    if query.psa_connection_id:
        found.append(row.psa_connection_id == query.psa_connection_id)
    if query.open is not None:
        found.append(row.is_open.is_(query.open))
    for column, words in (
        (row.kind, query.kinds),
        (row.severity, query.severities),
        (row.state, query.states),
    ):
        if words:
            found.append(column.in_(words))
    if query.company_id:
        found.append(row.company_id == query.company_id)
    if query.product_id:
        wanted = query.product_id
        found.append((row.product_id == wanted) | (row.sku == wanted))
    if query.vendor_customer_id:
        found.append(row.vendor_customer_id == query.vendor_customer_id)
    if query.run_id:
        found.append(row.last_run == query.run_id)
    if query.customer_id:
        found.append(_of_customer(session, tenant_id, query.customer_id))
    return found


def _filtered(session: Session, tenant_id: str, query: IssueQuery) -> Select[Any]:
    return select(ReconIssue).where(
        ReconIssue.tenant_id == tenant_id, *issue_filters(session, tenant_id, query)
    )


def _of_customer(session: Session, tenant_id: str, customer_id: str) -> Any:  # noqa: ANN401 - SQL
    accounts = session.execute(
        select(CustomerAccount.id, CustomerAccount.vendor_id).where(
            CustomerAccount.tenant_id == tenant_id,
            CustomerAccount.customer_id == customer_id,
        )
    ).all()
    companies = session.scalars(
        select(CustomerMap.psa_company_id).where(
            CustomerMap.tenant_id == tenant_id,
            CustomerMap.account_id.in_([row.id for row in accounts]),
            CustomerMap.status == "confirmed",
        )
    ).all()
    vendor_ids = [row.vendor_id for row in accounts]
    by_company = ReconIssue.company_id.in_(companies)
    return by_company | ReconIssue.vendor_customer_id.in_(vendor_ids)


def issue_groups(
    session: Session, tenant_id: str, query: IssueQuery, by: str
) -> tuple[GroupView, ...]:
    """Issues of a query counted by what they share, the dearest group first.

    Args:
        session: The unit's.
        tenant_id: Whose.
        query: Which issues; its limit is the number of groups.
        by: ``customer``, ``kind`` or ``product``.

    Returns:
        One entry per value and currency; under- and over-billed are never netted.

    Raises:
        Rejected: There is no such grouping.
    """
    key, zero = _group_key(by).label("grouped"), Decimal(0)
    found = session.execute(
        _group_sums(key)
        .where(
            ReconIssue.tenant_id == tenant_id,
            *issue_filters(session, tenant_id, query),
        )
        .limit(limited(query.limit))
    ).all()
    names = _group_names(session, tenant_id, query, by, [one.grouped for one in found])
    return tuple(
        GroupView(
            key=one.grouped,
            name=names.get(one.grouped, one.grouped),
            currency=one.currency,
            issues=one.issues,
            under=one.under or zero,
            over=-(one.over or zero),
        )
        for one in found
    )


def _group_sums(key: Any) -> Select[Any]:  # noqa: ANN401 - SQL
    row, zero = ReconIssue, Decimal(0)
    amount = row.impact_recurring
    loud = and_(row.state.not_in(sorted(map(str, SILENT))), row.estimated.is_(False))
    size = case((loud, func.abs(type_coerce(amount, BigInteger))))
    return (
        select(
            key,
            row.currency,
            func.count().label("issues"),
            _money(and_(loud, amount > zero), amount).label("under"),
            _money(and_(loud, amount < zero), amount).label("over"),
        )
        # By its name: bound values of two equal expressions would count as different.
        .group_by(text("grouped"), row.currency)
        .order_by(func.coalesce(func.sum(size), 0).desc(), text("grouped"))
    )


def _money(condition: Any, amount: Any) -> Any:  # noqa: ANN401 - SQL
    return func.sum(case((condition, amount)), type_=MoneyTotal())


def _group_key(by: str) -> Any:  # noqa: ANN401 - SQL
    row = ReconIssue
    keys: dict[str, Any] = {
        "customer": case(
            (row.company_id != "", row.company_id), else_=row.vendor_customer_id
        ),
        "kind": row.kind,
        "product": case((row.product_id != "", row.product_id), else_=row.sku),
    }
    if by not in keys:
        raise Rejected(
            "group_unknown",
            f"Differences can't be grouped by “{by}”.",
            field="group",
            remedy=f"Group by {', '.join(keys)}.",
        )
    return keys[by]


def _group_names(
    session: Session, tenant_id: str, query: IssueQuery, by: str, keys: list[str]
) -> dict[str, str]:
    if by == "kind":
        return {key: CATALOGUE[Kind(key)].title for key in keys}
    table = PsaCompany if by == "customer" else PsaProductRow
    found = _names(session, tenant_id, table, set(keys))
    psa = query.psa_connection_id
    names = {key: name for (at, key), name in found.items() if psa in (None, at)}
    if by == "customer":
        accounts = session.execute(
            select(CustomerAccount.vendor_id, CustomerAccount.name).where(
                CustomerAccount.tenant_id == tenant_id,
                _of_somebody(CustomerAccount, tenant_id),
                CustomerAccount.vendor_id.in_(
                    [key for key in keys if key not in names]
                ),
            )
        )
        names |= {row.vendor_id: row.name for row in accounts}
    return names


@dataclass(frozen=True, slots=True)
class Names:
    """Names of companies and products by PSA connection and id."""

    companies: dict[tuple[str, str], str]
    products: dict[tuple[str, str], str]


def names_of(session: Session, tenant_id: str, rows: Any) -> Names:  # noqa: ANN401 - issue rows
    """Names for everything some issues are about, in two statements."""
    companies = {row.company_id for row in rows if row.company_id}
    products = {row.product_id for row in rows if row.product_id}
    return Names(
        _names(session, tenant_id, PsaCompany, companies),
        _names(session, tenant_id, PsaProductRow, products),
    )


def _names(
    session: Session,
    tenant_id: str,
    table: Any,  # noqa: ANN401 - a mapped class
    ids: set[str],
) -> dict[tuple[str, str], str]:
    if not ids:
        return {}
    rows = session.execute(
        select(table.connection_id, table.vendor_id, table.name).where(
            table.tenant_id == tenant_id,
            _of_somebody(table, tenant_id),
            table.vendor_id.in_(sorted(ids)),
        )
    )
    return {(row.connection_id, row.vendor_id): row.name for row in rows}


def _of_somebody(table: Any, tenant_id: str) -> ColumnElement[bool]:  # noqa: ANN401 - a mapped class
    """Return what is true of every row: their index begins with the connection."""
    own = select(Connection.id).where(Connection.tenant_id == tenant_id)
    found: ColumnElement[bool] = table.connection_id.in_(own)
    return found


def with_names(row: ReconIssue, names: Names) -> IssueView:
    """An issue with its catalogue texts and names."""
    info = CATALOGUE[Kind(row.kind)]
    connection = row.psa_connection_id
    return issue_view(
        row,
        title=info.title,
        action=info.action,
        company_name=names.companies.get((connection, row.company_id), ""),
        product_name=names.products.get((connection, row.product_id), ""),
    )


def existing_issue(session: Session, tenant_id: str, issue_id: str) -> ReconIssue:
    """An issue's row.

    Raises:
        NotFound: There is none of that id.
    """
    row = session.scalars(
        select(ReconIssue).where(
            ReconIssue.tenant_id == tenant_id, ReconIssue.id == issue_id
        )
    ).first()
    if row is None:
        raise NotFound("no_such_issue", "There is no such difference.")
    return row


def existing_run(session: Session, tenant_id: str, run_id: str) -> ReconRun:
    """A run's row.

    Raises:
        NotFound: There is none of that id.
    """
    row = session.scalars(
        select(ReconRun).where(ReconRun.tenant_id == tenant_id, ReconRun.id == run_id)
    ).first()
    if row is None:
        raise NotFound("no_such_run", "There is no such reconciliation.")
    return row
