from __future__ import annotations

import sqlite3
import threading
import time

import pytest
from entrepot.hub.tenants.tables import Tenant
from entrepot.store import Settings, Store, SystemScope
from entrepot.store import engine as engines
from sqlalchemy import text


def _pragma(connection, name: str) -> object:
    return connection.exec_driver_sql(f"PRAGMA {name}").scalar()


@pytest.fixture
def sqlite_settings(tmp_path) -> Settings:
    return Settings(data_dir=tmp_path, environment="test")


def test_sqlite_connections_are_durable_and_patient(sqlite_settings: Settings):
    engine = engines.build_engine(sqlite_settings)
    with engine.connect() as connection:
        assert _pragma(connection, "journal_mode") == "wal"
        assert _pragma(connection, "synchronous") == 2  # FULL
        assert _pragma(connection, "busy_timeout") == 30000
        assert _pragma(connection, "foreign_keys") == 1
        driver = connection.connection.driver_connection
        assert driver.isolation_level == "IMMEDIATE"
    engine.dispose()


@pytest.mark.parametrize("version", [(3, 40, 1), (3, 41, 9)])
def test_unixepoch_is_there_on_old_libraries(sqlite_settings, monkeypatch, version):
    monkeypatch.setattr(sqlite3, "sqlite_version_info", version)
    engine = engines.build_engine(sqlite_settings)
    before = time.time()
    with engine.connect() as connection:
        now = connection.scalar(text("SELECT unixepoch('subsec')"))
    engine.dispose()
    assert before - 1 <= now <= time.time() + 1


def test_unixepoch_is_left_alone_on_new_libraries(sqlite_settings, monkeypatch):
    made: list[str] = []

    class Driver:
        isolation_level = ""

        def create_function(self, name, *_rest):
            made.append(name)

        def execute(self, _sql):
            return self

        def close(self):
            pass

    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 42, 0))
    engines._prepare_sqlite(Driver(), None)
    assert made == []


def test_bulk_connection_is_relaxed_and_commits(sqlite_settings: Settings):
    with engines.bulk_connection(sqlite_settings) as connection:
        assert connection.execute("PRAGMA synchronous").fetchone() == (1,)
        assert connection.execute("PRAGMA foreign_keys").fetchone() == (1,)
        connection.execute("CREATE TABLE t (a)")
        connection.executemany("INSERT INTO t VALUES (?)", [(1,), (2,)])
    with engines.bulk_connection(sqlite_settings) as connection:
        assert connection.execute("SELECT count(*) FROM t").fetchone() == (2,)
    with (
        pytest.raises(ZeroDivisionError),
        engines.bulk_connection(sqlite_settings) as connection,
    ):
        connection.execute("INSERT INTO t VALUES (3)")
        _ = 1 / 0
    with engines.bulk_connection(sqlite_settings) as connection:
        assert connection.execute("SELECT count(*) FROM t").fetchone() == (2,)
    with (
        pytest.raises(ValueError, match="SQLite only"),
        engines.bulk_connection(Settings(database_url="postgresql://u@h/d")),
    ):
        pass


def test_writers_queue_up_and_lose_nothing(store: Store, tenant: str):
    def work() -> None:
        for _ in range(10):
            with store.unit(SystemScope("tests")) as session:
                row = session.get_one(Tenant, tenant, with_for_update=True)
                row.name = str(int(row.name) + 1)

    with store.unit(SystemScope("tests")) as session:
        session.get_one(Tenant, tenant).name = "0"
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.read(SystemScope("tests")) as session:
        assert session.get_one(Tenant, tenant).name == "40"
