"""Cells that sync a real plugin with its simulator, and what the vendors are."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from entrepot.app import Hub, build_hub
from entrepot.hub.sync.intake import RunInfo
from entrepot.sdk.simulator import ControlClient
from entrepot.store import new_id, system_actor

from bench import hubs
from bench.cells import BOOKKEEPING, Written, open_pools
from bench.measure import measured

Quotas = Mapping[str, Mapping[str, float] | None]
QUOTA = "test"
"""Profile of every simulator: small windows, so that pacing is at work."""


def _below(a_second: int, concurrency: int = 4) -> dict[str, float]:
    """A steady rate and a burst that together stay below a window of one second."""
    burst = max(1, a_second // 5)
    steady = a_second - burst
    return {
        "requests": steady,
        "seconds": 1,
        "burst": burst,
        "concurrency": concurrency,
    }


@dataclass(frozen=True)
class Kind:
    """A vendor of the suite, and how it is connected.

    Attributes:
        plugin: Name of plugin and simulator.
        quotas: What the connection is told of the simulator's profile; what isn't
            named is not throttled there.
        settings: Of the connection, beyond what the simulator gives.
        one_more: Action that makes one more subscription for a customer.
        owners: How ids of customers begin that the action takes.
        share: Part of the simulator's subscriptions that this connection reads.
    """

    plugin: str
    quotas: Quotas
    one_more: str
    settings: Mapping[str, str] = field(default_factory=dict)
    owners: str = ""
    share: float = 1.0


_AWS = {
    "organizations": _below(50),
    "agreement-search": _below(50),
    "agreement-terms": _below(100),
}
_IBM = ("iam", "enterprise", "billing", "partner", "controller", "catalogue")

KINDS: Mapping[str, Kind] = {
    "google": Kind(
        "google",
        {"customers": _below(24, 1), "entitlements": _below(240)},
        one_more="buy",
    ),
    # Three requests for each account, since what it bought is told to itself only.
    "aws": Kind("aws", _AWS, one_more="create_account", owners="ou-"),
    "aws-accounts": Kind(
        "aws",
        _AWS,
        one_more="create_account",
        owners="ou-",
        settings={"member_role": ""},
        share=0.655,
    ),
    "ibm": Kind("ibm", dict.fromkeys(_IBM, _below(50)), one_more="create_instance"),
    "microsoft": Kind("microsoft", {"core": _below(50)}, one_more="new_subscription"),
}


@contextlib.contextmanager
def served(name: str, size: int, log: Path) -> Iterator[tuple[ControlClient, int, str]]:
    """A simulator in a process of its own: control, process id, address."""
    kind = KINDS[name]
    options = ["--quota", QUOTA, "--subscriptions", str(round(size / kind.share))]
    options += ["--customers", str(max(4, size // 100))]
    command = [sys.executable, "-m", "entrepot.cli", "--json", "simulator", "run"]
    with (
        log.open("wb") as errors,
        subprocess.Popen(
            [*command, kind.plugin, *options], stdout=subprocess.PIPE, stderr=errors
        ) as process,
    ):
        assert process.stdout is not None
        try:
            said = next((one for one in process.stdout if b"http" in one), b"")
            if not said:
                text = f"the simulator does not listen: {log.read_text()[-1000:]}"
                raise RuntimeError(text)
            address = said.decode().split('"')[3]
            yield ControlClient(address, timeout=600), process.pid, address
        finally:
            process.terminate()


@contextlib.contextmanager
def _hub(url: str, folder: Path) -> Iterator[Hub]:
    hub = build_hub(hubs.settings_of(url, folder))
    try:
        yield hub
    finally:
        hub.close()


def prepare(url: str, folder: str, name: str, address: str) -> dict[str, str]:
    """Make the database a sync starts from: schema, reseller, connection."""
    home, kind = Path(folder), KINDS[name]
    tenant = hubs.prepare(url, home)
    with _hub(url, home) as hub:
        known = {key.name for key in hub.plugins.info(kind.plugin).quotas}
        given = ControlClient(address).act("connection_settings")
        added = hub.connections.add(
            system_actor("bench", tenant),
            plugin=kind.plugin,
            name="One",
            values={**given, **kind.settings},
            quotas={**dict.fromkeys(known), **kind.quotas},
        )
    return {"tenant": tenant, "connection": str(added.id)}


def sync(
    url: str,
    folder: str,
    tenant: str,
    connection: str,
    *,
    address: str,
    mode: str = "full",
    count_writes: bool = False,
    pg: int = 0,
    vendor: int = 0,
) -> dict[str, Any]:
    """One whole sync of a connection, with the requests that it took.

    Args:
        url: The database.
        folder: The hub's.
        tenant: The reseller.
        connection: Which.
        address: The simulator's.
        mode: ``full`` or ``incremental``.
        count_writes: Count rows written on SQLite, too; costs time for each.
        pg: Process id of the postmaster, or 0.
        vendor: Process id of the simulator, which is not charged.
    """
    control, result = ControlClient(address), dict[str, Any]()
    control.reset_requests()
    before = control.counters()["refused_by_quota"]
    written = Written(url)
    if count_writes:
        written.watch()
    with _hub(url, Path(folder)) as hub:
        open_pools(hub, tenant)
        with measured(result, pg=pg, others=(vendor,) if vendor else ()):
            closed = read(hub, RunInfo(new_id("run"), tenant, connection), mode)
    counters = control.counters()
    found = written.since()
    facts = {n: c for n, c in found.items() if not n.startswith(BOOKKEEPING)}
    with hubs.books(url) as books:
        result["rows"] = books.one(
            "SELECT count(*) FROM subscription WHERE gone_at IS NULL"
        )
    result["requests"] = counters["total"]
    result["refused"] = counters["refused_by_quota"] - before
    result["tables"], result["written"] = facts, sum(facts.values())
    result["counts"], result["state"] = closed["counts"], closed["state"]
    result["quota"] = QUOTA
    result["cpu_each"] = result["cpu"] / max(1, result["rows"])
    result["requests_each"] = result["requests"] / max(1, result["rows"])
    result["right"] = closed["state"] == "complete"
    return result


def read(hub: Hub, run: RunInfo, mode: str) -> dict[str, Any]:
    """The steps of the product's job in their order, without the engine around."""
    steps = hub.sync.steps
    opened = steps.open_run(run, mode, "", "crawl", "bench")
    streams, at, followed = opened["streams"], opened["at"], False
    subjects: list[str] = []
    if opened["mode"] == "feed":
        found = steps.read_feed(run)
        at, followed = found["at"], not found["whole"]
        every = opened["all_streams"]
        streams = [one for one in every if found["whole"] or one[0] in found["streams"]]
        subjects = [] if found["whole"] else found["subjects"]
    for name, per in streams:
        while not steps.crawl(run, name, per, lambda *_: None, lambda: False):
            pass
        steps.finish_stream(run, name, per)
    if subjects:
        counts = steps.refresh(run, subjects)["counts"]
        steps.add_counts(run, "refreshed", counts)
    closed: dict[str, Any] = steps.close_run(run, at, followed=followed)
    return closed


def owners(url: str, name: str, count: int) -> list[str]:
    """Ids of so many customers with subscriptions, spread over all."""
    with hubs.books(url) as books:
        every = sorted(
            row[0]
            for row in books.rows(
                "SELECT DISTINCT customer_vendor_id FROM subscription"
            )
            if row[0].startswith(KINDS[name].owners)
        )
    step = max(1, len(every) // count)
    return [every[(number * step) % len(every)] for number in range(count)]
