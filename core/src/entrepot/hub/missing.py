"""The index of what a listing lacked, for tables that mirror the other side."""

from __future__ import annotations

from sqlalchemy import Index, text


def missing_index(table: str) -> Index:
    """An index of the few rows that the last listing lacked.

    Every listing asks for them at its end; without it all rows would be read. It
    costs a load nothing, since rows that are listed are not in it.
    """
    few = text("missing_since IS NOT NULL")
    return Index(
        f"ix_{table}_missing", "connection_id", sqlite_where=few, postgresql_where=few
    )
