"""A plugin and one open connection of it, without the hub."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pluggy

from entrepot.sdk import hookspecs
from entrepot.sdk.context import PluginContext
from entrepot.sdk.egress import EgressPolicy
from entrepot.sdk.errors import ConfigInvalid, Unsupported
from entrepot.sdk.http import HttpPolicy, HttpSession, NoBudget, Transport
from entrepot.sdk.model import Period, PluginInfo
from entrepot.sdk.recording import Recorder
from entrepot.sdk.redaction import Redactor
from entrepot.sdk.settings import setting_infos

GROUP = "entrepot.plugins"
QUICK = HttpPolicy(
    connect_timeout=2.0,
    read_timeout=5.0,
    total_timeout=10.0,
    attempts=3,
    backoff_first=0.01,
    wait_inside=3.0,
)
"""Patience of a test: short pauses, few repeats."""


class MemorySecrets:
    """Secrets of one connection, kept in memory; rotations are remembered."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = dict(values)
        self._lock = threading.Lock()
        self.every = set(values.values())

    def get(self, name: str) -> str:
        """The current value.

        Raises:
            ConfigInvalid: it is not set.
        """
        with self._lock:
            value = self._values.get(name)
        if not value:
            raise ConfigInvalid("secret_missing", f"{name} is not set.", field=name)
        return value

    def replace(self, name: str, old: str, new: str) -> str:
        """Compare and set; see `entrepot.sdk.context.Secrets`."""
        with self._lock:
            self.every.add(new)
            if self._values.get(name) == old:
                self._values[name] = new
            return self._values[name]


@dataclass(slots=True)
class ListLog:
    """A logger that keeps what it was told."""

    lines: list[str] = field(default_factory=list)

    def info(self, event: str, **values: object) -> None:
        """Keep a line."""
        self.lines.append(f"{event} {values!r}")

    def warning(self, event: str, **values: object) -> None:
        """Keep a line."""
        self.lines.append(f"{event} {values!r}")


@dataclass(frozen=True, slots=True)
class VendorClock:
    """The simulated vendor's date with the machine's seconds."""

    vendor_now: Callable[[], datetime]

    def now(self) -> datetime:
        """The vendor's moment."""
        return self.vendor_now()

    def monotonic(self) -> float:
        """Real seconds."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Really wait."""
        time.sleep(seconds)


def recent_months(today: date) -> tuple[Period, Period]:
    """The calendar month before today's, and today's, whole."""
    this = today.replace(day=1)
    last = (this - timedelta(days=1)).replace(day=1)
    following = (this + timedelta(days=32)).replace(day=1)
    return Period(last, this), Period(this, following)


def installed_plugin(name: str) -> object:
    """The plugin object behind an installed entry point.

    Raises:
        LookupError: none has that name.
    """
    for entry in entry_points(group=GROUP):
        if entry.name == name:
            return entry.load()
    msg = f"no entry point {name!r} in the group {GROUP!r}; is it installed?"
    raise LookupError(msg)


class Harness:
    """Calls the hooks of one plugin for one connection.

    Args:
        plugin: The plugin object.
        values: Settings and secrets by field name.
        now: The vendor's clock.
        cassette: Where to record what is exchanged; None for nowhere.

    Attributes:
        periods: Periods for which usage and charges are listed.
        sample: Owners whose objects are listed where a listing is per customer.
    """

    def __init__(
        self,
        plugin: object,
        values: Mapping[str, Any],
        now: Callable[[], datetime],
        cassette: Path | None = None,
    ) -> None:
        self.plugin = plugin
        self.manager = pluggy.PluginManager(hookspecs.PROJECT)
        self.manager.add_hookspecs(hookspecs)
        self.manager.register(plugin, name="plugin")
        self.info: PluginInfo = self.manager.hook.describe_plugin()[0]
        infos = setting_infos(self.info.settings_type)
        secret = {name for name, info in infos.items() if info.secret}
        given = {name: str(values[name]) for name in secret if values.get(name)}
        self.secrets = MemorySecrets(given)
        self.log = ListLog()
        plain = {name: v for name, v in values.items() if name not in secret}
        self.settings = self.info.settings_type(**plain, **dict.fromkeys(secret, ""))
        redactor = Redactor(given.values())
        self.http = HttpSession(
            Transport(self._egress(), QUICK),
            budget=NoBudget(),
            clock=VendorClock(now),
            rng=random.Random(1),  # noqa: S311 - jitter
            recorder=Recorder(cassette, redactor) if cassette else None,
        )
        self.periods: tuple[Period, ...] = recent_months(now().date())
        self.sample = 3
        self._context: PluginContext | None = None
        self._now = now

    @property
    def ctx(self) -> PluginContext:
        """The connection's context; opened at first use."""
        if self._context is None:
            self._context = self.fresh_context()
        return self._context

    def fresh_context(self) -> PluginContext:
        """A context with a runtime of its own, as another process would have."""
        context = PluginContext(
            connection_id="con_conformance",
            tenant_id="ten_conformance",
            plugin=self.info.name,
            settings=self.settings,
            secrets=self.secrets,
            http=self.http.bound(correlation_id="conformance"),
            clock=VendorClock(self._now),
            log=self.log,
            correlation_id="conformance",
            notification_url="https://hub.example.com/notifications/conformance",
        )
        if not self.has("open_connection"):
            return context
        runtime = self.manager.hook.open_connection(ctx=context)
        assert runtime is not None, "open_connection must not return None"  # noqa: S101 - a check of the kit
        return replace(context, runtime=runtime)

    def has(self, hook: str) -> bool:
        """True when the plugin implements the hook."""
        caller: pluggy.HookCaller = getattr(self.manager.hook, hook)
        return bool(caller.get_hookimpls())

    def call(
        self,
        hook: str,
        argument: object = None,
        ctx: PluginContext | None = None,
    ) -> Any:  # noqa: ANN401 - each hook has its own answer
        """Call an addressed hook.

        Args:
            hook: Its name.
            argument: Its one record, if it takes one.
            ctx: Another context than the kept one.

        Raises:
            Unsupported: the plugin does not implement it.
        """
        if not self.has(hook):
            raise Unsupported("not_supported", f"{hook} is not implemented.")
        caller: pluggy.HookCaller = getattr(self.manager.hook, hook)
        names = [n for n in caller.spec.argnames if n != "ctx"] if caller.spec else []
        arguments = dict.fromkeys(names[:1], argument)
        return caller(ctx=ctx or self.ctx, **arguments)

    def close(self) -> None:
        """Close the connection and its pool."""
        if self._context is not None and self.has("close_connection"):
            self.manager.hook.close_connection(ctx=self._context)
        self.http.close()

    def _egress(self) -> EgressPolicy:
        infos = setting_infos(self.info.settings_type)
        added = [
            urlsplit(text if "://" in text else f"//{text}").hostname or ""
            for name, info in infos.items()
            if info.adds_host and (text := str(getattr(self.settings, name, "")))
        ]
        hosts = (*self.info.host_patterns, *filter(None, added))
        return EgressPolicy(hosts=hosts, allow_private=True)
