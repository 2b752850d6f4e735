"""Inbound notifications: only those that a plugin verified start anything."""

from __future__ import annotations

import pytest
from entrepot.hub.connections.tables import Connection
from entrepot.hub.sync.tables import SyncRun
from entrepot.store import TenantScope
from sqlalchemy import func, select


@pytest.fixture
def database_kind() -> str:
    """One database: nothing here depends on which."""
    return "sqlite"


def runs(web, tenant) -> int:
    with web.hub.store.read(TenantScope(tenant)) as session:
        return session.scalar(select(func.count()).select_from(SyncRun)) or 0


def key_of(web, tenant, connection_id) -> str:
    with web.hub.store.read(TenantScope(tenant)) as session:
        return session.get(Connection, connection_id).notification_key


def test_unknown_key_is_404_and_needs_no_form_token(web) -> None:
    client = web.app.test_client()
    assert client.post("/notify/nothing", data=b"x").status_code == 404
    assert client.get("/notify/nothing").status_code == 404


def test_oversized_and_unverifiable_ones_change_nothing(web, tenant, books) -> None:
    client = web.app.test_client()
    before = runs(web, tenant)
    path = f"/notify/{key_of(web, tenant, books.vendor)}"
    assert client.post(path, data=b"x" * 300_000).status_code == 413
    assert client.post(path, data=b'{"forged": true}').status_code >= 400
    assert runs(web, tenant) == before


def test_senders_are_rate_limited(web) -> None:
    client = web.app.test_client()
    statuses = {client.post("/notify/x").status_code for _ in range(301)}
    assert statuses == {404, 429}
