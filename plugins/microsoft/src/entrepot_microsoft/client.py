"""Calls to the partner API; answers come as wire records (reference §1 to §6).

Addresses are always built here: links of answers carry ``/v1`` or not (§1.4).
"""

from __future__ import annotations

import io
import uuid
import zipfile
from dataclasses import dataclass
from typing import TypeVar

import msgspec
from entrepot.sdk.errors import NotFound, Retryable
from entrepot.sdk.http import HttpResponse, HttpSession

from entrepot_microsoft import wire
from entrepot_microsoft.errors import error_for, error_in_success, read_fault
from entrepot_microsoft.settings import MicrosoftSettings
from entrepot_microsoft.tokens import TokenAuth

T = TypeVar("T")

TOKEN_HEADER = "MS-ContinuationToken"  # noqa: S105 - the name of a header
PAGE = 500
INVOICE_PAGE = 100
LINE_PAGE = 2_000
_END_CODE = "2000"
_MAX_SHEET = 512 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class RawPage:
    """Encoded items of one page, and the token that asks for the next."""

    items: list[bytes]
    token: str | None = None


class Client:
    """One connection's calls. Cheap to make; the pool belongs to the session.

    Args:
        http: Core's session.
        settings: The connection's settings.
        core: Signs calls to the core API.
        price: Signs calls to the price API.
    """

    def __init__(
        self,
        http: HttpSession,
        settings: MicrosoftSettings,
        core: TokenAuth,
        price: TokenAuth,
    ) -> None:
        headers = {
            "Accept": "application/json",
            "MS-Contract-Version": "v1",
            "X-Locale": "en-US",
            "MS-PartnerCenter-Application": "Entrepot",
        }
        self._settings = settings
        self._http = http.bound(
            base_url=settings.api_base,
            headers=headers,
            auth=core,
            errors=error_for,
            quota="core",
            request_id_headers=("MS-RequestId", "MS-CorrelationId"),
            correlation_header="MS-CorrelationId",
        )
        self._unbound, self._price_auth = http, price

    # Customers

    def customers(self, token: str | None, size: int = PAGE) -> RawPage:
        """One page of the reduced listing (§1.5).

        The answer 400/2000 to a token ends the listing; to the first page it is an
        error (T02).
        """
        params: dict[str, str | int] = {"size": size}
        headers = {}
        if token is not None:
            params["seekOperation"] = "Next"
            headers[TOKEN_HEADER] = token
        response = self._http.raw_get(
            "/v1/customers",
            params=params,
            headers={**_request_id(), **headers},
            accept=() if token is None else (400,),
        )
        if response.status == 400:
            return self._listing_end(response)
        return self._page(response, token)

    def customer(self, customer_id: str) -> wire.CustomerWire:
        """One customer in full."""
        return self._one(f"/v1/customers/{customer_id}", wire.CUSTOMER)

    def billing_profile(self, customer_id: str) -> wire.BillingProfile:
        """A customer's billing profile."""
        path = f"/v1/customers/{customer_id}/profiles/billing"
        return self._one(path, wire.BILLING_PROFILE)

    # Subscriptions and orders

    def subscriptions(self, customer_id: str) -> RawPage:
        """All subscriptions of a customer; the vendor does not page them (§1.5)."""
        return self._all(f"/v1/customers/{customer_id}/subscriptions")

    def subscription(self, customer_id: str, subscription_id: str) -> bytes:
        """One subscription, encoded, with what listings leave out."""
        path = f"/v1/customers/{customer_id}/subscriptions/{subscription_id}"
        return self._get(path).content

    def orders(self, customer_id: str) -> list[wire.OrderWire]:
        """All orders of a customer; not paged."""
        return self._read_all(f"/v1/customers/{customer_id}/orders", wire.ORDER)

    # Activity log

    def audit(self, start: str, end: str, token: str | None) -> RawPage:
        """One page of activity records of a span of days (§6.3)."""
        headers = {} if token is None else {TOKEN_HEADER: token}
        params = {"startDate": start, "endDate": end, "size": PAGE}
        if token is not None:
            params["seekOperation"] = "Next"
        response = self._http.get(
            "/v1/auditrecords", params=params, headers={**_request_id(), **headers}
        )
        return self._page(response, token)

    # Catalogue

    def products(self, view: str) -> list[wire.ProductWire]:
        """Products of a view in the connection's market and segment."""
        params = {**self._market(), "targetView": view}
        return self._read_all("/v1/products", wire.PRODUCT, params, "catalogue")

    def skus(self, product: str) -> list[wire.SkuWire]:
        """SKUs of a product."""
        path = f"/v1/products/{product}/skus"
        return self._read_all(path, wire.SKU, self._market(), "catalogue")

    def availabilities(self, product: str, sku: str) -> list[wire.AvailabilityWire]:
        """Availabilities of a SKU; an item that is gone has none."""
        path = f"/v1/products/{product}/skus/{sku}/availabilities"
        try:
            return self._read_all(path, wire.AVAILABILITY, self._market(), "catalogue")
        except NotFound:
            return []

    def legacy_offers(self) -> list[wire.LegacyOfferWire]:
        """Offers of the old commerce, for subscriptions that still run on them."""
        params = {"country": self._settings.country}
        return self._read_all("/v1/offers", wire.LEGACY_OFFER, params, "catalogue")

    def price_sheet(self, market: str, view: str) -> bytes:
        """The current price sheet as CSV; unpacked when it comes zipped (§3.3)."""
        path = f"/v1.0/sales/pricesheets(Market='{market}',PricesheetView='{view}')"
        response = self._prices().get(
            f"{path}/$value",
            params={"timeline": "current"},
            headers={"Accept-Encoding": "deflate", "Accept": "*/*"},
        )
        return unzipped(response)

    # Notifications

    def registered_events(self) -> list[str]:
        """Names of events that can be registered; a bare array."""
        names = self._get("/webhooks/v1/registration/events").json()
        return [str(name) for name in names or ()]

    def registration(self) -> wire.RegistrationWire | None:
        """Our registration, or None while there is none."""
        try:
            return self._one("/webhooks/v1/registration", wire.REGISTRATION)
        except NotFound:
            return None

    def register(self, url: str, events: list[str], *, exists: bool) -> None:
        """Create or replace our registration; a second POST would be a 409."""
        body = {"WebhookUrl": url, "WebhookEvents": events}
        send = self._http.put if exists else self._http.post
        send("/webhooks/v1/registration", json=body, idempotency=_key())

    def certificate(self, url: str) -> bytes:
        """The certificate that a notification names."""
        return self._unbound.bound(auth=None, quota="certificate").get(url).content

    # Helpers

    def _prices(self) -> HttpSession:
        return self._unbound.bound(
            base_url=self._settings.price_base,
            auth=self._price_auth,
            errors=error_for,
            quota="price",
            correlation_header="MS-CorrelationId",
        )

    # Invoices

    def invoices(self, first: str, last: str) -> list[wire.InvoiceWire]:
        """Invoices dated in a span of days; paged by offset (§1.5, §1.6)."""
        found: list[wire.InvoiceWire] = []
        while True:
            params = {
                "size": str(INVOICE_PAGE),
                "offset": str(len(found)),
                "filter": _dated(first, last),
            }
            page = self._read_all("/v1/invoices", wire.INVOICE, params)
            found += page
            if len(page) < INVOICE_PAGE:
                return found

    def invoice_lines(self, invoice: str, token: str | None) -> RawPage:
        """One page of an invoice's billing lines; the provider has no underscore."""
        params = {
            "provider": "onetime",
            "invoicelineitemtype": "billinglineitems",
            "size": str(LINE_PAGE),
        }
        headers = {}
        if token is not None:
            params["seekOperation"] = "Next"
            headers[TOKEN_HEADER] = token
        response = self._http.get(
            f"/v1/invoices/{invoice}/lineitems",
            params=params,
            headers={**_request_id(), **headers},
        )
        return self._page(response, token)

    def _market(self) -> dict[str, str]:
        return {
            "country": self._settings.country,
            "targetSegment": self._settings.segment,
        }

    def _get(
        self,
        path: str,
        params: dict[str, str] | None = None,
        quota: str = "core",
    ) -> HttpResponse:
        response = self._http.get(
            path, params=params, headers=_request_id(), quota=quota
        )
        fault = read_fault(response.content) if b'"code"' in response.content else None
        if fault is not None and fault.code:
            raise error_in_success(response, fault.code)
        return response

    def _one(self, path: str, reader: wire.Reader[T]) -> T:
        response = self._get(path)
        return _read(response, reader, response.content)

    def _all(self, path: str) -> RawPage:
        return self._page(self._http.raw_get(path, headers=_request_id()), None)

    def _read_all(
        self,
        path: str,
        reader: wire.Reader[T],
        params: dict[str, str] | None = None,
        quota: str = "core",
    ) -> list[T]:
        response = self._get(path, params, quota)
        found = self._page(response, None).items
        return [_read(response, reader, item) for item in found]

    def _page(self, response: HttpResponse, asked: str | None) -> RawPage:
        found = _read(response, wire.COLLECTION, response.content)
        if found.items is None and found.code is not None:
            raise error_in_success(response, found.code)
        if found.items is None:
            raise response.broken(ValueError("no items"))
        token = found.token
        if token is not None and token == asked:
            # The same page once more: asking again gets the right one.
            raise Retryable(
                "paging_stuck",
                "The vendor sent the same page twice.",
                detail=f"{response.method} {response.url}",
                vendor_request_id=response.request_id,
                after=5.0,
            )
        return RawPage([bytes(item) for item in found.items], token)

    def _listing_end(self, response: HttpResponse) -> RawPage:
        if read_fault(response.content).code == _END_CODE:
            return RawPage([])
        error = error_for(response)
        raise error or response.broken(ValueError("refused"))


