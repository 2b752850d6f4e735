"""Objects that are over, or suspected to be.

An object that one complete listing lacks is suspect; a second one, or a direct read
that does not find it, ends it: one projection row and one fact.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Table, select, update
from sqlalchemy.orm import Session

from entrepot.hub.subscriptions.skus import SkuTally, rows_to_drop
from entrepot.hub.subscriptions.tables import SubscriptionRow
from entrepot.hub.sync.driver import insert_rows
from entrepot.hub.sync.intake import RunInfo
from entrepot.hub.sync.targets import TARGETS, Target

_CHUNK = 5_000
ENDED = {"subscriptions": {"status": "ended"}, "customers": {"status": "closed"}}


def rows_by_hash(
    session: Session, target: Target, run: RunInfo, hashes: list[int]
) -> list[Any]:
    """Live rows whose last known content has one of these hashes."""
    table = target.table
    owner = table.c[target.owner_column or "vendor_id"].label("owner")
    columns = (
        table.c.id,
        table.c.vendor_id,
        owner,
        table.c.row_hash,
        table.c.missing_runs,
    )
    found: list[Any] = []
    for chunk in chunks(hashes):
        found += session.execute(
            select(*columns).where(
                table.c.tenant_id == run.tenant_id,
                table.c.connection_id == run.connection_id,
                table.c.gone_at.is_(None),
                table.c.row_hash.in_(chunk),
            )
        ).all()
    return found


def mark_missing(
    session: Session, table: Table, run: RunInfo, rows: list[Any], now: datetime
) -> None:
    """Note that a complete listing lacked these objects for the first time."""
    for chunk in chunks([row.id for row in rows]):
        session.execute(
            update(table)
            .where(table.c.tenant_id == run.tenant_id, table.c.id.in_(chunk))
            .values(missing_since=now, missing_runs=1)
        )


def end_objects(
    session: Session,
    target: Target,
    run: RunInfo,
    rows: Iterable[Any],
    now: datetime,
) -> None:
    """Note that these objects are over: one projection and one fact row each."""
    table = target.table
    ended = ENDED.get(target.name, {})
    tally = SkuTally(target.tallied) if target.tallied else None
    connection = session.connection()
    for chunk in chunks([row.id for row in rows]):
        if tally is not None:
            tally.drop(rows_to_drop(connection, run.tenant_id, chunk))
        session.execute(
            update(table)
            .where(table.c.tenant_id == run.tenant_id, table.c.id.in_(chunk))
            .values(gone_at=now, known_at=now, **ended)
        )
        if target.fact is not None:
            _gone_facts(session, target, target.fact, run, chunk, now)
    if tally is not None:
        tally.write(connection, run.tenant_id, run.connection_id)


def _gone_facts(
    session: Session,
    target: Target,
    fact: Table,
    run: RunInfo,
    ids: list[str],
    now: datetime,
) -> None:
    quantity = "quantity" in fact.c
    columns = ["object_id", "known_at", "tenant_id", "connection_id", "valid_from"]
    columns += ["run_id", "change", "payload"]
    columns += ["quantity", "date_estimated"] if quantity else []
    picked = [target.table.c.id] + ([target.table.c.quantity] if quantity else [])
    found = session.execute(
        select(*picked).where(
            target.table.c.tenant_id == run.tenant_id, target.table.c.id.in_(ids)
        )
    )
    rows = [
        (
            row[0],
            now,
            run.tenant_id,
            run.connection_id,
            now,
            run.run_id,
            "gone",
            ENDED.get(target.name, {}),
            *((row[1], True) if quantity else ()),
        )
        for row in found
    ]
    insert_rows(session.connection(), fact, columns, rows)


def end_subscriptions_of(
    session: Session, run: RunInfo, accounts: list[Any], now: datetime
) -> None:
    """End what was bought under accounts that are over."""
    target = TARGETS["subscriptions"]
    table = target.table
    for chunk in chunks([row.vendor_id for row in accounts]):
        rows = session.execute(
            select(table.c.id, table.c.vendor_id).where(
                table.c.tenant_id == run.tenant_id,
                table.c.connection_id == run.connection_id,
                table.c.customer_vendor_id.in_(chunk),
                table.c.gone_at.is_(None),
            )
        ).all()
        end_objects(session, target, run, rows, now)


def adopt_accounts(session: Session, run: RunInfo) -> None:
    """Give subscriptions whose customer was not known yet their account."""
    account = TARGETS["customers"].table
    own = (
        select(account.c.id)
        .where(
            account.c.tenant_id == run.tenant_id,
            account.c.connection_id == run.connection_id,
            account.c.vendor_id == SubscriptionRow.customer_vendor_id,
        )
        .scalar_subquery()
    )
    session.execute(
        update(SubscriptionRow)
        .where(
            SubscriptionRow.tenant_id == run.tenant_id,
            SubscriptionRow.connection_id == run.connection_id,
            SubscriptionRow.account_id == "",
            own.is_not(None),
        )
        .values(account_id=own)
        .execution_options(synchronize_session=False)
    )


def chunks(items: list[Any]) -> Iterable[list[Any]]:
    """The items in lists short enough for one statement."""
    for start in range(0, len(items), _CHUNK):
        yield items[start : start + _CHUNK]
