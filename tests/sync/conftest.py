"""Both real plugins, their simulators over real HTTP, and a hub between them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from entrepot.app import Hub, build_hub
from entrepot.hub.connections import runtime
from entrepot.hub.sync.intake import RunInfo
from entrepot.jobs.runtime import Worker, WorkerOptions
from entrepot.jobs.views import RunQuery
from entrepot.sdk import queries as ask
from entrepot.sdk.context import SystemClock
from entrepot.sdk.errors import EntrepotError, RateLimited, Retryable
from entrepot.sdk.http import HttpPolicy
from entrepot.sdk.simulator import (
    ControlClient,
    Options,
    RunningServer,
    Throttle,
    build_named,
)
from entrepot.store import Actor, FixedClock, TenantScope
from entrepot.store.actor import ALL_PERMISSIONS
from werkzeug.wrappers import Request, Response

NOW = datetime(2026, 3, 18, 9, 30, tzinfo=UTC)
TRIES = 6
SCALE = 10**10


@dataclass
class Side:
    """A simulated system and the hub's connection to it."""

    name: str
    simulator: Any
    base_url: str
    connection: Any = None

    @property
    def control(self) -> ControlClient:
        return ControlClient(self.base_url)

    def asked(self, *words: str) -> list[str]:
        """Paths of the latest requests that contain one of the words."""
        paths = [one["path"] for one in self.control.requests(2000)]
        return [path for path in paths if any(word in path for word in words)]


