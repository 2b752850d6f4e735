"""State as the Cloud Channel API shows it (§3.2, §3.7)."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from entrepot_google.simulator.catalog import MARGIN, PLANS, Offer, Sku, opaque
from entrepot_google.simulator.model import (
    Change,
    Customer,
    Entitlement,
    PartnerLink,
    Renewal,
    Wire,
)

_SEATED = ("SEAT", "LICENSED_USER")


def moment(value: datetime) -> str:
    """RFC 3339, with six digits of a second only where there are any."""
    shown = value.astimezone(UTC).replace(tzinfo=None)
    digits = "microseconds" if shown.microsecond else "seconds"
    return f"{shown.isoformat(timespec=digits)}Z"


def lean(fields: Wire) -> Wire:
    """Without the members that hold their default value (§2.2)."""
    return {k: v for k, v in fields.items() if v not in (None, "", False, 0, [], {})}


def money(amount: Decimal, currency: str) -> Wire:
    """Units and nanos with one sign; units as text, left out when 0."""
    units = int(amount)
    nanos = int((amount - units) * 1_000_000_000)
    return lean(
        {
            "currencyCode": currency,
            "units": str(units) if units else "",
            "nanos": nanos,
        }
    )


def period(months: int) -> Wire:
    """A length of months or years."""
    if months % 12 == 0:
        return {"duration": months // 12, "periodType": "YEAR"}
    return {"duration": months, "periodType": "MONTH"}


def link(account: str, found: PartnerLink, *, full: bool) -> Wire:
    """A channel partner; what Google knows of its domain in the full view only."""
    shown = lean(
        {
            "name": f"{account}/channelPartnerLinks/{found.id}",
            "resellerCloudIdentityId": found.identity,
            "linkState": found.state,
            "inviteLinkUri": f"https://channelservices.google.com/invite/{found.id}",
            "createTime": moment(found.created),
            "updateTime": moment(found.created),
            "publicId": found.public_id,
        }
    )
    if full:
        shown["channelPartnerCloudIdentityInfo"] = {
            "customerType": "DOMAIN",
            "primaryDomain": f"{found.id.lower()}.example",
        }
    return shown


def customer(account: str, found: Customer, partner: PartnerLink | None = None) -> Wire:
    """A customer; whether its domain is verified is never told here."""
    facts = found.facts
    person = facts.contacts[0]
    return lean(
        {
            "name": f"{account}/customers/{found.id}",
            "orgDisplayName": facts.name,
            "orgPostalAddress": lean(
                {
                    "regionCode": facts.country,
                    "postalCode": facts.postal_code,
                    "administrativeArea": facts.state,
                    "locality": facts.city,
                    "addressLines": [facts.street],
                    "organization": facts.name,
                }
            ),
            "primaryContactInfo": {
                "firstName": person.first_name,
                "lastName": person.last_name,
                "displayName": f"{person.first_name} {person.last_name}",
                "email": person.email,
                "title": person.role,
                "phone": person.phone,
            },
            "alternateEmail": f"billing@{facts.domain.replace('.example', '.invalid')}",
            "domain": facts.domain,
            "createTime": moment(found.created),
            "updateTime": moment(found.updated),
            "cloudIdentityId": found.identity,
            "languageCode": facts.language,
            "correlationId": found.correlation,
            "channelPartnerId": partner.identity if partner else "",
            "cloudIdentityInfo": {
                "customerType": "DOMAIN",
                "primaryDomain": facts.domain,
                "languageCode": facts.language,
                "adminConsoleUri": f"https://admin.google.com/?cid={found.identity}",
            },
        }
    )


def product(family: str) -> Wire:
    """A product."""
    return {
        "name": f"products/{opaque(family)}",
        "marketingInfo": {"displayName": family, "description": f"<p>{family}</p>"},
    }


def sku(found: Sku) -> Wire:
    """A SKU with its product."""
    return {
        "name": found.path,
        "marketingInfo": {"displayName": found.name, "description": found.name},
        "product": product(found.family),
    }


def offer(account: str, found: Offer, *, own_price: bool) -> Wire:
    """An offer; the partner's price is told only where `own_price` says so (§5.1)."""
    payment_plan, payment_type, months, _ = PLANS[found.plan]
    plan: Wire = {
        "paymentPlan": payment_plan,
        "paymentType": payment_type,
        "paymentCycle": period(months),
    }
    if found.plan == "trial":
        plan["trialPeriod"] = {"duration": 30, "periodType": "DAY"}
    return lean(
        {
            "name": f"{account}/offers/{found.id}",
            "marketingInfo": {"displayName": found.sku.name},
            "sku": sku(found.sku),
            "plan": plan,
            "constraints": {"customerConstraints": {"allowedRegions": found.regions}},
            "priceByResources": [_price(found, own_price=own_price)],
            "startTime": moment(found.since),
            "endTime": moment(found.until) if found.until else "",
            "parameterDefinitions": _definitions(found),
        }
    )


