"""Rows past SQLAlchemy: as guarded as all others, and in a snapshot."""

from __future__ import annotations

import pytest
from entrepot.hub.customers.tables import Customer
from entrepot.store import (
    SystemScope,
    TenantMismatch,
    TenantScope,
    TenantScopeMissing,
)
from entrepot.store.fetch import fetch
from sqlalchemy import event, select, text
from sqlalchemy.exc import DBAPIError

OWNED = Customer.__tablename__


def _mark(store, name: str) -> str:
    return "?" if store.dialect == "sqlite" else f"%({name})s"


def _given(store, value: str):
    return (value,) if store.dialect == "sqlite" else {"tenant_id": value}


def test_fetch_passes_the_guard_and_all_who_listen(store, tenant, other_tenant) -> None:
    bound = f"SELECT id FROM {OWNED} WHERE tenant_id = {_mark(store, 'tenant_id')}"
    heard: list[str] = []

    def hear(_connection, _cursor, statement, *_rest) -> None:
        heard.append(statement)

    event.listen(store.readers, "before_cursor_execute", hear)
    with store.read(TenantScope(tenant)) as session:
        connection = session.info["connection"]
        assert fetch(connection, bound, _given(store, tenant)) == []
        with pytest.raises(TenantMismatch):
            fetch(connection, bound, _given(store, other_tenant))
        with pytest.raises(TenantScopeMissing):
            fetch(connection, f"SELECT id FROM {OWNED}", ())
        assert session.scalars(select(Customer.id)).all() == []
    event.remove(store.readers, "before_cursor_execute", hear)
    assert bound in heard
    with (
        store.readers.connect() as connection,
        pytest.raises(TenantScopeMissing),
    ):
        fetch(connection, bound, _given(store, tenant))


def test_failed_fetch_is_an_error_of_the_database_and_leaves_nothing(store) -> None:
    for _ in range(2):
        with (
            pytest.raises(DBAPIError),
            store.read(SystemScope("test")) as session,
        ):
            fetch(session.info["connection"], "SELECT nothing FROM nowhere", ())
    with store.read(SystemScope("test")) as session:
        assert fetch(session.info["connection"], "SELECT 1", ()) == [(1,)]


def test_snapshot_refuses_to_write_and_ends_without_a_trace(store, tenant) -> None:
    change = "UPDATE tenant SET name = 'x'"
    for _ in range(2):
        with (
            pytest.raises(DBAPIError),
            store.read(SystemScope("test")) as session,
        ):
            session.execute(text(change))
    with store.unit(SystemScope("test")) as session:
        session.execute(text(change))
    with store.read(SystemScope("test")) as session:
        assert session.scalar(text("SELECT max(name) FROM tenant")) == "x"