@dataclass
class World:
    """A hub with a vendor and a PSA, read by steps as the job does."""

    hub: Hub
    actor: Actor
    vendor: Side
    psa: Side
    clock: FixedClock
    ids: list[str] = field(default_factory=list)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """What a statement finds, seen by nobody's tenant: for counting."""
        with self.hub.store.engine.connect() as connection:
            cursor = connection.connection.driver_connection.cursor()
            cursor.execute(sql)
            return [tuple(row) for row in cursor.fetchall()]

    def one(self, sql: str) -> Any:
        return self.rows(sql)[0][0]

    def sync(self, side: Side, mode: str = "full", subject: str = "") -> Any:
        """A whole run by its steps; what may be tried again is tried again."""
        steps = self.hub.sync.steps
        self.ids.append(f"run-{len(self.ids) + 1}")
        run = RunInfo(self.ids[-1], self.actor.tenant_id, side.connection.id)
        stream = f"now:{subject}" if subject else "crawl"
        try:
            opened = self.step(steps.open_run, run, mode, subject, stream, "test")
            feed_at, followed = self._read(run, opened, subject)
            self.step(partial(steps.close_run, followed=followed), run, feed_at)
        except EntrepotError as error:
            steps.fail_run(run, error)
        self.tick(minutes=30)
        return self.hub.sync.run(self.actor, run.run_id)

    def _read(
        self, run: RunInfo, opened: dict[str, Any], subject: str
    ) -> tuple[str, bool]:
        steps = self.hub.sync.steps
        if subject:
            self.step(partial(steps.refresh, soon=True), run, [subject])
            return "", False
        streams, feed_at, followed = opened["streams"], opened["at"], False
        if opened["mode"] == "feed":
            found = self.step(steps.read_feed, run)
            feed_at, names = found["at"], found["streams"]
            every = opened["all_streams"]
            streams = every if found["whole"] else [s for s in every if s[0] in names]
            followed = not found["whole"]
            if followed:
                counts = self.step(steps.refresh, run, found["subjects"])["counts"]
                steps.add_counts(run, "refreshed", counts)
        for name, per in streams:
            crawl = partial(steps.crawl, run, name, per, lambda *_: None, lambda: False)
            while not self.step(crawl):
                pass
            self.step(steps.finish_stream, run, name, per)
        return str(feed_at), followed

    def step(self, function: Any, *args: Any) -> Any:
        """Call a step as a job does: passing faults are waited out."""
        for attempt in range(1, TRIES + 1):
            try:
                return function(*args)
            except Retryable as error:
                if attempt == TRIES:
                    raise
                wait = error.after if isinstance(error, RateLimited) else 1.0
                self.clock.sleep(min(wait or 1.0, 60.0))
        raise AssertionError("unreachable")

    def tick(self, **by: float) -> None:
        """Time passes, here and there."""
        step = timedelta(**by)
        self.clock.advance(step)
        for side in (self.vendor, self.psa):
            if side is not None:
                side.simulator.clock.advance(step)

    # What the other sides hold

    def sold(self) -> dict[str, Decimal]:
        """Quantity of every subscription at the vendor."""
        seed = self.vendor.simulator.export_seed()
        return {one.vendor_id: Decimal(one.quantity) for one in seed.subscriptions}

    def bought(self) -> dict[str, Decimal]:
        """Quantity of every subscription that the books say is there."""
        found = self.rows(
            "SELECT vendor_id, quantity FROM subscription WHERE gone_at IS NULL"
        )
        return {vendor_id: Decimal(quantity) / SCALE for vendor_id, quantity in found}

    def billed(self) -> dict[str, Decimal]:
        """Quantity of every line at the PSA."""
        rows = self.psa.simulator.world.rows("additions")
        return {str(row["id"]): Decimal(row["quantity"]) for row in rows}

    def lines(self) -> dict[str, Decimal]:
        """Quantity of every line that the books say is there."""
        found = self.rows(
            "SELECT vendor_id, quantity FROM psa_line WHERE gone_at IS NULL"
        )
        return {vendor_id: Decimal(quantity) / SCALE for vendor_id, quantity in found}

    def agree(self, side: Side) -> bool:
        """Whether the books hold exactly what the side holds."""
        if side is self.psa:
            return self.lines() == self.billed()
        return self.bought() == self.sold()

    def held(self) -> list[Any]:
        """Everything that is not over, to prove that nothing ended."""
        tables = ("subscription", "customer_account", "psa_line", "psa_agreement")
        tables += ("psa_company", "psa_product", "offer")
        return [
            self.one(f"SELECT count(*) FROM {table} WHERE gone_at IS NULL")
            for table in tables
        ]


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence is a time-out after half a second instead of a minute."""
    policy = partial(HttpPolicy, read_timeout=0.5)
    monkeypatch.setattr(runtime, "HttpPolicy", policy)


@pytest.fixture
def stage() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def start(
    stage: ExitStack,
    name: str,
    *,
    customers: int = 10,
    quota: str = "none",
    moment: datetime | None = NOW,
    seed_file: Path | None = None,
    **extra: str,
) -> Side:
    """A running simulator."""
    options = Options(
        customers=customers,
        subscriptions=4 * customers,
        quota=quota,
        start=moment,
        frozen=moment is not None,
        seed_file=seed_file,
        extra=extra,
    )
    running = stage.enter_context(build_named(name, options).running())
    return Side(name, running.simulator, running.base_url)


def connect(hub: Hub, actor: Actor, side: Side, *, quotas: Any = None) -> Side:
    """Give the hub a connection to a simulator, unpaced but for `quotas`."""
    none = dict.fromkeys(key.name for key in hub.plugins.info(side.name).quotas)
    side.connection = hub.connections.add(
        actor,
        plugin=side.name,
        name=side.name,
        values=side.simulator.connection_settings(),
        quotas={**none, **(quotas or {})},
    )
    return side


def start_vendor(stage: ExitStack, **options: Any) -> Side:
    return start(
        stage, "microsoft", **{"deliver": "manual", "last_page": "end", **options}
    )


def person(tenant: str) -> Actor:
    return Actor("usr_1", "user", tenant, "Ada", ALL_PERMISSIONS)


@pytest.fixture
def world(settings: Any, clock: FixedClock, tenant: str, stage: ExitStack) -> World:
    """A vendor with ten customers, not read yet."""
    hub = build_hub(settings, clock=clock)
    stage.callback(hub.close)
    vendor = connect(hub, person(tenant), start_vendor(stage))
    return World(hub, person(tenant), vendor, None, clock)


@pytest.fixture
def paced(settings: Any, clock: FixedClock, tenant: str, stage: ExitStack) -> Any:
    """Starts a vendor that throttles as documented, on the hub's own virtual clock.

    The call returns the hub, the vendor and the connection's context.
    """

    def make(name: str) -> tuple[Hub, Side, Any]:
        hub = build_hub(settings, clock=clock)
        stage.callback(hub.close)
        side = start(stage, name, customers=2, quota="real")
        real = side.simulator.quotas["real"]
        side.simulator.throttle = Throttle(real, clock.monotonic)
        values = side.simulator.connection_settings()
        side.connection = hub.connections.add(
            person(tenant), plugin=name, name=name, values=values
        )
        clock.advance(timedelta(minutes=1))  # the check of a new one is not paced
        return hub, side, hub.connections.open(side.connection.id)

    return make


class Receiver:
    """The hub's public address: hands what arrives to `Notifications.receive`."""

    def __init__(self) -> None:
        self.hub: Any = None
        self.seen: list[tuple[str, bytes, dict[str, str]]] = []
        self.server = RunningServer(self)

    def __call__(self, environ: Any, begin: Any) -> list[bytes]:
        request = Request(environ)
        headers = {name.lower(): value for name, value in request.headers.items()}
        key = request.path.rpartition("/")[2]
        self.seen.append((key, request.get_data(), headers))
        reply = self.post(*self.seen[-1])
        answer = Response(reply.body, reply.status, mimetype=reply.content_type)
        return list(answer(environ, begin))

    def post(self, key: str, body: bytes, headers: dict[str, str]) -> Any:
        query = ask.ReceiveNotification(
            method="POST",
            headers=headers,
            query={},
            body=body,
            received_at=self.hub.clock.now(),
        )
        return self.hub.notifications.receive(key, query)


