"""Runtimes: what a plugin opened for a connection, kept by core."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from entrepot.plugins import Plugins
from entrepot.sdk.context import Clock, Files, NoFiles, PluginContext, Secrets
from entrepot.sdk.egress import EgressPolicy, Resolver, resolve_with_system
from entrepot.sdk.errors import EntrepotError
from entrepot.sdk.http import Budget, HttpPolicy, HttpSession, Slots, Transport
from entrepot.sdk.model import PluginInfo, QuotaKey
from entrepot.sdk.redaction import Redactor
from entrepot.sdk.settings import setting_infos

_LOG = logging.getLogger("entrepot.connections")


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """Everything needed to open a connection.

    Attributes:
        config_version: Changes when the runtime must be made anew.
        settings: The plugin's settings object.
        secrets: Where its secrets are.
        budget: Shared request budget.
        quotas: Effective quotas by key.
        files: What people handed to the connection.
        slots: Requests that may be under way, counted over all processes; None
            counts in this one.
    """

    connection_id: str
    tenant_id: str
    plugin: str
    config_version: int
    settings: Any
    secrets: Secrets = field(repr=False)
    budget: Budget
    quotas: Mapping[str, QuotaKey]
    slots: Slots | None = None
    notification_url: str = ""
    billing_zone: str = "UTC"
    files: Files = field(default_factory=NoFiles)


class PluginLog:
    """The logger a plugin gets: structured, redacted, with the call's ids."""

    def __init__(self, redactor: Redactor, **ids: str) -> None:
        self._redactor, self._ids = redactor, ids
        self._logger = logging.getLogger("entrepot.plugin")

    def info(self, event: str, **values: object) -> None:
        """Log something worth knowing."""
        self._write(logging.INFO, event, values)

    def warning(self, event: str, **values: object) -> None:
        """Log something worth looking at."""
        self._write(logging.WARNING, event, values)

    def _write(self, level: int, event: str, values: dict[str, object]) -> None:
        if self._logger.isEnabledFor(level):
            shown = self._redactor.data({**self._ids, **values})
            pairs = " ".join(f"{name}={value}" for name, value in shown.items())
            self._logger.log(level, "%s %s", self._redactor.text(event), pairs)


