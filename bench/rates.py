"""An hour of calls on a virtual clock, against a simulator that throttles.

The hub's clock and the simulator's counting share one time, so an hour passes in
minutes. What is asked all the time is one call under the quota key that binds a first
sync: the vendor sees nothing else in that hour.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from entrepot.app import build_hub
from entrepot.sdk import queries as ask
from entrepot.sdk.simulator import Options, Throttle, build_named
from entrepot.store import FixedClock, system_actor

from bench import hubs
from bench.measure import measured

PROFILE = "real"
_BEGIN = datetime(2026, 3, 18, 9, 30, tzinfo=UTC)
_QUIET = timedelta(minutes=1)


@dataclass(frozen=True)
class Call:
    """A hook that costs one request, and the quota key it is asked under."""

    key: str
    hook: str
    query: object


CALLS = {
    "aws": Call("organizations", "list_customers", ask.ListCustomers()),
    "google": Call("customers", "list_customers", ask.ListCustomers()),
    "ibm": Call("enterprise", "list_customers", ask.ListCustomers()),
    "microsoft": Call("core", "list_customers", ask.ListCustomers()),
    "connectwise": Call("api", "list_companies", ask.ListCompanies()),
}


def play(url: str, folder: str, plugin: str, minutes: float) -> dict[str, Any]:
    """Ask as often as the hub allows for so many virtual minutes.

    Returns:
        ``used``: the share of the documented rate; ``refused``: answers that said "too
        many"; ``binds``: the quota in words.
    """
    clock, call, home = FixedClock(_BEGIN), CALLS[plugin], Path(folder)
    tenant, result = hubs.prepare(url, home), dict[str, Any]()
    options = Options(customers=2, quota=PROFILE, start=_BEGIN, frozen=True)
    hub = build_hub(hubs.settings_of(url, home), clock=clock)
    try:
        with build_named(plugin, options).running() as running:
            simulator = running.simulator
            limits = simulator.quotas[PROFILE]
            simulator.throttle = Throttle(limits, clock.monotonic)
            added = hub.connections.add(
                system_actor("bench", tenant),
                plugin=plugin,
                name="One",
                values=simulator.connection_settings(),
            )
            clock.advance(_QUIET)
            ctx, once = hub.connections.open(added.id), getattr(hub.plugins, call.hook)
            once(ctx, call.query)  # signs in, discovers: all that isn't repeated
            clock.advance(_QUIET)
            begun, before = clock.monotonic(), simulator.log.counters()["total"]
            with measured(result):
                while clock.monotonic() - begun < 60 * minutes:
                    once(ctx, call.query)
            asked = simulator.log.counters()["total"] - before
            refused = simulator.throttle.refused
        quota = {one.name: one for one in hub.plugins.info(plugin).quotas}[call.key]
    finally:
        hub.close()
    passed = clock.monotonic() - begun
    # What a quiet time allows at once comes on top of the rate.
    used = (asked - quota.burst) / (passed * quota.requests / quota.seconds)
    return {
        **result,
        "used": used,
        "refused": refused,
        "refused_share": refused / asked,
        "asked": asked,
        "minutes": passed / 60,
        "binds": f"{call.key}: {quota.requests} requests in {quota.seconds:g} s",
        "quota": PROFILE,
        "right": refused == 0 and used >= 0.95,
    }
