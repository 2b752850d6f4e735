"""On a managed server the hub's account is no superuser."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest
from entrepot.hub.tenants.tables import Tenant
from entrepot.store import Settings, SettingsInvalid, Store, SystemScope, TenantScope
from entrepot.store.engine import WEB_ROLE
from entrepot.store.migrations import ddl
from sqlalchemy import select, text


@pytest.fixture
def database_kind() -> str:
    return "postgresql"


@pytest.fixture
def owner(settings, empty_database_url: str) -> Iterator[Settings]:
    """Settings of an ordinary account that owns an empty database."""
    name = empty_database_url.partition("?")[0].rsplit("/", 1)[1]
    role = f"owner_{name}"
    with psycopg.connect(empty_database_url, autocommit=True) as admin:
        admin.execute(f"CREATE ROLE {role} LOGIN")
        admin.execute(f"ALTER DATABASE {name} OWNER TO {role}")
        admin.execute(f"GRANT ALL ON SCHEMA public TO {role}")
    url = empty_database_url.replace("postgres@", f"{role}@", 1)
    yield replace(settings, database_url=url)
    with psycopg.connect(empty_database_url, autocommit=True) as admin:
        admin.execute(f"REASSIGN OWNED BY {role} TO postgres")
        admin.execute(f"DROP OWNED BY {role}")
        admin.execute(f"DROP ROLE {role}")


def _stores(settings: Settings) -> tuple[Store, Store]:
    return Store(settings), Store(settings, web=True)


def test_missing_right_is_explained(owner: Settings, postgres_template: str):
    with pytest.raises(SettingsInvalid, match=f"GRANT {WEB_ROLE} TO owner_"):
        Store(owner).upgrade()


def test_everything_works_once_the_role_is_granted(
    owner: Settings, empty_database_url: str
):
    role = owner.database_url.split("//")[1].split("@")[0]
    with psycopg.connect(empty_database_url, autocommit=True) as admin:
        admin.execute(f"GRANT {WEB_ROLE} TO {role}")
    worker, web = _stores(owner)
    worker.upgrade()
    for identifier in ("ten_a", "ten_b"):
        with worker.unit(SystemScope("tests")) as session:
            session.add(
                Tenant(
                    id=identifier,
                    slug=identifier,
                    name=identifier,
                    status="active",
                    billing_zone="UTC",
                    created_at=worker.clock.now(),
                )
            )
    with web.read(TenantScope("ten_a")) as session:
        assert session.scalar(text("SELECT current_user")) == WEB_ROLE
        cursor = session.connection().connection.cursor()
        assert cursor.execute("SELECT id FROM tenant").fetchall() == [("ten_a",)]
    with web.unit(SystemScope("sign-in")) as session:
        assert session.scalars(select(Tenant.id).order_by(Tenant.id)).all() == [
            "ten_a",
            "ten_b",
        ]
    worker.downgrade()
    worker.upgrade()
    assert worker.schema_is_current()
    worker.dispose()
    web.dispose()


def test_missing_extensions_are_recorded_not_fatal(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(ddl, "EXTENSIONS", ("no_such_extension", "file_fdw"))
    with store.engine.begin() as connection:
        ddl._extensions(connection)
        query = text("SELECT value FROM hub_state WHERE key = :key")
        key = {"key": "extension.no_such_extension"}
        assert connection.scalar(query, key) == "no"
