"""A running partner tenant, and contexts that connect the plugin to it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from entrepot.sdk.context import PluginContext
from entrepot.sdk.egress import EgressPolicy
from entrepot.sdk.errors import ConfigInvalid
from entrepot.sdk.http import HttpPolicy, HttpSession, Transport
from entrepot.sdk.simulator import ControlClient, Options, RunningSimulator
from entrepot_microsoft.plugin import plugin
from entrepot_microsoft.settings import HOST_PATTERNS, MicrosoftSettings
from entrepot_microsoft.simulator import build_simulator

EPOCH = datetime(2026, 3, 18, 9, 30, tzinfo=UTC)
FIXTURES = Path(__file__).parent / "fixtures"


class MemorySecrets:
    """Secrets as core keeps them: replaced under a lock, history remembered."""

    def __init__(self, **values: str) -> None:
        self.values = values
        self.replaced: list[tuple[str, str, str]] = []
        self._lock = threading.Lock()

    def get(self, name: str) -> str:
        if name not in self.values:
            raise ConfigInvalid("secret_missing", f"{name} is not set", field=name)
        return self.values[name]

    def replace(self, name: str, old: str, new: str) -> str:
        with self._lock:
            if self.values[name] == old:
                self.values[name] = new
                self.replaced.append((name, old, new))
            return self.values[name]


class QuickClock:
    """The vendor's time; sleeping passes at once."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self.slept = 0.0

    def now(self) -> datetime:
        return self._now()

    def monotonic(self) -> float:
        return time.monotonic() + self.slept

    def sleep(self, seconds: float) -> None:
        self.slept += seconds


class Silent:
    def info(self, event: str, **values: object) -> None: ...

    def warning(self, event: str, **values: object) -> None: ...


class Vendor:
    """A running simulator with its control client, and connections to it."""

    def __init__(self, up: RunningSimulator) -> None:
        self.up = up
        self.url = up.base_url
        self.control = ControlClient(up.base_url)
        self.sim = up.simulator
        self._open: list[HttpSession] = []

    def connect(
        self,
        *,
        secrets: MemorySecrets | None = None,
        attempts: int = 4,
        read_timeout: float = 10.0,
        **settings: str,
    ) -> PluginContext:
        authority = self.sim.authority
        given = {
            "tenant_id": authority.tenant_id,
            "client_id": authority.client_id,
            "api_url": self.url,
            **settings,
        }
        kept = secrets or MemorySecrets(
            client_secret=authority.client_secret,
            refresh_token=next(iter(authority.refresh_tokens), ""),
        )
        policy = HttpPolicy(attempts=attempts, read_timeout=read_timeout)
        egress = EgressPolicy(hosts=HOST_PATTERNS, allow_private=True)
        clock = QuickClock(self.sim.clock.now)
        http = HttpSession(Transport(egress, policy), clock=clock)
        self._open.append(http)
        ctx = PluginContext(
            connection_id="con_1",
            tenant_id="res_1",
            plugin="microsoft",
            settings=MicrosoftSettings(**given),
            secrets=kept,
            http=http,
            clock=clock,
            log=Silent(),
        )
        return replace(ctx, runtime=plugin.open_connection(ctx))

    def close(self) -> None:
        for http in self._open:
            http.close()


@pytest.fixture
def start() -> Iterator[Callable[..., Vendor]]:
    """Start tenants with options; all are stopped at the end."""
    running: list[tuple[object, Vendor]] = []

    def run(customers: int = 6, **options: object) -> Vendor:
        extra = {"deliver": "manual", **options.pop("extra", {})}
        given = Options(
            customers=customers, start=EPOCH, frozen=True, extra=extra, **options
        )
        manager = build_simulator(given).running()
        vendor = Vendor(manager.__enter__())
        running.append((manager, vendor))
        return vendor

    yield run
    for manager, vendor in running:
        vendor.close()
        manager.__exit__(None, None, None)


@pytest.fixture
def vendor(start: Callable[..., Vendor]) -> Vendor:
    """A small tenant."""
    return start()


@pytest.fixture
def fixture() -> Callable[[str], bytes]:
    """Bytes of a recorded or documented answer."""
    return lambda name: (FIXTURES / name).read_bytes()
