"""Which database objects belong to the hub and which to the engine of durable work."""

from __future__ import annotations

import re

ENGINE_SCHEMA = "dbos"
"""The schema on PostgreSQL in which the engine of durable work keeps its tables."""

VERSION_TABLE = "alembic_version"

_ENGINE_TABLES = re.compile(
    r"^(notifications|queues|streams|application_versions|operation_outputs"
    r"|datasource_outputs|workflow_.*|dbos_.*|event_dispatch_kv)$"
)


def is_engine_table(name: str) -> bool:
    """Return whether a name belongs to the engine of durable work.

    On SQLite its tables live beside ours without a prefix, so no table of the hub
    may carry such a name.
    """
    return bool(_ENGINE_TABLES.match(name))


_SEARCH = re.compile(r".*_search(_key|_vocab|_data|_idx|_docsize|_config)?$")


def is_search_index(name: str) -> bool:
    """Return whether a table, or an index, belongs to a search index."""
    return bool(_SEARCH.match(name))


def include_object(
    item: object,
    name: str | None,
    kind: str,
    _reflected: bool,
    _other: object,
) -> bool:
    """Tell Alembic which objects to compare: the hub's own."""
    if kind == "table":
        schema = getattr(item, "schema", None)
        return schema != ENGINE_SCHEMA and not (
            is_engine_table(name or "") or is_search_index(name or "")
        )
    if kind == "index" and is_search_index(name or ""):
        return False
    table = getattr(item, "table", None)
    return table is None or not is_engine_table(table.name)
