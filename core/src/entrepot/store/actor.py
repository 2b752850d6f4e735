"""Who acts, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from entrepot.store.base import SYSTEM_TENANT

ActorKind = Literal["user", "client", "policy", "system", "operator"]

RESOURCES = (
    "audit",
    "connections",
    "credentials",
    "customers",
    "jobs",
    "mappings",
    "offers",
    "psa",
    "reconciliations",
    "subscriptions",
    "sync",
    "tenants",
    "users",
)
VERBS = ("read", "write", "approve")
ALL_PERMISSIONS = frozenset(f"{noun}:{verb}" for noun in RESOURCES for verb in VERBS)


class PermissionDenied(Exception):
    """The actor lacks a permission; `permission` names it."""

    def __init__(self, permission: str, name: str) -> None:
        super().__init__(
            f"{name} may not do this: the permission {permission} is missing. "
            "An administrator can grant it."
        )
        self.permission = permission


@dataclass(frozen=True, slots=True)
class Behalf:
    """Who acts in another person's name, and why.

    Args:
        id: Identifier of the one who really acts.
        name: Their name.
        reason: What they gave as the reason.
    """

    id: str
    name: str
    reason: str


class NotOnBehalf(PermissionDenied):
    """Something that only the person themselves may do."""

    def __init__(self, name: str) -> None:
        super().__init__("self", name)
        self.args = (f"{name}: only they themselves may do this. End acting for them.",)


@dataclass(frozen=True, slots=True)
class Actor:
    """A person, machine client, policy or part of the hub that acts.

    Args:
        id: Identifier of the person or client; for the system its name.
        kind: What sort of actor it is.
        tenant_id: The reseller it acts for; ``system`` for none.
        name: As shown to people.
        permissions: ``<resource>:<read|write|approve>``.
        by: Who acts in this person's name; None for the person themselves.
    """

    id: str
    kind: ActorKind
    tenant_id: str
    name: str
    permissions: frozenset[str] = frozenset()
    by: Behalf | None = None

    def may(self, permission: str) -> bool:
        """Return whether the actor holds ``permission``."""
        return permission in self.permissions

    def require(self, permission: str) -> None:
        """Return if the actor holds ``permission``.

        Raises:
            PermissionDenied: It doesn't.
        """
        if permission not in self.permissions:
            raise PermissionDenied(permission, self.name)

    def require_self(self) -> None:
        """Return if nobody acts in this person's name.

        Raises:
            NotOnBehalf: Somebody does.
        """
        if self.by is not None:
            raise NotOnBehalf(self.name)


def system_actor(name: str, tenant_id: str = SYSTEM_TENANT) -> Actor:
    """Return the hub itself as actor, with every permission.

    Args:
        name: Which part of the hub (``sync``, ``schedule``, ``upkeep``).
        tenant_id: The reseller whose rows are changed; ``system`` for none.
    """
    return Actor(name, "system", tenant_id, name, ALL_PERMISSIONS)


def operator_actor(name: str = "operator") -> Actor:
    """Return the operator above all resellers (the command line)."""
    return Actor(name, "operator", SYSTEM_TENANT, name, ALL_PERMISSIONS)
