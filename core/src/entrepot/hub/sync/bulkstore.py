"""A store for loading what can be read again: on SQLite a power cut may undo its end.

Rows and checkpoint are one transaction there as well, so that a lost one is simply
read again; decisions and orders never go this way.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from entrepot.store.engine import build_engine
from entrepot.store.unit import Store

_PRAGMAS = (
    "synchronous=NORMAL",
    "cache_size=-262144",
    # Checkpoints in the middle of a load write the same index pages many times.
    "wal_autocheckpoint=50000",
)


@contextmanager
def bulk_store(store: Store) -> Iterator[Store]:
    """The store to load through: `store` itself, or on SQLite one of its own."""
    if store.dialect != "sqlite":
        yield store
        return
    engine = build_engine(store.settings)
    event.listen(engine, "connect", _relax)
    relaxed = Store(store.settings, store.clock, engine=engine, redactor=store.redactor)
    try:
        yield relaxed
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)")
    finally:
        relaxed.dispose()


def _relax(connection: Any, _record: Any) -> None:  # noqa: ANN401 - the driver's
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}").close()
