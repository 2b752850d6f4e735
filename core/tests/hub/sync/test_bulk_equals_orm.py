"""What a bulk load stores is what an ordinary write stores, column for column."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from entrepot.hub.subscriptions.tables import SubscriptionRow
from entrepot.hub.sync.bulk import BulkWriter, Incoming, Origin
from entrepot.hub.sync.forms import Same, converted, copy_texts, folded
from entrepot.hub.sync.targets import SUBSCRIPTIONS, TARGETS
from entrepot.sdk.model import (
    ScheduledChange,
    ScheduledKind,
    Subscription,
    SubscriptionStatus,
    Term,
)
from entrepot.store import TenantScope
from entrepot.store.types import driver_form
from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

NASTY = (
    "tab\there",
    "back\\slash \\N \\.",
    "line\nfeed\r",
    "50% %s",
    "quote\"'",
    "ação",
)
EAST = timezone(timedelta(hours=5, minutes=30))


def nasty(number):
    text = NASTY[number % len(NASTY)]
    return Subscription(
        vendor_id=f"v{number:05}-{text}",
        customer_id="c1",
        sku=text,
        name=text,
        quantity=Decimal(number) / 8,
        status=SubscriptionStatus.UNKNOWN,
        vendor_status=text,
        term=Term("P1Y") if number % 2 else None,
        unit_cost=None if number % 3 else Decimal("26.56801234"),
        started_at=datetime(2026, 1, 1, 12, tzinfo=EAST) if number % 4 else None,
        term_end=datetime(2026, 1, 1, 0, 0, 0, number, tzinfo=UTC),
        auto_renew=(None, True, False)[number % 3],
        attributes={"k": text} if number % 2 else {},
        scheduled=(ScheduledChange(kind=ScheduledKind.END),) if number % 5 == 0 else (),
    )


def stored(store, tenant, table):
    with store.read(TenantScope(tenant)) as session:
        query = select(table).where(table.c.tenant_id == tenant)
        rows = session.execute(query).mappings().all()
    return {row["vendor_id"]: dict(row) for row in rows}


def merge(store, tenant, records, moment, **options):
    origin = Origin(tenant_id=tenant, connection_id=tenant, run_id="r", read_at=moment)
    writer = BulkWriter(SUBSCRIPTIONS)
    with store.unit(TenantScope(tenant)) as session:
        batch = [Incoming(one, place) for place, one in enumerate(records)]
        return writer.merge(session, batch, origin, **options)


@pytest.mark.parametrize("count", [6, 240])  # below and above where COPY begins
def test_bulk_insert_equals_orm(store, tenant, other_tenant, count):
    now = store.clock.now()
    records = [nasty(number) for number in range(count)]
    merge(store, tenant, records, now, empty=True)
    with store.unit(TenantScope(other_tenant)) as session:
        for place, one in enumerate(records):
            values = zip(SUBSCRIPTIONS.columns, SUBSCRIPTIONS.values(one), strict=True)
            session.add(
                SubscriptionRow(
                    id=f"orm{place}",
                    tenant_id=other_tenant,
                    connection_id="d",
                    vendor_id=one.vendor_id,
                    row_hash=place,
                    known_at=now,
                    **dict(values),
                )
            )
    table = SUBSCRIPTIONS.table
    bulk, orm = stored(store, tenant, table), stored(store, other_tenant, table)
    for rows in (bulk, orm):
        for row in rows.values():
            for name in ("id", "tenant_id", "connection_id"):
                del row[name]
    assert len(bulk) == count
    assert bulk == orm


@pytest.mark.parametrize("count", [6, 240])
def test_bulk_update_equals_bulk_insert(store, tenant, other_tenant, count):
    now = store.clock.now()
    before = [replace(nasty(number), name="old") for number in range(count)]
    merge(store, tenant, before, now, empty=True)
    after = [nasty(number) for number in range(count)]
    done = merge(store, tenant, after, now + timedelta(hours=1), force=True)
    merge(store, other_tenant, after, now + timedelta(hours=1), empty=True)
    assert done.changed == count
    table = SUBSCRIPTIONS.table
    updated, fresh = stored(store, tenant, table), stored(store, other_tenant, table)
    for rows in (updated, fresh):
        for row in rows.values():
            for name in ("id", "tenant_id", "connection_id"):
                del row[name]
    assert updated == fresh


def test_every_column_of_every_target_can_be_copied():
    dialect = postgresql.dialect()
    for target in TARGETS.values():
        for table in filter(lambda one: one is not None, (target.table, target.fact)):
            for column in table.columns:
                assert copy_texts(column, dialect, [None]) == ["\\N"]


def test_naive_moments_and_wrong_amounts_are_refused():
    dialect = postgresql.dialect()
    columns = SUBSCRIPTIONS.table.c
    with pytest.raises(ValueError, match="no time zone"):
        copy_texts(columns.known_at, dialect, [datetime(2026, 1, 1)])  # noqa: DTZ001
    for wrong in (1.5, "2", True):
        with pytest.raises(TypeError):
            copy_texts(columns.quantity, dialect, [wrong])
    for wrong in (Decimal("1e-11"), Decimal(10**9), Decimal("NaN")):
        with pytest.raises(ValueError, match=r"can't be kept|out of range"):
            copy_texts(columns.quantity, dialect, [wrong])


WHOLE = datetime(2026, 1, 1, tzinfo=UTC)
SPLIT = datetime(2026, 12, 31, 23, 59, 59, 120, tzinfo=UTC)


@pytest.mark.parametrize(
    "moments",
    [
        [WHOLE, SPLIT, None],
        [WHOLE, SPLIT.astimezone(EAST), None],
        [None],
        [datetime(999, 1, 1, tzinfo=UTC)],
    ],
)
def test_a_column_of_moments_is_stored_as_each_of_them(moments):
    column, dialect = SubscriptionRow.__table__.c.term_end, sqlite.dialect()
    form = driver_form(column, dialect)
    expected = [form(one) for one in moments]
    assert list(converted(column, dialect, moments)) == expected


@pytest.mark.parametrize(
    ("values", "same"),
    [
        (["a", "a", "a"], True),
        ([None, None], True),
        (["a", "b", "a"], False),
        (["a", None], False),
        ([True, Decimal(1), 1], False),  # equal, but not of one kind
        ([[], [], []], True),
    ],
)
def test_a_column_of_one_value_is_written_as_one(values, same):
    found = folded(values)
    assert found == (Same(values[0]) if same else values)
