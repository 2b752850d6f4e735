"""The ConnectWise PSA plugin: hooks that delegate."""

from __future__ import annotations

from importlib.metadata import version

from entrepot.sdk import model
from entrepot.sdk import queries as ask
from entrepot.sdk.context import PluginContext
from entrepot.sdk.hookspecs import hookimpl

from . import checks, listings, lockreading, notifications, tickets, writes
from .about import describe
from .links import console_link
from .runtime import Runtime, open_runtime, session


class ConnectWisePlugin:
    """Hook implementations; keeps no state."""

    @hookimpl
    def describe_plugin(self) -> model.PluginInfo:
        """Tell identity, capabilities and gaps."""
        return describe(version("entrepot-connectwise"))

    @hookimpl
    def open_connection(self, ctx: PluginContext) -> Runtime:
        """Make the session object."""
        return open_runtime(ctx.settings)

    @hookimpl
    def close_connection(self, ctx: PluginContext) -> None:
        """Forget keys; nothing else is held."""
        ctx.runtime.signing_keys.clear()

    @hookimpl
    def check_connection(self, ctx: PluginContext) -> model.CheckResult:
        """Prove settings, keys and rights."""
        return checks.check(session(ctx))

    @hookimpl
    def list_companies(
        self, ctx: PluginContext, query: ask.ListCompanies
    ) -> model.Page[model.Company]:
        """List all companies."""
        return listings.companies(session(ctx), query)

    @hookimpl
    def list_contacts(
        self, ctx: PluginContext, query: ask.ListContacts
    ) -> model.Page[model.Contact]:
        """List people."""
        return listings.contacts(session(ctx), query)

    @hookimpl
    def list_products(
        self, ctx: PluginContext, query: ask.ListProducts
    ) -> model.Page[model.PsaProduct]:
        """List the catalogue."""
        return listings.products(session(ctx), query)

    @hookimpl
    def list_agreements(
        self, ctx: PluginContext, query: ask.ListAgreements
    ) -> model.Page[model.Agreement]:
        """List agreements."""
        return listings.agreements(session(ctx), query)

    @hookimpl
    def list_agreement_lines(
        self, ctx: PluginContext, query: ask.ListAgreementLines
    ) -> model.Page[model.AgreementLine]:
        """List one agreement's lines."""
        return listings.lines(session(ctx), query)

    @hookimpl
    def get_agreement_line(
        self, ctx: PluginContext, query: ask.GetAgreementLine
    ) -> model.AgreementLine:
        """Read one line afresh."""
        return listings.one_line(session(ctx), query.agreement_id, query.line_id)

    @hookimpl
    def get_billing_lock(
        self, ctx: PluginContext, query: ask.GetBillingLock
    ) -> model.BillingLock:
        """Tell how far an agreement is invoiced."""
        return lockreading.billing_lock(session(ctx), query.agreement_id)

    @hookimpl
    def plan_line_changes(
        self, ctx: PluginContext, query: ask.PlanLineChanges
    ) -> tuple[model.PlannedCall, ...]:
        """Turn intended changes into calls."""
        return writes.plan(query)

    @hookimpl
    def apply_line_change(
        self, ctx: PluginContext, command: ask.ApplyLineChange
    ) -> model.LineOutcome:
        """Carry out one change and read it back."""
        return writes.apply(session(ctx), command.change)

    @hookimpl
    def find_line(
        self, ctx: PluginContext, query: ask.FindLine
    ) -> model.AgreementLine | None:
        """Look for what an earlier change wrote."""
        return writes.find(session(ctx), query)

    @hookimpl
    def create_ticket(
        self, ctx: PluginContext, command: ask.CreateTicket
    ) -> model.TicketOutcome:
        """Create or update a service ticket."""
        return tickets.create(session(ctx), command)

    @hookimpl
    def register_notifications(
        self, ctx: PluginContext, command: ask.RegisterNotifications
    ) -> model.NotificationRegistration:
        """Create or renew callbacks."""
        return notifications.register(session(ctx), command.url)

    @hookimpl
    def receive_notification(
        self, ctx: PluginContext, query: ask.ReceiveNotification
    ) -> model.Notification:
        """Verify and decode a callback."""
        return notifications.receive(session(ctx), query)

    @hookimpl
    def get_console_link(
        self, ctx: PluginContext, query: ask.GetConsoleLink
    ) -> str | None:
        """Address of a record in the PSA."""
        return console_link(ctx.runtime.site, query)


plugin = ConnectWisePlugin()
