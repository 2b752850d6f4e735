"""State records as the vendor's JSON, with the spellings seen in the wild (§1.4)."""

from __future__ import annotations

import base64
import json
from datetime import datetime, timedelta
from typing import Any

from entrepot_microsoft.simulator import catalog
from entrepot_microsoft.simulator.model import Customer, NextTerm, Order, Sub, Wire

OPEN_END = "9999-12-31T00:00:00Z"


def moment(value: datetime | None, spelling: int = 0) -> str | None:
    """A moment in one of the observed spellings; ``None`` stays ``None``.

    0 has a Z and no or six digits, 2 has no zone at all, 3 has seven digits.
    """
    if value is None:
        return None
    exact = value.isoformat()  # all moments here are in UTC
    text = exact[:19]
    if spelling == 3:
        return f"{text}.{value.microsecond:06d}7Z"
    if value.microsecond:
        text = exact[:26]
    return text if spelling == 2 else text + "Z"


def customer_brief(customer_id: str, name: str, domain: str) -> Wire:
    """A customer as the listing shows it: reduced (§2.1)."""
    return {
        "id": customer_id,
        "companyProfile": {
            "tenantId": customer_id,
            "domain": domain,
            "companyName": name,
            "links": {
                "self": {
                    "uri": f"/customers/{customer_id}/profiles/company",
                    "method": "GET",
                    "headers": [],
                }
            },
            "attributes": {"objectType": "CustomerCompanyProfile"},
        },
        "relationshipToPartner": "reseller",
        "links": {
            "self": {"uri": f"/customers/{customer_id}", "method": "GET", "headers": []}
        },
        "attributes": {"objectType": "Customer"},
    }


def tenant_domain(domain: str) -> str:
    """The vendor-given domain of a company, such as ``cedarbay.onmicrosoft.com``."""
    return domain.split(".", 1)[0] + ".onmicrosoft.com"


def customer_full(customer: Customer) -> Wire:
    """A customer by id: the listing's fields and the billing profile (§2.2)."""
    facts = customer.facts
    body = customer_brief(customer.id, facts.name, tenant_domain(facts.domain))
    body["billingProfile"] = billing_profile(customer)
    body["allowDelegatedAccess"] = True
    body["customDomains"] = [facts.domain, tenant_domain(facts.domain)]
    body["associatedPartnerId"] = ""
    body["companyProfile"]["organizationRegistrationNumber"] = ""
    return body


def billing_profile(customer: Customer) -> Wire:
    """The billing profile with its own kind of etag (§2.2)."""
    facts = customer.facts
    person = facts.contacts[0]
    return {
        "id": customer.id,
        "firstName": person.first_name,
        "lastName": person.last_name,
        "email": person.email,
        "culture": facts.language,
        "language": facts.language[:2],
        "companyName": facts.name,
        "defaultAddress": {
            "country": facts.country,
            "region": "",
            "city": facts.city,
            "state": facts.state,
            "addressLine1": facts.street,
            "addressLine2": "",
            "postalCode": facts.postal_code,
            "firstName": person.first_name,
            "lastName": person.last_name,
            "phoneNumber": facts.phone,
        },
        "attributes": {
            "etag": str(customer.etag),
            "objectType": "CustomerBillingProfile",
        },
    }


def subscription(
    customer_id: str, sub: Sub, now: datetime, *, by_id: bool = False
) -> Wire:
    """A subscription as the wire has it; ``by_id`` adds what listings lack (§5.2)."""
    body = _common(customer_id, sub)
    if sub.is_legacy:
        _legacy_fields(body, sub)
    else:
        _commerce_fields(body, sub, now)
        if by_id:
            body["refundableQuantity"] = _refundable(sub, now)
    return {key: value for key, value in body.items() if value is not None}


def _common(customer_id: str, sub: Sub) -> Wire:
    cycle = sub.cycle.capitalize() if sub.spelling == 1 else sub.cycle
    uri = f"/customers/{customer_id}/subscriptions/{sub.id}"
    return {
        "id": sub.id,
        "offerId": sub.item if sub.is_legacy else f"{sub.item}:{sub.availability}",
        "entitlementId": "",
        "offerName": sub.name,
        "friendlyName": sub.friendly_name,
        "quantity": sub.quantity,
        "unitType": "Usage-based" if sub.kind == catalog.AZURE else "Licenses",
        "parentSubscriptionId": sub.parent_id or None,
        "hasPurchasableAddons": False,
        "creationDate": moment(sub.created, sub.spelling),
        "effectiveStartDate": moment(sub.term_start, sub.spelling),
        "commitmentEndDate": _last_day(sub),
        "status": sub.status,
        "autoRenewEnabled": sub.auto_renew,
        "isTrial": sub.is_trial,
        "billingType": "usage" if sub.kind == catalog.AZURE else "license",
        "billingCycle": cycle,
        "isMicrosoftProduct": True,
        "publisherName": "Microsoft Corporation",
        "partnerId": sub.mpn_id,
        "attentionNeeded": False,
        "actionTaken": False,
        "contractType": "subscription",
        "orderId": sub.order_id,
        "links": {"self": {"uri": uri, "method": "GET", "headers": []}},
        "attributes": {"etag": "", "objectType": "Subscription"},
    }


