"""The hooks of the plugin; each one delegates."""

from __future__ import annotations

from entrepot.sdk import queries as ask
from entrepot.sdk.context import PluginContext
from entrepot.sdk.hookspecs import hookimpl
from entrepot.sdk.model import (
    ChangeEvent,
    Charge,
    CheckResult,
    Contact,
    MatchingVocabulary,
    Notification,
    NotificationRegistration,
    Offer,
    Page,
    PluginInfo,
    Subscription,
    UsageLine,
    VendorCustomer,
    VendorOrder,
)

from entrepot_microsoft import (
    about,
    catalogue,
    invoices,
    metering,
    notices,
    reads,
    runtime,
)


class MicrosoftPlugin:
    """Microsoft CSP, read side. Keeps nothing: state lives in ``ctx.runtime``."""

    @hookimpl
    def describe_plugin(self) -> PluginInfo:
        """Identity, capabilities, limits and gaps."""
        return about.INFO

    @hookimpl
    def matching_vocabulary(self) -> MatchingVocabulary:
        """Words for core's matcher."""
        return about.VOCABULARY

    @hookimpl
    def open_connection(self, ctx: PluginContext) -> runtime.Runtime:
        """Empty caches; the first call signs in."""
        del ctx
        return runtime.Runtime()

    @hookimpl
    def close_connection(self, ctx: PluginContext) -> None:
        """Forget tokens."""
        if isinstance(ctx.runtime, runtime.Runtime):
            ctx.runtime.tokens.held.clear()

    @hookimpl
    def check_connection(self, ctx: PluginContext) -> CheckResult:
        """Sign in and read one customer."""
        return reads.check(ctx)

    @hookimpl
    def list_customers(
        self, ctx: PluginContext, query: ask.ListCustomers
    ) -> Page[VendorCustomer]:
        """One page of up to 500 reduced customers."""
        return reads.customers(ctx, query)

    @hookimpl
    def get_customer(
        self, ctx: PluginContext, query: ask.GetCustomer
    ) -> VendorCustomer:
        """One customer with billing profile and domains."""
        return reads.customer(ctx, query)

    @hookimpl
    def list_contacts(
        self, ctx: PluginContext, query: ask.ListContacts
    ) -> Page[Contact]:
        """The person of the billing profile."""
        return reads.contacts(ctx, query)

    @hookimpl
    def list_offers(self, ctx: PluginContext, query: ask.ListOffers) -> Page[Offer]:
        """Price sheets, catalogue details if wanted, legacy offers."""
        return catalogue.list_offers(ctx, query)

    @hookimpl
    def list_subscriptions(
        self, ctx: PluginContext, query: ask.ListSubscriptions
    ) -> Page[Subscription]:
        """All subscriptions of one customer."""
        return reads.subscriptions(ctx, query)

    @hookimpl
    def get_subscription(
        self, ctx: PluginContext, query: ask.GetSubscription
    ) -> Subscription:
        """One subscription, afresh."""
        return reads.subscription(ctx, query)

    @hookimpl
    def list_orders(
        self, ctx: PluginContext, query: ask.ListOrders
    ) -> Page[VendorOrder]:
        """All orders of one customer."""
        return reads.orders(ctx, query)

    @hookimpl
    def list_usage(self, ctx: PluginContext, query: ask.ListUsage) -> Page[UsageLine]:
        """Daily rated usage of the billing export."""
        return metering.usage(ctx, query)

    @hookimpl
    def list_charges(self, ctx: PluginContext, query: ask.ListCharges) -> Page[Charge]:
        """Billing lines of a month's invoices; a preview before they are out."""
        return invoices.charges(ctx, query)

    @hookimpl
    def list_changes(
        self, ctx: PluginContext, query: ask.ListChanges
    ) -> Page[ChangeEvent]:
        """One day of the activity log per page."""
        return reads.changes(ctx, query)

    @hookimpl
    def receive_notification(
        self, ctx: PluginContext, query: ask.ReceiveNotification
    ) -> Notification:
        """Verify the signature and name what to read again."""
        return notices.receive(ctx, query)

    @hookimpl
    def register_notifications(
        self, ctx: PluginContext, command: ask.RegisterNotifications
    ) -> NotificationRegistration:
        """Create or replace the webhook registration."""
        return notices.register(ctx, command)

    @hookimpl
    def get_console_link(
        self, ctx: PluginContext, query: ask.GetConsoleLink
    ) -> str | None:
        """The object's page in the vendor's portal."""
        del ctx
        return about.console_link(query)


plugin = MicrosoftPlugin()
