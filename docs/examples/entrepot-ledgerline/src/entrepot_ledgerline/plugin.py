"""The Ledgerline plugin: hooks that delegate."""

from __future__ import annotations

from importlib.metadata import version

from entrepot.sdk import queries as ask
from entrepot.sdk.context import PluginContext
from entrepot.sdk.hookspecs import hookimpl
from entrepot.sdk.model import (
    Agreement,
    AgreementLine,
    BillingLock,
    Capabilities,
    CheckResult,
    Company,
    Gap,
    GapReason,
    Idempotency,
    LineOutcome,
    Listing,
    Page,
    PlannedCall,
    PluginInfo,
    PluginKind,
    PsaProduct,
    QuotaKey,
    TicketOutcome,
)

from entrepot_ledgerline import mapping, wire, writes
from entrepot_ledgerline.client import LedgerlineClient
from entrepot_ledgerline.settings import LedgerlineSettings

INFO = PluginInfo(
    name="ledgerline",
    title="Ledgerline",
    kind=PluginKind.PSA,
    version=version("entrepot-ledgerline"),
    api=(1, 0),
    languages=("de",),
    settings_type=LedgerlineSettings,
    host_patterns=("*.ledgerline.example",),
    quotas=(QuotaKey(name="api", requests=300, seconds=60, burst=20, concurrency=4),),
    capabilities=Capabilities(
        lines=Listing.PER_CUSTOMER,
        page_size=100,
        idempotency=Idempotency.PROBE,
        settle_seconds=5,
        effective_dated_lines=True,
    ),
    gaps=(
        Gap(
            hook="list_changes",
            reason=GapReason.NOT_YET_VENDOR,
            text="Ledgerline has no change feed; every sync lists everything.",
        ),
        Gap(
            hook="receive_notification",
            reason=GapReason.NOT_YET_OURS,
            text="Ledgerline's callbacks come with a later release of this plugin.",
        ),
        Gap(
            hook="register_notifications",
            reason=GapReason.NOT_YET_OURS,
            text="Ledgerline's callbacks come with a later release of this plugin.",
        ),
        Gap(
            hook="list_contacts",
            reason=GapReason.NOT_YET_OURS,
            text="Contacts come with a later release of this plugin.",
        ),
        Gap(
            hook="matching_vocabulary",
            reason=GapReason.NEVER,
            text="A PSA has no product names of its own.",
        ),
    ),
)


class Runtime:
    """What one connection keeps between calls."""

    def __init__(self) -> None:
        self.office: wire.Office | None = None


class LedgerlinePlugin:
    """Hook implementations; keeps no state."""

    @hookimpl
    def describe_plugin(self) -> PluginInfo:
        """Identity, capabilities, limits and gaps."""
        return INFO

    @hookimpl
    def open_connection(self, ctx: PluginContext) -> Runtime:
        """Nothing is asked yet."""
        return Runtime()

    @hookimpl
    def close_connection(self, ctx: PluginContext) -> None:
        """Forget what was kept."""
        ctx.runtime.office = None

    @hookimpl
    def check_connection(self, ctx: PluginContext) -> CheckResult:
        """Read the tenant."""
        ctx.runtime.office = None
        office = _office(ctx)
        return CheckResult(
            account_name=office.name,
            base_currency=office.currency,
            time_zone=office.zone,
        )

    @hookimpl
    def list_companies(
        self, ctx: PluginContext, query: ask.ListCompanies
    ) -> Page[Company]:
        """One page of companies."""
        return mapping.page(_list(ctx, "/api/firms", query), mapping.decode_company)

    @hookimpl
    def list_products(
        self, ctx: PluginContext, query: ask.ListProducts
    ) -> Page[PsaProduct]:
        """One page of products."""
        decode = mapping.decode_product(_office(ctx).currency)
        return mapping.page(_list(ctx, "/api/articles", query), decode)

    @hookimpl
    def list_agreements(
        self, ctx: PluginContext, query: ask.ListAgreements
    ) -> Page[Agreement]:
        """One page of agreements, of one company or of all."""
        decode = mapping.decode_agreement(_office(ctx).currency)
        path = "/api/contracts"
        if query.company_id:
            path = f"/api/firms/{query.company_id}/contracts"
        return mapping.page(_list(ctx, path, query), decode)

    @hookimpl
    def list_agreement_lines(
        self, ctx: PluginContext, query: ask.ListAgreementLines
    ) -> Page[AgreementLine]:
        """One page of one agreement's lines."""
        path = f"/api/contracts/{query.agreement_id}/positions"
        return mapping.page(_list(ctx, path, query), mapping.decode_line)

    @hookimpl
    def get_agreement_line(
        self, ctx: PluginContext, query: ask.GetAgreementLine
    ) -> AgreementLine:
        """One line, afresh."""
        return mapping.line(_client(ctx).position(query.agreement_id, query.line_id))

    @hookimpl
    def get_billing_lock(
        self, ctx: PluginContext, query: ask.GetBillingLock
    ) -> BillingLock:
        """How far the agreement is invoiced."""
        closing = _client(ctx).closing(query.agreement_id)
        return mapping.lock(query.agreement_id, closing)

    @hookimpl
    def plan_line_changes(
        self, ctx: PluginContext, query: ask.PlanLineChanges
    ) -> tuple[PlannedCall, ...]:
        """The exact calls, without sending any."""
        return tuple(writes.planned(change) for change in query.changes)

    @hookimpl
    def apply_line_change(
        self, ctx: PluginContext, command: ask.ApplyLineChange
    ) -> LineOutcome:
        """One change, read back."""
        return writes.apply(_client(ctx), command.change)

    @hookimpl
    def find_line(
        self, ctx: PluginContext, query: ask.FindLine
    ) -> AgreementLine | None:
        """The line an earlier change wrote."""
        return writes.find(_client(ctx), query.change)

    @hookimpl
    def create_ticket(
        self, ctx: PluginContext, command: ask.CreateTicket
    ) -> TicketOutcome:
        """A ticket, or one more note on the one with this reference."""
        client = _client(ctx)
        known = client.tickets(command.reference)
        if known:
            client.add_note(known[0].id, command.body)
            return TicketOutcome(vendor_id=known[0].id, created=False)
        made = client.add_ticket(
            {
                "reference": command.reference,
                "firm": command.company_id,
                "title": command.summary,
                "text": "\n".join((command.body, *command.links)),
            }
        )
        return TicketOutcome(vendor_id=made.id)

    @hookimpl
    def get_console_link(self, query: ask.GetConsoleLink) -> str | None:
        """The page of a company or an agreement in Ledgerline's own console."""
        pages = {"company": "firms", "agreement": "contracts"}
        page = pages.get(query.kind)
        if page is None:
            return None
        return f"https://console.ledgerline.example/{page}/{query.object_id}"


def _client(ctx: PluginContext) -> LedgerlineClient:
    return LedgerlineClient(ctx.http, ctx.settings.address, ctx.secrets)


def _list(ctx: PluginContext, path: str, query: ask.ListPage) -> wire.Listing:
    return _client(ctx).listing(path, query.cursor, query.page_size)


def _office(ctx: PluginContext) -> wire.Office:
    if ctx.runtime.office is None:
        ctx.runtime.office = _client(ctx).office()
    office: wire.Office = ctx.runtime.office
    return office


plugin = LedgerlinePlugin()
