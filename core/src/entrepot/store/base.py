"""The declarative base of every table and the mark of a reseller's own rows."""

from __future__ import annotations

from typing import Any

from sqlalchemy import MetaData, String, Table
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

SYSTEM_TENANT = "system"
"""Stands where a row of a tenant-owned table belongs to no reseller."""

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Base of all tables of the hub; its metadata is what migrations describe."""

    metadata = MetaData(naming_convention=NAMING)


class TenantOwned:
    """Mixin of tables whose rows belong to one reseller.

    The session filters, fills and checks ``tenant_id``; on PostgreSQL a policy
    repeats it. A table that keys the reseller in another column says so with
    ``info={"tenant_column": "..."}`` instead of this mixin.
    """

    tenant_id: Mapped[str] = mapped_column(String(40), index=True)


def tenant_column(table: Table) -> str | None:
    """Return the column that holds the reseller's id, or None for shared tables."""
    declared: Any = table.info.get("tenant_column")
    if declared is not None:
        return str(declared)
    if "tenant_id" in table.c and not table.info.get("shared"):
        return "tenant_id"
    return None


def tenant_tables(metadata: MetaData = Base.metadata) -> dict[str, str]:
    """Return every tenant-owned table's name with its reseller column."""
    owned = {name: tenant_column(table) for name, table in metadata.tables.items()}
    return {name: column for name, column in owned.items() if column is not None}
