"""BigQuery's answers to a query (reference §8.3)."""

from __future__ import annotations

import msgspec

from entrepot_google.wire.base import Wire


class Cell(msgspec.Struct, kw_only=True):
    """A value of a row; scalars are texts."""

    v: str | None = None


class Row(msgspec.Struct, kw_only=True):
    """A row."""

    f: list[Cell]


class SchemaField(Wire):
    """A column."""

    name: str


class TableSchema(Wire):
    """Columns in the order of the cells."""

    fields: tuple[SchemaField, ...] = ()


class JobReference(Wire):
    """Names a query that runs."""

    project_id: str = ""
    job_id: str = ""
    location: str = ""


class QueryError(Wire):
    """Why a query failed."""

    reason: str = ""
    message: str = ""


class QueryWire(Wire):
    """An answer with rows, or with a job to ask again about."""

    job_complete: bool = False
    job_reference: JobReference | None = None
    table_schema: TableSchema | None = msgspec.field(default=None, name="schema")
    rows: tuple[Row, ...] = ()
    page_token: str = ""
    errors: tuple[QueryError, ...] = ()


QUERY = msgspec.json.Decoder(QueryWire)
