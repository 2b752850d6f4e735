"""The typed facade over all hooks: what services call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from entrepot.plugins.calling import Border
from entrepot.plugins.manager import LoadedPlugin, PluginRegistry, load_plugins
from entrepot.plugins.wording import Wording
from entrepot.sdk import queries as ask
from entrepot.sdk.context import PluginContext
from entrepot.sdk.model import (
    Agreement,
    AgreementLine,
    BillingLock,
    Capabilities,
    ChangeEvent,
    Charge,
    CheckResult,
    Company,
    Contact,
    Gap,
    LineOutcome,
    MatchingVocabulary,
    Notification,
    NotificationRegistration,
    Offer,
    Page,
    PlannedCall,
    PluginInfo,
    PsaProduct,
    Subscription,
    TakenFile,
    TicketOutcome,
    UsageLine,
    VendorCustomer,
    VendorOrder,
)

PluginState = Literal["loaded", "failed", "blocked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginStatus:
    """One line of `entrepot plugins list`, the API and the page.

    Attributes:
        name: Entry-point name.
        state: ``loaded``, ``failed``, or ``blocked`` by the allow-list.
        reason: Why it is not loaded; empty when it is.
        title: What people read; the name when it is not loaded.
        kind: ``vendor``, ``psa`` or ``policy``; empty when it is not loaded.
        version: The plugin's version.
        api: Plugin API it was written for, as ``1.0``.
        distribution: Installed distribution and version.
        capabilities: What it can do; None when it is not loaded.
        gaps: What it says it cannot do.
        hooks: Hooks it implements.
        bugs: Broken contracts since the process started.
    """

    name: str
    state: PluginState
    reason: str = ""
    title: str = ""
    kind: str = ""
    version: str = ""
    api: str = ""
    distribution: str = ""
    capabilities: Capabilities | None = None
    gaps: tuple[Gap, ...] = ()
    hooks: tuple[str, ...] = ()
    bugs: int = 0


class Plugins:
    """Calls plugins by the owner named in `ctx.plugin`.

    Every method raises what its hook's specification lists, plus `Unsupported`
    (no implementation), `ConfigInvalid` (plugin not installed) and `PluginBug`.

    Args:
        registry: All plugins; see `entrepot.plugins.manager.load_plugins`.
    """

    def __init__(self, registry: PluginRegistry) -> None:
        self._border = Border(registry)
        self._wording = Wording(self._speaking)

    @classmethod
    def of(cls, **plugins: object) -> Plugins:
        """A facade over just these plugin objects; for tests."""
        return cls(load_plugins(explicit=plugins, installed=()))

    # What is there

    def names(self) -> list[str]:
        """Names of the loaded plugins, sorted."""
        return sorted(self._border.registry.loaded)

    def info(self, name: str) -> PluginInfo:
        """What a plugin says of itself.

        Raises:
            ConfigInvalid: it is not loaded; says why.
        """
        return self._border.loaded(name).info

    def package(self, name: str) -> str:
        """The top package a plugin's object comes from.

        Raises:
            ConfigInvalid: it is not loaded; says why.
        """
        return type(self._border.loaded(name).plugin).__module__.partition(".")[0]

    def say(self, text: str, language: str) -> str:
        """A plugin's text in a language; unchanged where its plugin has no other."""
        return self._wording.say(text, language)

    def _speaking(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        for name in self.names():
            yield self.package(name), self.info(name).languages

    def has(self, name: str, hook: str) -> bool:
        """True when the plugin is loaded and implements the hook."""
        return self._border.has(name, hook)

    def list(self) -> tuple[PluginStatus, ...]:
        """Every installed plugin, the failed ones included, by name."""
        registry = self._border.registry
        loaded = [self._loaded_status(plugin) for plugin in registry.loaded.values()]
        failed = [
            PluginStatus(
                name=entry.name,
                state="blocked" if entry.blocked else "failed",
                reason=entry.reason,
                title=entry.name,
                distribution=entry.distribution,
            )
            for entry in registry.failed.values()
        ]
        return tuple(sorted(loaded + failed, key=lambda status: status.name))

    def vocabularies(self) -> Mapping[str, MatchingVocabulary]:
        """The matcher's vocabulary of every plugin that has one, by plugin name."""
        return self._border.broadcast("matching_vocabulary", MatchingVocabulary)

    # Everybody

    def open_connection(self, ctx: PluginContext) -> Any:  # noqa: ANN401 - the plugin's own object
        """The plugin's session object for `ctx.runtime`; never None.

        Raises:
            ConfigInvalid: a setting cannot work.
        """
        return self._border.ask("open_connection", object, ctx)

    def close_connection(self, ctx: PluginContext) -> None:
        """Release what `open_connection` took; does nothing without the hook."""
        if self.has(ctx.plugin, "close_connection"):
            self._border.ask_any("close_connection", ctx)

    def check_connection(self, ctx: PluginContext) -> CheckResult:
        """Prove that settings and credentials work."""
        return self._border.ask("check_connection", CheckResult, ctx)

    def list_changes(
        self, ctx: PluginContext, query: ask.ListChanges
    ) -> Page[ChangeEvent]:
        """A page of the change feed."""
        return self._border.ask("list_changes", Page, ctx, query=query)

    def receive_notification(
        self, ctx: PluginContext, query: ask.ReceiveNotification
    ) -> Notification:
        """Verify and decode an inbound notification."""
        return self._border.ask("receive_notification", Notification, ctx, query=query)

    def register_notifications(
        self, ctx: PluginContext, command: ask.RegisterNotifications
    ) -> NotificationRegistration:
        """Create or renew our registration for notifications."""
        return self._border.ask(
            "register_notifications", NotificationRegistration, ctx, command=command
        )

    def get_console_link(
        self, ctx: PluginContext, query: ask.GetConsoleLink
    ) -> str | None:
        """Address of an object in the other side's console; None without a page."""
        if not self.has(ctx.plugin, "get_console_link"):
            return None
        return self._border.ask_optional("get_console_link", str, ctx, query=query)

    def list_contacts(
        self, ctx: PluginContext, query: ask.ListContacts
    ) -> Page[Contact]:
        """A page of people."""
        return self._border.ask("list_contacts", Page, ctx, query=query)

    # Vendor side

    def list_customers(
        self, ctx: PluginContext, query: ask.ListCustomers
    ) -> Page[VendorCustomer]:
        """A page of customers."""
        return self._border.ask("list_customers", Page, ctx, query=query)

    def get_customer(
        self, ctx: PluginContext, query: ask.GetCustomer
    ) -> VendorCustomer:
        """One customer with all details."""
        return self._border.ask("get_customer", VendorCustomer, ctx, query=query)

    def list_offers(self, ctx: PluginContext, query: ask.ListOffers) -> Page[Offer]:
        """A page of offers with prices."""
        return self._border.ask("list_offers", Page, ctx, query=query)

    def list_subscriptions(
        self, ctx: PluginContext, query: ask.ListSubscriptions
    ) -> Page[Subscription]:
        """A page of subscriptions, ended ones included."""
        return self._border.ask("list_subscriptions", Page, ctx, query=query)

    def get_subscription(
        self, ctx: PluginContext, query: ask.GetSubscription
    ) -> Subscription:
        """One subscription, read afresh."""
        return self._border.ask("get_subscription", Subscription, ctx, query=query)

    def list_orders(
        self, ctx: PluginContext, query: ask.ListOrders
    ) -> Page[VendorOrder]:
        """A page of orders as the vendor reports them."""
        return self._border.ask("list_orders", Page, ctx, query=query)

    def list_usage(self, ctx: PluginContext, query: ask.ListUsage) -> Page[UsageLine]:
        """A page of metered quantities."""
        return self._border.ask("list_usage", Page, ctx, query=query)

    def list_charges(self, ctx: PluginContext, query: ask.ListCharges) -> Page[Charge]:
        """A page of what the vendor charges."""
        return self._border.ask("list_charges", Page, ctx, query=query)

    def take_file(self, ctx: PluginContext, query: ask.TakeFile) -> TakenFile:
        """A handed-in file, checked and cut into what shall be kept."""
        return self._border.ask("take_file", TakenFile, ctx, query=query)

    # PSA side

    def list_companies(
        self, ctx: PluginContext, query: ask.ListCompanies
    ) -> Page[Company]:
        """A page of the PSA's companies."""
        return self._border.ask("list_companies", Page, ctx, query=query)

    def list_products(
        self, ctx: PluginContext, query: ask.ListProducts
    ) -> Page[PsaProduct]:
        """A page of the PSA's product catalogue."""
        return self._border.ask("list_products", Page, ctx, query=query)

    def list_agreements(
        self, ctx: PluginContext, query: ask.ListAgreements
    ) -> Page[Agreement]:
        """A page of agreements."""
        return self._border.ask("list_agreements", Page, ctx, query=query)

    def list_agreement_lines(
        self, ctx: PluginContext, query: ask.ListAgreementLines
    ) -> Page[AgreementLine]:
        """A page of an agreement's lines, ended ones included."""
        return self._border.ask("list_agreement_lines", Page, ctx, query=query)

    def get_agreement_line(
        self, ctx: PluginContext, query: ask.GetAgreementLine
    ) -> AgreementLine:
        """One line, read afresh."""
        return self._border.ask("get_agreement_line", AgreementLine, ctx, query=query)

    def get_billing_lock(
        self, ctx: PluginContext, query: ask.GetBillingLock
    ) -> BillingLock:
        """How far an agreement is invoiced."""
        return self._border.ask("get_billing_lock", BillingLock, ctx, query=query)

    def plan_line_changes(
        self, ctx: PluginContext, query: ask.PlanLineChanges
    ) -> tuple[PlannedCall, ...]:
        """The exact calls that changes would make; none is sent."""
        return self._border.ask("plan_line_changes", tuple, ctx, query=query)

    def apply_line_change(
        self, ctx: PluginContext, command: ask.ApplyLineChange
    ) -> LineOutcome:
        """Carry out one change, read it back and compare."""
        return self._border.ask("apply_line_change", LineOutcome, ctx, command=command)

    def find_line(
        self, ctx: PluginContext, query: ask.FindLine
    ) -> AgreementLine | None:
        """The line an earlier change may have written; None when certainly none."""
        return self._border.ask_optional("find_line", AgreementLine, ctx, query=query)

    def create_ticket(
        self, ctx: PluginContext, command: ask.CreateTicket
    ) -> TicketOutcome:
        """Create a ticket, or add to the one with the same reference."""
        return self._border.ask("create_ticket", TicketOutcome, ctx, command=command)

    def _loaded_status(self, plugin: LoadedPlugin) -> PluginStatus:
        info = plugin.info
        return PluginStatus(
            name=plugin.name,
            state="loaded",
            title=info.title,
            kind=info.kind.value,
            version=info.version,
            api=".".join(map(str, info.api)),
            distribution=plugin.distribution,
            capabilities=info.capabilities,
            gaps=info.gaps,
            hooks=plugin.hooks,
            bugs=self._border.bugs[plugin.name],
        )
