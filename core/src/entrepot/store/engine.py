"""Engines: how the hub talks to SQLite and PostgreSQL."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import InvalidatePoolError

from entrepot.store.settings import Settings

WEB_ROLE = "entrepot_web"
"""PostgreSQL role of web processes; row-level security binds it."""

_UNIXEPOCH_SINCE = (3, 42)
_PATIENCE = 30.0
_REST_SECONDS = 1.0
_RESTED = "entrepot.rested"


def build_engine(settings: Settings, *, web: bool = False) -> Engine:
    """Return the engine for the hub's database.

    Args:
        settings: Names the database.
        web: Whether this is a web process. On PostgreSQL its connections then act
            as `WEB_ROLE`, so that row-level security holds for whatever they run.
    """
    if settings.database_kind == "sqlite":
        return _sqlite_engine(settings)
    return _postgresql_engine(settings, web=web)


def build_reader(settings: Settings) -> Engine | None:
    """Return an engine for snapshots where they need connections of their own.

    On SQLite its connections refuse to write for good: switching that on and off on
    one connection would have every statement compiled anew. None on PostgreSQL, where
    a transaction says it.
    """
    if settings.database_kind != "sqlite":
        return None
    engine = _sqlite_engine(settings)
    event.listen(engine, "connect", _only_read)
    return engine


def _only_read(connection: Any, _record: Any) -> None:  # noqa: ANN401 - driver's
    connection.execute("PRAGMA query_only=ON").close()


@contextmanager
def bulk_connection(settings: Settings) -> Iterator[sqlite3.Connection]:
    """Yield a SQLite connection for loading vendor facts that can be read again.

    It may lose its last transactions in a power cut (``synchronous=NORMAL``) and
    must never carry decisions, orders or anything that exists only here.

    Raises:
        ValueError: The database isn't SQLite.
    """
    path = settings.sqlite_path
    if path is None:
        raise ValueError("Bulk connections exist on SQLite only.")
    connection = sqlite3.connect(path, check_same_thread=False)
    try:
        _prepare_sqlite(connection, None)
        for pragma in (
            "synchronous=NORMAL",
            "cache_size=-262144",
            "wal_autocheckpoint=50000",
        ):
            connection.execute(f"PRAGMA {pragma}")
        yield connection
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
    finally:
        connection.close()


def _sqlite_engine(settings: Settings) -> Engine:
    path = settings.sqlite_path
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        make_url(settings.database_url),
        connect_args={"check_same_thread": False},
    )
    event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:  # noqa: ANN401 - driver's
    connection.isolation_level = "IMMEDIATE"
    if sqlite3.sqlite_version_info < _UNIXEPOCH_SINCE:
        # The engine of durable work asks for unixepoch('subsec'), which older
        # libraries don't have.
        connection.create_function(
            "unixepoch",
            1,
            lambda _modifier: time.time(),  # wall clock: SQLite's own would be
        )
    _switch_to_wal(connection)
    for pragma in (
        # Not NORMAL: a power cut could then lose an accepted order.
        "synchronous=FULL",
        "busy_timeout=30000",
        "foreign_keys=ON",
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _switch_to_wal(connection: Any) -> None:  # noqa: ANN401 - driver's
    """Make the write-ahead log the database's mode; it stays so for good.

    While others open a new file at the same moment, SQLite refuses the switch at
    once instead of waiting, so we wait ourselves.
    """
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL").close()
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def _postgresql_engine(settings: Settings, *, web: bool) -> Engine:
    engine = create_engine(
        make_url(settings.database_url),
        pool_size=settings.database_pool,
        max_overflow=settings.database_pool,
        connect_args={
            # A page's statement is over before it would have been compiled.
            "options": "-c timezone=UTC" + (" -c jit=off" if web else ""),
            "application_name": "entrepot",
            # A page must fail with 503 soon, not hang, when the server is away.
            "connect_timeout": 10,
        },
    )
    _ping_rested(engine)
    if web:
        event.listen(engine, "connect", _become_web)
    return engine


def _ping_rested(engine: Engine) -> None:
    """Ask whether the server is there only after a connection has rested.

    Asking each time costs every page a round trip; a server that went away a moment
    ago fails the requests that run anyway.
    """

    @event.listens_for(engine, "connect")
    @event.listens_for(engine, "checkin")
    def rest(_connection: Any, record: Any) -> None:  # noqa: ANN401 - the pool's
        record.info[_RESTED] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def ask(connection: Any, record: Any, _proxy: Any) -> None:  # noqa: ANN401 - the pool's
        if time.monotonic() - record.info.get(_RESTED, 0.0) < _REST_SECONDS:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError from error


def _become_web(connection: Any, _record: Any) -> None:  # noqa: ANN401 - driver's
    with connection.cursor() as cursor:
        cursor.execute(f"SET ROLE {WEB_ROLE}")
    connection.commit()
