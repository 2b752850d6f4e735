"""A case's state as inputs of a reconciliation, and what applying a plan does to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from entrepot.hub.reconciliation.casefiles.psa_side import psa_side
from entrepot.hub.reconciliation.casefiles.reader import (
    Plain,
    laid_over,
    to_moment,
)
from entrepot.hub.reconciliation.casefiles.rules_side import policy_of
from entrepot.hub.reconciliation.casefiles.vendor_side import vendor_side
from entrepot.hub.reconciliation.rules.approval import AutoPolicy
from entrepot.hub.reconciliation.rules.books import Inputs
from entrepot.hub.reconciliation.rules.results import Do, Operation

STATE_KEYS = ("as_of", "zone", "vendor", "hub", "psa", "rules")


@dataclass(frozen=True, slots=True)
class World:
    """The state of a case at one step.

    Attributes:
        state: Vendor, hub, PSA and rules as plain mappings.
        defaults: What new records inherit.
        original: Ids of the fixture's own subscriptions.
    """

    state: Plain
    defaults: Plain
    original: frozenset[str]

    @staticmethod
    def of(fixture: Plain, case: Plain) -> World:
        """A case laid over its fixture."""
        original = frozenset(fixture.get("vendor", {}).get("subscriptions", {}))
        defaults = dict(fixture.get("defaults", {}))
        state = {key: fixture[key] for key in STATE_KEYS if key in fixture}
        return World(state, defaults, original).changed(case)

    def changed(self, change: Plain) -> World:
        """The world with a step's state laid over it."""
        own = {key: change[key] for key in STATE_KEYS if key in change}
        return World(_laid(self.state, own), self.defaults, self.original)

    def inputs(self, where: str) -> tuple[Inputs, AutoPolicy]:
        """The records of this world, ready to be reconciled.

        Raises:
            CaseInvalid: Something in it is not understood.
        """
        as_of = to_moment(self.state.get("as_of", _now()), where)
        zone = str(self.state.get("zone", "UTC"))
        today = as_of.astimezone(ZoneInfo(zone)).date()
        policy, auto = policy_of(self.state, where)
        subscription = self.defaults.get("subscription", {})
        inputs = Inputs(
            as_of=as_of,
            vendor=vendor_side(self.state, subscription, set(self.original), where),
            psa=psa_side(self.state, self.defaults, today, where),
            policy=policy,
            tenant="case",
            psa_connection="P-1",
            zone=zone,
        )
        return inputs, auto

    def applied(self, operations: Iterable[Operation]) -> World:
        """The world after the PSA carried out some operations."""
        lines = dict(self.state.get("psa", {}).get("lines", {}))
        for operation in operations:
            lines = _carried_out(lines, operation)
        psa = {**self.state.get("psa", {}), "lines": lines}
        return World({**self.state, "psa": psa}, self.defaults, self.original)


def _laid(state: Plain, change: Plain) -> Plain:
    merged = laid_over(state, change)
    if isinstance(change.get("hub"), str):
        merged["hub"] = change["hub"]
    return merged


def _carried_out(lines: Plain, operation: Operation) -> Plain:
    after = dict(lines)
    if operation.do is Do.CREATE:
        number = sum(str(id_).startswith("NEW-") for id_ in lines) + 1
        after[f"NEW-{number}"] = {
            "agreement": operation.agreement,
            "company": operation.company,
            "product": operation.product,
            "quantity": operation.quantity,
            "unit_price": operation.unit_price,
            "unit_cost": operation.unit_cost,
            "effective": operation.effective,
            "linked": list(operation.subscriptions),
        }
        return after
    line = dict(after.get(operation.line) or {})
    if operation.do is Do.SET_QUANTITY:
        line["quantity"] = operation.quantity
    elif operation.do is Do.SET_END:
        line["cancelled"] = operation.ends
    else:
        line["linked"] = list(operation.subscriptions)
        line["detached"] = False
    after[operation.line] = line
    return after


def _now() -> datetime:
    return datetime.now(UTC)  # wall clock: a case without as_of is one of today