def _read(response: HttpResponse, reader: wire.Reader[T], data: bytes) -> T:
    try:
        return reader.read(data)
    except msgspec.MsgspecError as error:
        raise response.broken(error) from None


def _dated(first: str, last: str) -> str:
    """The compound filter of invoices by their date (§1.6)."""
    bounds = (("greater_than_or_equals", first), ("less_than_or_equals", last))
    left, right = (
        {"Field": "InvoiceDate", "Value": day, "Operator": operator}
        for operator, day in bounds
    )
    both = {"LeftFilter": left, "RightFilter": right, "Operator": "and"}
    return msgspec.json.encode(both).decode()


def _request_id() -> dict[str, str]:
    return {"MS-RequestId": str(uuid.uuid4())}


def _key() -> tuple[str, str]:
    """A fresh idempotency key; kept through the repeats of one call (§1.3)."""
    return "MS-RequestId", str(uuid.uuid4())


def unzipped(response: HttpResponse) -> bytes:
    """The body itself, or the first file of the archive it is.

    Raises:
        Retryable: The archive is damaged or unreasonably large.
    """
    content = response.content
    if content[:2] != b"PK":
        return content
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entry = archive.infolist()[0]
            if entry.file_size > _MAX_SHEET:
                raise response.broken(ValueError("too large"))
            return archive.read(entry)
    except (zipfile.BadZipFile, IndexError) as error:
        raise response.broken(error) from None
