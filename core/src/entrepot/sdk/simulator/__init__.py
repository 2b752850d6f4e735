"""Base of the stateful simulators that every plugin ships of its vendor."""

from __future__ import annotations

from entrepot.sdk.simulator.base import RunningSimulator, Simulator, json_response
from entrepot.sdk.simulator.client import ControlClient, ControlError
from entrepot.sdk.simulator.clock import VirtualClock
from entrepot.sdk.simulator.faults import KINDS, Fault, FaultPlan, Struck
from entrepot.sdk.simulator.options import Options, QuotaProfile
from entrepot.sdk.simulator.people import CompanyFacts, Person, company
from entrepot.sdk.simulator.quota import Quota, Throttle
from entrepot.sdk.simulator.registry import (
    build_named,
    run_simulator,
    simulator_names,
)
from entrepot.sdk.simulator.seed import (
    Seed,
    SeedContact,
    SeedCustomer,
    SeedNextTerm,
    SeedOffer,
    SeedSubscription,
)
from entrepot.sdk.simulator.server import RunningServer

__all__ = [
    "KINDS",
    "CompanyFacts",
    "ControlClient",
    "ControlError",
    "Fault",
    "FaultPlan",
    "Options",
    "Person",
    "Quota",
    "QuotaProfile",
    "RunningServer",
    "RunningSimulator",
    "Seed",
    "SeedContact",
    "SeedCustomer",
    "SeedNextTerm",
    "SeedOffer",
    "SeedSubscription",
    "Simulator",
    "Struck",
    "Throttle",
    "VirtualClock",
    "build_named",
    "company",
    "json_response",
    "run_simulator",
    "simulator_names",
]
