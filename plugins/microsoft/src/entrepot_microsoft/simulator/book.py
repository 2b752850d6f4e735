"""The partner tenant's books: who is a customer, and what each one has."""

from __future__ import annotations

import uuid
from collections import OrderedDict
from datetime import datetime

import msgspec
from entrepot.sdk.simulator import CompanyFacts, Options

from entrepot_microsoft.simulator import lifecycle, render
from entrepot_microsoft.simulator.generate import Generator
from entrepot_microsoft.simulator.model import Customer, Sub, Wire
from entrepot_microsoft.simulator.prices import PriceBook
from entrepot_microsoft.simulator.refusals import refuse

_MEGABYTE = 1024 * 1024


class Book:
    """State of one partner tenant. The caller holds the simulator's lock.

    Untouched customers exist only as encoded answers; one that was changed (or
    added) is kept as records from then on.

    Args:
        options: Start options.
        epoch: When the generated state holds.
        extended_terms: Whether terms that end without renewal roll on (§5.9).
    """

    def __init__(self, options: Options, epoch: datetime, extended_terms: bool) -> None:
        self.generator = Generator(options, epoch)
        self.prices = PriceBook()
        self._extended = extended_terms
        self._touched: dict[str, Customer] = {}
        self._added: list[str] = []
        self._gone: set[str] = set()
        self._answers: OrderedDict[str, tuple[bytes, datetime | None]] = OrderedDict()
        self._most = int(options.extra.get("cache_mb", "128")) * _MEGABYTE
        self._room = self._most
        self._pages: dict[tuple[int, int], bytes] = {}

    # Customers

    @property
    def customer_count(self) -> int:
        """Customers with a relationship."""
        return self.generator.count + len(self._added) - len(self._gone)

    @property
    def positions(self) -> int:
        """Length of the listing, removed customers included."""
        return self.generator.count + len(self._added)

    def customer(self, customer_id: str, now: datetime) -> Customer:
        """The customer, settled up to ``now``, for reading or changing.

        Raises:
            Refusal: 404 ``60003`` for an unknown tenant, 403 ``20002`` without
                relationship, or what ``forbid`` said (§1.7).
        """
        found = self.known(customer_id, now)
        if not found.related:
            raise refuse(403, "20002", "No commerce relationship with this customer.")
        if found.forbidden:
            raise refuse(403, found.forbidden, "Access to this customer is refused.")
        return found

    def known(self, customer_id: str, now: datetime) -> Customer:
        """The customer, settled up to ``now``, whoever may ask about it.

        Raises:
            Refusal: 404 ``60003`` for an unknown tenant.
        """
        found = self._touched.get(customer_id.lower())
        if found is None:
            index = self.generator.index_of(customer_id)
            if index is None:
                raise refuse(404, "60003", "The tenant could not be found.")
            found = self.generator.customer(index)
            lifecycle.settle(found, now, self.prices, self._extended)
        elif found.next_due is not None and found.next_due <= now:
            self.settle(found, now)
        return found

    def settle(self, customer: Customer, now: datetime) -> None:
        """Let time pass for a kept customer and forget its encoded answer."""
        lifecycle.settle(customer, now, self.prices, self._extended)
        customer.encoded = None

    def keep(self, customer: Customer, now: datetime) -> None:
        """Note that a customer was changed."""
        customer.changed = True
        self._touched[customer.id] = customer
        self._forget_answer(customer.id)
        self.settle(customer, now)

    def add(self, facts: CompanyFacts, now: datetime) -> Customer:
        """A new customer without subscriptions."""
        made = Customer(
            id=str(uuid.uuid4()),
            index=facts.index,
            make_facts=lambda: facts,
            market=facts.country,
        )
        self._added.append(made.id)
        self._pages.clear()
        self.keep(made, now)
        return made

    def remove(self, customer: Customer, now: datetime) -> None:
        """The relationship ends (§2.1)."""
        customer.related = False
        self._gone.add(customer.id)
        self._pages.clear()
        self.keep(customer, now)

    def restore(self, customer_id: str, now: datetime) -> Customer:
        """The relationship exists again, and nothing is refused any more."""
        found = self._touched[customer_id.lower()]
        found.related, found.forbidden = True, ""
        self._gone.discard(found.id)
        self._pages.clear()
        self.keep(found, now)
        return found

    def listing(self, start: int, size: int) -> tuple[bytes, int | None, int]:
        """One page of the reduced customer list.

        Returns:
            The encoded items (without brackets), the next position or ``None``
            at the end, and the number of items.
        """
        total = self.positions
        stop = min(start + size, total)
        known = self._pages.get((start, stop))
        if known is None:
            briefs = [self.brief(n) for n in range(start, stop)]
            known = b",".join(msgspec.json.encode(b) for b in briefs if b is not None)
            if len(self._pages) < 400:
                self._pages[(start, stop)] = known
        count = known.count(b'"relationshipToPartner"')
        return known, stop if stop < total else None, count

    def brief(self, position: int) -> Wire | None:
        """The reduced customer at a position; ``None`` for one that was removed."""
        if position < self.generator.count:
            customer_id = self.generator.customer_id(position)
        else:
            customer_id = self._added[position - self.generator.count]
        if customer_id in self._gone:
            return None
        kept = self._touched.get(customer_id)
        facts = kept.facts if kept else self.generator.facts(position)
        return render.customer_brief(
            customer_id, facts.name, render.tenant_domain(facts.domain)
        )

    def renamed(self) -> None:
        """Forget encoded pages after a customer's name changed."""
        self._pages.clear()

    def every_customer_id(self) -> list[str]:
        """Ids of all customers with a relationship, in listing order."""
        made = [self.generator.customer_id(n) for n in range(self.generator.count)]
        return [c for c in (*made, *self._added) if c not in self._gone]

    # Subscriptions

    def subscriptions_json(self, customer_id: str, now: datetime) -> bytes:
        """The unpaged subscription listing of a customer, encoded.

        Raises:
            Refusal: As ``customer`` does.
        """
        kept = self._touched.get(customer_id.lower())
        if kept is None:
            return self._untouched(customer_id, now)
        found = self.customer(customer_id, now)
        if found.encoded is None:
            found.encoded = encode_listing(found, now)
        return found.encoded

    def _untouched(self, customer_id: str, now: datetime) -> bytes:
        known = self._answers.get(customer_id)
        if known is not None and (known[1] is None or known[1] > now):
            self._answers.move_to_end(customer_id)
            return known[0]
        found = self.customer(customer_id, now)
        body = encode_listing(found, now)
        self._forget_answer(customer_id)
        self._answers[customer_id] = (body, found.next_due)
        self._room -= len(body)
        while self._room < 0:
            _, (old, _) = self._answers.popitem(last=False)
            self._room += len(old)
        return body

    def _forget_answer(self, customer_id: str) -> None:
        known = self._answers.pop(customer_id, None)
        if known is not None:
            self._room += len(known[0])

    def repriced(self) -> None:
        """Forget answers after a price changed; renewals may differ now."""
        self._answers.clear()
        self._room = self._most


def visible(customer: Customer, now: datetime) -> list[Sub]:
    """Subscriptions that listings show already (§4.3, latency)."""
    return [
        sub
        for sub in customer.subs.values()
        if sub.hidden_until is None or sub.hidden_until <= now
    ]


def encode_listing(customer: Customer, now: datetime) -> bytes:
    """``GET /customers/{c}/subscriptions`` as bytes."""
    items = [
        render.subscription(customer.id, sub, now) for sub in visible(customer, now)
    ]
    return msgspec.json.encode(collection(customer.id, "subscriptions", items))


def collection(customer_id: str, what: str, items: list[Wire]) -> Wire:
    """Items in the vendor's envelope; ``totalCount`` counts this page (§1.4)."""
    uri = f"/customers/{customer_id}/{what}"
    return {
        "totalCount": len(items),
        "items": items,
        "links": {"self": {"uri": uri, "method": "GET", "headers": []}},
        "attributes": {"objectType": "Collection"},
    }
