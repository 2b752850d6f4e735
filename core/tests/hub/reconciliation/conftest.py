"""A vendor and a PSA in memory, a hub that reads and writes them, jobs inline."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from entrepot.app import build_hub
from entrepot.hub.customers.tables import CustomerAccount
from entrepot.hub.mapping.tables import CustomerMap, ProductMap
from entrepot.hub.reconciliation import jobs as recon_jobs
from entrepot.hub.reconciliation.queries import IssueQuery
from entrepot.hub.reconciliation.rules_store import RuleWish
from entrepot.hub.sync.intake import RunInfo as SyncRun
from entrepot.jobs.intent import Effects
from entrepot.sdk import queries as ask
from entrepot.sdk.errors import NotFound, OutcomeUnknown, Rejected
from entrepot.sdk.hookspecs import hookimpl
from entrepot.sdk.model import (
    Agreement,
    AgreementLine,
    AgreementStatus,
    BillCustomer,
    BillingCycle,
    BillingLock,
    BillingMode,
    Capabilities,
    CheckResult,
    Company,
    LineChange,
    LineChangeKind,
    LineOutcome,
    Listing,
    OutcomeState,
    Page,
    PeriodAnchor,
    PluginInfo,
    PluginKind,
    PsaProduct,
    Subscription,
    SubscriptionStatus,
    Term,
    TicketOutcome,
    VendorCustomer,
)
from entrepot.store import TenantScope, new_id, system_actor

NOW = datetime(2026, 6, 20, 12, tzinfo=UTC)


@dataclass(frozen=True)
class NoSettings:
    """Nothing to set."""


@dataclass(eq=False)
class MemoryVendor:
    """A vendor that keeps everything in dictionaries."""

    customers: dict[str, str] = field(default_factory=dict)
    subscriptions: dict[str, Subscription] = field(default_factory=dict)

    def sell(self, customer: str, id_: str, quantity: int, **more: Any) -> None:
        self.customers.setdefault(customer, customer.title())
        values: dict[str, Any] = {
            "vendor_id": id_,
            "customer_id": customer,
            "sku": "SEAT",
            "name": "Seat",
            "quantity": Decimal(quantity),
            "status": SubscriptionStatus.ACTIVE,
            "term": Term("P1Y"),
            "billing_cycle": BillingCycle.MONTHLY,
            "currency": "USD",
            "unit_cost": Decimal("22.00"),
            "auto_renew": True,
            "started_at": datetime(2026, 2, 1, tzinfo=UTC),
            "term_end": datetime(2027, 2, 1, tzinfo=UTC),
        }
        self.subscriptions[id_] = Subscription(**(values | more))

    def set(self, id_: str, **values: Any) -> None:
        self.subscriptions[id_] = replace(self.subscriptions[id_], **values)

    @hookimpl
    def describe_plugin(self) -> PluginInfo:
        return PluginInfo(
            name="vendor",
            title="Vendor",
            kind=PluginKind.VENDOR,
            version="1",
            api=(1, 0),
            settings_type=NoSettings,
            capabilities=Capabilities(subscriptions=Listing.PER_CUSTOMER),
        )

    @hookimpl
    def open_connection(self, ctx: Any) -> object:
        return object()

    @hookimpl
    def check_connection(self, ctx: Any) -> CheckResult:
        return CheckResult(account_name="vendor")

    @hookimpl
    def list_customers(self, ctx: Any, query: ask.ListCustomers) -> Page:
        found = self.customers.items()
        return Page(items=[VendorCustomer(vendor_id=i, name=n) for i, n in found])

    @hookimpl
    def get_customer(self, ctx: Any, query: ask.GetCustomer) -> VendorCustomer:
        if query.customer_id not in self.customers:
            raise NotFound("gone", "No such customer.")
        name = self.customers[query.customer_id]
        return VendorCustomer(vendor_id=query.customer_id, name=name)

    @hookimpl
    def list_offers(self, ctx: Any, query: ask.ListOffers) -> Page:
        return Page()

    @hookimpl
    def list_subscriptions(self, ctx: Any, query: ask.ListSubscriptions) -> Page:
        every = self.subscriptions.values()
        return Page(items=[s for s in every if s.customer_id == query.customer_id])

    @hookimpl
    def get_subscription(self, ctx: Any, query: ask.GetSubscription) -> Subscription:
        if query.subscription_id not in self.subscriptions:
            raise NotFound("gone", "No such subscription.")
        return self.subscriptions[query.subscription_id]


@dataclass(eq=False)
class MemoryPsa:
    """A PSA with one agreement per company, that can lose answers and refuse."""

    companies: list[str] = field(default_factory=list)
    lines: dict[str, AgreementLine] = field(default_factory=dict)
    modes: dict[str, BillingMode] = field(default_factory=dict)
    locked: date | None = date(2026, 6, 30)
    forbidden: set[str] = field(default_factory=set)
    lose_answers: int = 0
    fail_writes: int = 0
    refuse: str = ""
    writes: list[LineChange] = field(default_factory=list)
    asked: list[ask.FindLine] = field(default_factory=list)
    tickets: dict[str, str] = field(default_factory=dict)
    count: int = 0

    def line(self, id_: str, company: str, quantity: int, **more: Any) -> None:
        if company not in self.companies:
            self.companies.append(company)
        self.count += 1
        values: dict[str, Any] = {
            "vendor_id": id_,
            "agreement_id": f"a-{company}",
            "company_id": company,
            "product_id": "5501",
            "quantity": Decimal(quantity),
            "unit_price": Decimal("26.40"),
            "unit_cost": Decimal("22.00"),
            "currency": "USD",
            "bill": BillCustomer.BILLABLE,
            "taxable": True,
            "effective": date(2026, 2, 1),
            "changed_by": "member",
            "changed_at": NOW,
            "change_token": f"t{self.count}",
        }
        self.lines[id_] = AgreementLine(**(values | more))

    def edit(self, id_: str, **values: Any) -> None:
        self.count += 1
        self.lines[id_] = replace(
            self.lines[id_], change_token=f"t{self.count}", **values
        )

    @hookimpl
    def describe_plugin(self) -> PluginInfo:
        return PluginInfo(
            name="psa",
            title="PSA",
            kind=PluginKind.PSA,
            version="1",
            api=(1, 0),
            settings_type=NoSettings,
            capabilities=Capabilities(lines=Listing.PER_CUSTOMER, settle_seconds=1),
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
            items=[Company(vendor_id=n, name=n.upper()) for n in self.companies]
        )

    @hookimpl
    def list_products(self, ctx: Any, query: ask.ListProducts) -> Page:
        return Page(
            items=[
                PsaProduct(
                    vendor_id=id_,
                    identifier=id_,
                    name=f"Product {id_}",
                    price=Decimal("26.40"),
                    currency="USD",
                )
                for id_ in ("5501", "5502", "5503")
            ]
        )

    @hookimpl
    def list_agreements(self, ctx: Any, query: ask.ListAgreements) -> Page:
        names = [query.company_id] if query.company_id else self.companies
        return Page(
            items=[
                Agreement(
                    vendor_id=f"a-{name}",
                    company_id=name,
                    name=f"Agreement {name}",
                    status=AgreementStatus.ACTIVE,
                    start=date(2026, 1, 1),
                    billing_cycle=BillingCycle.MONTHLY,
                    period_anchor=PeriodAnchor.CALENDAR,
                    billing_mode=self.modes.get(name, BillingMode.ADVANCE),
                    currency="USD",
                )
                for name in names
            ]
        )

    @hookimpl
    def list_agreement_lines(self, ctx: Any, query: ask.ListAgreementLines) -> Page:
        if query.agreement_id in self.forbidden:
            raise Rejected("forbidden", "No right to see this agreement.")
        every = self.lines.values()
        return Page(items=[x for x in every if x.agreement_id == query.agreement_id])

    @hookimpl
    def get_agreement_line(
        self, ctx: Any, query: ask.GetAgreementLine
    ) -> AgreementLine:
        if query.line_id not in self.lines:
            raise NotFound("gone", "No such line.")
        return self.lines[query.line_id]

    @hookimpl
    def get_billing_lock(self, ctx: Any, query: ask.GetBillingLock) -> BillingLock:
        return BillingLock(
            agreement_id=query.agreement_id, known=True, locked_through=self.locked
        )

    @hookimpl
    def apply_line_change(self, ctx: Any, command: ask.ApplyLineChange) -> LineOutcome:
        change = command.change
        self.writes.append(change)
        if self.refuse:
            raise Rejected("refused", self.refuse)
        if self.fail_writes:
            self.fail_writes -= 1
            raise OutcomeUnknown("http_500", "The PSA answered 500.")
        line = self._carry_out(change)
        if self.lose_answers:
            self.lose_answers -= 1
            raise OutcomeUnknown("timeout", "The answer was lost.")
        return LineOutcome(state=OutcomeState.DONE, line=line, vendor_request_id="r1")

    def _carry_out(self, change: LineChange) -> AgreementLine:
        if change.kind is LineChangeKind.CREATE:
            id_ = f"new-{len(self.lines) + 1}"
            self.line(
                id_,
                change.company_id,
                int(change.quantity or 0),
                product_id=change.product_id,
                unit_price=change.unit_price,
                unit_cost=change.unit_cost,
                effective=change.effective,
                reference=change.reference,
            )
        elif change.kind is LineChangeKind.SET_QUANTITY:
            id_ = change.line_id or ""
            self.edit(id_, quantity=change.quantity, reference=change.reference)
        else:
            id_ = change.line_id or ""
            self.edit(id_, ends=change.ends, reference=change.reference)
        return self.lines[id_]

    @hookimpl
    def find_line(self, ctx: Any, query: ask.FindLine) -> AgreementLine | None:
        self.asked.append(query)
        wanted = query.change.reference
        return next((x for x in self.lines.values() if x.reference == wanted), None)

    @hookimpl
    def create_ticket(self, ctx: Any, command: ask.CreateTicket) -> TicketOutcome:
        new = command.reference not in self.tickets
        self.tickets[command.reference] = command.summary + "\n" + command.body
        return TicketOutcome(vendor_id=f"T-{command.reference[:8]}", created=new)


class Killed(BaseException):
    """The process dies here."""


@dataclass
class Inline:
    """A job's surroundings without the engine: steps run at once, as plain JSON."""

    hub: Any
    run_id: str
    tenant_id: str
    kill_at: str = ""
    points: list[str] = field(default_factory=list)

    def step(self, function: Callable[..., Any], *args: Any, **options: Any) -> Any:
        name = options.get("name") or function.__name__
        self.fault(f"{name}:before")
        found = function(*args)
        self.fault(f"{name}:after")
        return json.loads(json.dumps(found))

    def effect(self, effect: Any) -> Any:
        effects = Effects(self.hub.jobs.intents, self.hub.clock, fault=self.fault)
        return effects.run(effect, run_id=self.run_id, tenant_id=self.tenant_id)

    def progress(self, **_: Any) -> None:
        """Nobody looks."""

    def stop_if_cancelled(self) -> None:
        """Nobody cancels."""

    def fault(self, name: str) -> None:
        self.points.append(name)
        if self.kill_at and name == self.kill_at:
            raise Killed


