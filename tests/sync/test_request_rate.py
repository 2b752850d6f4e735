"""The permitted rate is used and never exceeded, whatever vendor it is (P1, P2).

The hub's clock and the simulator's counting share one virtual time, so minutes pass
in seconds; ``ENTREPOT_RATE_MINUTES=60`` plays a whole hour, as does
``python -m bench run --suite rates``. The simulators throttle as the vendors document
(profile ``real``).
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from datetime import timedelta

import pytest
from entrepot.sdk import queries as ask

MINUTES = float(os.environ.get("ENTREPOT_RATE_MINUTES", "0"))
LEAST = 25.0  # seconds; a window that is longer is seen through, and a quarter more


@dataclass(frozen=True)
class Listing:
    """What is asked all the time, and the quota key that binds then."""

    key: str
    hook: str
    query: ask.ListCustomers | ask.ListCompanies


EVERY = {
    # A line for each plugin.
    "microsoft": Listing("core", "list_customers", ask.ListCustomers()),
    "google": Listing("customers", "list_customers", ask.ListCustomers()),
    "aws": Listing("organizations", "list_customers", ask.ListCustomers()),
    "ibm": Listing("enterprise", "list_customers", ask.ListCustomers()),
    "connectwise": Listing("api", "list_companies", ask.ListCompanies()),
}


@pytest.mark.parametrize(
    ("name", "database_kind"),
    [*((name, "sqlite") for name in EVERY), ("microsoft", "postgresql")],
)
def test_the_permitted_rate_is_used_and_never_exceeded(name, paced, clock):
    listing = EVERY[name]
    hub, side, ctx = paced(name)
    simulator = side.simulator
    quotas = {one.name: one for one in hub.plugins.info(name).quotas}
    ask_once = getattr(hub.plugins, listing.hook)
    ask_once(ctx, listing.query)  # signs in, discovers: all that is not repeated
    clock.advance(timedelta(minutes=1))
    begun, counted = clock.monotonic(), simulator.log.counters()["total"]
    quota = quotas[listing.key]
    seconds = 60 * MINUTES or max(LEAST, 1.25 * quota.seconds)
    while clock.monotonic() - begun < seconds:
        ask_once(ctx, listing.query)
    passed = clock.monotonic() - begun
    asked = simulator.log.counters()["total"] - counted
    assert simulator.throttle.refused == 0, "P2"
    # What a quiet time allows at once comes on top of the rate.
    used = (asked - quota.burst) / (passed * quota.requests / quota.seconds)
    logging.getLogger("rate").info("%s: %.4f of the rate, %d calls", name, used, asked)
    assert 0.95 <= used <= 1.0, f"P1: {used:.3f} of the rate"
