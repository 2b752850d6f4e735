"""A vendor and a PSA in memory, and a hub that reads them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from entrepot.app import build_hub
from entrepot.hub.sync.intake import RunInfo
from entrepot.sdk import queries as ask
from entrepot.sdk.errors import NotFound, Rejected
from entrepot.sdk.hookspecs import hookimpl
from entrepot.sdk.model import (
    Agreement,
    AgreementLine,
    BillingLock,
    Capabilities,
    ChangeEvent,
    CheckResult,
    Company,
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
from entrepot.store import system_actor


@dataclass(frozen=True)
class NoSettings:
    """Nothing to set."""


def subscription(customer: str, number: int, quantity: int = 10) -> Subscription:
    return Subscription(
        vendor_id=f"{customer}-s{number}",
        customer_id=customer,
        sku=f"SKU{number}",
        name=f"Product {number}",
        quantity=Decimal(quantity),
        status=SubscriptionStatus.ACTIVE,
        term=Term("P1Y"),
        currency="USD",
        unit_cost=Decimal("22.00"),
        started_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


@dataclass(eq=False)
class FakeVendor:
    """A vendor that lists subscriptions by customer, raw."""

    customers: dict[str, VendorCustomer] = field(default_factory=dict)
    subscriptions: dict[str, dict[str, Subscription]] = field(default_factory=dict)
    page_size: int = 3
    feed: list[ChangeEvent] = field(default_factory=list)
    has_feed: bool = False
    forbidden: set[str] = field(default_factory=set)
    hidden: set[str] = field(default_factory=set)
    decoded: int = 0
    fail_after: int | None = None
    listing: Listing = Listing.PER_CUSTOMER
    repeat_page: bool = False

    def fill(self, customers: int, each: int) -> None:
        for number in range(customers):
            name = f"c{number:04}"
            self.customers[name] = VendorCustomer(
                vendor_id=name, name=f"Customer {number}", domain=f"{name}.example"
            )
            self.subscriptions[name] = {
                one.vendor_id: one
                for one in (subscription(name, part) for part in range(each))
            }

    def change(self, customer: str, number: int, **values: Any) -> None:
        key = f"{customer}-s{number}"
        self.subscriptions[customer][key] = replace(
            self.subscriptions[customer][key], **values
        )

    def _count(self) -> None:
        if self.fail_after is not None:
            self.fail_after -= 1
            if self.fail_after < 0:
                raise Killed

    @hookimpl
    def describe_plugin(self) -> PluginInfo:
        return PluginInfo(
            name="fake",
            title="Fake",
            kind=PluginKind.VENDOR,
            version="1",
            api=(1, 0),
            settings_type=NoSettings,
            capabilities=Capabilities(
                subscriptions=self.listing, change_feed=self.has_feed
            ),
            quotas=(QuotaKey(name="all", requests=10**6, seconds=1, burst=10**6),),
        )

    @hookimpl
    def open_connection(self, ctx: Any) -> object:
        return object()

    @hookimpl
    def check_connection(self, ctx: Any) -> CheckResult:
        return CheckResult(account_name="fake")

    @hookimpl
    def list_customers(self, ctx: Any, query: ask.ListCustomers) -> Page:
        self._count()
        start = int(query.cursor or 0)
        names = sorted(self.customers)
        part = names[start : start + self.page_size]
        following = start + self.page_size
        if self.repeat_page and start:
            part = names[start - self.page_size : start]
        return Page(
            items=[self.customers[name] for name in part],
            next_cursor=str(following) if following < len(names) else None,
        )

    @hookimpl
    def get_customer(self, ctx: Any, query: ask.GetCustomer) -> VendorCustomer:
        if query.customer_id not in self.customers:
            raise NotFound("gone", "No such customer.")
        return self.customers[query.customer_id]

    @hookimpl
    def list_offers(self, ctx: Any, query: ask.ListOffers) -> Page:
        return Page()

    @hookimpl
    def list_subscriptions(self, ctx: Any, query: ask.ListSubscriptions) -> Page:
        self._count()
        if query.customer_id in self.forbidden:
            raise Rejected("forbidden", "No right to see this customer.")
        if query.customer_id is None:
            found = [
                one for owned in self.subscriptions.values() for one in owned.values()
            ]
        elif query.customer_id not in self.customers:
            raise NotFound("gone", "No such customer.")
        else:
            found = list(self.subscriptions[query.customer_id].values())
        shown = [one for one in found if one.vendor_id not in self.hidden]
        raw = RawItems(
            items=[msgspec.json.encode(one) for one in shown],
            decode=self._decode,
            content_hash=ContentHash.RAW,
            mapping_version="1",
        )
        return Page(raw=raw)

    def _decode(self, item: bytes) -> Subscription:
        self.decoded += 1
        return msgspec.json.decode(item, type=Subscription)

    @hookimpl
    def get_subscription(self, ctx: Any, query: ask.GetSubscription) -> Subscription:
        owned = self.subscriptions.get(query.customer_id, {})
        if query.subscription_id not in owned:
            raise NotFound("gone", "No such subscription.")
        return owned[query.subscription_id]

    @hookimpl
    def list_changes(self, ctx: Any, query: ask.ListChanges) -> Page:
        return Page(items=self.feed)


class Killed(BaseException):
    """The process dies here."""


@dataclass(eq=False)
class FakePsa:
    """A PSA with one agreement per company."""

    quantities: dict[str, Decimal] = field(default_factory=dict)
    locks: int = 0

    @hookimpl
    def describe_plugin(self) -> PluginInfo:
        return PluginInfo(
            name="psa",
            title="Fake PSA",
            kind=PluginKind.PSA,
            version="1",
            api=(1, 0),
            settings_type=NoSettings,
            capabilities=Capabilities(lines=Listing.PER_CUSTOMER),
        )

    @hookimpl
    def open_connection(self, ctx: Any) -> object:
        return object()

    @hookimpl
    def check_connection(self, ctx: Any) -> CheckResult:
        return CheckResult(account_name="psa")

    @hookimpl
    def list_companies(self, ctx: Any, query: ask.ListCompanies) -> Page:
        return Page(
            items=[Company(vendor_id=name, name=name) for name in self.quantities]
        )

    @hookimpl
    def list_products(self, ctx: Any, query: ask.ListProducts) -> Page:
        return Page()

    @hookimpl
    def list_agreements(self, ctx: Any, query: ask.ListAgreements) -> Page:
        names = [query.company_id] if query.company_id else list(self.quantities)
        return Page(
            items=[
                Agreement(vendor_id=f"a-{name}", company_id=name, name=name)
                for name in names
            ]
        )

    @hookimpl
    def list_agreement_lines(self, ctx: Any, query: ask.ListAgreementLines) -> Page:
        company = (query.agreement_id or "").removeprefix("a-")
        line = AgreementLine(
            vendor_id=f"l-{company}",
            agreement_id=f"a-{company}",
            company_id=company,
            product_id="p",
            quantity=self.quantities[company],
        )
        return Page(items=[line])

    @hookimpl
    def get_billing_lock(self, ctx: Any, query: ask.GetBillingLock) -> BillingLock:
        self.locks += 1
        return BillingLock(
            agreement_id=query.agreement_id,
            known=True,
            locked_through=date(2026, 3, 31),
        )


@dataclass
class World:
    """A hub with one connection, and short ways to run it."""

    hub: Any
    vendor: Any
    actor: Any
    connection_id: str
    runs: int = 0

    def rows(self, sql: str) -> list[Any]:
        """What a statement finds, seen by nobody's tenant: for counting."""
        with self.hub.store.engine.connect() as connection:
            cursor = connection.connection.driver_connection.cursor()
            cursor.execute(sql)
            return [tuple(row) for row in cursor.fetchall()]

    def new_run(self) -> RunInfo:
        self.runs += 1
        return RunInfo(f"run-{self.runs}", self.actor.tenant_id, self.connection_id)

    def crawl(self, run: RunInfo | None = None, mode: str = "full") -> dict[str, Any]:
        """A whole run by its steps, without the engine."""
        steps = self.hub.sync.steps
        run = run or self.new_run()
        opened = steps.open_run(run, mode, "", "crawl", "test")
        for name, per in opened["streams"]:
            while not steps.crawl(run, name, per, lambda *_: None, lambda: False):
                pass
            steps.finish_stream(run, name, per)
        steps.close_run(run, opened["at"])
        self.hub.clock.advance(timedelta(hours=1))
        return self.hub.sync.run(self.actor, run.run_id)


def make_world(settings: Any, clock: Any, tenant: str, plugin: Any, name: str) -> World:
    hub = build_hub(settings, clock=clock, plugins={name: plugin})
    actor = system_actor("tests", tenant)
    added = hub.connections.add(actor, plugin=name, name="One", values={})
    return World(hub, plugin, actor, added.id)


@pytest.fixture
def world(settings, clock, tenant):
    made = make_world(settings, clock, tenant, FakeVendor(), "fake")
    yield made
    made.hub.close()


@pytest.fixture
def psa_world(settings, clock, tenant):
    made = make_world(settings, clock, tenant, FakePsa(), "psa")
    yield made
    made.hub.close()
