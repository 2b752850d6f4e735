"""The state in neutral words for other simulators."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from entrepot.sdk.simulator import (
    Seed,
    SeedContact,
    SeedCustomer,
    SeedOffer,
    SeedSubscription,
)

from entrepot_google.simulator.catalog import COUNTRIES, Offer
from entrepot_google.simulator.model import (
    BY_RESELLER,
    OPEN_TERMS,
    Customer,
    Entitlement,
)

if TYPE_CHECKING:
    from entrepot_google.simulator.app import GoogleSimulator


def export_seed(vendor: GoogleSimulator) -> Seed:
    """Customers, offers and entitlements as they are now."""
    customers, subscriptions = [], []
    for customer in vendor.book.every():
        customers.append(_customer(customer))
        subscriptions += [
            _subscription(customer, e) for e in customer.entitlements.values()
        ]
    return Seed(
        vendor=vendor.name,
        seed=vendor.book.generator.seed,
        as_of=vendor.clock.now().date(),
        customers=tuple(customers),
        offers=tuple(_offer(each) for each in vendor.catalog.listed()),
        subscriptions=tuple(subscriptions),
    )


def _customer(customer: Customer) -> SeedCustomer:
    facts = customer.facts
    return SeedCustomer(
        vendor_id=customer.id,
        index=facts.index,
        name=facts.name,
        domain=facts.domain,
        country=facts.country,
        city=facts.city,
        state=facts.state,
        postal_code=facts.postal_code,
        street=facts.street,
        phone=facts.phone,
        tax_id=facts.tax_id,
        currency=COUNTRIES[facts.country][0],
        contacts=tuple(
            SeedContact(
                first_name=p.first_name,
                last_name=p.last_name,
                email=p.email,
                phone=p.phone,
                role=p.role,
            )
            for p in facts.contacts
        ),
    )


def quantity_of(entitlement: Entitlement) -> int:
    """What is paid for: licences in use on a flexible plan, else the seats."""
    if entitlement.offer.plan == "usage":
        return 1
    if entitlement.offer.plan == "flexible":
        return entitlement.assigned
    return entitlement.seats


def _subscription(customer: Customer, found: Entitlement) -> SeedSubscription:
    offer = found.offer
    end = None if found.end is None else (found.end - timedelta(days=1)).date()
    return SeedSubscription(
        vendor_id=f"{customer.id}/{found.id}",
        customer_vendor_id=customer.id,
        sku=_sku(offer),
        name=offer.sku.name,
        term="P1Y" if offer.is_commitment else "",
        billing_cycle=_cycle(offer),
        quantity=quantity_of(found),
        unit_cost=offer.effective,
        unit_price=offer.base,
        currency=offer.currency,
        start=(found.start or found.created).date(),
        end=end,
        status=status_of(found),
        billed=is_billed(found),
        parent_vendor_id=f"{customer.id}/{found.base}" if found.base else "",
        renews=found.renewal is None or found.renewal.enable,
    )


def status_of(found: Entitlement) -> str:
    """The neutral status word."""
    if found.is_trial:
        return "trial"
    if not found.reasons:
        return "active"
    if OPEN_TERMS in found.reasons:
        return "pending"
    return "suspended" if found.reasons == [BY_RESELLER] else "expired"


def is_billed(found: Entitlement) -> bool:
    """Whether the vendor charges for it now (§4.3)."""
    if found.is_trial or found.offer.plan in ("trial", "free"):
        return False
    if not found.reasons:
        return True
    waiting = status_of(found) in ("pending", "suspended")
    return waiting and found.offer.is_commitment


def _sku(offer: Offer) -> str:
    parts = offer.sku.path.split("/")
    return f"{parts[1]}/{parts[3]}"


def _cycle(offer: Offer) -> str:
    if offer.plan in ("trial", "free", "usage"):
        return "none"
    return "annual" if offer.cycle_months == 12 else "monthly"


def _offer(offer: Offer) -> SeedOffer:
    return SeedOffer(
        sku=_sku(offer),
        product_id=_sku(offer).split("/")[0],
        name=offer.sku.name,
        term="P1Y" if offer.is_commitment else "",
        billing_cycle=_cycle(offer),
        unit_cost=offer.effective,
        unit_price=offer.base,
        currency=offer.currency,
        is_addon=offer.sku.addon,
        is_trial=offer.plan == "trial",
    )
