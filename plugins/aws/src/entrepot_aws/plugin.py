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

from entrepot_aws import about, catalogue, charges, customers, runtime, subscriptions
from entrepot_aws.services import Services


class AwsPlugin:
    """AWS, read side. Keeps nothing: state lives in ``ctx.runtime``."""

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
        """No client and no key yet; the first call makes them."""
        return runtime.Runtime(services=Services(ctx.settings))

    @hookimpl
    def close_connection(self, ctx: PluginContext) -> None:
        """Forget temporary keys."""
        if isinstance(ctx.runtime, runtime.Runtime):
            ctx.runtime.keys.clear()

    @hookimpl
    def check_connection(self, ctx: PluginContext) -> CheckResult:
        """Sign in and read the organization."""
        return customers.check(ctx)

    @hookimpl
    def list_customers(
        self, ctx: PluginContext, query: ask.ListCustomers
    ) -> Page[VendorCustomer]:
        """Units of the organization, then organizations that transfer their bill."""
        return customers.customers(ctx, query)

    @hookimpl
    def get_customer(
        self, ctx: PluginContext, query: ask.GetCustomer
    ) -> VendorCustomer:
        """One customer with e-mail, domain, tags and billing group."""
        return customers.customer(ctx, query)

    @hookimpl
    def list_offers(self, ctx: PluginContext, query: ask.ListOffers) -> Page[Offer]:
        """What can be bought."""
        return catalogue.list_offers(ctx, query)

    @hookimpl
    def list_subscriptions(
        self, ctx: PluginContext, query: ask.ListSubscriptions
    ) -> Page[Subscription]:
        """What one customer has."""
        return subscriptions.subscriptions(ctx, query)

    @hookimpl
    def get_subscription(
        self, ctx: PluginContext, query: ask.GetSubscription
    ) -> Subscription:
        """One subscription, afresh."""
        return subscriptions.subscription(ctx, query)

    @hookimpl
    def list_usage(self, ctx: PluginContext, query: ask.ListUsage) -> Page[UsageLine]:
        """Metered lines of the cost export."""
        return charges.usage(ctx, query)

    @hookimpl
    def list_charges(self, ctx: PluginContext, query: ask.ListCharges) -> Page[Charge]:
        """All lines of the cost export; Cost Explorer where there is none."""
        return charges.charges(ctx, query)

    @hookimpl
    def get_console_link(
        self, ctx: PluginContext, query: ask.GetConsoleLink
    ) -> str | None:
        """The object's page in the vendor's console."""
        del ctx
        return about.console_link(query)


plugin = AwsPlugin()
