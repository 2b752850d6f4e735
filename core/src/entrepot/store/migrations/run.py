"""Bringing a database to a revision, and asking where it stands."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, inspect, text

from entrepot.store.base import Base
from entrepot.store.engine import build_engine
from entrepot.store.migrations.filters import VERSION_TABLE, include_object
from entrepot.store.settings import Settings

_FOLDER = Path(__file__).parent
_LOCK = 7_264_101
"""Number of the advisory lock that keeps two upgrades of one database apart."""


def head_revision() -> str:
    """Return the newest revision this version of the hub knows."""
    head = ScriptDirectory(str(_FOLDER)).get_current_head()
    if head is None:
        raise RuntimeError("The hub was installed without its migrations.")
    return head


def known_revisions() -> frozenset[str]:
    """Return every revision this version of the hub can start from."""
    scripts = ScriptDirectory(str(_FOLDER)).walk_revisions()
    return frozenset(script.revision for script in scripts)


def current_revision(engine: Engine) -> str | None:
    """Return the database's revision, or None when it is empty."""
    with engine.connect() as connection:
        if not inspect(connection).has_table(VERSION_TABLE):
            return None
        query = text(f"SELECT version_num FROM {VERSION_TABLE}")  # noqa: S608 - constant
        revision = connection.execute(query).scalar()
        return None if revision is None else str(revision)


def is_current(engine: Engine) -> bool:
    """Return whether the database has exactly the schema this version expects."""
    return current_revision(engine) == head_revision()


def upgrade(settings: Settings, revision: str = "head") -> None:
    """Bring the database to ``revision``; does nothing when it is there already.

    Two processes may call it at once: the second waits for the first.
    """
    _run(settings, lambda config: command.upgrade(config, revision))


def downgrade(settings: Settings, revision: str = "base") -> None:
    """Take the database back to ``revision``; ``base`` removes every table."""
    _run(settings, lambda config: command.downgrade(config, revision))


def move_to(connection: Connection, revision: str) -> None:
    """Take the schema up or down to ``revision`` inside the caller's transaction."""
    present = MigrationContext.configure(connection).get_current_revision()
    below = ScriptDirectory(str(_FOLDER)).iterate_revisions(present, "base")
    if revision in {script.revision for script in below if present}:
        command.downgrade(_config(connection), revision)
    else:
        command.upgrade(_config(connection), revision)


def schema_drift(settings: Settings) -> list[object]:
    """Return the differences between tables in code and in the database.

    Returns:
        Alembic's difference records; an empty list when there is none.
    """
    with migrating(settings) as connection:
        options = {"include_object": include_object, "compare_type": True}
        context = MigrationContext.configure(connection, opts=options)
        with warnings.catch_warnings():
            # An index on an expression can't be read back from SQLite: not compared.
            for said in ("Skipped unsupported reflection", "autogenerate skipping"):
                warnings.filterwarnings("ignore", message=said)
            return list(compare_metadata(context, Base.metadata))


def _run(settings: Settings, action: Callable[[Config], None]) -> None:
    with migrating(settings) as connection:
        action(_config(connection))
        connection.commit()


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    config.attributes["connection"] = connection
    return config


@contextmanager
def migrating(settings: Settings) -> Iterator[Connection]:
    """Yield a connection of its own, as owner, with the lock of migrations taken.

    The caller commits; leaving without that undoes everything.
    """
    engine = build_engine(settings)
    try:
        with engine.connect() as connection:
            if settings.database_kind == "sqlite":
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            else:
                connection.execute(
                    text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK}
                )
            yield connection
    finally:
        engine.dispose()
