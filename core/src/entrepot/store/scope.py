"""Whose rows a unit of work may see."""

from __future__ import annotations

from dataclasses import dataclass


class TenantScopeMissing(RuntimeError):
    """A statement touched reseller-owned rows without saying whose."""


class TenantMismatch(RuntimeError):
    """A row of another reseller was about to be written in this scope."""


@dataclass(frozen=True, slots=True)
class TenantScope:
    """One reseller: all reads are filtered and all writes checked by its id."""

    tenant_id: str

    def __post_init__(self) -> None:
        """Refuse an empty id: it would match nothing and hide a bug."""
        if not self.tenant_id:
            raise ValueError("TenantScope needs the id of a reseller.")


@dataclass(frozen=True, slots=True)
class SystemScope:
    """Work that belongs to no reseller or to all (upkeep, reaper, recount).

    Args:
        name: What the work is; it stands in the audit log beside what it changed.
    """

    name: str

    def __post_init__(self) -> None:
        """Refuse unnamed work: the audit log must say what it was."""
        if not self.name:
            raise ValueError("SystemScope needs a name for the audit log.")


Scope = TenantScope | SystemScope
