"""What happens at the vendor without the hub: control actions.

Actions name a customer by ``customer`` and an entitlement by ``entitlement`` (its own
id, or ours with the customer before it); left out, the first that fits is meant.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec
from entrepot.sdk.simulator import company

from entrepot_google.simulator import render
from entrepot_google.simulator.catalog import SKUS
from entrepot_google.simulator.export_rows import written
from entrepot_google.simulator.generate import year_after
from entrepot_google.simulator.model import (
    BY_RESELLER,
    OPEN_TERMS,
    Customer,
    Entitlement,
    Renewal,
    Wire,
)
from entrepot_google.simulator.refusals import Refusal

if TYPE_CHECKING:
    from entrepot_google.simulator.app import GoogleSimulator

_NAMES = (
    "credentials",
    "set_switch",
    "delete_key",
    "add_customer",
    "remove_customer",
    "forbid_customer",
    "rename_customer",
    "customers",
    "entitlements",
    "buy",
    "change_seats",
    "assign",
    "suspend",
    "suspend_by_vendor",
    "activate",
    "accept_terms",
    "set_renewal",
    "upgrade",
    "vanish_subscription",
    "rekey_subscription",
    "transfer_out",
    "close_account",
    "change_price",
    "restate_charges",
    "export_billing",
    "export_seed",
)


class Actions:
    """Actions on credentials, customers, entitlements, prices and charges.

    Called under the simulator's lock.
    """

    def __init__(self, vendor: GoogleSimulator) -> None:
        self._vendor = vendor
        for name in _NAMES:
            vendor.action(name, getattr(self, name))

    # Credentials

    def credentials(self) -> Wire:
        """What a connection needs to sign in."""
        return self._vendor.connection_settings()

    def set_switch(
        self, lifetime: int | None = None, delegated: list[str] | None = None
    ) -> Wire:
        """Change the life of tokens, or the scopes authorised in the domain."""
        authority = self._vendor.authority
        authority.lifetime = lifetime or authority.lifetime
        if delegated is not None:
            authority.delegated = set(delegated)
        return {"lifetime": authority.lifetime}

    def delete_key(self, valid: bool = False) -> Wire:
        """The service account's key is deleted, or put back by ``valid``."""
        self._vendor.authority.key_valid = valid
        self._vendor.expire_tokens()
        return {"valid": valid}

    # Customers

    def add_customer(self, index: int | None = None, country: str = "US") -> Wire:
        """A company becomes a customer; `index` picks a generated company."""
        book = self._vendor.book
        number = 1_000_000 + len(book.ids) if index is None else index
        facts = company(number, book.generator.seed, country)
        made = book.add(facts, self._vendor.clock.now())
        self._vendor.tell_customer(made, "PRIMARY_DOMAIN_VERIFIED")
        return {"customer": made.id, "name": made.facts.name}

    def remove_customer(self, customer: str | None = None) -> Wire:
        """The customer is no longer the partner's."""
        found = self._customer(customer)
        self._vendor.book.remove(found)
        return {"customer": found.id}

    def close_account(self, customer: str | None = None) -> Wire:
        """The customer closes its account: entitlements end, then it is gone."""
        found = self._customer(customer)
        for entitlement in list(found.entitlements.values()):
            self._end(found, entitlement, "SERVICE_TERMINATED")
        self._vendor.book.remove(found)
        return {"customer": found.id}

    def forbid_customer(
        self, customer: str | None = None, forbidden: bool = True
    ) -> Wire:
        """Every call about this customer answers 403."""
        found = self._customer(customer)
        found.forbidden = forbidden
        return {"customer": found.id}

    def rename_customer(
        self, name: str, domain: str | None = None, customer: str | None = None
    ) -> Wire:
        """The company has a new name, and perhaps a new primary domain."""
        found = self._customer(customer)
        facts = replace(found.facts, name=name, domain=domain or found.facts.domain)
        found.known_facts, found.updated = facts, self._vendor.clock.now()
        self._vendor.tell_customer(found, "PRIMARY_DOMAIN_CHANGED")
        return {"customer": found.id, "name": name}

    def customers(self, limit: int = 10) -> list[Wire]:
        """The first customers: id, Cloud Identity and name."""
        found = [self._customer(each) for each in self._vendor.book.ids[:limit]]
        return [
            {"customer": c.id, "identity": c.identity, "name": c.facts.name}
            for c in found
        ]

    def entitlements(self, customer: str | None = None) -> list[Wire]:
        """A customer's entitlements as the API shows them."""
        found, account = self._customer(customer), self._vendor.account
        return [
            render.entitlement(account, found.id, each)
            for each in found.entitlements.values()
        ]

    # Entitlements

    def buy(
        self,
        sku: str = "1010020028",
        plan: str = "commit_month",
        seats: int = 5,
        customer: str | None = None,
        waiting: bool = False,
    ) -> Wire:
        """A customer gets a SKU; ``waiting`` for its acceptance of the terms."""
        found, now = self._customer(customer), self._vendor.clock.now()
        offer = self._vendor.catalog.offer(sku, plan, found.facts.country)
        made = Entitlement(
            id=f"S{self._vendor.random.getrandbits(52):013x}",
            offer=offer,
            seats=seats,
            assigned=0 if waiting else seats,
            created=now,
            updated=now,
            provisioning_id=str(self._vendor.random.randint(10**8, 10**9)),
            reasons=[OPEN_TERMS] if waiting else [],
        )
        if offer.is_commitment:
            made.start, made.end = now, year_after(now)
            made.renewal = Renewal(months=offer.cycle_months)
        if plan == "trial":
            made.trial_end = now + timedelta(days=30)
        found.entitlements[made.id] = made
        self._note(found, made, "CREATED")
        return _told(found, made)

    def change_seats(
        self,
        seats: int,
        customer: str | None = None,
        entitlement: str | None = None,
    ) -> Wire:
        """Seats of a commitment, or the cap of a flexible plan."""
        found, held = self._held(customer, entitlement)
        held.seats, held.assigned = seats, min(held.assigned, seats)
        kind = (
            "COMMITMENT_CHANGED" if held.offer.is_commitment else "LICENSE_CAP_CHANGED"
        )
        self._note(found, held, kind)
        return _told(found, held)

    def assign(
        self,
        assigned: int,
        customer: str | None = None,
        entitlement: str | None = None,
    ) -> Wire:
        """So many licences are in use; tells only the event, not the history."""
        found, held = self._held(customer, entitlement)
        held.assigned, held.updated = assigned, self._vendor.clock.now()
        self._vendor.announce(found, held, "LICENSE_ASSIGNMENT_CHANGED")
        return _told(found, held)

    def suspend(
        self, customer: str | None = None, entitlement: str | None = None
    ) -> Wire:
        """The reseller suspends it in its console."""
        found, held = self._held(customer, entitlement)
        held.reasons.append(BY_RESELLER)
        held.suspended_at = self._vendor.clock.now()
        self._note(found, held, "SUSPENDED", "suspensionReason", BY_RESELLER)
        return _told(found, held)

    def suspend_by_vendor(
        self,
        customer: str | None = None,
        entitlement: str | None = None,
        reason: str = "OTHER",
    ) -> Wire:
        """The vendor suspends it, for abuse say."""
        found, held = self._held(customer, entitlement)
        held.reasons.append(reason)
        self._note(found, held, "SUSPENDED", "suspensionReason", reason)
        return _told(found, held)

    def activate(
        self, customer: str | None = None, entitlement: str | None = None
    ) -> Wire:
        """All reasons are lifted; a term that passed meanwhile starts anew (§4.3)."""
        found, held = self._held(customer, entitlement, suspended=True)
        now = self._vendor.clock.now()
        held.reasons, held.suspended_at = [], None
        if held.end is not None and held.end <= now:
            held.start, held.end = now, year_after(now)
        self._note(
            found, held, "ACTIVATED", "activationReason", "RESELLER_REVOKED_SUSPENSION"
        )
        return _told(found, held)

    def accept_terms(self, customer: str | None = None) -> Wire:
        """The customer's administrator accepts the terms for everything."""
        found, count = self._customer(customer), 0
        for held in found.entitlements.values():
            if OPEN_TERMS in held.reasons:
                held.reasons.remove(OPEN_TERMS)
                count += 1
                reason = "CUSTOMER_ACCEPTED_PENDING_TOS"
                self._note(found, held, "ACTIVATED", "activationReason", reason)
        return {"customer": found.id, "activated": count}

    def set_renewal(
        self,
        enable: bool,
        plan: str = "COMMITMENT",
        months: int = 1,
        resize: bool = False,
        customer: str | None = None,
        entitlement: str | None = None,
    ) -> Wire:
        """What happens at the end of the commitment."""
        found, held = self._held(customer, entitlement, committed=True)
        held.renewal = Renewal(enable=enable, plan=plan, months=months, resize=resize)
        self._note(found, held, "RENEWAL_SETTING_CHANGED")
        return _told(found, held)

    def upgrade(
        self,
        sku: str = "1010020025",
        customer: str | None = None,
        entitlement: str | None = None,
    ) -> Wire:
        """Another SKU: a new entitlement, the old one is gone (§5.5)."""
        found, held = self._held(customer, entitlement)
        plan = held.offer.plan if held.offer.plan in SKUS[sku].plans else "flexible"
        held_offer = self._vendor.catalog.offer(sku, plan, found.facts.country)
        made = self._rekeyed(found, held)
        made.offer = held_offer
        if held_offer.is_commitment:
            made.start = self._vendor.clock.now()
            made.end = year_after(made.start)
        self._note(found, made, "SKU_CHANGED")
        return {**_told(found, made), "replaces": f"{found.id}/{held.id}"}

    # Words of the conformance kit

    def vanish_subscription(self, customer_id: str, subscription_id: str) -> Wire:
        """An entitlement is cancelled: it is no longer visible (§7.1)."""
        found, held = self._held(customer_id, subscription_id, any_state=True)
        self._end(found, held, "SERVICE_TERMINATED")
        return _told(found, held)

    def rekey_subscription(self, customer_id: str, subscription_id: str) -> Wire:
        """An entitlement goes on under a new id, as after a change of SKU."""
        found, held = self._held(customer_id, subscription_id, any_state=True)
        made = self._rekeyed(found, held)
        self._note(found, made, "SKU_CHANGED")
        return _told(found, made)

    def transfer_out(
        self, customer: str | None = None, entitlement: str | None = None
    ) -> Wire:
        """The customer takes it to another reseller."""
        found, held = self._held(customer, entitlement)
        self._end(found, held, "RELATIONSHIP_ENDED")
        return _told(found, held)

    # Prices, charges, seeds

    def change_price(self, sku: str, factor: str) -> Wire:
        """A SKU costs `factor` times its first price: new offers, old ones retire."""
        if sku not in SKUS:
            raise LookupError(f"no SKU {sku}")
        now = self._vendor.clock.now()
        made = self._vendor.catalog.reprice(sku, Decimal(factor), now)
        return {"sku": sku, "offers": [offer.id for offer in made]}

    def restate_charges(self, customer: str | None = None) -> Wire:
        """Late rows correct every line of a customer's last two months (T19)."""
        found = self._customer(customer)
        count = self._vendor.ledger.restate(found.id, self._vendor.clock.now())
        return {"customer": found.id, "rows": count}

    def export_billing(self, month: str | None = None) -> Wire:
        """Rows of an invoice month (``202609``) or all since the year began, as JSON.

        One text per row: written to a file, they are what BigQuery would export.
        """
        now = self._vendor.clock.now()
        year = [f"{now:%Y}{number:02}" for number in range(1, now.month + 1)]
        rows = self._vendor.ledger.rows([month] if month else year, now)
        made = [msgspec.json.encode(written(row, now)).decode() for row in rows]
        return {"rows": made}

    def export_seed(self) -> Wire:
        """The present state in neutral words."""
        seed: Wire = msgspec.json.decode(self._vendor.export_seed().to_json())
        return seed

    # Finding and noting

    def _customer(self, customer: str | None) -> Customer:
        chosen = customer or self._vendor.book.ids[0]
        found = self._vendor.book.find(chosen)
        if found is None:
            raise LookupError(f"no customer {chosen}")
        return found

    def _held(
        self,
        customer: str | None,
        entitlement: str | None,
        *,
        suspended: bool = False,
        committed: bool = False,
        any_state: bool = False,
    ) -> tuple[Customer, Entitlement]:
        found = self._customer(customer)
        if entitlement is not None:
            try:
                own = entitlement.rpartition("/")[2]
                return found, self._vendor.book.entitlement(found.id, own)
            except Refusal as refusal:
                raise LookupError(refusal.message) from None
        for held in found.entitlements.values():
            fits = any_state or bool(held.reasons) is suspended
            if fits and (not committed or held.renewal is not None):
                return found, held
        raise LookupError(f"{found.id} has no entitlement that fits")

    def _rekeyed(self, customer: Customer, held: Entitlement) -> Entitlement:
        bits = self._vendor.random.getrandbits(52)
        made = replace(held, id=f"S{bits:013x}", provisioning_id=str(bits % 10**9))
        self._vendor.lifecycle.remove(customer, held)
        customer.entitlements[made.id] = made
        return made

    def _end(self, customer: Customer, held: Entitlement, reason: str) -> None:
        self._note(customer, held, "CANCELLED", "cancellationReason", reason)
        self._vendor.lifecycle.remove(customer, held)

    def _note(
        self,
        customer: Customer,
        held: Entitlement,
        kind: str,
        field: str = "",
        reason: str = "",
    ) -> None:
        now, admin = self._vendor.clock.now(), self._vendor.authority.admin
        self._vendor.lifecycle.note(customer, held, kind, now, field, reason, admin)
        self._vendor.book.watch(customer)


def _told(customer: Customer, held: Entitlement) -> Wire:
    return {
        "customer": customer.id,
        "entitlement": held.id,
        "subscription_id": f"{customer.id}/{held.id}",
    }
