"""Checks of objects that are read alone, and of the change feed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from entrepot.sdk import queries as ask
from entrepot.sdk.conformance.checks import SMALL_PAGE, require
from entrepot.sdk.conformance.harness import Harness
from entrepot.sdk.conformance.listings import listings_of, pages, records

SOME = 2
_SINCE = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Single:
    """How one object of a listing is read alone.

    Attributes:
        hook: The hook that reads it.
        query: Makes the hook's record for a listed one.
        same: Attributes that must be equal in both.
    """

    hook: str
    query: Callable[[Any], object]
    same: tuple[str, ...]


SINGLES: Mapping[str, Single] = {
    "list_customers": Single(
        "get_customer",
        lambda one: ask.GetCustomer(customer_id=one.vendor_id),
        ("vendor_id", "name", "status"),
    ),
    "list_subscriptions": Single(
        "get_subscription",
        lambda one: ask.GetSubscription(
            customer_id=one.customer_id, subscription_id=one.vendor_id
        ),
        ("vendor_id", "customer_id", "sku", "quantity", "status", "vendor_status"),
    ),
    "list_agreement_lines": Single(
        "get_agreement_line",
        lambda one: ask.GetAgreementLine(
            agreement_id=one.agreement_id, line_id=one.vendor_id
        ),
        ("vendor_id", "agreement_id", "quantity", "effective", "ends"),
    ),
}
"""By the listing that tells of the objects."""


def single_equals_listing(harness: Harness, name: str) -> None:
    """Some objects of a listing, read alone, are the same."""
    how = SINGLES[name]
    if name not in listings_of(harness.info) or not harness.has(how.hook):
        return
    for listed in records(harness, name)[:SOME]:
        alone = harness.call(how.hook, how.query(listed))
        for part in how.same:
            told, read = getattr(listed, part), getattr(alone, part)
            require(told == read, f"{name} tells {part}={told!r}, {how.hook} {read!r}")


def feed_is_in_order(harness: Harness) -> None:
    """The feed is oldest first, gives the same again, and goes on from a cursor."""
    since = harness.ctx.clock.now() - _SINCE
    walked = list(_feed(harness, since=since))
    moments = [e.at for page in walked for e in page.records() if e.at is not None]
    require(moments == sorted(moments), "list_changes is not oldest first")
    first = _ids(walked)
    require(all(first), "list_changes: an event has no event_id")
    again = _ids(list(_feed(harness, since=since)))
    require(first == again, "list_changes gives another order at the second walk")
    if len(walked) > 1:
        rest = _feed(
            harness,
            since=since,
            ctx=harness.fresh_context(),
            cursor=walked[0].next_cursor,
        )
        require(_ids(list(rest)) == _ids(walked[1:]), "list_changes does not resume")


def _feed(harness: Harness, **wishes: Any) -> Any:  # noqa: ANN401 - an iterator of pages
    return pages(harness, "list_changes", page_size=SMALL_PAGE, **wishes)


def _ids(walked: list[Any]) -> list[str]:
    return [event.event_id for page in walked for event in page.records()]
