"""Creating, suspending, exporting and deleting resellers."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from entrepot.hub.tenants.export import delete_rows, export_rows
from entrepot.hub.tenants.tables import Tenant
from entrepot.sdk.context import Clock
from entrepot.sdk.errors import Conflict, NotFound, Rejected
from entrepot.store import (
    SYSTEM_TENANT,
    Actor,
    PermissionDenied,
    Store,
    SystemScope,
    audit,
    new_id,
    operator_actor,
)
from entrepot.store.erasure import erasing

ACTIVE = "active"
SUSPENDED = "suspended"
_SLUG = re.compile(r"^[a-z0-9](?:[a-z0-9-]{0,58}[a-z0-9])?$")


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantView:
    """A reseller as others see it."""

    id: str
    slug: str
    name: str
    status: str
    billing_zone: str
    created_at: datetime


class TenantService:
    """The operator's view of resellers.

    Every method but `get` and `only` needs an operator: an actor that belongs to no
    reseller and holds ``tenants:read`` or ``tenants:write``.

    Args:
        store: The database.
        clock: Time.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def create(
        self, actor: Actor, name: str, *, slug: str = "", billing_zone: str = "UTC"
    ) -> TenantView:
        """Add a reseller.

        Args:
            actor: An operator.
            name: As people call it.
            slug: Its short name in addresses and commands; from the name when empty.
            billing_zone: IANA name of the zone in which its billing days begin.

        Raises:
            PermissionDenied: The actor isn't an operator.
            Rejected: A value isn't usable; `field` names it.
            Conflict: The slug is taken.
        """
        _require_operator(actor, "tenants:write")
        called = _checked_name(name)
        values = Tenant(
            id=new_id("ten"),
            slug=_checked_slug(slug or slugify(called)),
            name=called,
            status=ACTIVE,
            billing_zone=_checked_zone(billing_zone),
            created_at=self._clock.now(),
        )
        with self._store.unit(SystemScope("tenants")) as session:
            if _find(session, values.slug) is not None:
                raise Conflict(
                    "slug_taken",
                    f"There is a reseller {values.slug!r} already.",
                    field="slug",
                    remedy="Choose another short name.",
                )
            session.add(values)
            view = _view(values)
            _note(session, actor, "tenant.create", values, after=_values(view))
            return view

    def list(self, actor: Actor) -> tuple[TenantView, ...]:
        """Return all resellers by slug.

        Raises:
            PermissionDenied: The actor isn't an operator.
        """
        _require_operator(actor, "tenants:read")
        with self._store.read(SystemScope("tenants")) as session:
            query = select(Tenant).order_by(Tenant.slug)
            return tuple(_view(tenant) for tenant in session.scalars(query))

    def get(self, actor: Actor, reference: str) -> TenantView:
        """Return a reseller by id or slug; anybody may see their own.

        Raises:
            NotFound: There is none, or it isn't the actor's own.
        """
        with self._store.read(SystemScope("tenants")) as session:
            tenant = _find(session, reference)
            mine = tenant is not None and actor.tenant_id in (tenant.id, SYSTEM_TENANT)
            if tenant is None or not mine:
                raise _unknown(reference)
            return _view(tenant)

    def only(self) -> TenantView:
        """Return the one reseller of this hub; the command line's default.

        Raises:
            NotFound: There is none yet.
            Rejected: There are several, and one must be named.
        """
        with self._store.read(SystemScope("tenants")) as session:
            found = session.scalars(select(Tenant).order_by(Tenant.slug)).all()
            views = [_view(tenant) for tenant in found]
        if not views:
            raise NotFound(
                "no_tenant",
                "There is no reseller yet.",
                remedy="Create one: entrepot tenants create NAME.",
            )
        if len(views) > 1:
            raise Rejected(
                "tenant_needed",
                "There are several resellers: "
                + ", ".join(view.slug for view in views[:20]),
                field="tenant",
                remedy="Name one with --tenant.",
            )
        return views[0]

    def is_active(self, tenant_id: str) -> bool:
        """Return whether a reseller exists and isn't suspended."""
        with self._store.read(SystemScope("tenants")) as session:
            tenant = session.get(Tenant, tenant_id)
            return tenant is not None and tenant.status == ACTIVE

    def suspend(self, actor: Actor, reference: str, why: str) -> TenantView:
        """Mark a reseller as suspended, see `is_active`; nothing is lost.

        Raises:
            PermissionDenied: The actor isn't an operator.
            NotFound: There is no such reseller.
        """
        return self._set_status(actor, reference, SUSPENDED, why)

    def resume(self, actor: Actor, reference: str, why: str) -> TenantView:
        """Open a suspended reseller again.

        Raises:
            PermissionDenied: The actor isn't an operator.
            NotFound: There is no such reseller.
        """
        return self._set_status(actor, reference, ACTIVE, why)

    def export(self, actor: Actor, reference: str, path: Path) -> dict[str, int]:
        """Write everything that belongs to a reseller into a zip of NDJSON files.

        Secrets, passwords and keys are left out.

        Args:
            actor: An operator.
            reference: Id or slug.
            path: The zip to write; replaced if it exists.

        Returns:
            The number of rows of every table.

        Raises:
            PermissionDenied: The actor isn't an operator.
            NotFound: There is no such reseller.
        """
        _require_operator(actor, "tenants:read")
        with self._store.read(SystemScope("tenants.export")) as session:
            tenant = _existing(session, reference)
            view = _view(tenant)
            counts = export_rows(session, view.id, path, self._clock.now())
        with self._store.unit(SystemScope("tenants.export")) as session:
            exported = _existing(session, view.id)
            _note(session, actor, "tenant.export", exported, after={"rows": counts})
        return counts

    def delete(self, actor: Actor, reference: str, why: str) -> dict[str, int]:
        """Remove a suspended reseller with everything that belongs to it.

        What stays is one entry in the hub's own audit log.

        Returns:
            The number of rows deleted from every table.

        Raises:
            PermissionDenied: The actor isn't an operator.
            NotFound: There is no such reseller.
            Conflict: It isn't suspended.
        """
        _require_operator(actor, "tenants:write")
        with self._store.unit(SystemScope("tenants.delete")) as session:
            tenant = _existing(session, reference, lock=True)
            if tenant.status != SUSPENDED:
                raise Conflict(
                    "tenant_active",
                    f"{tenant.name} is active; only a suspended reseller can be "
                    "deleted.",
                    remedy=f"Suspend it first: entrepot tenants suspend {tenant.slug}.",
                )
            view = _view(tenant)
            session.expunge(tenant)
            with erasing(session, f"delete {view.id}"):
                counts = delete_rows(session, view.id)
            _note(session, actor, "tenant.delete", view, why=why, before=counts)
            return counts

    def _set_status(
        self, actor: Actor, reference: str, status: str, why: str
    ) -> TenantView:
        _require_operator(actor, "tenants:write")
        with self._store.unit(SystemScope("tenants")) as session:
            tenant = _existing(session, reference, lock=True)
            before, tenant.status = tenant.status, status
            if before != status:
                _note(
                    session,
                    actor,
                    f"tenant.{'suspend' if status == SUSPENDED else 'resume'}",
                    tenant,
                    why=why,
                    before={"status": before},
                    after={"status": status},
                )
            return _view(tenant)


