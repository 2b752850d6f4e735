"""One connection as sync reads it: streams, pages, details."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from entrepot.sdk import queries as ask
from entrepot.sdk.context import PluginContext
from entrepot.sdk.model import (
    AgreementLine,
    BillingLock,
    ChangeEvent,
    Listing,
    Page,
    PluginInfo,
    PluginKind,
    Subscription,
    VendorCustomer,
)

if TYPE_CHECKING:
    from entrepot.plugins.dispatch import Plugins


@dataclass(frozen=True, slots=True)
class Stream:
    """One kind of object a connection lists.

    Attributes:
        name: Of the target.
        per: Stream whose objects scope this listing; empty for one listing over the
            whole connection.
    """

    name: str
    per: str = ""


@dataclass(frozen=True, slots=True)
class Read:
    """A page and when it was asked for."""

    page: Page[Any]
    read_at: datetime


def streams_of(info: PluginInfo) -> tuple[Stream, ...]:
    """What a full sync of a plugin's connection reads, in order."""
    can = info.capabilities
    if info.kind is PluginKind.PSA:
        psa = [Stream("companies"), Stream("products"), Stream("agreements")]
        if can.lines is not Listing.NONE:
            psa.append(Stream("lines", _scope(can.lines, "agreements")))
        if can.contacts is Listing.GLOBAL:
            psa.append(Stream("contacts"))
        return tuple(psa)
    vendor = [Stream("customers"), Stream("offers")]
    if can.subscriptions is not Listing.NONE:
        vendor.append(Stream("subscriptions", _scope(can.subscriptions, "customers")))
    if can.orders is Listing.GLOBAL:
        vendor.append(Stream("orders"))
    return tuple(vendor)


def leaves_out(info: PluginInfo) -> tuple[str, ...]:
    """Return the streams that a whole reading leaves out; empty for most plugins."""
    if info.kind is PluginKind.PSA:
        return ()
    listed = (
        ("contacts", info.capabilities.contacts),
        ("orders", info.capabilities.orders),
    )
    return tuple(name for name, how in listed if how is Listing.PER_CUSTOMER)


def _scope(listing: Listing, per: str) -> str:
    return per if listing is Listing.PER_CUSTOMER else ""


class Source:
    """Reads one connection through its plugin.

    Args:
        plugins: The typed facade.
        ctx: The connection's context.
    """

    def __init__(self, plugins: Plugins, ctx: PluginContext) -> None:
        self._plugins = plugins
        self.ctx = ctx
        self.info = plugins.info(ctx.plugin)

    @property
    def width(self) -> int:
        """How many requests may be under way at once."""
        return max((quota.concurrency for quota in self.info.quotas), default=4)

    @property
    def is_psa(self) -> bool:
        """Whether this is a PSA."""
        return self.info.kind is PluginKind.PSA

    def page(self, stream: str, scope: str, cursor: str | None) -> Read:
        """One page of a stream.

        Args:
            stream: Name of the target.
            scope: Vendor id of the customer or agreement; empty for all.
            cursor: `Page.next_cursor` of the page before, or None.
        """
        read_at = self.ctx.clock.now()
        return Read(_PAGES[stream](self, scope or None, cursor), read_at)

    def customer(self, customer_id: str) -> VendorCustomer:
        """One customer with all details."""
        query = ask.GetCustomer(customer_id=customer_id)
        return self._plugins.get_customer(self.ctx, query)

    def subscription(self, customer_id: str, subscription_id: str) -> Subscription:
        """One subscription, read afresh."""
        query = ask.GetSubscription(
            customer_id=customer_id, subscription_id=subscription_id
        )
        return self._plugins.get_subscription(self.ctx, query)

    def line(self, agreement_id: str, line_id: str) -> AgreementLine:
        """One agreement line, read afresh."""
        query = ask.GetAgreementLine(agreement_id=agreement_id, line_id=line_id)
        return self._plugins.get_agreement_line(self.ctx, query)

    def lock(self, agreement_id: str) -> BillingLock:
        """How far an agreement is invoiced."""
        query = ask.GetBillingLock(agreement_id=agreement_id)
        return self._plugins.get_billing_lock(self.ctx, query)

    def changes(self, since: datetime, cursor: str | None) -> Page[ChangeEvent]:
        """One page of the change feed."""
        query = ask.ListChanges(since=since, cursor=cursor)
        return self._plugins.list_changes(self.ctx, query)


def _listing(hook: str, query: type, scope_field: str = "") -> _PageOf:
    def page(source: Source, scope: str | None, cursor: str | None) -> Page[Any]:
        scoped = {scope_field: scope} if scope_field else {}
        call = getattr(source._plugins, hook)
        result: Page[Any] = call(source.ctx, query(cursor=cursor, raw=True, **scoped))
        return result

    return page


_PageOf = Callable[[Source, str | None, str | None], Page[Any]]
_PAGES: dict[str, _PageOf] = {
    "customers": _listing("list_customers", ask.ListCustomers),
    "offers": _listing("list_offers", ask.ListOffers),
    "subscriptions": _listing(
        "list_subscriptions", ask.ListSubscriptions, "customer_id"
    ),
    "orders": _listing("list_orders", ask.ListOrders, "customer_id"),
    "contacts": _listing("list_contacts", ask.ListContacts, "owner_id"),
    "companies": _listing("list_companies", ask.ListCompanies),
    "products": _listing("list_products", ask.ListProducts),
    "agreements": _listing("list_agreements", ask.ListAgreements, "company_id"),
    "lines": _listing("list_agreement_lines", ask.ListAgreementLines, "agreement_id"),
}
