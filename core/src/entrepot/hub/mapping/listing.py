"""Work lists and counts of what is still undecided."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, or_, select
from sqlalchemy.orm import Session

from entrepot.hub.customers.tables import Customer, CustomerAccount
from entrepot.hub.mapping import reading
from entrepot.hub.mapping.rows import customer_view, product_view
from entrepot.hub.mapping.suggesting_products import Coverage
from entrepot.hub.mapping.tables import CustomerMap, ProductMap
from entrepot.hub.mapping.views import (
    AccountRow,
    Count,
    EvidenceCount,
    ListQuery,
    ProductMapView,
    Progress,
    SkuRow,
)
from entrepot.hub.paging import Slice, after, cut, limited
from entrepot.hub.subscriptions.skus import SOLD
from entrepot.hub.subscriptions.tables import SubscriptionRow, SubscriptionSku
from entrepot.hub.sync.driver import among
from entrepot.store.search import contains, hits

UNDECIDED = "undecided"
_STANDING = ("confirmed", "excluded")
_FEW = 10_000  # customers up to which finding them first is cheaper than walking


def list_accounts(session: Session, query: ListQuery) -> Slice[AccountRow]:
    """Vendor customers in the order of their names, one row per mapping."""
    account, mapping = CustomerAccount, CustomerMap
    keys = (account.name, account.id, func.coalesce(mapping.id, ""))
    wanted: Select[*tuple[Any, ...]] = select(account, mapping).outerjoin(
        mapping,
        and_(
            mapping.account_id == account.id,
            mapping.psa_connection_id == query.psa_connection_id,
            mapping.status == "rejected"
            if query.status == "rejected"
            else mapping.status != "rejected",
        ),
    )
    wanted = _narrowed(session, wanted, query)
    rows = session.execute(
        after(wanted, keys, query.last).limit(limited(query.limit))
    ).all()
    part = cut(rows, query.limit, _account_key)
    counts = _counts(session, [row[0].id for row in part.items])
    items = tuple(_account_row(row[0], row[1], counts) for row in part.items)
    return Slice(items, part.has_more, part.last)


def _narrowed(
    session: Session, wanted: Select[*tuple[Any, ...]], query: ListQuery
) -> Select[*tuple[Any, ...]]:
    account, mapping = CustomerAccount, CustomerMap
    connections = reading.vendor_connections(session)
    if query.vendor_connection_id is not None:
        connections = [query.vendor_connection_id]
    wanted = wanted.where(
        account.gone_at.is_(None), account.connection_id.in_(connections)
    )
    if query.status == UNDECIDED:
        wanted = wanted.where(or_(mapping.id.is_(None), mapping.status == "suggested"))
    elif query.status is not None:
        wanted = wanted.where(mapping.status == query.status)
    if query.band is not None:
        wanted = wanted.where(mapping.band == query.band)
    if query.method is not None:
        wanted = wanted.where(mapping.method == query.method)
    if query.text:
        wanted = wanted.where(_named(session, query.text))
    return wanted


def _named(session: Session, words: str) -> ColumnElement[bool]:
    """The condition that an account's name holds some words.

    Customers' own text, which has an index, holds the names of their accounts.
    """
    account: Any = CustomerAccount
    customer: Any = Customer.__table__
    pattern = contains(words.casefold())
    named: ColumnElement[bool] = func.lower(account.name).like(pattern, escape="\\")
    tenant_id = str(session.info["state"].scope.tenant_id)
    found = hits(session, customer, tenant_id, words, _FEW + 1)
    if len(found) > _FEW:
        return named
    return and_(among(session.connection(), account.customer_id, found), named)


def _account_key(row: Any) -> tuple[str, str, str]:  # noqa: ANN401 - a result row
    account, mapping = row
    return account.name, account.id, mapping.id if mapping else ""


def _account_row(
    account: CustomerAccount, mapping: CustomerMap | None, counts: Counter[str]
) -> AccountRow:
    status = mapping.status if mapping is not None else UNDECIDED
    return AccountRow(
        account_id=account.id,
        customer_id=account.customer_id,
        connection_id=account.connection_id,
        vendor_id=account.vendor_id,
        name=account.name,
        domain=account.domain,
        status=UNDECIDED if status == "suggested" else status,
        mapping=customer_view(mapping) if mapping is not None else None,
        subscriptions=counts[account.id],
    )


def _counts(session: Session, account_ids: Sequence[str]) -> Counter[str]:
    rows = session.execute(
        select(SubscriptionRow.account_id, func.count())
        .where(SubscriptionRow.account_id.in_(account_ids), *_sold())
        .group_by(SubscriptionRow.account_id)
    )
    return Counter({row[0]: row[1] for row in rows})


def _sold() -> tuple[Any, ...]:
    return (
        SubscriptionRow.gone_at.is_(None),
        SubscriptionRow.billed.is_(True),
        SubscriptionRow.status.in_(SOLD),
    )


def list_skus(session: Session, query: ListQuery) -> Slice[SkuRow]:
    """SKUs in use in the order of their names, one row per mapping.

    Entries for SKUs that nobody has any more come with ``confirmed`` and the other
    statuses of a map, not with ``undecided``.
    """
    rows = [row for row in _sku_rows(session, query) if _shown(row, query)]
    rows.sort(key=_sku_key)
    if query.last is not None:
        rows = [row for row in rows if _sku_key(row) > tuple(query.last)]
    return cut(rows[: limited(query.limit)], query.limit, _sku_key)


def _sku_key(row: SkuRow) -> tuple[str, str, str, str]:
    mapping = row.mapping.id if row.mapping else ""
    return row.name.casefold(), row.connection_id, row.sku, mapping


def _shown(row: SkuRow, query: ListQuery) -> bool:
    connection = query.vendor_connection_id
    mapping = row.mapping
    wanted = (
        row.status != "rejected"
        if query.status is None
        else (row.status == query.status)
    )
    return (
        wanted
        and (connection is None or row.connection_id in ("", connection))
        and (query.band is None or (mapping is not None and mapping.band == query.band))
        and (
            query.method is None
            or (mapping is not None and mapping.method == query.method)
        )
        and query.text.casefold() in row.name.casefold()
    )


def _sku_rows(session: Session, query: ListQuery) -> Iterable[SkuRow]:
    rows = session.scalars(
        select(ProductMap).where(
            ProductMap.psa_connection_id == query.psa_connection_id
        )
    ).all()
    counts, names, open_ = _skus(session, rows)
    for row in rows:
        suggested = row.status == "suggested"
        key = row.vendor_connection_id, row.sku
        if suggested and key not in open_:
            continue
        open_.discard(key)
        view = product_view(row)
        yield _sku_row(key, row.sku_name or names.get(key, row.sku), counts, view)
    for key in open_:
        yield _sku_row(key, names[key], counts, None)


def _sku_row(
    key: tuple[str, str],
    name: str,
    counts: Counter[tuple[str, str]],
    mapping: ProductMapView | None,
) -> SkuRow:
    undecided = mapping is None or mapping.status == "suggested"
    return SkuRow(
        connection_id=key[0],
        sku=key[1],
        name=name,
        subscriptions=counts[key],
        status=UNDECIDED if undecided or mapping is None else mapping.status,
        mapping=mapping,
    )


def _skus(
    session: Session, rows: Sequence[ProductMap]
) -> tuple[Counter[tuple[str, str]], dict[tuple[str, str], str], set[tuple[str, str]]]:
    """Subscriptions by SKU, names by SKU, and the SKUs that nothing decides about."""
    standing = Coverage(row for row in rows if row.status in _STANDING)
    names: dict[tuple[str, str], str] = {}
    open_: set[tuple[str, str]] = set()
    for one in reading.read_skus(session):
        key = one.connection_id, one.sku
        names.setdefault(key, one.name)
        if not standing.covers(one):
            open_.add(key)
    kept = SubscriptionSku
    counted = session.execute(
        select(kept.connection_id, kept.sku, func.sum(kept.n_billed)).group_by(
            kept.connection_id, kept.sku
        )
    )
    return Counter({(row[0], row[1]): int(row[2]) for row in counted}), names, open_


def progress(session: Session, psa_connection_id: str) -> Progress:
    """How many customers and SKUs are still undecided."""
    return Progress(
        customers=_customer_count(session, psa_connection_id),
        products=_product_count(session, psa_connection_id),
    )


def evidence(session: Session, psa_connection_id: str) -> tuple[EvidenceCount, ...]:
    """Open suggestions by what they rest on, the strongest evidence first."""
    found = []
    tables: tuple[tuple[str, Any], ...] = (
        ("customers", CustomerMap),
        ("products", ProductMap),
    )
    for what, table in tables:
        clear = func.sum(case((table.band == "preselected", 1), else_=0))
        rows = session.execute(
            select(table.method, clear.label("clear"), func.count().label("total"))
            .where(
                table.psa_connection_id == psa_connection_id,
                table.status == "suggested",
            )
            .group_by(table.method)
            .order_by(func.max(table.confidence).desc(), table.method)
        )
        found += [
            EvidenceCount(
                what=what,
                method=row.method,
                preselected=row.clear,
                others=row.total - row.clear,
            )
            for row in rows
        ]
    return tuple(found)


def _customer_count(session: Session, psa_connection_id: str) -> Count:
    """Counted in the database: a large reseller has a hundred thousand."""
    account, mapping = CustomerAccount, CustomerMap
    standing = (
        account.gone_at.is_(None),
        account.connection_id.in_(reading.vendor_connections(session)),
    )
    mapped = (
        mapping.account_id == account.id,
        mapping.psa_connection_id == psa_connection_id,
    )
    decided = exists().where(*mapped, mapping.status.in_(_STANDING))
    sold = exists().where(SubscriptionRow.account_id == account.id, *_sold())
    total = select(func.count()).select_from(account).where(*standing)
    waiting = total.where(~decided, sold)
    by_status = {
        status: (accounts, clear, others)
        for status, accounts, clear, others in session.execute(
            select(
                mapping.status,
                func.count(mapping.account_id.distinct()),
                func.count().filter(mapping.band == "preselected"),
                func.count().filter(mapping.band == "suggestion"),
            )
            .join(account, mapping.account_id == account.id)
            .where(*standing, *mapped[1:])
            .group_by(mapping.status)
        )
    }
    none = (0, 0, 0)
    _, preselected, suggested = by_status.get("suggested", none)
    return Count(
        total=session.scalar(total) or 0,
        undecided=session.scalar(total.where(~decided)) or 0,
        waiting=session.scalar(waiting) or 0,
        preselected=preselected,
        suggested=suggested,
        confirmed=by_status.get("confirmed", none)[0],
        excluded=by_status.get("excluded", none)[0],
        stale=by_status.get("stale", none)[0],
    )


def _product_count(session: Session, psa_connection_id: str) -> Count:
    rows = session.scalars(
        select(ProductMap).where(ProductMap.psa_connection_id == psa_connection_id)
    ).all()
    counts, names, open_ = _skus(session, rows)
    by_status = Counter(row.status for row in rows)
    bands = Counter(row.band for row in rows if row.status == "suggested")
    return Count(
        total=len(names),
        undecided=len(open_),
        waiting=sum(counts[key] > 0 for key in open_),
        preselected=bands["preselected"],
        suggested=bands["suggestion"],
        confirmed=by_status["confirmed"],
        excluded=by_status["excluded"],
        stale=by_status["stale"],
    )
