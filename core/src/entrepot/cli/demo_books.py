"""What the demo's resellers sell, and how their customers become one set of books."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from entrepot.app import Hub
from entrepot.hub.mapping.views import ListQuery
from entrepot.hub.reconciliation.rules_store import RuleWish
from entrepot.hub.subscriptions.service import SubscriptionQuery
from entrepot.sdk.model import PluginInfo, PluginKind
from entrepot.sdk.simulator import Seed
from entrepot.store import Actor

CUSTOMERS = 200
SUBSCRIPTIONS = 1_500
_PAGE = 200
_METERED = frozenset({"usage", "none"})
_WHY = "demo: accounts that are billed to one company are one customer"


@dataclass(frozen=True, slots=True)
class Size:
    """How much a simulated system holds."""

    customers: int
    subscriptions: int


def sizes(infos: Sequence[PluginInfo], scale: float) -> dict[str, Size]:
    """How much each simulated system holds, by the plugin's name.

    One vendor, the last by name, has all customers and most of the subscriptions;
    every other one has a third of the customers.
    """
    vendors = [info for info in infos if info.kind is PluginKind.VENDOR]
    vendors.sort(key=lambda info: info.name, reverse=True)
    whole = _size(CUSTOMERS * scale, SUBSCRIPTIONS * scale)
    found = {info.name: whole for info in infos}
    if len(vendors) > 1:
        others = len(vendors) - 1
        found[vendors[0].name] = _size(CUSTOMERS * scale, SUBSCRIPTIONS * 0.7 * scale)
        rest = _size(CUSTOMERS / 3 * scale, SUBSCRIPTIONS * 0.36 / others * scale)
        found.update((info.name, rest) for info in vendors[1:])
    return found


def _size(customers: float, subscriptions: float) -> Size:
    return Size(max(1, round(customers)), max(1, round(subscriptions)))


def merged(seeds: Sequence[Seed]) -> Seed:
    """Several vendors' states as one: what was sold to a company under one customer.

    A company is known by its number in the generator, which all simulators share.

    Args:
        seeds: The first one's ids stand for companies that several know.
    """
    first = seeds[0]
    names: dict[int, str] = {}
    customers = []
    owner: dict[tuple[str, str], str] = {}
    for seed in seeds:
        for customer in seed.customers:
            if customer.index not in names:
                names[customer.index] = customer.vendor_id
                customers.append(customer)
            owner[seed.vendor, customer.vendor_id] = names[customer.index]
    return Seed(
        vendor=first.vendor,
        seed=first.seed,
        as_of=first.as_of,
        customers=tuple(customers),
        offers=tuple(offer for seed in seeds for offer in seed.offers),
        subscriptions=tuple(
            replace(one, customer_vendor_id=owner[seed.vendor, one.customer_vendor_id])
            for seed in seeds
            for one in seed.subscriptions
            if (seed.vendor, one.customer_vendor_id) in owner
        ),
    )


def accept_alike(hub: Hub, actor: Actor, psa: str) -> int:
    """Confirm the accounts with the name or the domain of one company; how many."""
    ids = []
    for method in ("name", "domain"):
        query = ListQuery(
            psa_connection_id=psa, status="undecided", method=method, limit=_PAGE
        )
        while True:
            part = hub.mapping.customers.list(actor, query)
            ids += [row.mapping.id for row in part.items if row.mapping is not None]
            if not part.has_more:
                break
            query = replace(query, last=part.last)
    if not ids:
        return 0
    why = "demo: equal names or domains"
    return hub.mapping.customers.accept(actor, psa, ids=ids, why=why).rows


def exclude_metered(hub: Hub, actor: Actor, psa: str) -> int:
    """Take what is charged by use out of the comparison of seats; returns how many."""
    metered: dict[tuple[str, str], None] = {}
    query = SubscriptionQuery(limit=_PAGE)
    while True:
        part = hub.subscriptions.list(actor, query)
        for one in part.items:
            if one.billing_cycle in _METERED:
                metered[one.connection_id, one.sku] = None
        if not part.has_more:
            break
        query = replace(query, last=part.last)
    if metered:
        hub.mapping.products.exclude(
            actor, psa, list(metered), reason="demo: charged by use, not by seats"
        )
    return len(metered)


def join_accounts(hub: Hub, actor: Actor, psa: str) -> int:
    """Make one customer of all accounts that are billed to one company.

    Returns:
        How many customers became part of another one.
    """
    keep: dict[str, str] = {}
    done = 0
    for company, customer in _billed(hub, actor, psa):
        kept = keep.setdefault(company, customer)
        if kept != customer:
            hub.customers.merge(actor, kept, customer, why=_WHY)
            done += 1
    return done


def _billed(hub: Hub, actor: Actor, psa: str) -> list[tuple[str, str]]:
    """Company and customer of every account that is mapped."""
    found: list[tuple[str, str]] = []
    query = ListQuery(psa_connection_id=psa, status="confirmed", limit=_PAGE)
    while True:
        part = hub.mapping.customers.list(actor, query)
        for row in part.items:
            if row.mapping is not None:
                found.append((row.mapping.psa_company_id, row.customer_id))
        if not part.has_more:
            return found
        query = replace(query, last=part.last)


def ask_for_prices(hub: Hub, actor: Actor, psa: str) -> None:
    """Have prices compared with the PSA's catalogue, three years in yearly parts."""
    hub.reconciliation.rules.set(
        actor,
        RuleWish(
            psa_connection_id=psa,
            kind="cost",
            body={"spread": 3},
            reason="demo: what is paid for three years is invoiced every year",
        ),
    )
    hub.reconciliation.rules.set(
        actor,
        RuleWish(
            psa_connection_id=psa,
            kind="price",
            body={"mode": "catalog"},
            reason="demo: the catalogue's price holds",
        ),
    )