def _last_day(sub: Sub) -> str | None:
    if sub.term_end is None:
        return OPEN_END
    return moment(sub.term_end - timedelta(days=1), 2 if sub.spelling == 2 else 0)


def _legacy_fields(body: Wire, sub: Sub) -> None:
    version = json.dumps({"id": sub.id, "version": sub.version}).encode()
    body["attributes"]["etag"] = base64.b64encode(version).decode()
    if sub.status == "suspended":
        body["suspensionReasons"] = ["Partner"]


def _commerce_fields(body: Wire, sub: Sub, now: datetime) -> None:
    body["productType"] = {"id": sub.kind, "displayName": sub.kind}
    body["termDuration"] = sub.term or None
    body["renewalTermDuration"] = ""
    body["promotionId"] = sub.promotion_id or None
    if sub.term_end is not None:
        last_second = sub.term_end - timedelta(seconds=1)
        body["commitmentEndDateTime"] = moment(last_second)
    until = sub.cancellable_until
    if until is not None and until > now and sub.status in ("active", "suspended"):
        body["cancellationAllowedUntilDate"] = moment(until, sub.spelling)
        body["refundOptions"] = [
            {"type": "Full", "expiresAt": moment(sub.term_start + timedelta(days=1))}
        ]
    if sub.next_term is not None:
        body["scheduledNextTermInstructions"] = _next_term(sub, sub.next_term)
    body["nextChargeInstructions"] = sub.next_charge
    body["scheduledActions"] = sub.actions or None
    for name, target in _commerce_links(sub).items():
        body["links"][name] = {"uri": target, "method": "GET", "headers": []}


def _commerce_links(sub: Sub) -> dict[str, str]:
    product, sku = sub.item.split(":")
    return {
        "product": f"/products/{product}?country=US",
        "sku": f"/products/{product}/skus/{sku}?country=US",
    }


def _next_term(sub: Sub, coming: NextTerm) -> Wire:
    product, sku = (coming.sku_key or sub.item).split(":")
    cycle = (coming.cycle or sub.cycle).capitalize()
    return {
        "product": {
            "productId": product,
            "skuId": sku,
            "availabilityId": sub.availability,
            "billingCycle": cycle,
            "termDuration": coming.term or sub.term,
        },
        "quantity": coming.quantity or sub.quantity,
    }


def _refundable(sub: Sub, now: datetime) -> Wire | None:
    if sub.status != "active":
        return None
    open_batches = sub.refundable(now)
    return {
        "totalQuantity": sum(batch.quantity for batch in open_batches),
        "details": [
            {"quantity": b.quantity, "allowedUntilDateTime": moment(b.until)}
            for b in open_batches
        ],
    }


def order(customer: Customer, found: Order, *, with_subscriptions: bool) -> Wire:
    """An order with its lines; ``subscriptionId`` only once provisioned (§4.3)."""
    lines = []
    for number, sub_id in enumerate(found.sub_ids):
        lines.append(_order_line(number, customer.subs[sub_id], with_subscriptions))
    return {
        "id": found.id,
        "alternateId": found.id,
        "referenceCustomerId": customer.id,
        "billingCycle": found.cycle,
        "currencyCode": found.currency,
        "currencySymbol": catalog.MARKETS[customer.market][1],
        "lineItems": lines,
        "creationDate": moment(found.created),
        "status": found.status,
        "transactionType": "UserPurchase",
        "client": {},
        "links": {
            "self": {
                "uri": f"/customers/{customer.id}/orders/{found.id}",
                "method": "GET",
                "headers": [],
            }
        },
        "attributes": {"objectType": "Order"},
    }


def _order_line(number: int, sub: Sub, with_subscription: bool) -> Wire:
    offer = sub.item if sub.is_legacy else f"{sub.item}:{sub.availability}"
    line: dict[str, Any] = {
        "lineItemNumber": number,
        "offerId": offer,
        "termDuration": sub.term or None,
        "transactionType": "New",
        "friendlyName": sub.friendly_name,
        "quantity": sub.quantity,
        "parentSubscriptionId": sub.parent_id or None,
        "subscriptionId": sub.id if with_subscription else None,
        "pricing": {
            "listPrice": float(sub.erp),
            "discountedPrice": float(sub.cost),
            "price": float(sub.cost),
            "extendedPrice": float(sub.cost * sub.quantity),
        },
    }
    return {key: value for key, value in line.items() if value is not None}
