"""Which listings a plugin has, and how to walk them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from entrepot.sdk import queries as ask
from entrepot.sdk.conformance.harness import Harness
from entrepot.sdk.context import PluginContext
from entrepot.sdk.model import Listing, Page, PluginInfo, PluginKind

MOST_PAGES = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One listing of a plugin.

    Attributes:
        hook: Name of the hook.
        query: Type of its record.
        key: Attributes that identify a record, in their order.
        owner_field: Field of the query that narrows it to one owner.
        owners: Hook that lists the owners; empty for one listing over everything.
        by_period: Its query asks for a period.
    """

    hook: str
    query: type[Any]
    key: tuple[str, ...] = ("vendor_id",)
    owner_field: str = ""
    owners: str = ""
    by_period: bool = False


LISTINGS: dict[str, Listed] = {
    "list_customers": Listed(hook="list_customers", query=ask.ListCustomers),
    "list_offers": Listed(hook="list_offers", query=ask.ListOffers, key=("key",)),
    "list_subscriptions": Listed(
        hook="list_subscriptions",
        query=ask.ListSubscriptions,
        owner_field="customer_id",
    ),
    "list_orders": Listed(
        hook="list_orders", query=ask.ListOrders, owner_field="customer_id"
    ),
    "list_usage": Listed(
        hook="list_usage",
        query=ask.ListUsage,
        owner_field="customer_id",
        by_period=True,
    ),
    "list_charges": Listed(
        hook="list_charges",
        query=ask.ListCharges,
        owner_field="customer_id",
        by_period=True,
    ),
    "list_changes": Listed(
        hook="list_changes", query=ask.ListChanges, key=("event_id",)
    ),
    "list_contacts": Listed(
        hook="list_contacts",
        query=ask.ListContacts,
        key=("owner_id", "vendor_id", "email"),
        owner_field="owner_id",
    ),
    "list_companies": Listed(hook="list_companies", query=ask.ListCompanies),
    "list_products": Listed(hook="list_products", query=ask.ListProducts),
    "list_agreements": Listed(hook="list_agreements", query=ask.ListAgreements),
    "list_agreement_lines": Listed(
        hook="list_agreement_lines",
        query=ask.ListAgreementLines,
        owner_field="agreement_id",
    ),
}


def listings_of(info: PluginInfo) -> list[str]:
    """Names of the listings a plugin promises by its capabilities."""
    can = info.capabilities
    if info.kind is PluginKind.PSA:
        found = ["list_companies", "list_products", "list_agreements"]
        optional = {
            "list_agreement_lines": can.lines,
            "list_contacts": can.contacts,
        }
    else:
        found = ["list_customers", "list_offers"]
        optional = {
            "list_subscriptions": can.subscriptions,
            "list_orders": can.orders,
            "list_contacts": can.contacts,
            "list_usage": can.usage,
            "list_charges": can.charges,
        }
    return found + [name for name, how in optional.items() if how is not Listing.NONE]


def owners_hook(info: PluginInfo, name: str) -> str:
    """The listing whose objects a listing is walked through; empty for none."""
    can = info.capabilities
    how = {
        "list_subscriptions": can.subscriptions,
        "list_orders": can.orders,
        "list_contacts": can.contacts,
        "list_usage": can.usage,
        "list_charges": can.charges,
        "list_agreement_lines": can.lines,
    }.get(name, Listing.GLOBAL)
    if how is not Listing.PER_CUSTOMER:
        return ""
    if name == "list_agreement_lines":
        return "list_agreements"
    return "list_companies" if info.kind is PluginKind.PSA else "list_customers"


def pages(
    harness: Harness,
    name: str,
    *,
    ctx: PluginContext | None = None,
    cursor: str | None = None,
    **wishes: Any,  # noqa: ANN401 - fields of the query
) -> Iterator[Page[Any]]:
    """The pages of one listing, from a cursor on, until it ends.

    Raises:
        AssertionError: a cursor repeats, is no text, or the listing never ends.
    """
    seen: set[str] = set()
    for _ in range(MOST_PAGES):
        query = LISTINGS[name].query(cursor=cursor, **wishes)
        page = harness.call(name, query, ctx)
        _require(isinstance(page, Page), f"{name} returned {type(page).__name__}")
        yield page
        cursor = page.next_cursor
        if cursor is None:
            return
        _require(isinstance(cursor, str) and bool(cursor), f"{name}: cursor is no text")
        _require(cursor not in seen, f"{name}: the cursor {cursor!r} came twice")
        seen.add(cursor)
    raise AssertionError(f"{name} does not end after {MOST_PAGES} pages")


def scopes(harness: Harness, name: str) -> list[dict[str, Any]]:
    """The narrowings under which a listing is walked; one empty one for all.

    Owners are sampled (`Harness.sample` of them); listings by period are walked for
    each of `Harness.periods`.
    """
    owners = _sampled_owners(harness, name)
    if not LISTINGS[name].by_period:
        return owners
    return [{**owner, "period": one} for owner in owners for one in harness.periods]


def _sampled_owners(harness: Harness, name: str) -> list[dict[str, Any]]:
    owners = owners_hook(harness.info, name)
    if not owners:
        return [{}]
    found: list[dict[str, Any]] = []
    for page in pages(harness, owners):
        for record in page.records():
            found.append({LISTINGS[name].owner_field: record.vendor_id})
            if len(found) == harness.sample:
                return found
    return found


def records(
    harness: Harness,
    name: str,
    **wishes: Any,  # noqa: ANN401 - fields of the query
) -> list[Any]:
    """All records of a listing (of the sampled owners), in order."""
    return [
        record
        for scope in scopes(harness, name)
        for page in pages(harness, name, **scope, **wishes)
        for record in page.records()
    ]


def identity(name: str, record: object) -> tuple[str, ...]:
    """What identifies a record within its listing."""
    parts = (getattr(record, part, None) for part in LISTINGS[name].key)
    return tuple(str(part) for part in parts if part)


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise AssertionError(message)