@dataclass(slots=True)
class _Entry:
    """One cached runtime; `lock` guards its making."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    version: int = 0
    context: PluginContext | None = None


class Runtimes:
    """Opens connections once and keeps what the plugins returned.

    Args:
        plugins: The typed facade.
        clock: Time.
        redactor: Cleans what plugins log.
        allow_private: Whether private and loopback targets are allowed.
        resolver: Turns names into addresses; replaced in tests.
    """

    def __init__(
        self,
        plugins: Plugins,
        clock: Clock,
        redactor: Redactor,
        *,
        allow_private: bool = False,
        resolver: Resolver = resolve_with_system,
    ) -> None:
        self._plugins, self._clock, self._redactor = plugins, clock, redactor
        self._allow_private, self._resolver = allow_private, resolver
        self._lock = threading.Lock()
        self._entries: dict[str, _Entry] = {}

    def context(
        self,
        opening: Opening,
        *,
        correlation_id: str | None = None,
        deadline: float | None = None,
    ) -> PluginContext:
        """The context of one call, with the kept runtime in it.

        Raises:
            EntrepotError: the plugin refused to open the connection.
        """
        entry = self._entry(opening.connection_id)
        with entry.lock:
            if entry.context is None or entry.version != opening.config_version:
                self._close_entry(entry)
                entry.context = self.open_anew(opening)
                entry.version = opening.config_version
            kept = entry.context
        return self.for_call(kept, correlation_id, deadline)

    def open_anew(self, opening: Opening) -> PluginContext:
        """Open without keeping it; the caller closes it with `close`."""
        info = self._plugins.info(opening.plugin)
        http = self._http(info, opening)
        context = PluginContext(
            connection_id=opening.connection_id,
            tenant_id=opening.tenant_id,
            plugin=opening.plugin,
            settings=opening.settings,
            secrets=opening.secrets,
            http=http,
            clock=self._clock,
            log=PluginLog(self._redactor, connection=opening.connection_id),
            notification_url=opening.notification_url,
            billing_zone=opening.billing_zone,
            files=opening.files,
        )
        if not self._plugins.has(opening.plugin, "open_connection"):
            return context
        try:
            runtime = self._plugins.open_connection(context)
        except BaseException:
            http.close()
            raise
        return replace(context, runtime=runtime)

    def for_call(
        self,
        context: PluginContext,
        correlation_id: str | None,
        deadline: float | None,
    ) -> PluginContext:
        """The context with ids and deadline of one call."""
        call = correlation_id or str(uuid4())
        return replace(
            context,
            http=context.http.bound(correlation_id=call, deadline=deadline),
            log=PluginLog(
                self._redactor, connection=context.connection_id, correlation=call
            ),
            correlation_id=call,
            deadline=deadline,
        )

    def close(self, context: PluginContext) -> None:
        """Close one opened context; a plugin's failure is logged, not raised."""
        try:
            self._plugins.close_connection(context)
        except EntrepotError as error:
            _LOG.warning("closing %s failed: %s", context.connection_id, error)
        finally:
            context.http.close()

    def drop(self, connection_id: str) -> None:
        """Close and forget the runtime of one connection, if there is one."""
        with self._lock:
            entry = self._entries.pop(connection_id, None)
        if entry is not None:
            with entry.lock:
                self._close_entry(entry)

    def close_all(self) -> None:
        """Close every runtime; for the end of the process."""
        with self._lock:
            names = list(self._entries)
        for name in names:
            self.drop(name)

    def _entry(self, connection_id: str) -> _Entry:
        with self._lock:
            return self._entries.setdefault(connection_id, _Entry())

    def _close_entry(self, entry: _Entry) -> None:
        if entry.context is not None:
            self.close(entry.context)
            entry.context = None

    def _http(self, info: PluginInfo, opening: Opening) -> HttpSession:
        egress = EgressPolicy(
            hosts=allowed_hosts(info, opening.settings),
            allow_private=self._allow_private,
            resolver=self._resolver,
        )
        policy = HttpPolicy(concurrency=width_of(opening.quotas))
        transport = Transport(egress, policy)
        session = HttpSession(
            transport, budget=opening.budget, clock=self._clock, slots=opening.slots
        )
        first = info.quotas[0].name if info.quotas else ""
        return session.bound(quota=first)


def width_of(quotas: Mapping[str, QuotaKey]) -> int:
    """How many requests of a connection may be under way at once."""
    return max((key.concurrency for key in quotas.values()), default=4)


def allowed_hosts(info: PluginInfo, settings: object) -> tuple[str, ...]:
    """The host patterns of a plugin and what its settings add to them."""
    found = list(info.host_patterns)
    for name, setting in setting_infos(info.settings_type).items():
        value = getattr(settings, name, "")
        if setting.adds_host and isinstance(value, str) and value.strip():
            host = host_of(value)
            # A wildcard from a form would open the guard for everything.
            if host and "*" not in host:
                found.append(host)
    return tuple(dict.fromkeys(found))


def host_of(value: str) -> str:
    """The host of an address or of a bare host name; empty when there is none."""
    text = value.strip()
    try:
        return urlsplit(text if "://" in text else f"//{text}").hostname or ""
    except ValueError:
        return ""


def effective_quotas(
    info: PluginInfo, overrides: Mapping[str, Any]
) -> dict[str, QuotaKey]:
    """The plugin's documented quotas with the connection's overrides.

    An override of None removes the limit (simulators without one); otherwise its
    fields replace the documented ones. Unknown keys are ignored: a plugin may have
    dropped them.
    """
    found: dict[str, QuotaKey] = {}
    for key in info.quotas:
        override = overrides.get(key.name, {})
        if override is not None:
            found[key.name] = replace(key, **override)
    return found
