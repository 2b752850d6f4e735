"""A plugin for the bench's vendor: one global listing, raw, by the book.

It is written as any plugin is; nothing of the hub is bypassed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
from entrepot.sdk import queries as ask
from entrepot.sdk.hookspecs import hookimpl
from entrepot.sdk.http import HttpSession
from entrepot.sdk.model import (
    BillingCycle,
    Capabilities,
    CheckResult,
    ContentHash,
    Listing,
    Page,
    PluginInfo,
    PluginKind,
    QuotaKey,
    RawItems,
    Subscription,
    SubscriptionStatus,
    Term,
    VendorCustomer,
)
from entrepot.sdk.model.party import Address
from entrepot.sdk.settings import setting

PAGE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchSettings:
    """Where the vendor is and what its content hash covers."""

    base_url: str = setting("Address", adds_host=True)
    content_hash: str = setting("Content hash", default="raw")


class _Collection(msgspec.Struct, gc=False):
    total: int
    items: list[msgspec.Raw]


class _Customer(msgspec.Struct, gc=False):
    id: str
    name: str
    domain: str
    email: str
    country: str
    currency: str


class _Item(msgspec.Struct, gc=False, rename="camel"):
    id: str
    customer_id: str
    quantity: Decimal
    unit_price: Decimal
    currency: str
    sku: str
    product_id: str
    offer_name: str
    friendly_name: str
    status: str
    term_duration: str
    billing_cycle: str
    unit_type: str
    creation_date: datetime
    effective_start_date: datetime
    commitment_end_date: datetime
    changed_at: datetime
    auto_renew_enabled: bool
    is_trial: bool
    order_id: str


_COLLECTION = msgspec.json.Decoder(_Collection)
_ITEM = msgspec.json.Decoder(_Item)
_CUSTOMER = msgspec.json.Decoder(_Customer)
_PROJECTION = msgspec.msgpack.Encoder()
_TERMS = {text: Term(text) for text in ("P1M", "P1Y", "P3Y")}
_CYCLES = {"monthly": BillingCycle.MONTHLY, "annual": BillingCycle.ANNUAL}
_STATES = {"active": SubscriptionStatus.ACTIVE}


def decode(data: bytes) -> Subscription:
    """A subscription from its bytes."""
    found = _ITEM.decode(data)
    return Subscription(
        vendor_id=found.id,
        customer_id=found.customer_id,
        sku=found.sku,
        product_id=found.product_id,
        name=found.offer_name,
        friendly_name=found.friendly_name,
        quantity=found.quantity,
        unit_cost=found.unit_price,
        currency=found.currency,
        status=_STATES.get(found.status, SubscriptionStatus.UNKNOWN),
        vendor_status=found.status,
        term=_TERMS[found.term_duration],
        billing_cycle=_CYCLES.get(found.billing_cycle, BillingCycle.UNKNOWN),
        unit=found.unit_type,
        started_at=found.creation_date,
        term_start=found.effective_start_date,
        term_end=found.commitment_end_date,
        changed_at=found.changed_at,
        auto_renew=found.auto_renew_enabled,
        is_trial=found.is_trial,
        order_id=found.order_id,
    )


def project(data: bytes) -> bytes:
    """The mapped fields only, for the content hash."""
    return _PROJECTION.encode(_ITEM.decode(data))


def _decode_customer(data: bytes) -> VendorCustomer:
    found = _CUSTOMER.decode(data)
    return VendorCustomer(
        vendor_id=found.id,
        name=found.name,
        domain=found.domain,
        email=found.email,
        address=Address(country=found.country),
        currency=found.currency,
    )


class BenchVendor:
    """The plugin.

    Args:
        rate: Requests a second that the vendor is known to permit.
        concurrency: Requests that may be under way at once.
    """

    def __init__(self, rate: int = 10**6, concurrency: int = 4) -> None:
        self._quota = QuotaKey(
            name="all",
            requests=rate,
            seconds=1,
            burst=max(1, rate // 10),
            concurrency=concurrency,
        )

    @hookimpl
    def describe_plugin(self) -> PluginInfo:
        """Say what this is."""
        return PluginInfo(
            name="bench",
            title="Bench",
            kind=PluginKind.VENDOR,
            version="1",
            api=(1, 0),
            settings_type=BenchSettings,
            capabilities=Capabilities(subscriptions=Listing.GLOBAL, page_size=PAGE),
            quotas=(self._quota,),
        )

    @hookimpl
    def open_connection(self, ctx: Any) -> HttpSession:
        """Bind the session to the vendor's address."""
        http: HttpSession = ctx.http.bound(base_url=ctx.settings.base_url, quota="all")
        return http

    @hookimpl
    def check_connection(self, ctx: Any) -> CheckResult:
        """Say that all is well."""
        ctx.runtime.raw_get("/one/check")
        return CheckResult(account_name="bench")

    @hookimpl
    def list_customers(self, ctx: Any, query: ask.ListCustomers) -> Page:
        """List customers."""
        found, following = _page(ctx, "/customers", query.cursor)
        raw = RawItems(
            items=[bytes(item) for item in found.items],
            decode=_decode_customer,
            content_hash=ContentHash.RAW,
            mapping_version="1",
        )
        return Page(raw=raw, next_cursor=following, total=found.total)

    @hookimpl
    def list_offers(self, ctx: Any, query: ask.ListOffers) -> Page:
        """List nothing: the bench is about subscriptions."""
        return Page()

    @hookimpl
    def list_subscriptions(self, ctx: Any, query: ask.ListSubscriptions) -> Page:
        """List all subscriptions of the connection."""
        found, following = _page(ctx, "/subscriptions", query.cursor)
        is_raw = ctx.settings.content_hash == "raw"
        raw = RawItems(
            items=[bytes(item) for item in found.items],
            decode=decode,
            content_hash=ContentHash.RAW if is_raw else ContentHash.PROJECTION,
            mapping_version="1",
            project=None if is_raw else project,
        )
        return Page(raw=raw, next_cursor=following, total=found.total)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoSettings:
    """Nothing to set."""


class BenchPsa:
    """A PSA that is never called: its books are filled by the bench."""

    @hookimpl
    def describe_plugin(self) -> PluginInfo:
        """Say what this is."""
        return PluginInfo(
            name="benchpsa",
            title="Bench PSA",
            kind=PluginKind.PSA,
            version="1",
            api=(1, 0),
            settings_type=NoSettings,
            capabilities=Capabilities(lines=Listing.PER_CUSTOMER),
        )

    @hookimpl
    def open_connection(self, ctx: Any) -> object:
        """Nothing to open."""
        return object()

    @hookimpl
    def check_connection(self, ctx: Any) -> CheckResult:
        """Say that all is well."""
        return CheckResult(account_name="benchpsa")


def _page(ctx: Any, path: str, cursor: str | None) -> tuple[_Collection, str | None]:
    start = int(cursor or 0)
    answer = ctx.runtime.raw_get(f"{path}?skip={start}&top={PAGE}")
    found = _COLLECTION.decode(answer.content)
    following = start + PAGE
    return found, str(following) if following < found.total else None
