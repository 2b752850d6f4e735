"""Connections as others see them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from entrepot.hub.connections.tables import Connection
from entrepot.sdk.errors import EntrepotError


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked:
    """Why a connection stands still.

    Attributes:
        code: Machine word.
        message: One sentence a reseller understands.
        remedy: The one thing to do.
        field: Setting at fault, or None.
        at: Since when.
    """

    code: str
    message: str
    remedy: str
    field: str | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionView:
    """A connection without its secrets.

    Attributes:
        kind: ``vendor`` or ``psa``.
        settings: Plain settings as JSON.
        secret_names: Names of the secrets that are stored.
        state: ``active``, ``paused``, ``parked`` or ``removed``.
        parked: Why it stands still, or None.
        quotas: Overridden request quotas by key; None stands for no limit.
        billing_zone: Zone in which billing days begin; empty = the reseller's.
        account_name: How the other side names the account; empty until checked.
        last_error: Code, message and time of the last failure, or None.
        notifications: State of our registration at the other side (registered,
            detail, renew_before, error, at), or None when there was no attempt.
        version: For If-Match.
    """

    id: str
    tenant_id: str
    plugin: str
    kind: str
    name: str
    settings: Mapping[str, Any]
    secret_names: tuple[str, ...]
    state: str
    parked: Parked | None
    quotas: Mapping[str, Any]
    billing_zone: str
    account_name: str
    account_details: tuple[tuple[str, str], ...]
    account_warnings: tuple[str, ...]
    base_currency: str
    last_ok_at: datetime | None
    last_error: Mapping[str, Any] | None
    notifications: Mapping[str, Any] | None
    created_at: datetime
    removed_at: datetime | None
    version: int


@dataclass(frozen=True, slots=True)
class ConnectionName:
    """What a connection is recognised by.

    Attributes:
        kind: ``vendor`` or ``psa``.
        state: ``active``, ``paused``, ``parked`` or ``removed``.
    """

    id: str
    name: str
    plugin: str
    kind: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """What removing a connection does.

    Attributes:
        connection: The connection.
        consequences: Sentences for the person who decides.
    """

    connection: ConnectionView
    consequences: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetView:
    """How much of a connection's request budget is used.

    Attributes:
        name: The quota's key, as the plugin declares it.
        requests: Permitted requests per `seconds`; None stands for no limit.
        seconds: Length of that span.
        burst: Requests that may be sent at once.
        documented: Whether these are the vendor's figures; False when overridden.
        taken: Requests granted since the connection was made.
        used: Part of the burst that is used up now, from 0 to 1 and above while
            requests queue.
        paused_until: Until when the other side asked us to wait, or None.
    """

    name: str
    requests: int | None
    seconds: float
    burst: int
    documented: bool
    taken: int
    used: float
    paused_until: datetime | None


def view(row: Connection, secret_names: tuple[str, ...]) -> ConnectionView:
    """The view of a row."""
    return ConnectionView(
        id=row.id,
        tenant_id=row.tenant_id,
        plugin=row.plugin,
        kind=row.kind,
        name=row.name,
        settings=dict(row.settings),
        secret_names=secret_names,
        state=row.state,
        parked=_parked(row),
        quotas=dict(row.quotas),
        billing_zone=row.billing_zone,
        account_name=row.account_name,
        account_details=tuple((k, v) for k, v in row.account_details),
        account_warnings=tuple(row.account_warnings),
        base_currency=row.base_currency,
        last_ok_at=row.last_ok_at,
        last_error=row.last_error,
        notifications=row.notifications,
        created_at=row.created_at,
        removed_at=row.removed_at,
        version=row.version,
    )


def _parked(row: Connection) -> Parked | None:
    if row.state != "parked" or row.parked_at is None:
        return None
    return Parked(
        code=row.parked_code or "",
        message=row.parked_message or "",
        remedy=row.parked_remedy or "",
        field=row.parked_field,
        at=row.parked_at,
    )


def audit_values(row: Connection, secret_names: tuple[str, ...]) -> dict[str, Any]:
    """What the audit log keeps of a connection: never a secret, only their names."""
    return {
        "name": row.name,
        "plugin": row.plugin,
        "state": row.state,
        "settings": dict(row.settings),
        "secret_names": list(secret_names),
        "quotas": dict(row.quotas),
        "billing_zone": row.billing_zone,
    }


def error_values(error: EntrepotError, at: datetime) -> dict[str, Any]:
    """A failure as it is stored and shown."""
    return {
        "code": error.code,
        "message": error.user_message,
        "remedy": error.info.remedy,
        "field": error.info.field,
        "vendor_request_id": error.info.vendor_request_id,
        "at": at.isoformat(),
    }
