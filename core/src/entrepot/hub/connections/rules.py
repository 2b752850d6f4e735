"""Decisions about connections as pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from entrepot.sdk.errors import Conflict, NotFound, Rejected
from entrepot.sdk.model import PluginInfo

NAME_LENGTH = 200
_QUOTA_FIELDS = {"requests": int, "burst": int, "concurrency": int, "seconds": float}


def checked_name(name: str) -> str:
    """A name without outer blanks.

    Raises:
        Rejected: it is empty or too long.
    """
    clean = name.strip()
    if not clean or len(clean) > NAME_LENGTH:
        raise Rejected(
            "name_invalid",
            f"A connection needs a name of at most {NAME_LENGTH} characters.",
            field="name",
            remedy="Give it a name you will recognise.",
        )
    return clean


def checked_zone(zone: str) -> str:
    """An IANA zone name, or empty for the reseller's.

    Raises:
        Rejected: there is no such zone.
    """
    try:
        if zone:
            ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Rejected(
            "billing_zone_invalid",
            f"“{zone}” is not a time zone.",
            field="billing_zone",
            remedy="Use an IANA name such as Europe/Berlin.",
        ) from None
    return zone


def checked_quotas(info: PluginInfo, quotas: Mapping[str, Any]) -> dict[str, Any]:
    """Overrides of a plugin's quotas.

    Raises:
        Rejected: a key or a number makes no sense.
    """
    known = {key.name for key in info.quotas}
    clean: dict[str, Any] = {}
    for name, override in quotas.items():
        if name not in known:
            raise _quota_refused(f"“{name}” is not a quota of {info.title}.", known)
        clean[name] = None if override is None else _override(name, override, known)
    return clean


def _override(name: str, override: Any, known: set[str]) -> dict[str, Any]:  # noqa: ANN401 - unchecked input
    if not isinstance(override, Mapping) or set(override) - set(_QUOTA_FIELDS):
        text = f"The quota “{name}” takes {', '.join(sorted(_QUOTA_FIELDS))}."
        raise _quota_refused(text, known)
    clean: dict[str, Any] = {}
    for part, value in override.items():
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or value <= 0 or _QUOTA_FIELDS[part](value) != value:
            text = f"{part} of the quota “{name}” must be a number above zero."
            raise _quota_refused(text, known)
        clean[part] = _QUOTA_FIELDS[part](value)
    return clean


def _quota_refused(message: str, known: set[str]) -> Rejected:
    return Rejected(
        "quotas_invalid",
        message,
        field="quotas",
        remedy=f"Known quotas: {', '.join(sorted(known)) or 'none'}.",
    )


def unknown_connection(connection_id: str) -> NotFound:
    """The error of a connection that does not exist for this reseller."""
    return NotFound(
        "connection_unknown",
        f"There is no connection {connection_id}.",
        field="connection",
        remedy="List them: entrepot connections list.",
    )


def name_taken(name: str) -> Conflict:
    """The error of a second connection with one name."""
    return Conflict(
        "name_taken",
        f"There is a connection “{name}” already.",
        field="name",
        remedy="Choose another name.",
    )


def changed_meanwhile() -> Conflict:
    """The error of an edit that is based on an older version."""
    return Conflict(
        "version_conflict",
        "The connection was changed in the meantime.",
        field="version",
        remedy="Load it again and repeat your change.",
    )


def suspended() -> Conflict:
    """The error of work for a reseller that is suspended."""
    return Conflict(
        "reseller_suspended",
        "This reseller is suspended; nothing is read or written for it.",
        remedy="Ask the operator of this hub to open it again.",
    )


def not_usable(state: str, name: str, reason: str) -> Conflict:
    """The error of work on a connection that stands still."""
    remedy = "Resume it." if state == "paused" else "Mend it, then check it again."
    return Conflict(
        f"connection_{state}",
        f"The connection “{name}” is {state}{': ' + reason if reason else '.'}",
        field="connection",
        remedy=remedy,
    )
