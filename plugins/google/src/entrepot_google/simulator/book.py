"""The partner's books: who is a customer, and what each one has."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from datetime import datetime

from entrepot.sdk.simulator import CompanyFacts

from entrepot_google.simulator.generate import Generator
from entrepot_google.simulator.lifecycle import Lifecycle
from entrepot_google.simulator.model import Customer, Entitlement, PartnerLink
from entrepot_google.simulator.refusals import refuse

SMALL = 500
"""Partners up to this size live from the start, so that time passes for all."""


class Book:
    """State of one partner. The caller holds the simulator's lock.

    Args:
        generator: Makes customers.
        lifecycle: Lets time pass.
    """

    def __init__(self, generator: Generator, lifecycle: Lifecycle) -> None:
        self.generator, self.lifecycle = generator, lifecycle
        self._kept: dict[str, Customer] = {}
        self._added: dict[str, str] = {}  # customer by Cloud Identity
        self._members = dict.fromkeys(
            generator.customer_id(number) for number in range(generator.count)
        )
        self._ids: list[str] | None = None
        self.links = {link.id: link for link in generator.links()}
        self._due: list[tuple[datetime, str]] = []
        if generator.count <= SMALL:
            for customer_id in self._members:
                self.find(customer_id)

    @property
    def ids(self) -> list[str]:
        """All customers in the order of the listing."""
        if self._ids is None:
            self._ids = list(self._members)
        return self._ids

    def listed(self, link: str = "") -> list[str]:
        """Our own customers, or those of a partner, in the order of the listing."""
        if not self.links:
            return self.ids
        return [each for each in self.ids if self._partner(each) == link]

    def link(self, link_id: str) -> PartnerLink:
        """A channel partner.

        Raises:
            Refusal: There is none.
        """
        found = self.links.get(link_id)
        if found is None:
            raise refuse("NOT_FOUND", f"Channel partner link {link_id} not found.")
        return found

    def _partner(self, customer_id: str) -> str:
        kept = self._kept.get(customer_id)
        if kept is not None:
            return kept.partner
        number = self.generator.number_of(customer_id)
        return "" if number is None else self.generator.partner_of(number)

    def find(self, customer_id: str) -> Customer | None:
        """The customer, or ``None``."""
        found = self._kept.get(customer_id)
        if found is None and customer_id in self._members:
            number = self.generator.number_of(customer_id)
            if number is None:
                return None
            found = self._kept[customer_id] = self.generator.customer(number)
            self.lifecycle.settle(found, self.generator.epoch)
            self.watch(found)
        return found

    def customer(self, customer_id: str) -> Customer:
        """The customer.

        Raises:
            Refusal: It does not exist, or access is refused.
        """
        found = self.find(customer_id)
        if found is None:
            raise refuse("NOT_FOUND", f"Customer {customer_id} not found.")
        if found.forbidden:
            raise refuse("PERMISSION_DENIED", "The caller does not have permission.")
        return found

    def of_identity(self, identity: str) -> Customer | None:
        """The customer with this Cloud Identity id, or ``None``."""
        known = self._added.get(identity)
        if known is None:
            number = self.generator.number_of(identity)
            known = "" if number is None else self.generator.customer_id(number)
        return self.find(known)

    def entitlement(self, customer_id: str, entitlement_id: str) -> Entitlement:
        """An entitlement; one that is gone is not found (§7.1).

        Raises:
            Refusal: There is none.
        """
        found = self.customer(customer_id).entitlements.get(entitlement_id)
        if found is None:
            raise refuse("NOT_FOUND", f"Entitlement {entitlement_id} not found.")
        return found

    def every(self) -> Iterator[Customer]:
        """All customers, generated where nobody asked before."""
        for customer_id in self.ids:
            found = self.find(customer_id)
            if found is not None:
                yield found

    def add(self, facts: CompanyFacts, now: datetime) -> Customer:
        """A new customer without entitlements."""
        number = 2**31 + len(self._members) + len(self._added)
        made = Customer(
            id=self.generator.customer_id(number),
            index=number,
            identity=self.generator.identity(number),
            make_facts=lambda: facts,
            created=now,
            updated=now,
        )
        self._kept[made.id] = made
        self._added[made.identity] = made.id
        self._members[made.id] = None
        self._ids = None
        self.lifecycle.moves += 1
        return made

    def remove(self, customer: Customer) -> None:
        """It is no customer of the partner any more."""
        del self._members[customer.id]
        del self._kept[customer.id]
        self._ids = None
        self.lifecycle.moves += 1

    def watch(self, customer: Customer) -> None:
        """Note when time changes something of it."""
        if customer.next_due is not None:
            heapq.heappush(self._due, (customer.next_due, customer.id))

    def settle(self, now: datetime) -> None:
        """Let time pass for everybody who is due."""
        while self._due and self._due[0][0] <= now:
            _, customer_id = heapq.heappop(self._due)
            found = self._kept.get(customer_id)
            if found is None:
                continue
            if found.next_due is not None and found.next_due <= now:
                self.lifecycle.settle(found, now)
            self.watch(found)
