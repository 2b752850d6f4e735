"""What time brings: ends of trials and terms, renewals, the sixty days (§7)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from entrepot_google.simulator.catalog import Catalog, Offer
from entrepot_google.simulator.generate import year_after
from entrepot_google.simulator.model import (
    BY_RESELLER,
    NOT_RENEWED,
    TRIAL_OVER,
    Change,
    Customer,
    Entitlement,
)

SIXTY = timedelta(days=60)
Announce = Callable[[Customer, Entitlement, str], None]


class Lifecycle:
    """Lets time pass for customers.

    Args:
        catalog: Renewals follow the present offers.
        announce: Told of every change, with the event's name.

    Attributes:
        moves: Grows whenever anything may have come or gone.
    """

    def __init__(self, catalog: Catalog, announce: Announce) -> None:
        self._catalog, self._announce = catalog, announce
        self.moves = 0

    def settle(self, customer: Customer, now: datetime) -> None:
        """Bring everything of a customer up to now."""
        for entitlement in list(customer.entitlements.values()):
            for _ in range(40):
                due = due_at(entitlement)
                if due is None or due > now or not _is_held(customer, entitlement):
                    break
                self._pass(customer, entitlement, due)
        customer.next_due = min(_dues(customer), default=None)

    def _pass(self, customer: Customer, entitlement: Entitlement, at: datetime) -> None:
        if entitlement.trial_end is not None and entitlement.trial_end <= at:
            self._end_trial(customer, entitlement, at)
        elif entitlement.suspended_at is not None:
            self.note(customer, entitlement, "CANCELLED", at, "cancellationReason")
            self.remove(customer, entitlement)
        else:
            self._end_term(customer, entitlement, at)

    def _end_trial(
        self, customer: Customer, entitlement: Entitlement, at: datetime
    ) -> None:
        entitlement.trial_end = None
        if entitlement.offer.plan != "trial":
            self.start_paid(customer, entitlement, at)
            return
        entitlement.reasons = [TRIAL_OVER]
        self.note(
            customer, entitlement, "SUSPENDED", at, "suspensionReason", TRIAL_OVER
        )

    def start_paid(
        self, customer: Customer, entitlement: Entitlement, at: datetime
    ) -> None:
        """The paid plan begins."""
        entitlement.trial_end = None
        if entitlement.offer.is_commitment:
            entitlement.start, entitlement.end = at, year_after(at)
        self.note(customer, entitlement, "PAID_SUBSCRIPTION_STARTED", at)

    def _end_term(
        self, customer: Customer, entitlement: Entitlement, at: datetime
    ) -> None:
        renewal = entitlement.renewal
        if renewal is None or not renewal.enable:
            entitlement.reasons.append(NOT_RENEWED)
            self.note(
                customer, entitlement, "SUSPENDED", at, "suspensionReason", NOT_RENEWED
            )
            return
        if renewal.resize:
            entitlement.seats = max(1, entitlement.assigned)
        entitlement.offer = self._following(entitlement, customer)
        if entitlement.offer.is_commitment:
            entitlement.start, entitlement.end = at, year_after(at)
        else:
            entitlement.start = entitlement.end = entitlement.renewal = None
        self.note(customer, entitlement, "RENEWED", at)

    def _following(self, entitlement: Entitlement, customer: Customer) -> Offer:
        """The present offer of the plan that renewal asks for."""
        renewal = entitlement.renewal
        plan = entitlement.offer.plan
        if renewal is not None and renewal.plan == "FLEXIBLE":
            plan = "flexible"
        elif renewal is not None:
            plan = "commit_year" if renewal.months == 12 else "commit_month"
        code = entitlement.offer.sku.code
        if plan not in entitlement.offer.sku.plans:
            plan = entitlement.offer.plan
        return self._catalog.offer(code, plan, customer.facts.country)

    def note(
        self,
        customer: Customer,
        entitlement: Entitlement,
        kind: str,
        at: datetime,
        reason_field: str = "",
        reason: str = "",
        operator: str = "",
    ) -> None:
        """Write the history and announce it."""
        self.moves += 1
        entitlement.updated = at
        if kind == "CANCELLED" and not reason:
            reason_field, reason = "cancellationReason", "SERVICE_TERMINATED"
        customer.changes.append(
            Change(
                entitlement=entitlement.id,
                offer=entitlement.offer,
                kind=kind,
                at=at,
                seats=entitlement.seats,
                operator_type="RESELLER" if operator else "SYSTEM",
                operator=operator,
                reason=(reason_field, reason) if reason else ("", ""),
            )
        )
        customer.next_due = min(_dues(customer), default=None)
        self._announce(customer, entitlement, kind)

    def remove(self, customer: Customer, entitlement: Entitlement) -> None:
        """It is gone: the API has no cancelled state (§7.1)."""
        self.moves += 1
        customer.ended[entitlement.id] = customer.entitlements.pop(entitlement.id)
        customer.next_due = min(_dues(customer), default=None)


def due_at(entitlement: Entitlement) -> datetime | None:
    """When time changes something next; ``None`` is never."""
    if entitlement.trial_end is not None:
        return entitlement.trial_end
    if BY_RESELLER in entitlement.reasons and entitlement.suspended_at is not None:
        return entitlement.suspended_at + SIXTY
    if entitlement.reasons or entitlement.end is None:
        return None  # suspended subscriptions do not renew (§4.3)
    return entitlement.end


def _is_held(customer: Customer, entitlement: Entitlement) -> bool:
    return entitlement.id in customer.entitlements


def _dues(customer: Customer) -> Iterator[datetime]:
    for entitlement in customer.entitlements.values():
        due = due_at(entitlement)
        if due is not None:
            yield due
