"""A running organization, and contexts that connect the plugin to it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.config import Config
from entrepot.sdk.conformance.harness import ListLog, MemorySecrets
from entrepot.sdk.context import PluginContext
from entrepot.sdk.egress import EgressPolicy
from entrepot.sdk.http import Budget, HttpPolicy, HttpSession, NoBudget, Transport
from entrepot.sdk.simulator import ControlClient, Options, RunningSimulator
from entrepot_aws.plugin import plugin
from entrepot_aws.settings import HOST_PATTERNS, AwsSettings
from entrepot_aws.simulator import AwsSimulator, build_simulator

EPOCH = datetime(2026, 3, 18, 9, 30, tzinfo=UTC)


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
        assert isinstance(up.simulator, AwsSimulator)
        self.up, self.url, self.sim = up, up.base_url, up.simulator
        self.control = ControlClient(up.base_url)
        self._open: list[HttpSession] = []

    def connect(
        self, *, budget: Budget | None = None, attempts: int = 4, **settings: str
    ) -> PluginContext:
        """A context as core would hand it to a hook."""
        given = {**self.sim.connection_settings(), **settings}
        names = ("access_key_id", "secret_access_key")
        secrets = MemorySecrets({name: given.pop(name) for name in names})
        clock = QuickClock(self.sim.clock.now)
        egress = EgressPolicy(hosts=(*HOST_PATTERNS, "127.0.0.1"), allow_private=True)
        policy = HttpPolicy(attempts=attempts, backoff_first=0.01)
        http = HttpSession(
            Transport(egress, policy), clock=clock, budget=budget or NoBudget()
        )
        self._open.append(http)
        ctx = PluginContext(
            connection_id="con_1",
            tenant_id="res_1",
            plugin="aws",
            settings=AwsSettings(**given),
            secrets=secrets,
            http=http,
            clock=clock,
            log=ListLog(),
        )
        return replace(ctx, runtime=plugin.open_connection(ctx))

    def boto(self, service: str, **credentials: str) -> Any:
        """The vendor's own client, unmodified, signed as its user."""
        keys = {
            "aws_access_key_id": self.sim.access_key,
            "aws_secret_access_key": self.sim.secret_key,
            **credentials,
        }
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name="us-east-1",
            config=Config(retries={"mode": "standard", "total_max_attempts": 1}),
            **keys,
        )

    def close(self) -> None:
        for http in self._open:
            http.close()


@pytest.fixture(scope="module")
def start() -> Iterator[Callable[..., Vendor]]:
    """Start organizations with options; all are stopped at the end."""
    running: list[tuple[Any, Vendor]] = []

    def run(customers: int = 8, **options: Any) -> Vendor:
        given = {"start": EPOCH, "frozen": True, "seed": 5, **options}
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
    """A small organization of this test's own."""
    return start()
