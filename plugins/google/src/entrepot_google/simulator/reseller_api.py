"""The reading methods of the Workspace Reseller API: another view of one state (§4)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from entrepot.sdk.simulator import json_response
from werkzeug.wrappers import Request, Response

from entrepot_google.simulator.model import Customer, Entitlement, Wire
from entrepot_google.simulator.refusals import Refusal, legacy

if TYPE_CHECKING:
    from entrepot_google.simulator.app import GoogleSimulator

_ROOT = "/apps/reseller/v1"
_ELSEWHERE = ("GCP",)
_PLAN = {
    # Answers call the plan with monthly payment by its old name (§4.2, T5).
    "commit_month": "ANNUAL",
    "commit_year": "ANNUAL_YEARLY_PAY",
    "flexible": "FLEXIBLE",
    "trial": "TRIAL",
    "free": "FREE",
}
_USUAL, _MOST = 20, 100


class ResellerApi:
    """Customers and subscriptions of Workspace."""

    def __init__(self, vendor: GoogleSimulator) -> None:
        self._vendor = vendor
        self._listed: list[tuple[Customer, Entitlement]] = []
        self._listed_at = -1
        vendor.route("GET", f"{_ROOT}/customers/<customer>", self.customer)
        vendor.route("GET", f"{_ROOT}/subscriptions", self.subscriptions)
        path = f"{_ROOT}/customers/<customer>/subscriptions/<subscription>"
        vendor.route("GET", path, self.subscription)

    def customer(self, request: Request, customer: str) -> Response:
        """``customers.get`` by unique id or primary domain."""
        del request
        with self._vendor.lock:
            return json_response(_customer(self._found(customer)))

    def subscriptions(self, request: Request) -> Response:
        """``subscriptions.list`` over the whole estate, or of one customer."""
        vendor = self._vendor
        size = _size(request.args.get("maxResults"))
        with vendor.lock:
            wanted = request.args.get("customerId")
            prefix = request.args.get("customerNamePrefix", "").lower()
            every = _of((self._found(wanted),)) if wanted else self._estate()
            if prefix:
                every = [p for p in every if p[0].facts.domain.startswith(prefix)]
            given = {"pageSize": size}
            try:
                found, rest = vendor.pager.page(request, every, size, _MOST, given)
            except Refusal:
                raise legacy(400, "invalid", "Invalid value for pageToken") from None
            shown = [_subscription(owner, each) for owner, each in found]
        made: Wire = {"kind": "reseller#subscriptions", **rest}
        return json_response({**made, "subscriptions": shown} if shown else made)

    def _estate(self) -> list[tuple[Customer, Entitlement]]:
        """Everything, listed once until something comes or goes."""
        book = self._vendor.book
        if self._listed_at != book.lifecycle.moves:
            self._listed = _of(book.every())
            self._listed_at = book.lifecycle.moves
        return self._listed

    def subscription(
        self, request: Request, customer: str, subscription: str
    ) -> Response:
        """``subscriptions.get``."""
        del request
        with self._vendor.lock:
            owner = self._found(customer)
            for each in owner.entitlements.values():
                if each.provisioning_id == subscription:
                    return json_response(_subscription(owner, each))
        raise legacy(404, "notFound", "Resource Not Found: subscription")

    def _found(self, customer: str) -> Customer:
        book = self._vendor.book
        found = book.of_identity(customer)
        if found is None and "." in customer:
            # An old domain stops working, the id goes on (T15).
            owners = (c for c in book.every() if c.facts.domain == customer.lower())
            found = next(owners, None)
        if found is None:
            raise legacy(404, "notFound", "Resource Not Found: customer")
        if found.forbidden:
            raise legacy(403, "forbidden", "Not Authorized to access this resource")
        return found


def _of(owners: Iterable[Customer]) -> list[tuple[Customer, Entitlement]]:
    return [
        (owner, each)
        for owner in owners
        for each in owner.entitlements.values()
        if each.offer.sku.product not in _ELSEWHERE
    ]


def _size(text: str | None) -> int:
    if text is None:
        return _USUAL
    if not text.isdigit() or not 1 <= int(text) <= _MOST:
        raise legacy(400, "invalid", f"Invalid value '{text}' for maxResults.")
    return int(text)


def _customer(found: Customer) -> Wire:
    facts = found.facts
    person = facts.contacts[0]
    return {
        "kind": "reseller#customer",
        "customerId": found.identity,
        "customerDomain": facts.domain,
        "customerDomainVerified": found.verified,
        "customerType": "domain",
        "alternateEmail": f"billing@{facts.domain.replace('.example', '.invalid')}",
        "phoneNumber": facts.phone,
        "postalAddress": {
            "kind": "customers#address",
            "contactName": f"{person.first_name} {person.last_name}",
            "organizationName": facts.name,
            "addressLine1": facts.street,
            "locality": facts.city,
            "region": facts.state,
            "postalCode": facts.postal_code,
            "countryCode": facts.country,
        },
        "resourceUiUrl": f"https://admin.google.com/?cid={found.identity}",
    }


def _subscription(owner: Customer, found: Entitlement) -> Wire:
    made: Wire = {
        "kind": "reseller#subscription",
        "customerId": owner.identity,
        "customerDomain": owner.facts.domain,
        "subscriptionId": found.provisioning_id,
        "skuId": found.offer.sku.code,
        "skuName": found.offer.sku.name,
        "billingMethod": "ONLINE",
        "creationTime": _millis(found.created),
        "plan": _plan(found),
        "seats": _seats(found),
        "trialSettings": {"isInTrial": found.is_trial},
        "status": found.state,
        "purchaseOrderId": found.purchase_order,
    }
    if found.trial_end is not None:
        made["trialSettings"]["trialEndTime"] = _millis(found.trial_end)
    if found.reasons:
        made["suspensionReasons"] = list(found.reasons)
    if found.renewal is not None:
        made["renewalSettings"] = {
            "kind": "subscriptions#renewalSettings",
            "renewalType": renewal_type(found),
        }
    return made


def _plan(found: Entitlement) -> Wire:
    made: Wire = {
        "planName": _PLAN[found.offer.plan],
        "isCommitmentPlan": found.offer.is_commitment,
    }
    if found.start is not None and found.end is not None:
        made["commitmentInterval"] = {
            "startTime": _millis(found.start),
            "endTime": _millis(found.end),
        }
    return made


def _seats(found: Entitlement) -> Wire:
    name = "numberOfSeats" if found.offer.is_commitment else "maximumNumberOfSeats"
    return {
        "kind": "subscriptions#seats",
        name: found.seats,
        "licensedNumberOfSeats": found.assigned,
    }


def renewal_type(found: Entitlement) -> str:
    """The one word that stands for the renewal settings (§5.3)."""
    renewal = found.renewal
    if renewal is None or not renewal.enable:
        return "CANCEL"
    if renewal.plan == "FLEXIBLE":
        return "SWITCH_TO_PAY_AS_YOU_GO"
    pay = "YEARLY_PAY" if renewal.months == 12 else "MONTHLY_PAY"
    return f"{'RENEW_CURRENT_USERS' if renewal.resize else 'AUTO_RENEW'}_{pay}"


def _millis(moment: datetime) -> str:
    """Milliseconds since 1970, as text."""
    return str(int(moment.astimezone(UTC).timestamp() * 1000))
