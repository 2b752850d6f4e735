"""What the estate check compares: a Workspace subscription in a few words (§10.4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from entrepot_google.wire import reseller

Estate = dict[str, dict[str, str]]
"""Fingerprints by Cloud Identity id and subscription id."""

_PLANS = {"ANNUAL": "ANNUAL_MONTHLY_PAY"}  # answers use the old name (T5)


def fingerprint(found: reseller.ResellerSubscription) -> str:
    """Status, SKU, plan, seats and renewal; equal as long as nothing changed."""
    plan = found.plan.plan_name if found.plan else ""
    seats = found.seats or reseller.ResellerSeats()
    renewal = found.renewal_settings.renewal_type if found.renewal_settings else ""
    parts = (
        found.status,
        *sorted(found.suspension_reasons),
        found.sku_id,
        _PLANS.get(plan, plan),
        str(seats.number_of_seats),
        str(seats.maximum_number_of_seats),
        str(seats.licensed_number_of_seats),
        renewal,
    )
    return "|".join(parts)


def estate_of(found: Iterable[reseller.ResellerSubscription]) -> Estate:
    """The whole estate by customer."""
    made: Estate = {}
    for each in found:
        own = made.setdefault(each.customer_id, {})
        own[each.subscription_id] = fingerprint(each)
    return made


def differing(before: Mapping[str, dict[str, str]], now: Estate) -> list[str]:
    """Cloud Identity ids whose subscriptions differ, in order."""
    return sorted(
        identity
        for identity in before.keys() | now.keys()
        if before.get(identity) != now.get(identity)
    )
