"""What core hands to every hook.

A plugin keeps no state of its own. Everything that belongs to a connection (its
settings, secrets, transport, clock and the session object that `open_connection`
returned) arrives in the `PluginContext`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, Protocol

from entrepot.sdk.errors import NotFound

if TYPE_CHECKING:
    from entrepot.sdk.http import HttpSession
    from entrepot.sdk.model import HeldFile


class Clock(Protocol):
    """Time as the hub sees it; tests and simulators bring their own."""

    def now(self) -> datetime:
        """The current moment, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds of a clock that never goes back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """The current moment, aware, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds of a clock that never goes back."""
        return monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        sleep(seconds)


class Secrets(Protocol):
    """The secrets of one connection."""

    def get(self, name: str) -> str:
        """The secret's current value.

        Raises `ConfigInvalid` naming the field when it is not set.
        """
        ...

    def replace(self, name: str, old: str, new: str) -> str:
        """Store a rotated secret before its first use.

        Returns the value that holds afterwards: `new`, or another process' newer
        value when `old` was no longer the current one.
        """
        ...


class Files(Protocol):
    """What people handed to one connection; see the hook `take_file`."""

    def find(self, name: str) -> HeldFile | None:
        """The kept part of that name, without its content; None when there is none."""
        ...

    def read(self, name: str) -> bytes:
        """The content of a kept part.

        Raises `NotFound` when there is none of that name.
        """
        ...


class NoFiles:
    """Nothing was handed in."""

    def find(self, name: str) -> HeldFile | None:
        """None, whatever is asked for."""
        del name
        return None

    def read(self, name: str) -> bytes:
        """Raises `NotFound`, whatever is asked for."""
        raise no_file(name)


def no_file(name: str) -> NotFound:
    """The error for a part that is not kept."""
    return NotFound("file_missing", f"No file was handed in for {name}.")


class Log(Protocol):
    """A structured logger whose output passes redaction."""

    def info(self, event: str, **values: object) -> None:
        """Log something worth knowing."""
        ...

    def warning(self, event: str, **values: object) -> None:
        """Log something worth looking at."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginContext:
    """One call's surroundings.

    Attributes:
        connection_id: Core's id of the connection.
        tenant_id: The reseller.
        plugin: Name of the plugin that owns the connection.
        settings: The plugin's own settings dataclass, secrets left empty.
        secrets: The connection's secrets.
        http: Transport with timeouts, retries, request budget and egress guard.
        clock: Time.
        files: What people handed to this connection.
        log: Logger with redaction.
        correlation_id: Id to pass on where the protocol has a field for it.
        deadline: `clock.monotonic()` value after which the answer is of no use.
        runtime: What `open_connection` returned; None inside `open_connection`.
        notification_url: Public address for this connection's notifications; empty
            when the hub has no public address.
        billing_zone: IANA name of the zone in which a billing day begins.
    """

    connection_id: str
    tenant_id: str
    plugin: str = ""
    settings: Any
    secrets: Secrets
    http: HttpSession
    clock: Clock = field(default_factory=SystemClock)
    files: Files = field(default_factory=NoFiles)
    log: Log
    correlation_id: str = ""
    deadline: float | None = None
    runtime: Any = None
    notification_url: str = ""
    billing_zone: str = "UTC"
