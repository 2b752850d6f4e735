"""How transactions begin on PostgreSQL, and connections that the server lost."""

from __future__ import annotations

import psycopg
import pytest
from entrepot.store import SystemScope, TenantScope
from entrepot.store.engine import WEB_ROLE
from sqlalchemy import text

PID = text("SELECT pg_backend_pid()")


@pytest.fixture
def database_kind() -> str:
    """SQLite has no server, no roles and one kind of snapshot."""
    return "postgresql"


def test_snapshot_has_its_mode_role_and_reseller(web_store, tenant) -> None:
    shown = text(
        "SELECT current_user, current_setting('transaction_isolation'), "
        "current_setting('transaction_read_only'), current_setting('entrepot.tenant')"
    )
    with web_store.read(TenantScope(tenant)) as session:
        found = tuple(session.execute(shown).one())
    assert found == (WEB_ROLE, "repeatable read", "on", tenant)
    with web_store.read(SystemScope("test")) as session:
        role, *rest = session.execute(shown).one()
    assert role != WEB_ROLE
    assert rest == ["repeatable read", "on", ""]
    with web_store.unit(TenantScope(tenant)) as session:
        found = tuple(session.execute(shown).one())
    assert found == (WEB_ROLE, "read committed", "off", tenant)


def test_connection_that_was_cut_while_it_rested_is_replaced(
    web_store, settings, monkeypatch
) -> None:
    with web_store.read(SystemScope("test")) as session:
        first = session.scalar(PID)
    with web_store.read(SystemScope("test")) as session:
        assert session.scalar(PID) == first
    url = settings.database_url.replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [first])
    monkeypatch.setattr("entrepot.store.engine._REST_SECONDS", 0.0)
    with web_store.read(SystemScope("test")) as session:
        assert session.scalar(PID) != first
