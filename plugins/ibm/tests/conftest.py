"""A running IBM Cloud, and contexts that connect the plugin to it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from entrepot.sdk.conformance.harness import ListLog, MemorySecrets
from entrepot.sdk.context import PluginContext
from entrepot.sdk.egress import EgressPolicy
from entrepot.sdk.http import HttpPolicy, HttpSession, Transport
from entrepot.sdk.simulator import ControlClient, Options, RunningSimulator
from entrepot_ibm.plugin import plugin
from entrepot_ibm.settings import HOST_PATTERNS, IbmSettings
from entrepot_ibm.simulator import IbmSimulator, build_simulator

EPOCH = datetime(2026, 3, 18, 9, 30, tzinfo=UTC)
FIXTURES = Path(__file__).parent / "fixtures"
_SECRETS = ("api_key", "customer_keys")


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


class Vendor:
    """A running simulator with its control client, and connections to it."""

    def __init__(self, up: RunningSimulator) -> None:
        assert isinstance(up.simulator, IbmSimulator)
        self.up, self.url, self.sim = up, up.base_url, up.simulator
        self.control = ControlClient(up.base_url)
        self._open: list[HttpSession] = []

    def connect(self, *, attempts: int = 4, **settings: str) -> PluginContext:
        """A context as core would hand it to a hook."""
        given: dict[str, Any] = {**self.sim.connection_settings(), **settings}
        secrets = MemorySecrets({n: given.pop(n) for n in _SECRETS if n in given})
        clock = QuickClock(self.sim.clock.now)
        egress = EgressPolicy(hosts=(*HOST_PATTERNS, "127.0.0.1"), allow_private=True)
        policy = HttpPolicy(attempts=attempts, read_timeout=10.0)
        http = HttpSession(Transport(egress, policy), clock=clock)
        self._open.append(http)
        ctx = PluginContext(
            connection_id="con_1",
            tenant_id="res_1",
            plugin="ibm",
            settings=IbmSettings(**given),
            secrets=secrets,
            http=http,
            clock=clock,
            log=ListLog(),
        )
        return replace(ctx, runtime=plugin.open_connection(ctx))

    def account(self, place: int = 0) -> Any:
        """The account of a place in the listing."""
        return self.sim.book.at(place, self.sim.clock.now())

    def keys(self, *accounts: str) -> str:
        """Keys of these customers in the form of the setting."""
        make = self.sim.authority.customer_key
        return "\n".join(f"{each}={make(each)}" for each in accounts)

    def close(self) -> None:
        for http in self._open:
            http.close()


@pytest.fixture
def start() -> Iterator[Callable[..., Vendor]]:
    """Start vendors with options; all are stopped at the end."""
    running: list[tuple[Any, Vendor]] = []

    def run(customers: int = 6, **options: Any) -> Vendor:
        given = {"start": EPOCH, "frozen": True, **options}
        manager = build_simulator(Options(customers=customers, **given)).running()
        vendor = Vendor(manager.__enter__())
        running.append((manager, vendor))
        return vendor

    yield run
    for manager, vendor in running:
        vendor.close()
        manager.__exit__(None, None, None)


@pytest.fixture
def vendor(start: Callable[..., Vendor]) -> Vendor:
    """A small vendor."""
    return start()


@pytest.fixture
def fixture() -> Callable[[str], bytes]:
    """Bytes of a documented answer."""
    return lambda name: (FIXTURES / name).read_bytes()
