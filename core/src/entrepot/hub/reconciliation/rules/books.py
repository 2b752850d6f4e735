"""Everything one reconciliation knows, indexed once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from zoneinfo import ZoneInfo

from entrepot.hub.reconciliation.rules.lock import lock_of
from entrepot.hub.reconciliation.rules.policy import RECURRING, Policy, ProductMapEntry
from entrepot.hub.reconciliation.rules.psa_records import (
    Agreement,
    CatalogueItem,
    LineLink,
    PsaCompany,
    PsaLine,
    PsaSide,
)
from entrepot.hub.reconciliation.rules.records import (
    CustomerShare,
    HubMirror,
    VendorCustomer,
    VendorInvoiceLine,
    VendorSide,
    VendorSubscription,
)
from entrepot.sdk.model import BillingMode

Owner = tuple[str, str]
"""Vendor connection and vendor customer."""


@dataclass(frozen=True)
class Inputs:
    """What a reconciliation is made from.

    Args:
        tenant: Whose books; part of every fingerprint.
        psa_connection: Which PSA; part of every fingerprint.
        as_of: The moment of the comparison, aware.
        zone: Billing zone of the PSA connection; days are its dates.
    """

    as_of: datetime
    vendor: VendorSide = field(default_factory=VendorSide)
    psa: PsaSide = field(default_factory=PsaSide)
    policy: Policy = field(default_factory=Policy)
    tenant: str = ""
    psa_connection: str = ""
    zone: str = "UTC"

    def __post_init__(self) -> None:
        """Refuse a moment without a zone: its date would be a guess."""
        if self.as_of.tzinfo is None:
            raise ValueError("as_of must carry a time zone")

    @property
    def today(self) -> date:
        """The day of the comparison in the billing zone."""
        return self.as_of.astimezone(ZoneInfo(self.zone)).date()


class Books:
    """Indexes over `Inputs`; nothing here decides anything.

    Args:
        inputs: What to index.
    """

    def __init__(self, inputs: Inputs) -> None:
        self.inputs = inputs
        self.today = inputs.today
        self.policy: Policy = inputs.policy

    @cached_property
    def customers(self) -> dict[Owner, VendorCustomer]:
        """Vendor customers by connection and id."""
        return {(c.connection, c.id): c for c in self.inputs.vendor.customers}

    @cached_property
    def shares(self) -> dict[Owner, list[CustomerShare]]:
        """Confirmed shares by vendor customer, in a stable order."""
        found: dict[Owner, list[CustomerShare]] = defaultdict(list)
        for share in sorted(self.policy.shares, key=lambda s: (s.company, s.mode)):
            if share.confirmed:
                found[share.connection, share.customer].append(share)
        return dict(found)

    @cached_property
    def subscriptions(self) -> dict[str, VendorSubscription]:
        """Subscriptions by id."""
        return {s.id: s for s in self.inputs.vendor.subscriptions}

    @cached_property
    def by_customer(self) -> dict[Owner, list[VendorSubscription]]:
        """Subscriptions by vendor customer, ascending by id."""
        found: dict[Owner, list[VendorSubscription]] = defaultdict(list)
        for one in sorted(self.inputs.vendor.subscriptions, key=lambda s: s.id):
            found[one.connection, one.customer].append(one)
        return dict(found)

    @cached_property
    def mirrors(self) -> dict[str, HubMirror]:
        """The hub's own state by subscription."""
        return {mirror.subscription: mirror for mirror in self.inputs.vendor.hub}

    @cached_property
    def invoices(self) -> dict[str, list[VendorInvoiceLine]]:
        """Vendor invoice lines by subscription."""
        found: dict[str, list[VendorInvoiceLine]] = defaultdict(list)
        for line in self.inputs.vendor.invoices:
            found[line.subscription].append(line)
        return dict(found)

    @cached_property
    def companies(self) -> dict[str, PsaCompany]:
        """PSA companies by id."""
        return {company.id: company for company in self.inputs.psa.companies}

    @cached_property
    def agreements(self) -> dict[str, Agreement]:
        """Agreements by id."""
        return {one.id: one for one in self.inputs.psa.agreements}

    @cached_property
    def company_agreements(self) -> dict[str, list[Agreement]]:
        """Agreements by company, ascending by id."""
        found: dict[str, list[Agreement]] = defaultdict(list)
        for one in sorted(self.inputs.psa.agreements, key=lambda a: a.id):
            found[one.company].append(one)
        return dict(found)

    @cached_property
    def active_agreements(self) -> frozenset[str]:
        """Ids of agreements that are invoiced at their own horizon."""
        return frozenset(
            one.id
            for one in self.inputs.psa.agreements
            if one.active_on(lock_of(one, BillingMode.UNKNOWN, self.today).horizon)
        )

    @cached_property
    def lines(self) -> dict[str, PsaLine]:
        """PSA lines by id."""
        return {line.id: line for line in self.inputs.psa.lines}

    @cached_property
    def links(self) -> dict[str, LineLink]:
        """Links by line."""
        return {link.line: link for link in self.inputs.psa.links}

    @cached_property
    def links_of(self) -> dict[str, list[LineLink]]:
        """Links by subscription."""
        found: dict[str, list[LineLink]] = defaultdict(list)
        for link in sorted(self.inputs.psa.links, key=lambda one: one.line):
            for subscription in link.subscriptions:
                found[subscription].append(link)
        return dict(found)

    @cached_property
    def catalogue(self) -> dict[str, CatalogueItem]:
        """PSA products by id."""
        return {item.id: item for item in self.inputs.psa.catalogue}

    @cached_property
    def recurring_targets(self) -> frozenset[str]:
        """PSA products that some recurring entry bills."""
        return frozenset(_targets(self.policy.products))

    @cached_property
    def mapped_companies(self) -> frozenset[str]:
        """Companies that a confirmed share points to."""
        return frozenset(s.company for s in self.policy.shares if s.confirmed)

    @cached_property
    def frozen(self) -> dict[str, str]:
        """Companies with incomplete data, and why."""
        found = {
            one.id: one.incomplete_because or "the PSA could not be read completely"
            for one in self.inputs.psa.companies
            if not one.complete
        }
        for owner, customer in self.customers.items():
            if not customer.complete:
                why = customer.incomplete_because or "the vendor was read incompletely"
                for share in self.shares.get(owner, ()):
                    found.setdefault(share.company, why)
        return found


def _targets(entries: Iterable[ProductMapEntry]) -> Iterable[str]:
    return (e.psa_product for e in entries if e.kind in RECURRING and e.psa_product)
