"""What every vendor meters and charges comes into the same books, and only once."""

from __future__ import annotations

from typing import Any

import pytest
from entrepot.app import build_hub
from entrepot.hub.charges.service import LineQuery
from entrepot.hub.sync.intake import RunInfo
from entrepot.sdk.model import Listing
from entrepot.sdk.simulator import Options
from entrepot.sdk.simulator.registry import build_named
from entrepot.store import operator_actor, system_actor

VENDORS = ("aws", "google", "ibm", "microsoft")


@pytest.fixture
def database_kind() -> str:
    """Both databases are compared with a vendor in memory."""
    return "sqlite"


@pytest.fixture
def hub(settings: Any) -> Any:
    """A hub with the machine's clock, as the simulators have."""
    made = build_hub(settings)
    yield made
    made.close()


def read(hub: Any, run: RunInfo, month: str = "") -> dict[str, Any]:
    """A whole run by its steps, without the engine."""
    steps, done = hub.charges.steps, {}
    for kind, name in steps.plan(run, month):
        while not steps.read(run, kind, name, lambda _: None, lambda: False):
            pass
        done[f"{kind} {name}"] = steps.finish(run, kind, name)
    return steps.close(run, done)


def sync(hub: Any, run: RunInfo) -> None:
    """Customers and subscriptions, by the steps of their run."""
    steps = hub.sync.steps
    opened = steps.open_run(run, "full", "", "crawl", "test")
    for name, per in opened["streams"]:
        while not steps.crawl(run, name, per, lambda *_: None, lambda: False):
            pass
        steps.finish_stream(run, name, per)
    steps.close_run(run, opened["at"])


@pytest.mark.parametrize("plugin", VENDORS)
def test_charges_of_every_vendor_are_read_once_and_belong_to_somebody(hub, plugin):
    simulator = build_named(plugin, Options(customers=4, subscriptions=20))
    server = simulator.serve(port=0)
    try:
        tenant = hub.tenants.create(operator_actor("tests"), name="Reseller").id
        actor = system_actor("tests", tenant)
        info = hub.plugins.info(plugin)
        added = hub.connections.add(
            actor,
            plugin=plugin,
            name=plugin,
            values=simulator.connection_settings(),
            quotas=dict.fromkeys(quota.name for quota in info.quotas),
        )
        sync(hub, RunInfo("sync-1", tenant, added.id))
        first = read(hub, RunInfo("run-1", tenant, added.id))
        assert first["state"] == "complete", first
        assert first["counts"]["new"] > 0
        again = read(hub, RunInfo("run-2", tenant, added.id))
        written = [again["counts"].get(name, 0) for name in ("new", "changed", "gone")]
        assert written == [0, 0, 0], again
        assert again["counts"]["same"] == first["counts"]["new"]
        lines = list(hub.charges.charges(actor, LineQuery(limit=200)).items)
        if info.capabilities.usage is not Listing.NONE:
            lines += hub.charges.usage(actor, LineQuery(limit=200)).items
        assert {line.source != "" for line in lines} == {True}
        assert [line for line in lines if line.customer_id], "lines of known customers"
        assert [line for line in lines if line.subscription_id]
    finally:
        server.stop()
