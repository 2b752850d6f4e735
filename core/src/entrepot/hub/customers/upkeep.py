"""What a customer's row says of others: contact, counters, facets, searched text.

Sync writes accounts, contacts, subscriptions and orders; after each run the rows of
the customers they belong to are derived anew. Nothing is written that is right.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import (
    ColumnElement,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session

from entrepot.hub.customers.facets import Facet, tokens
from entrepot.hub.customers.records import (
    CustomerDetail,
    CustomerFacet,
    CustomerUpkeepMark,
)
from entrepot.hub.customers.tables import Contact, Customer, CustomerAccount
from entrepot.hub.notifications.tables import CustomerNotification
from entrepot.hub.subscriptions.tables import SubscriptionRow, VendorOrderRow
from entrepot.hub.sync.driver import among, update_columns
from entrepot.hub.sync.intake import RunInfo
from entrepot.hub.sync.tables import SyncRun, SyncScope
from entrepot.jobs.facade import Jobs
from entrepot.store.actor import system_actor
from entrepot.store.audit_log import audit
from entrepot.store.search import fold

INLINE = 1_000  # customers whose rows are derived in the unit that closes a run
PIECE = 2_000  # customers derived in one unit of the job
JOB = "derive_customers"
_MANY = 500  # rows from which on the driver's bulk way is worth its temporary table
_HIDDEN = ("merged", "deleted")
_WATCHED = ("new", "changed", "back", "gone")
REFRESHED = "refreshed"
"""What a run wrote of customers that it read one by one, all streams together."""

_CUSTOMERS: Any = Customer.__table__
_C = _CUSTOMERS.c
_A: Any = CustomerAccount.__table__.c
_P: Any = Contact.__table__.c
_S: Any = SubscriptionRow.__table__.c
_O: Any = VendorOrderRow.__table__.c
_N: Any = CustomerNotification.__table__.c
_D: Any = CustomerDetail.__table__.c
_FACETS: Any = CustomerFacet.__table__
_F = _FACETS.c


@dataclass(slots=True)
class _Around:
    """What belongs to one customer."""

    accounts: list[Any] = field(default_factory=list)
    contact: tuple[str, str] = ("", "")
    people: list[str] = field(default_factory=list)
    detail: Any = None
    purchased: int = 0
    orders: int = 0
    notifications: int = 0


class CustomerUpkeep:
    """Derives customers' rows after a sync run.

    Args:
        jobs: Durable work, for runs that concern many.
    """

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    def __call__(self, session: Session, run: RunInfo, row: SyncRun) -> None:
        """Derive what a closed run concerns, or submit the job that does."""
        session.flush()
        counted = _counted_anew(session, run, row, INLINE + 1)
        _revive(session, run, counted)
        found = _concerned(session, run, row, INLINE + 1) | counted
        if len(found) <= INLINE:
            derive(session, run.tenant_id, sorted(found))
            return
        self._jobs.submit(
            session,
            JOB,
            run_id=f"{JOB}:{uuid4().hex}",
            args={"tenant_id": run.tenant_id},
            exclusive=f"{JOB}:{run.tenant_id}",
            concern={"run": run.run_id},
            requested_by="sync",
            cause="sync",
        )


def derive(session: Session, tenant_id: str, ids: Sequence[str]) -> int:
    """Write the derived columns of some customers where they are not right.

    Args:
        session: Of a write unit in the reseller's scope.
        tenant_id: Whose customers.
        ids: Which, at most some thousands.

    Returns:
        How many rows were not right.
    """
    if not ids:
        return 0
    columns = (
        _C.id, _C.name, _C.custom_id, _C.state, _C.price_book_id, _C.sort_name,
        _C.search_text, _C.contact_name, _C.contact_email, _C.facets,
        _C.n_purchased, _C.n_orders, _C.n_notifications,
    )  # fmt: skip
    rows = session.execute(
        select(*columns).where(
            _C.tenant_id == tenant_id, among(session.connection(), _C.id, ids)
        )
    ).all()
    around = _around(session, tenant_id, ids)
    stale, facets = [], []
    for row in rows:
        wanted, found = _derived(row, around.get(row.id) or _Around())
        if any(getattr(row, name) != value for name, value in wanted.items()):
            stale.append({"row_id": row.id, **wanted})
        if row.facets != wanted["facets"]:
            facets.append((row.id, found))
    _write(session, tenant_id, stale)
    _write_facets(session, tenant_id, facets)
    return len(stale)


def _write(session: Session, tenant_id: str, stale: list[dict[str, Any]]) -> None:
    connection = session.connection()
    if len(stale) > _MANY:
        names = [name for name in stale[0] if name != "row_id"]
        columns = {name: [one[name] for one in stale] for name in names}
        ids = [one["row_id"] for one in stale]
        update_columns(connection, _CUSTOMERS, ids, columns)
    elif stale:
        connection.execute(
            update(_CUSTOMERS).where(
                _C.tenant_id == tenant_id, _C.id == bindparam("row_id")
            ),
            stale,
        )


def _derived(row: Any, around: _Around) -> tuple[dict[str, Any], list[Facet]]:  # noqa: ANN401 - a row
    detail = around.detail
    name, email = around.contact
    # Who is to be written to may be known of an account without being a person.
    email = email or next((one.email for one in around.accounts if one.email), "")
    if detail is not None:
        own = f"{detail.given_name} {detail.family_name}".strip()
        name, email = own or name, detail.email or email
    parts = [row.name, row.custom_id, name, email]
    if detail is not None:
        parts += [detail.company, detail.login, *detail.custom.values()]
    for account in around.accounts:
        parts += [account.name, account.vendor_id, account.domain]
    parts += around.people
    searched = "\n".join(dict.fromkeys(one for one in map(fold, parts) if one))
    found: list[Facet] = []
    if row.state not in _HIDDEN:
        found += [("provider", one.connection_id) for one in around.accounts]
        found += [("country", one.country) for one in around.accounts]
        found += [("contact", name), ("price_book", row.price_book_id or "")]
        if detail is not None:
            found += [("country", detail.country), ("kind", detail.kind)]
            found += [(f"field:{key}", text) for key, text in detail.custom.items()]
    found = sorted({(kind, value) for kind, value in found if value})
    return {
        "sort_name": fold(row.name),
        "search_text": searched,
        "contact_name": name,
        "contact_email": email,
        "facets": tokens(found),
        "n_purchased": around.purchased,
        "n_orders": around.orders,
        "n_notifications": around.notifications,
    }, found


def _around(session: Session, tenant_id: str, ids: Sequence[str]) -> dict[str, _Around]:
    connection = session.connection()
    found: dict[str, _Around] = {}
    accounts = connection.execute(
        select(
            _A.id, _A.customer_id, _A.connection_id, _A.vendor_id, _A.name, _A.domain,
            _A.country, _A.email,
        ).where(_A.tenant_id == tenant_id, among(connection, _A.customer_id, ids))
        .order_by(_A.id)
    ).all()  # fmt: skip
    owners = {one.id: one.customer_id for one in accounts}
    by_vendor = {(one.connection_id, one.vendor_id): one for one in accounts}
    for one in accounts:
        found.setdefault(one.customer_id, _Around()).accounts.append(one)
    for detail in connection.execute(
        select(*CustomerDetail.__table__.c).where(
            _D.tenant_id == tenant_id, among(connection, _D.customer_id, ids)
        )
    ):
        found.setdefault(detail.customer_id, _Around()).detail = detail
    for customer_id, count in connection.execute(
        select(_N.customer_id, func.count())
        .where(_N.tenant_id == tenant_id, among(connection, _N.customer_id, ids))
        .group_by(_N.customer_id)
    ):
        found.setdefault(customer_id, _Around()).notifications = count
    if not accounts:
        return found
    for account_id, count in connection.execute(
        select(_S.account_id, func.count())
        .where(
            _S.tenant_id == tenant_id, among(connection, _S.account_id, list(owners))
        )
        .group_by(_S.account_id)
    ):
        found[owners[account_id]].purchased += count
    for person in _people(session, tenant_id, by_vendor):
        owner = by_vendor.get((person.connection_id, person.owner_id))
        if owner is not None:
            _note_person(found[owner.customer_id], person)
    for connection_id, vendor_id, count in _orders(session, tenant_id, by_vendor):
        owner = by_vendor.get((connection_id, vendor_id))
        if owner is not None:
            found[owner.customer_id].orders += count
    return found


def _note_person(around: _Around, person: Any) -> None:  # noqa: ANN401 - a row
    name = f"{person.first_name} {person.last_name}".strip()
    if around.contact == ("", ""):
        around.contact = (name, person.email)
    around.people += [name, person.email]


def _people(session: Session, tenant_id: str, owners: Iterable[tuple[str, str]]) -> Any:  # noqa: ANN401 - rows
    connection = session.connection()
    return connection.execute(
        select(
            _P.connection_id, _P.owner_id, _P.first_name, _P.last_name, _P.email
        ).where(
            _P.tenant_id == tenant_id,
            _P.gone_at.is_(None),
            _P.connection_id.in_({one for one, _ in owners}),
            among(connection, _P.owner_id, [vendor for _, vendor in owners]),
        ).order_by(_P.is_primary.desc(), _P.id)
    )  # fmt: skip


def _orders(session: Session, tenant_id: str, owners: Iterable[tuple[str, str]]) -> Any:  # noqa: ANN401 - rows
    connection = session.connection()
    return connection.execute(
        select(_O.connection_id, _O.customer_vendor_id, func.count()).where(
            _O.tenant_id == tenant_id,
            _O.connection_id.in_({one for one, _ in owners}),
            among(
                connection, _O.customer_vendor_id, [vendor for _, vendor in owners]
            ),
        ).group_by(_O.connection_id, _O.customer_vendor_id)
    )  # fmt: skip


def _write_facets(
    session: Session, tenant_id: str, facets: Sequence[tuple[str, list[Facet]]]
) -> None:
    if not facets:
        return
    connection = session.connection()
    connection.execute(
        delete(_FACETS).where(
            _F.tenant_id == tenant_id,
            among(connection, _F.customer_id, [customer for customer, _ in facets]),
        )
    )
    rows = [
        {
            "tenant_id": tenant_id,
            "kind": kind,
            "value": value[:500],
            "customer_id": customer,
        }
        for customer, found in facets
        for kind, value in found
    ]
    if rows:
        connection.execute(insert(_FACETS), rows)


# Which customers a run concerns


def _concerned(session: Session, run: RunInfo, row: SyncRun, most: int) -> set[str]:
    """The customers about whom a run wrote anything that is derived."""
    found: set[str] = set()
    if _wrote(row, REFRESHED, _WATCHED):
        found |= _read_one_by_one(session, run, most)
    if row.started_at is not None:
        for stream, table in (("customers", None), ("contacts", Contact)):
            if _wrote(row, stream, _WATCHED):
                found |= _since(session, run, table, row.started_at, most)
    return found


def _read_one_by_one(session: Session, run: RunInfo, most: int) -> set[str]:
    """The customers that a run read one by one: it counts them all together."""
    subjects = select(SyncScope.scope).where(
        SyncScope.tenant_id == run.tenant_id,
        SyncScope.connection_id == run.connection_id,
        SyncScope.stream == "customers",
        SyncScope.run_id == run.run_id,
    )
    query = select(_A.customer_id).where(
        _A.tenant_id == run.tenant_id,
        _A.connection_id == run.connection_id,
        _A.vendor_id.in_(subjects),
    )
    return set(session.connection().execute(query.limit(most)).scalars())


def _revive(session: Session, run: RunInfo, ids: Collection[str]) -> None:
    """Bring deleted customers back that bought something: it will be invoiced."""
    gone = select(Customer).where(Customer.id.in_(ids), Customer.state == "deleted")
    for customer in session.scalars(gone) if ids else ():
        customer.state, customer.version = "active", customer.version + 1
        audit(
            session,
            system_actor("sync", run.tenant_id),
            action="customer.revive",
            subject=("customer", customer.id),
            why="a new subscription or order came in",
        )
    session.flush()


def _wrote(row: SyncRun, stream: str, names: Iterable[str]) -> bool:
    counts = row.counts.get(stream, {})
    return any(counts.get(name) for name in names)


def _since(
    session: Session,
    run: RunInfo,
    table: Any,  # noqa: ANN401 - a table or None
    at: datetime,
    most: int,
) -> set[str]:
    query = select(_A.customer_id).where(
        _A.tenant_id == run.tenant_id, _A.connection_id == run.connection_id
    )
    if table is None:
        query = query.where(_later(_A, at))
    else:
        owners = select(_P.owner_id).where(
            _P.tenant_id == run.tenant_id,
            _P.connection_id == run.connection_id,
            _later(_P, at),
        )
        query = query.where(_A.vendor_id.in_(owners))
    return set(session.connection().execute(query.limit(most)).scalars())


def _later(columns: Any, at: datetime) -> ColumnElement[bool]:  # noqa: ANN401 - a table's
    return or_(columns.known_at >= at, columns.gone_at >= at)


def _counted_anew(session: Session, run: RunInfo, row: SyncRun, most: int) -> set[str]:
    """Customers with subscriptions or orders that were not counted before."""
    mark = session.get(CustomerUpkeepMark, run.connection_id)
    if mark is None:
        mark = CustomerUpkeepMark(
            connection_id=run.connection_id,
            tenant_id=run.tenant_id,
            subscription_id="",
            order_id="",
        )
        session.add(mark)
    connection, found = session.connection(), set()
    for stream, columns, name, owner in (
        ("subscriptions", _S, "subscription_id", _A.id == _S.account_id),
        ("orders", _O, "order_id", _A.vendor_id == _O.customer_vendor_id),
    ):
        if not (_wrote(row, stream, ("new",)) or _wrote(row, REFRESHED, ("new",))):
            continue
        fresh = (
            columns.tenant_id == run.tenant_id,
            columns.connection_id == run.connection_id,
            columns.id > getattr(mark, name),
        )
        last = connection.execute(select(func.max(columns.id)).where(*fresh)).scalar()
        query = select(_A.customer_id).where(
            _A.tenant_id == run.tenant_id, _A.connection_id == run.connection_id, owner
        )
        found |= set(
            connection.execute(query.where(*fresh).distinct().limit(most)).scalars()
        )
        setattr(mark, name, last or getattr(mark, name))
    return found