@dataclass
class Books:
    """A hub over one vendor and one PSA, with short ways to use it."""

    hub: Any
    vendor: MemoryVendor
    psa: MemoryPsa
    actor: Any
    vendor_id: str
    psa_id: str
    runs: int = 0

    def sync(self) -> None:
        for connection in (self.vendor_id, self.psa_id):
            self.runs += 1
            steps = self.hub.sync.steps
            run = SyncRun(f"s{self.runs}", self.actor.tenant_id, connection)
            opened = steps.open_run(run, "full", "", "crawl", "test")
            for name, per in opened["streams"]:
                while not steps.crawl(run, name, per, lambda *_: None, lambda: False):
                    pass
                steps.finish_stream(run, name, per)
            steps.close_run(run, opened["at"])
        self.hub.clock.advance(timedelta(minutes=1))

    def map_all(self) -> None:
        """Every vendor customer to the company of the same id; SEAT to 5501."""
        with self.hub.store.unit(TenantScope(self.actor.tenant_id)) as session:
            for account in session.query(CustomerAccount).all():
                if account.vendor_id in self.psa.companies:
                    self.map_one(session, account.vendor_id, account.vendor_id)
            self.map_product(session, "SEAT", "5501")
        self.hub.reconciliation.rules.set(
            self.actor,
            RuleWish(
                psa_connection_id=self.psa_id,
                kind="price",
                body={"mode": "markup", "value": "20"},
            ),
        )

    def map_one(self, session: Any, customer: str, company: str) -> None:
        account = (
            session.query(CustomerAccount)
            .where(CustomerAccount.vendor_id == customer)
            .one()
        )
        session.add(
            CustomerMap(
                id=new_id("cma"),
                tenant_id=self.actor.tenant_id,
                status="confirmed",
                account_id=account.id,
                vendor_connection_id=self.vendor_id,
                vendor_customer_id=customer,
                psa_connection_id=self.psa_id,
                psa_company_id=company,
            )
        )

    def map_product(self, session: Any, sku: str, product: str, **more: Any) -> None:
        session.add(
            ProductMap(
                id=new_id("pma"),
                tenant_id=self.actor.tenant_id,
                sku=sku,
                psa_connection_id=self.psa_id,
                psa_product_id=product,
                **({"status": "confirmed", "taxable": True} | more),
            )
        )

    def reconcile(self, scope: str = "all", level: int = 1) -> Any:
        ref = self.hub.reconciliation.start(self.actor, self.psa_id, scope, level=level)
        ctx = Inline(self.hub, ref.run_id, self.actor.tenant_id)
        recon_jobs.reconcile_books(ctx, self.psa_id)
        self.finish(ref.run_id)
        return self.hub.reconciliation.run(self.actor, ref.run_id)

    def finish(self, run_id: str) -> None:
        """What the engine does at the end: the run no longer blocks its scope."""
        from entrepot.jobs.tables import JobRun
        from sqlalchemy import update

        with self.hub.store.unit(TenantScope(self.actor.tenant_id)) as session:
            session.execute(
                update(JobRun)
                .where(JobRun.tenant_id == self.actor.tenant_id, JobRun.id == run_id)
                .values(state="done", ended_at=self.hub.clock.now())
                .execution_options(synchronize_session=False)
            )

    def issues(self, **query: Any) -> list[Any]:
        wanted = IssueQuery(psa_connection_id=self.psa_id, limit=200, **query)
        return list(self.hub.reconciliation.issues(self.actor, wanted).items)

    def kinds(self, **query: Any) -> list[str]:
        return sorted(issue.kind for issue in self.issues(**query))

    def plan(self, *kinds: str, choices: dict[str, str] | None = None) -> Any:
        picked = [one for one in self.issues() if not kinds or one.kind in kinds]
        chosen = {one.id: (choices or {}).get(one.kind, "") for one in picked}
        return self.hub.reconciliation.plan(
            self.actor, [one.id for one in picked], chosen
        )

    def approve(self, plan: Any, **more: Any) -> Any:
        return self.hub.reconciliation.approve(self.actor, plan.id, plan.digest, **more)

    def apply(self, plan: Any, kill_at: str = "") -> Any:
        ref = self.hub.reconciliation.apply(self.actor, plan.id)
        ctx = Inline(self.hub, ref.run_id, self.actor.tenant_id, kill_at)
        try:
            recon_jobs.apply_plan(ctx, plan.id)
        finally:
            self.finish(ref.run_id)
            self.points = ctx.points
        return self.hub.reconciliation.get_plan(self.actor, plan.id)

    def correct(self, *kinds: str, **more: Any) -> Any:
        plan = self.plan(*kinds, **more)
        self.approve(plan)
        return self.apply(plan)


@pytest.fixture
def books(settings, clock, tenant):
    clock.set(NOW)
    vendor, psa = MemoryVendor(), MemoryPsa()
    hub = build_hub(settings, clock=clock, plugins={"vendor": vendor, "psa": psa})
    actor = system_actor("tests", tenant)
    first = hub.connections.add(actor, plugin="vendor", name="Vendor", values={})
    second = hub.connections.add(actor, plugin="psa", name="PSA", values={})
    yield Books(hub, vendor, psa, actor, first.id, second.id)
    hub.close()


@pytest.fixture
def contoso(books):
    """One customer, ten seats at the vendor, ten in the PSA, everything mapped."""
    books.vendor.sell("contoso", "s1", 10)
    books.psa.line("l1", "contoso", 10)
    books.sync()
    books.map_all()
    return books
