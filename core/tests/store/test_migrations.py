from __future__ import annotations

import threading

import pytest
from entrepot.store import Base, Settings, Store, SystemScope
from entrepot.store.base import tenant_tables
from entrepot.store.migrations.ddl import append_only_tables
from entrepot.store.migrations.filters import (
    include_object,
    is_engine_table,
    is_search_index,
)
from entrepot.store.migrations.generate import TARGET, render
from entrepot.store.migrations.run import (
    current_revision,
    head_revision,
    is_current,
    schema_drift,
    upgrade,
)
from entrepot.store.state import missing_extensions
from sqlalchemy import Column, Integer, MetaData, String, Table, inspect, text


@pytest.fixture
def empty(settings: Settings, empty_database_url: str) -> Settings:
    return Settings(
        database_url=empty_database_url, data_dir=settings.data_dir, environment="test"
    )


@pytest.fixture
def empty_store(empty: Settings):
    made = Store(empty)
    yield made
    made.dispose()


def _tables(store: Store) -> set[str]:
    names = inspect(store.engine).get_table_names()
    return {name for name in names if not is_search_index(name)}


def test_up_down_up(empty_store: Store):
    assert current_revision(empty_store.engine) is None
    assert not empty_store.schema_is_current()
    for _ in range(2):
        empty_store.upgrade()
        assert _tables(empty_store) == {*Base.metadata.tables, "alembic_version"}
        assert empty_store.schema_is_current()
        assert schema_drift(empty_store.settings) == []
        empty_store.upgrade()
        empty_store.downgrade()
        assert _tables(empty_store) == {"alembic_version"}
        assert not is_current(empty_store.engine)


def test_migrated_database_has_what_the_code_expects(store: Store):
    assert schema_drift(store.settings) == []
    assert current_revision(store.engine) == head_revision()


def test_drift_is_noticed(store: Store):
    with store.engine.begin() as connection:
        connection.execute(text("ALTER TABLE hub_state ADD COLUMN surplus TEXT"))
        connection.execute(text("DROP INDEX ix_audit_entry_action"))
    drift = str(schema_drift(store.settings))
    assert "surplus" in drift
    assert "ix_audit_entry_action" in drift


def test_committed_migration_is_the_generated_one():
    assert TARGET.read_text() == render(Base.metadata), (
        "Tables changed: run python -m entrepot.store.migrations.generate"
    )


def test_generated_text_is_the_same_every_time():
    assert render(Base.metadata) == render(Base.metadata)


def test_two_upgrades_at_once_do_no_harm(empty_store: Store):
    failures: list[BaseException] = []

    def work() -> None:
        try:
            upgrade(empty_store.settings)
        except BaseException as error:  # noqa: BLE001 - reported by the assertion
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert empty_store.schema_is_current()


def test_no_table_carries_a_name_of_the_engine():
    assert [name for name in Base.metadata.tables if is_engine_table(name)] == []


@pytest.mark.parametrize(
    "name",
    ["notifications", "queues", "streams", "workflow_status", "operation_outputs",
     "application_versions", "dbos_migrations", "datasource_outputs"],
)  # fmt: skip
def test_engine_tables_are_left_alone(name: str):
    table = Table(name, MetaData(), Column("a", Integer, index=True))
    assert is_engine_table(name)
    assert not include_object(table, name, "table", True, None)
    index = next(iter(table.indexes))
    assert not include_object(index, str(index.name), "index", True, None)
    ours = Table("subscription", MetaData(), Column("a", String))
    assert include_object(ours, "subscription", "table", True, None)
    theirs = Table("anything", MetaData(), Column("a", String), schema="dbos")
    assert not include_object(theirs, "anything", "table", True, None)


def test_every_owned_table_has_a_policy_and_every_fact_table_a_trigger(store: Store):
    with store.engine.connect() as connection:
        if store.dialect == "sqlite":
            query = "SELECT tbl_name, name FROM sqlite_master WHERE type = 'trigger'"
            found = {tuple(row) for row in connection.execute(text(query))}
            for table in append_only_tables(Base.metadata):
                for change in ("update", "delete"):
                    assert (table, f"{table}_no_{change}") in found
            return
        policies = text("SELECT tablename FROM pg_policies")
        assert set(connection.scalars(policies)) == set(tenant_tables())
        triggers = text("SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname "
                        "LIKE '%\\_append\\_only'")  # fmt: skip
        assert set(connection.scalars(triggers)) == set(
            append_only_tables(Base.metadata)
        )


SHARED = {
    "api_credential": "found by client id before the reseller is known",
    "app_identity": "a person may work for several resellers",
    "app_membership": "a person may work for several resellers",
    "app_passkey": "a person may work for several resellers",
    "app_recovery_code": "a person may work for several resellers",
    "app_session": "a person may work for several resellers",
    "app_sign_in_rules": "read before the reseller is known",
    "app_totp": "a person may work for several resellers",
    "app_user": "a person may work for several resellers",
    "erasure_permit": "lifts triggers for one transaction",
    "hub_state": "about the hub itself",
    "quota_bucket": "a vendor's budget is shared by all who call it",
    "rate_window": "counts before anybody has signed in",
    "schedule_version": "one number for all",
    "worker_lease": "about processes",
}


def test_every_table_belongs_to_resellers_or_says_why_not():
    shared = set(Base.metadata.tables) - set(tenant_tables())
    assert shared <= set(SHARED), (
        "Use TenantOwned, or say in SHARED why the rows belong to nobody."
    )


def test_search_extensions_are_recorded(store: Store):
    if store.dialect == "sqlite":
        with store.read(SystemScope("tests")) as session:
            assert missing_extensions(session) == []
        return
    with store.engine.connect() as connection:
        state = dict(
            tuple(row)
            for row in connection.execute(
                text("SELECT key, value FROM hub_state WHERE key LIKE 'extension.%'")
            )
        )
        offered = connection.scalars(
            text("SELECT name FROM pg_available_extensions WHERE name LIKE '%\\_%'")
        ).all()
    with store.read(SystemScope("tests")) as session:
        missing = missing_extensions(session)
    assert missing == sorted({"pg_trgm", "btree_gin"} - set(offered))
    for name in ("pg_trgm", "btree_gin"):
        assert state[f"extension.{name}"] == ("yes" if name in offered else "no")
