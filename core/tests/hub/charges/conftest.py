"""A vendor that meters and charges, in memory, and a hub that reads it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
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
    Capabilities,
    Charge,
    CheckResult,
    FilePart,
    Listing,
    Page,
    Period,
    PluginInfo,
    PluginKind,
    QuotaKey,
    Subscription,
    SubscriptionStatus,
    TakenFile,
    UsageLine,
    VendorCustomer,
)
from entrepot.store import system_actor

MARCH = Period(date(2026, 3, 1), date(2026, 4, 1))
MONTHS = ("2026-01", "2026-02", "2026-03")


@dataclass(frozen=True)
class Nothing:
    """Nothing to set."""


@dataclass(eq=False)
class Metering:
    """A vendor with three customers; lines by month."""

    charges: dict[str, list[Charge]] = field(default_factory=dict)
    usage: dict[str, list[UsageLine]] = field(default_factory=dict)
    page_size: int = 4
    listing: Listing = Listing.GLOBAL
    cut: set[str] = field(default_factory=set)
    forbidden: set[str] = field(default_factory=set)
    missing: set[str] = field(default_factory=set)
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    dies_at: str | None = None

    @hookimpl
    def describe_plugin(self) -> PluginInfo:
        return PluginInfo(
            name="metering",
            title="Metering",
            kind=PluginKind.VENDOR,
            version="1",
            api=(1, 0),
            settings_type=Nothing,
            capabilities=Capabilities(
                subscriptions=Listing.PER_CUSTOMER,
                charges=self.listing,
                usage=Listing.GLOBAL,
            ),
            quotas=(QuotaKey(name="all", requests=10**6, seconds=1, burst=10**6),),
        )

    @hookimpl
    def open_connection(self, ctx: Any) -> object:
        return object()

    @hookimpl
    def check_connection(self, ctx: Any) -> CheckResult:
        return CheckResult(account_name="metering")

    @hookimpl
    def list_customers(self, ctx: Any, query: ask.ListCustomers) -> Page:
        names = [f"c{number}" for number in range(3)]
        return Page(items=[VendorCustomer(vendor_id=n, name=n.upper()) for n in names])

    @hookimpl
    def list_offers(self, ctx: Any, query: ask.ListOffers) -> Page:
        return Page()

    @hookimpl
    def list_subscriptions(self, ctx: Any, query: ask.ListSubscriptions) -> Page:
        one = Subscription(
            vendor_id=f"{query.customer_id}-s0",
            customer_id=str(query.customer_id),
            sku="SKU0",
            name="Product",
            quantity=Decimal(10),
            status=SubscriptionStatus.ACTIVE,
        )
        return Page(items=[one])

    @hookimpl
    def list_charges(self, ctx: Any, query: ask.ListCharges) -> Page:
        month = str(query.period.start)[:7]
        if query.customer_id in self.forbidden:
            raise Rejected("forbidden", "No right to see this customer.")
        if query.customer_id in self.missing:
            raise NotFound("gone", "No such customer.")
        lines = self.charges.get(month, [])
        if ctx.files.find(month) is not None:
            lines = msgspec.json.decode(ctx.files.read(month), type=list[Charge])
        found = [one for one in lines if query.customer_id in (None, one.customer_id)]
        return self._page(found, query, month)

    @hookimpl
    def list_usage(self, ctx: Any, query: ask.ListUsage) -> Page:
        month = str(query.period.start)[:7]
        return self._page(self.usage.get(month, []), query, month)

    @hookimpl
    def take_file(self, ctx: Any, query: ask.TakeFile) -> TakenFile:
        """A JSON object of months with their charges."""
        try:
            found = msgspec.json.decode(query.content, type=dict[str, msgspec.Raw])
        except msgspec.DecodeError:
            raise Rejected("file_unusable", "Line 1 is no line.") from None
        parts = [FilePart(name=n, content=bytes(c)) for n, c in found.items()]
        return TakenFile(parts=tuple(parts), months=tuple(found), rows=len(found))

    def _page(self, found: list[Any], query: Any, month: str) -> Page:
        self.asked.append((month, query.cursor))
        if self.dies_at is not None and query.cursor == self.dies_at:
            raise KeyboardInterrupt  # the process dies here
        start = int(query.cursor or 0)
        following = start + self.page_size
        return Page(
            items=found[start:following],
            next_cursor=str(following) if following < len(found) else None,
            complete=month not in self.cut,
            incomplete_reason="the report is being written" if self.cut else None,
        )

    def restate(self, month: str, place: int, **values: Any) -> None:
        self.charges[month][place] = replace(self.charges[month][place], **values)


@dataclass
class Ledger:
    """A hub with one metering connection, and short ways to run it."""

    hub: Any
    vendor: Metering
    actor: Any
    connection_id: str
    runs: int = 0

    def run_info(self) -> RunInfo:
        self.runs += 1
        return RunInfo(f"run-{self.runs}", self.actor.tenant_id, self.connection_id)

    def read(self, run: RunInfo | None = None, month: str = "") -> dict[str, Any]:
        """A whole run by its steps, without the engine; returns the run's result."""
        steps, run = self.hub.charges.steps, run or self.run_info()
        done = {}
        for kind, name in steps.plan(run, month):
            while not steps.read(run, kind, name, lambda _: None, lambda: False):
                pass
            done[f"{kind} {name}"] = steps.finish(run, kind, name)
        result = steps.close(run, done)
        self.hub.clock.advance(timedelta(hours=1))
        return result

    def sync(self) -> None:
        """Customers and subscriptions into the books."""
        steps, run = self.hub.sync.steps, self.run_info()
        opened = steps.open_run(run, "full", "", "crawl", "test")
        for name, per in opened["streams"]:
            while not steps.crawl(run, name, per, lambda *_: None, lambda: False):
                pass
            steps.finish_stream(run, name, per)
        steps.close_run(run, opened["at"])

    def count(self, table: str) -> int:
        with self.hub.store.engine.connect() as connection:
            cursor = connection.connection.driver_connection.cursor()
            return cursor.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


@pytest.fixture
def listing() -> Listing:
    """How the vendor lists its charges; tests may say otherwise."""
    return Listing.GLOBAL


@pytest.fixture
def ledger(settings, clock, tenant, listing):
    plugin = Metering(listing=listing)
    hub = build_hub(settings, clock=clock, plugins={"metering": plugin})
    actor = system_actor("tests", tenant)
    added = hub.connections.add(actor, plugin="metering", name="One", values={})
    yield Ledger(hub, plugin, actor, added.id)
    hub.close()
