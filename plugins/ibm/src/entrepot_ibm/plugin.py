"""The hooks of the plugin; each one delegates."""

from __future__ import annotations

from entrepot.sdk import queries as ask
from entrepot.sdk.context import PluginContext
from entrepot.sdk.hookspecs import hookimpl
from entrepot.sdk.model import (
    Charge,
    CheckResult,
    MatchingVocabulary,
    Offer,
    Page,
    PluginInfo,
    Subscription,
    UsageLine,
    VendorCustomer,
)

from entrepot_ibm import about, billing, catalogue, reads, runtime


class IbmPlugin:
    """IBM Cloud, read side. Keeps nothing: state lives in ``ctx.runtime``."""

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
            ctx.runtime.tokens.clear()

    @hookimpl
    def check_connection(self, ctx: PluginContext) -> CheckResult:
        """Sign in and read who we are."""
        return reads.check(ctx)

    @hookimpl
    def list_customers(
        self, ctx: PluginContext, query: ask.ListCustomers
    ) -> Page[VendorCustomer]:
        """Accounts of the enterprise, or everybody in the partner's reports."""
        return reads.customers(ctx, query)

    @hookimpl
    def get_customer(
        self, ctx: PluginContext, query: ask.GetCustomer
    ) -> VendorCustomer:
        """One customer, read afresh."""
        return reads.customer(ctx, query)

    @hookimpl
    def list_offers(self, ctx: PluginContext, query: ask.ListOffers) -> Page[Offer]:
        """Plans of the catalogue, then part numbers of the settings."""
        return catalogue.list_offers(ctx, query)

    @hookimpl
    def list_subscriptions(
        self, ctx: PluginContext, query: ask.ListSubscriptions
    ) -> Page[Subscription]:
        """Commitments, licences and instances of one customer."""
        return reads.subscriptions(ctx, query)

    @hookimpl
    def get_subscription(
        self, ctx: PluginContext, query: ask.GetSubscription
    ) -> Subscription:
        """One subscription, afresh."""
        return reads.subscription(ctx, query)

    @hookimpl
    def list_usage(self, ctx: PluginContext, query: ask.ListUsage) -> Page[UsageLine]:
        """One month of usage per page."""
        return billing.usage(ctx, query)

    @hookimpl
    def list_charges(self, ctx: PluginContext, query: ask.ListCharges) -> Page[Charge]:
        """One month of charges per page."""
        return billing.charges(ctx, query)

    @hookimpl
    def get_console_link(
        self, ctx: PluginContext, query: ask.GetConsoleLink
    ) -> str | None:
        """The object's page in the vendor's console."""
        del ctx
        return about.console_link(query)


plugin = IbmPlugin()