def _price(found: Offer, *, own_price: bool) -> Wire:
    price: Wire = {
        "basePrice": money(found.base, found.currency),
        "pricePeriod": period(found.cycle_months),
    }
    if own_price and found.base:
        price["effectivePrice"] = money(found.effective, found.currency)
        price["discount"] = float(MARGIN)
        price["discountComponents"] = [
            {"discountType": "RESELLER_MARGIN", "discountPercentage": float(MARGIN)}
        ]
    return {"resourceType": found.sku.resource, "price": price}


def write_amount(shown: Wire, amount: Decimal) -> None:
    """Put another list price into an offer that is shown, its currency kept."""
    for each in shown["priceByResources"]:
        price = each["price"]["basePrice"]
        price.update(money(amount, price["currencyCode"]))


def _definitions(found: Offer) -> list[Wire]:
    if found.plan == "usage":
        return [{"name": "display_name", "parameterType": "STRING", "optional": True}]
    most = 10 if found.plan == "trial" else found.sku.most
    return [
        {
            "name": seats_name(found),
            "parameterType": "INT64",
            "minValue": {"int64Value": "1"},
            "maxValue": {"int64Value": str(most)},
        }
    ]


def seats_name(found: Offer) -> str:
    """Which parameter holds the seats (§5.2)."""
    return "num_units" if found.is_commitment else "max_units"


def name_of(account: str, customer_id: str, entitlement_id: str) -> str:
    """Resource name of an entitlement."""
    return f"{account}/customers/{customer_id}/entitlements/{entitlement_id}"


def entitlement(
    account: str, customer_id: str, found: Entitlement, *, renewal: bool = True
) -> Wire:
    """An entitlement; listings may leave the renewal settings out."""
    name = name_of(account, customer_id, found.id)
    trial: Wire = {}
    if found.trial_end is not None:
        trial = {"trial": True, "endTime": moment(found.trial_end)}
    made = lean(
        {
            "name": name,
            "createTime": moment(found.created),
            "updateTime": moment(found.updated),
            "offer": f"{account}/offers/{found.offer.id}",
            "commitmentSettings": _commitment(found, renewal=renewal),
            "provisioningState": found.state,
            "provisionedService": {
                "provisioningId": found.provisioning_id,
                "productId": found.offer.sku.product,
                "skuId": found.offer.sku.code,
            },
            "suspensionReasons": list(found.reasons),
            "purchaseOrderId": found.purchase_order,
            "parameters": parameters(found),
        }
    )
    made["trialSettings"] = trial
    if found.base:
        base = name_of(account, customer_id, found.base)
        made["associationInfo"] = {"baseEntitlement": base}
    return made


def parameters(found: Entitlement) -> list[Wire]:
    """Seats and licences in use, or the name of a sub-account."""
    if found.offer.plan == "usage":
        value = {"stringValue": found.display_name}
        return [{"name": "display_name", "value": value, "editable": True}]
    seats: Wire = {"name": seats_name(found.offer), "value": _count(found.seats)}
    assigned = {"name": "assigned_units", "value": _count(found.assigned)}
    if not found.reasons:
        seats["editable"] = True
    return [seats, assigned]


def _count(value: int) -> Wire:
    return {"int64Value": str(value)}


def _commitment(found: Entitlement, *, renewal: bool) -> Wire:
    if found.start is None or found.end is None:
        return {}
    made: Wire = {"startTime": moment(found.start), "endTime": moment(found.end)}
    if renewal and found.renewal is not None:
        made["renewalSettings"] = renewal_settings(found.renewal)
    return made


def renewal_settings(found: Renewal) -> Wire:
    """What happens at the end; false members are left out."""
    return lean(
        {
            "enableRenewal": found.enable,
            "resizeUnitCount": found.resize,
            "paymentPlan": found.plan if found.enable else "",
            "paymentCycle": period(found.months) if found.enable else None,
        }
    )


def change(account: str, customer_id: str, found: Change) -> Wire:
    """An entry of the history."""
    made: dict[str, Any] = {
        "entitlement": name_of(account, customer_id, found.entitlement),
        "offer": f"{account}/offers/{found.offer.id}",
        "changeType": found.kind,
        "createTime": moment(found.at),
        "operatorType": found.operator_type,
        "operator": found.operator,
        "provisionedService": {
            "productId": found.offer.sku.product,
            "skuId": found.offer.sku.code,
        },
    }
    if found.offer.plan != "usage":
        seats = {"name": seats_name(found.offer), "value": _count(found.seats)}
        made["parameters"] = [seats]
    field, reason = found.reason
    if reason:
        made[field] = reason
    return lean(made)
