"""``/v1/customers``: listing with its continuation tokens, and single customers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import unquote

import msgspec
from entrepot.sdk.simulator import json_response
from werkzeug.wrappers import Request, Response

from entrepot_microsoft.simulator import render
from entrepot_microsoft.simulator.audit import cut_token, token_position
from entrepot_microsoft.simulator.model import Wire
from entrepot_microsoft.simulator.refusals import refuse

if TYPE_CHECKING:
    from entrepot_microsoft.simulator.app import MicrosoftSimulator

TOKEN_HEADER = "MS-ContinuationToken"  # noqa: S105 - the name of a header
_MOST = 500


class CustomersApi:
    """Endpoints of the customer resource (§2.1)."""

    def __init__(self, vendor: MicrosoftSimulator) -> None:
        self._vendor = vendor
        self._last_pages = 0
        vendor.route("GET", "/v1/customers", self.list)
        vendor.route("GET", "/v1/customers/<customer>", self.get)
        vendor.route("GET", "/v1/customers/<customer>/profiles/company", self.company)
        vendor.route("GET", "/v1/customers/<customer>/profiles/billing", self.billing)
        vendor.route("GET", "/v1/customers/<customer>/validationStatus", self.valid)
        vendor.route("GET", "/v1/customers/<customer>/relationships", self.resellers)
        vendor.route("GET", "/v1/customers/<customer>/agreements", self.agreements)

    def list(self, request: Request) -> Response:
        """One page; the token travels in the header only (B08, T01, T02)."""
        size = min(int(request.args.get("size") or 0) or _MOST, _MOST)
        given = request.headers.get(TOKEN_HEADER)
        if bool(given) != (request.args.get("seekOperation", "").lower() == "next"):
            raise refuse(400, "2000", "seekOperation and continuation token differ.")
        if "filter" in request.args:
            return self._filtered(request.args["filter"])
        partner = self._vendor.authority.tenant_id
        asked = token_position(partner, given) if given else 0
        if given and asked >= self._end():
            # The listing's end shows as an error after the last token (B09).
            raise refuse(400, 2000, "The continuation token has no more data.")
        start = self._vendor.shift_page(request, asked, size)
        with self._vendor.lock:
            items, following, count = self._vendor.book.listing(start, size)
        return self._page(items, count, size, self._token(following))

    def _end(self) -> int:
        return self._vendor.book.positions

    def _token(self, following: int | None) -> str | None:
        partner = self._vendor.authority.tenant_id
        if following is not None:
            return cut_token(partner, following)
        mode = self._vendor.options.extra.get("last_page", "mixed")
        self._last_pages += 1
        if mode == "error" or (mode == "mixed" and self._last_pages % 2):
            return cut_token(partner, self._end())
        return None

    def _page(self, items: bytes, count: int, size: int, token: str | None) -> Response:
        # Half of the links carry /v1 and half don't (T04).
        prefix = "/v1" if self._vendor.requests_seen % 2 else ""
        links: Wire = {
            "self": {"uri": f"{prefix}/customers?size={size}", "method": "GET"}
        }
        if token is not None:
            links["next"] = {
                "uri": f"{prefix}/customers?size={size}&seekOperation=Next",
                "method": "GET",
                "headers": [{"key": TOKEN_HEADER, "value": token}],
            }
        tail: Wire = {"links": links, "attributes": {"objectType": "Collection"}}
        if token is not None:
            tail["continuationToken"] = token
        head = b'{"totalCount":%d,"items":[' % count
        return json_response(head + items + b"]," + msgspec.json.encode(tail)[1:])

    def _filtered(self, text: str) -> Response:
        try:
            wanted = json.loads(unquote(text))
            field, value = wanted["Field"], str(wanted["Value"]).lower()
            operator = str(wanted["Operator"]).replace("_", "").lower()
        except (ValueError, KeyError, TypeError):
            raise refuse(400, "3000", "The filter cannot be read.") from None
        if operator != "startswith" or field not in ("CompanyName", "Domain"):
            raise refuse(400, "3000", f"{field} supports starts_with only.")
        member = "companyName" if field == "CompanyName" else "domain"
        with self._vendor.lock:
            book = self._vendor.book
            found = [book.brief(position) for position in range(self._end())]
        fitting = [
            msgspec.json.encode(brief)
            for brief in found
            if brief and brief["companyProfile"][member].lower().startswith(value)
        ]
        return self._page(b",".join(fitting), len(fitting), _MOST, None)

    def get(self, request: Request, customer: str) -> Response:
        """One customer with its billing profile."""
        del request
        with self._vendor.lock:
            found = self._vendor.book.customer(customer, self._vendor.clock.now())
            return json_response(render.customer_full(found))

    def company(self, request: Request, customer: str) -> Response:
        """The company profile alone."""
        del request
        with self._vendor.lock:
            found = self._vendor.book.customer(customer, self._vendor.clock.now())
            return json_response(render.customer_full(found)["companyProfile"])

    def billing(self, request: Request, customer: str) -> Response:
        """The billing profile alone."""
        del request
        with self._vendor.lock:
            found = self._vendor.book.customer(customer, self._vendor.clock.now())
            return json_response(render.billing_profile(found))

    def valid(self, request: Request, customer: str) -> Response:
        """Vetting state; for user tokens only (§1.2)."""
        self._vendor.needs_user(request)
        with self._vendor.lock:
            self._vendor.book.customer(customer, self._vendor.clock.now())
        body = {
            "type": "account",
            "status": "Allowed",
            "lastUpdateDateTime": render.moment(self._vendor.clock.now()),
        }
        return json_response(body)

    def resellers(self, request: Request, customer: str) -> Response:
        """Resellers of the customer; none at a direct partner."""
        self._vendor.needs_user(request)
        return self._empty(customer, "relationships")

    def agreements(self, request: Request, customer: str) -> Response:
        """Attested agreements; every generated customer has one."""
        self._vendor.needs_user(request)
        with self._vendor.lock:
            now = self._vendor.clock.now()
            found = self._vendor.book.customer(customer, now)
            person = found.facts.contacts[0]
        item = {
            "primaryContact": {
                "firstName": person.first_name,
                "lastName": person.last_name,
                "email": person.email,
            },
            "templateId": "117a77b0-9360-443b-8795-c6dedc750cf9",
            "dateAgreed": "2024-01-15T00:00:00Z",
            "type": "MicrosoftCustomerAgreement",
        }
        return self._vendor.collection(found.id, "agreements", [item])

    def _empty(self, customer: str, what: str) -> Response:
        with self._vendor.lock:
            self._vendor.book.customer(customer, self._vendor.clock.now())
        return self._vendor.collection(customer, what, [])