def slugify(name: str) -> str:
    """Return a slug made of the letters and digits of ``name``; may be empty."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")[:60].rstrip("-")


def _require_operator(actor: Actor, permission: str) -> None:
    actor.require(permission)
    if actor.tenant_id != SYSTEM_TENANT:
        raise PermissionDenied(f"{permission} as operator", actor.name)


def _checked_slug(slug: str) -> str:
    if not _SLUG.match(slug) or slug == SYSTEM_TENANT:
        raise Rejected(
            "slug_invalid",
            f"{slug!r} can't be a short name.",
            field="slug",
            remedy="Use up to 60 lower-case letters, digits and hyphens.",
        )
    return slug


def _checked_name(name: str) -> str:
    clean = name.strip()
    if not clean or len(clean) > 200:
        raise Rejected(
            "name_invalid",
            "A reseller needs a name of at most 200 characters.",
            field="name",
            remedy="Give its company name.",
        )
    return clean


def _checked_zone(zone: str) -> str:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Rejected(
            "billing_zone_invalid",
            f"{zone!r} isn't a time zone.",
            field="billing_zone",
            remedy="Use an IANA name such as Europe/Berlin.",
        ) from error
    return zone


def _find(session: Session, reference: str, *, lock: bool = False) -> Tenant | None:
    query = select(Tenant).where(or_(Tenant.id == reference, Tenant.slug == reference))
    return session.scalars(query.with_for_update() if lock else query).one_or_none()


def _existing(session: Session, reference: str, *, lock: bool = False) -> Tenant:
    tenant = _find(session, reference, lock=lock)
    if tenant is None:
        raise _unknown(reference)
    return tenant


def _unknown(reference: str) -> NotFound:
    return NotFound(
        "tenant_unknown",
        f"There is no reseller {reference!r}.",
        field="tenant",
        remedy="List them: entrepot tenants list.",
    )


def _note(
    session: Session,
    actor: Actor,
    action: str,
    tenant: Tenant | TenantView,
    *,
    why: str = "",
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
) -> None:
    audit(
        session,
        actor,
        action=action,
        subject=("tenant", tenant.id),
        why=why,
        before=before,
        after=after,
    )


def _values(view: TenantView) -> dict[str, object]:
    return {"slug": view.slug, "name": view.name, "billing_zone": view.billing_zone}


def _view(tenant: Tenant) -> TenantView:
    return TenantView(
        id=tenant.id,
        slug=tenant.slug,
        name=tenant.name,
        status=tenant.status,
        billing_zone=tenant.billing_zone,
        created_at=tenant.created_at,
    )


def active_tenants(tenants: TenantService) -> list[str]:
    """Return the resellers that aren't suspended."""
    return [one.id for one in tenants.list(operator_actor()) if one.status == ACTIVE]