@dataclass
class Live(World):
    """A hub on the machine's clock, with a worker that can be started."""

    receiver: Any = None

    @contextmanager
    def working(self) -> Iterator[None]:
        """A worker executes jobs meanwhile."""
        options = WorkerOptions(with_clock=False, poll_seconds=0.1, grace=10.0)
        worker = Worker(self.hub.jobs, self.hub, options)
        worker.start()
        try:
            yield
        finally:
            worker.stop()

    def jobs(self) -> list[Any]:
        """All runs that read, oldest first."""
        query = RunQuery(kind="sync_connection", limit=100)
        scope = TenantScope(self.actor.tenant_id)
        return sorted(
            self.hub.jobs.runs.list(scope, query).items, key=lambda run: run.created_at
        )

    def wait(self, run_id: str, *states: str, seconds: float = 60.0) -> Any:
        """The sync run once it is in one of the states; any end when none is given."""
        until = time.monotonic() + seconds
        wanted = states or ("complete", "incomplete", "failed", "cancelled")
        while time.monotonic() < until:
            run = self.hub.sync.run(self.actor, run_id)
            if run.state in wanted:
                return run
            time.sleep(0.05)
        raise AssertionError(f"{run_id} is {run.state} after {seconds} s")

    def read(self, **options: Any) -> Any:
        """Read the vendor in a run of its own."""
        ref = self.hub.sync.start(self.actor, self.vendor.connection.id, **options)
        with self.working():
            return self.wait(ref.run_id)


@pytest.fixture
def make_live(settings: Any, tenant: str, stage: ExitStack) -> Any:
    """Builds a live hub with a vendor."""

    def make(*, plugin: str = "microsoft", quotas: Any = None, **options: Any) -> Live:
        receiver = Receiver()
        stage.callback(receiver.server.stop)
        public = replace(settings, public_base_url=receiver.server.base_url)
        hub = build_hub(public, clock=SystemClock())
        stage.callback(hub.close)
        receiver.hub = hub
        starts = start_vendor if plugin == "microsoft" else partial(start, name=plugin)
        side = starts(stage, moment=None, **options)
        connect(hub, person(tenant), side, quotas=quotas)
        hub.notifications.register(side.connection.id)
        return Live(hub, person(tenant), side, None, hub.clock, receiver=receiver)

    return make


@pytest.fixture
def live(make_live: Any) -> Live:
    return make_live()


@pytest.fixture
def both(world: World, stage: ExitStack, tmp_path: Path) -> World:
    """The same, and a PSA that invoices what the vendor sold."""
    seed = tmp_path / "seed.json"
    world.vendor.simulator.export_seed().save(seed)
    side = start(stage, "connectwise", seed_file=seed, drift="0")
    world.psa = connect(world.hub, world.actor, side)
    return world
