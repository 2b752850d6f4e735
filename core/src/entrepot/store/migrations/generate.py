"""Writes the initial migration from the tables: ``python -m ....generate``.

Until the first release there is one migration, ``0001_initial``; it is written anew
whenever tables change. Equal tables give an equal file.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Literal

from alembic.autogenerate import render_python_code
from alembic.autogenerate.api import AutogenContext
from alembic.operations.ops import (
    CreateIndexOp,
    CreateTableOp,
    DowngradeOps,
    DropTableOp,
    MigrateOperation,
    UpgradeOps,
)
from sqlalchemy import MetaData, Table
from sqlalchemy.types import TypeDecorator

from entrepot.store.base import Base, tenant_tables
from entrepot.store.migrations.ddl import append_only_tables
from entrepot.store.search import searched_tables

TARGET = Path(__file__).parent / "versions" / "0001_initial.py"
HUB_TABLES = "entrepot.hub.tables"
"""The module that imports every table; named, not imported: it lies above the store."""

_TEMPLATE = '''"""The whole schema. Written by entrepot.store.migrations.generate."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Text  # noqa: F401 - named by rendered types
from sqlalchemy.dialects import postgresql  # noqa: F401 - likewise

from entrepot.store.migrations import ddl, search

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TENANT_TABLES = {{
{owned}
}}

APPEND_ONLY_TABLES = (
{append_only}
)

SEARCHED_TABLES = {{
{searched}
}}


def upgrade() -> None:
    """Create everything."""
    {upgrade}
    ddl.install(op.get_bind(), TENANT_TABLES, APPEND_ONLY_TABLES)
    search.install(op.get_bind(), SEARCHED_TABLES)


def downgrade() -> None:
    """Remove everything."""
    {downgrade}
    ddl.uninstall(op.get_bind())
    search.uninstall(op.get_bind(), SEARCHED_TABLES)
'''


def render(metadata: MetaData) -> str:
    """Return the text of the migration that creates ``metadata``."""
    tables = metadata.sorted_tables
    return _TEMPLATE.format(
        owned="\n".join(
            f'    "{name}": "{column}",'
            for name, column in sorted(tenant_tables(metadata).items())
        ),
        append_only="\n".join(f'    "{n}",' for n in append_only_tables(metadata)),
        searched="\n".join(
            f'    "{name}": {columns!r},'
            for name, columns in searched_tables(metadata).items()
        ),
        upgrade=_code(UpgradeOps([op for table in tables for op in _create(table)])),
        downgrade=_code(
            DowngradeOps([DropTableOp.from_table(t) for t in reversed(tables)])
        ),
    )


def main() -> int:
    """Write the file; return 0."""
    importlib.import_module(HUB_TABLES)
    TARGET.write_text(render(Base.metadata))
    sys.stdout.write(f"{TARGET.name}: {len(Base.metadata.tables)} tables\n")
    return 0


def _create(table: Table) -> list[MigrateOperation]:
    indexes = sorted(table.indexes, key=lambda index: str(index.name))
    return [
        CreateTableOp.from_table(table),
        *(CreateIndexOp.from_index(index) for index in indexes),
    ]


def _code(operations: UpgradeOps | DowngradeOps) -> str:
    lines = render_python_code(operations, render_item=_render_item).splitlines()
    kept = [line for line in lines if not line.strip().startswith("# ###")]
    return "\n".join(kept).strip()


def _render_item(
    kind: str, item: object, context: AutogenContext
) -> str | Literal[False]:
    """Render our own types as what the database knows: migrations outlive code."""
    if kind == "type" and isinstance(item, TypeDecorator):
        return f"sa.{item.impl_instance!r}"
    return False


if __name__ == "__main__":
    raise SystemExit(main())
