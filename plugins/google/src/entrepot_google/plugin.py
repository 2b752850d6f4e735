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
    TakenFile,
    UsageLine,
    VendorCustomer,
    VendorOrder,
)

from entrepot_google import (
    about,
    billing,
    catalogue,
    changes,
    filed,
    notices,
    reads,
    runtime,
)


class GooglePlugin:
    """Google for partners, read side. Keeps nothing: state lives in ``ctx.runtime``."""

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
        """One page of up to 50 customers."""
        return reads.customers(ctx, query)

    @hookimpl
    def get_customer(
        self, ctx: PluginContext, query: ask.GetCustomer
    ) -> VendorCustomer:
        """One customer, afresh."""
        return reads.customer(ctx, query)

    @hookimpl
    def list_contacts(
        self, ctx: PluginContext, query: ask.ListContacts
    ) -> Page[Contact]:
        """The customer's primary contact."""
        return reads.contacts(ctx, query)

    @hookimpl
    def list_offers(self, ctx: PluginContext, query: ask.ListOffers) -> Page[Offer]:
        """What is sold now, with the partner's own prices where they are told."""
        return catalogue.list_offers(ctx, query)

    @hookimpl
    def list_subscriptions(
        self, ctx: PluginContext, query: ask.ListSubscriptions
    ) -> Page[Subscription]:
        """One page of a customer's entitlements."""
        return reads.subscriptions(ctx, query)

    @hookimpl
    def get_subscription(
        self, ctx: PluginContext, query: ask.GetSubscription
    ) -> Subscription:
        """One entitlement, afresh."""
        return reads.subscription(ctx, query)

    @hookimpl
    def list_orders(
        self, ctx: PluginContext, query: ask.ListOrders
    ) -> Page[VendorOrder]:
        """A customer's history of changes."""
        return reads.orders(ctx, query)

    @hookimpl
    def list_usage(self, ctx: PluginContext, query: ask.ListUsage) -> Page[UsageLine]:
        """Metered use by day and SKU, from the billing export."""
        return billing.list_usage(ctx, query)

    @hookimpl
    def list_charges(self, ctx: PluginContext, query: ask.ListCharges) -> Page[Charge]:
        """Lines of the billing export by invoice month."""
        return billing.list_charges(ctx, query)

    @hookimpl
    def take_file(self, ctx: PluginContext, query: ask.TakeFile) -> TakenFile:
        """Cut an export of the billing table into invoice months."""
        return filed.take(ctx, query)

    @hookimpl
    def list_changes(
        self, ctx: PluginContext, query: ask.ListChanges
    ) -> Page[ChangeEvent]:
        """Waiting events, differences of the estate, the longest unread customers."""
        return changes.list_changes(ctx, query)

    @hookimpl
    def receive_notification(
        self, ctx: PluginContext, query: ask.ReceiveNotification
    ) -> Notification:
        """Verify the identity token and name what to read again."""
        return notices.receive(ctx, query)

    @hookimpl
    def register_notifications(
        self, ctx: PluginContext, command: ask.RegisterNotifications
    ) -> NotificationRegistration:
        """Listen to the account's topic and let it push to the hub."""
        return notices.register(ctx, command)

    @hookimpl
    def get_console_link(
        self, ctx: PluginContext, query: ask.GetConsoleLink
    ) -> str | None:
        """The object's page in the partner console."""
        del ctx
        return about.console_link(query)


plugin = GooglePlugin()
