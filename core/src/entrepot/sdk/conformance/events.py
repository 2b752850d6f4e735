"""Checks of what happens at the vendor between two listings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from entrepot.sdk import queries as ask
from entrepot.sdk.conformance.checks import require
from entrepot.sdk.conformance.harness import Harness
from entrepot.sdk.conformance.listings import records
from entrepot.sdk.errors import NotFound
from entrepot.sdk.model import Charge, Subscription, SubscriptionStatus

Play = Callable[..., Mapping[str, Any]]
"""Makes a word happen: ``play(word, **arguments)``."""


def vanished_is_gone(harness: Harness, play: Play) -> None:
    """A vanished subscription is NotFound or ended; all others stay as they were."""
    before = _subscriptions(harness)
    gone = _one_active(before)
    play(
        "vanish_subscription",
        customer_id=gone.customer_id,
        subscription_id=gone.vendor_id,
    )
    after = _subscriptions(harness)
    _require_gone(harness, gone, after)
    lost = before.keys() - after.keys() - {gone.vendor_id}
    require(not lost, f"with {gone.vendor_id} also {sorted(lost)} went")


def rekeyed_is_followed(harness: Harness, play: Play) -> None:
    """After a change of id the new one is listed and readable, the old one gone."""
    before = _subscriptions(harness)
    old = _one_active(before)
    told = play(
        "rekey_subscription",
        customer_id=old.customer_id,
        subscription_id=old.vendor_id,
    )
    new_id = str(told.get("subscription_id", ""))
    require(new_id and new_id != old.vendor_id, f"no new id was told: {told}")
    after = _subscriptions(harness)
    require(new_id in after, f"{new_id}, the new id, is not listed")
    fresh = _read(harness, old.customer_id, new_id)
    require(fresh is not None, f"{new_id} is listed but cannot be read")
    _require_gone(harness, old, after)
    lost = before.keys() - after.keys() - {old.vendor_id}
    require(not lost, f"with {old.vendor_id} also {sorted(lost)} went")


def restated_keeps_its_id(harness: Harness, play: Play) -> None:
    """A corrected charge comes again under its id, with the new amount."""
    before = _charges(harness)
    require(before, "list_charges lists nothing; give the simulator charges")
    line = min(before.values(), key=lambda one: one.vendor_id)
    play("restate_charge", charge_id=line.vendor_id, customer_id=line.customer_id)
    after = _charges(harness)
    again = after.get(line.vendor_id)
    require(again is not None, f"the corrected line {line.vendor_id} lost its id")
    assert again is not None  # noqa: S101 - for the type checker
    require(again.amount != line.amount, f"{line.vendor_id} still costs {line.amount}")
    new = after.keys() - before.keys()
    require(not new, f"the correction made other lines: {sorted(new)}")


CHECKS: Mapping[str, Callable[[Harness, Play], None]] = {
    "vanish_subscription": vanished_is_gone,
    "rekey_subscription": rekeyed_is_followed,
    "restate_charge": restated_keeps_its_id,
}
"""The check of each word that is an action."""


def _require_gone(
    harness: Harness, old: Subscription, after: Mapping[str, Subscription]
) -> None:
    kept = after.get(old.vendor_id)
    ended = kept is None or kept.status is SubscriptionStatus.ENDED
    require(
        ended, f"{old.vendor_id} is gone but still listed as {kept and kept.status}"
    )
    if not harness.has("get_subscription"):
        return
    read = _read(harness, old.customer_id, old.vendor_id)
    shown = None if read is None else read.status
    fits = shown in (None, SubscriptionStatus.ENDED)
    require(fits, f"{old.vendor_id} is gone but reads as {shown}")


def _read(harness: Harness, customer: str, subscription: str) -> Subscription | None:
    query = ask.GetSubscription(customer_id=customer, subscription_id=subscription)
    try:
        found: Subscription = harness.call("get_subscription", query)
    except NotFound:
        return None
    return found


def _subscriptions(harness: Harness) -> dict[str, Subscription]:
    return {one.vendor_id: one for one in records(harness, "list_subscriptions")}


def _one_active(found: Mapping[str, Subscription]) -> Subscription:
    active = [s for s in found.values() if s.status is SubscriptionStatus.ACTIVE]
    require(active, "the simulator has no active subscription among the sampled")
    return active[0]


def _charges(harness: Harness) -> dict[str, Charge]:
    return {one.vendor_id: one for one in records(harness, "list_charges")}
