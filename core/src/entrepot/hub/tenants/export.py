"""Everything that belongs to a reseller, as NDJSON, or gone."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import Table, delete, select
from sqlalchemy.orm import Session

from entrepot.sdk.redaction import REDACTED, Redactor, is_secret_name
from entrepot.store.base import Base, tenant_column

_BATCH = 1000
_redactor = Redactor()


def owned_tables() -> list[tuple[Table, str]]:
    """Return tables with rows of resellers and the column that says whose.

    Shared tables (memberships, credentials) are among them: the guard leaves those
    to their services, but what names a reseller goes with it. Parents come first.
    """
    found = ((table, _whose(table)) for table in Base.metadata.sorted_tables)
    return [(table, column) for table, column in found if column is not None]


def _whose(table: Table) -> str | None:
    return tenant_column(table) or ("tenant_id" if "tenant_id" in table.c else None)


def export_rows(
    session: Session, tenant_id: str, path: Path, at: datetime
) -> dict[str, int]:
    """Write one NDJSON file for each table and a manifest into a zip.

    Tables marked ``info={"export": False}`` are left out; values of columns with
    the name of a secret, and secrets inside documents, are replaced.

    Returns:
        The number of rows of every table.
    """
    counts: dict[str, int] = {}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for table, column in owned_tables():
            if table.info.get("export") is False:
                continue
            with archive.open(f"{table.name}.ndjson", "w") as stream:
                counts[table.name] = 0
                for row in _rows(session, table, column, tenant_id):
                    stream.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
                    counts[table.name] += 1
        manifest = {"tenant_id": tenant_id, "at": at.isoformat(), "rows": counts}
        archive.writestr("manifest.json", json.dumps(manifest, indent=2))
    return counts


def delete_rows(session: Session, tenant_id: str) -> dict[str, int]:
    """Delete every row of a reseller, children first.

    Returns:
        The number of rows deleted from every table that had any.
    """
    counts: dict[str, int] = {}
    for table, column in reversed(owned_tables()):
        result: Any = session.execute(delete(table).where(table.c[column] == tenant_id))
        if result.rowcount:
            counts[table.name] = int(result.rowcount)
    return counts


def _rows(
    session: Session, table: Table, column: str, tenant_id: str
) -> Iterator[dict[str, Any]]:
    query = (
        select(table)
        .where(table.c[column] == tenant_id)
        .order_by(*table.primary_key.columns)
        .execution_options(yield_per=_BATCH)
    )
    for row in session.execute(query).mappings():
        yield {name: _plain(name, value) for name, value in row.items()}


def _plain(name: str, value: object) -> Any:  # noqa: ANN401 - any JSON value
    if is_secret_name(name) and value not in (None, ""):
        return REDACTED
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    return _redactor.data(value)
