"""The hooks: everything core can ask of a plugin.

Two families. *Addressed* hooks (``firstresult``) go to exactly one plugin, the owner
of the connection in ``ctx``. *Broadcast* hooks go to everybody, one by one. Every
hook takes ``ctx`` and one record; an implementation may leave out arguments it does
not need. A hook that a plugin does not implement is absent, not empty: core reports
`Unsupported`.
"""

from __future__ import annotations

from typing import Any

import pluggy

from entrepot.sdk import queries as ask
from entrepot.sdk.context import PluginContext
from entrepot.sdk.model import (
    Agreement,
    AgreementLine,
    BillingLock,
    ChangeEvent,
    Charge,
    CheckResult,
    Company,
    Contact,
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

PROJECT = "entrepot"
PLUGIN_API = (1, 0)

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


# Everybody


@hookspec
def describe_plugin() -> PluginInfo:
    """Tell who the plugin is and what it can do.

    Called by: the loader, once. Family: broadcast. Since: API 1.0.
    Returns: PluginInfo. Raises: nothing. Must be: pure, without I/O.
    """


@hookspec
def matching_vocabulary() -> MatchingVocabulary:
    """Give the vendor's words for core's matcher.

    Called by: mapping suggestions. Family: broadcast. Since: API 1.0.
    Returns: MatchingVocabulary; empty fields are valid. Raises: nothing.
    """


@hookspec(firstresult=True)
def open_connection(ctx: PluginContext) -> Any:  # noqa: ANN401 - the plugin's own type
    """Make the session object that later calls find in ``ctx.runtime``.

    Called by: core, once per connection and settings version, under a lock.
    Family: addressed. Since: API 1.0.
    Returns: any object of the plugin's; never None. Raises: ConfigInvalid.
    Must be: cheap; no request that can wait until first use.
    """


@hookspec(firstresult=True)
def close_connection(ctx: PluginContext) -> None:
    """Release what `open_connection` took.

    Called by: core, when settings or credentials change and at stop.
    Family: addressed. Since: API 1.0. Returns: nothing. Raises: nothing.
    """


@hookspec(firstresult=True)
def check_connection(ctx: PluginContext) -> CheckResult:
    """Prove that settings and credentials work, by the cheapest honest read.

    Called by: connection set-up, health. Family: addressed. Since: API 1.0.
    Returns: CheckResult. Raises: AuthRequired, ConfigInvalid, Retryable, each with
    a sentence a reseller understands and one remedy. Must be: read-only.
    """


@hookspec(firstresult=True)
def list_changes(
    ctx: PluginContext, query: ask.ListChanges
) -> Page[ChangeEvent] | None:
    """List what changed since a moment or cursor, oldest first.

    Called by: incremental sync. Family: addressed. Since: API 1.0.
    Returns: Page[ChangeEvent]; an empty page is a valid answer. `next_cursor` of the
    last page is None; core then asks again later with `since`.
    Raises: Retryable, AuthRequired. Must be: read-only, resumable by cursor.
    """


@hookspec(firstresult=True)
def receive_notification(
    ctx: PluginContext, query: ask.ReceiveNotification
) -> Notification:
    """Verify and decode an inbound notification.

    Called by: the notification endpoint. Family: addressed. Since: API 1.0.
    Returns: Notification with hints what to read again.
    Raises: Rejected when it is forged, replayed or malformed. Must be: quick.
    """


@hookspec(firstresult=True)
def register_notifications(
    ctx: PluginContext, command: ask.RegisterNotifications
) -> NotificationRegistration:
    """Create or renew our registration for notifications.

    Called by: a renewing job. Family: addressed. Since: API 1.0.
    Returns: NotificationRegistration. Raises: Retryable, AuthRequired, Rejected,
    Unsupported. Must be: idempotent.
    """


@hookspec(firstresult=True)
def get_console_link(ctx: PluginContext, query: ask.GetConsoleLink) -> str | None:
    """Give the address of an object in the other side's own console.

    Called by: pages. Family: addressed. Since: API 1.0.
    Returns: an https address, or None where no page exists. Raises: nothing.
    Must be: pure, without I/O.
    """


@hookspec(firstresult=True)
def list_contacts(ctx: PluginContext, query: ask.ListContacts) -> Page[Contact]:
    """List people of one customer or company, one page at a time.

    Called by: sync. Family: addressed. Since: API 1.0.
    Returns: Page[Contact]; an empty page is a valid answer.
    Raises: Retryable, AuthRequired, NotFound. Must be: read-only, resumable.
    """


# Vendor side


@hookspec(firstresult=True)
def list_customers(
    ctx: PluginContext, query: ask.ListCustomers
) -> Page[VendorCustomer]:
    """List customers visible through this connection, one page at a time.

    Called by: customer sync. Family: addressed. Since: API 1.0.
    Returns: Page[VendorCustomer]; an empty page is a valid answer. Where the listing
    carries only some fields, records say ``detail_complete=False``.
    Raises: Retryable, AuthRequired. Must be: read-only, resumable by cursor.
    """


@hookspec(firstresult=True)
def get_customer(ctx: PluginContext, query: ask.GetCustomer) -> VendorCustomer:
    """Read one customer with all details.

    Called by: customer sync, refresh of one customer. Family: addressed.
    Since: API 1.0. Returns: VendorCustomer.
    Raises: NotFound, Retryable, AuthRequired. Must be: read-only.
    """


@hookspec(firstresult=True)
def list_offers(ctx: PluginContext, query: ask.ListOffers) -> Page[Offer]:
    """List what can be bought and for how much, one page at a time.

    Called by: catalogue sync. Family: addressed. Since: API 1.0.
    Returns: Page[Offer]. Raises: Retryable, AuthRequired.
    Must be: read-only, resumable by cursor.
    """


@hookspec(firstresult=True)
def list_subscriptions(
    ctx: PluginContext, query: ask.ListSubscriptions
) -> Page[Subscription]:
    """List subscriptions, ended ones included as long as the vendor shows them.

    Called by: subscription sync. Family: addressed. Since: API 1.0.
    Returns: Page[Subscription]; an empty page is a valid answer.
    Raises: Retryable, AuthRequired, NotFound (the customer is gone).
    Must be: read-only, resumable by cursor.
    """


@hookspec(firstresult=True)
def get_subscription(ctx: PluginContext, query: ask.GetSubscription) -> Subscription:
    """Read one subscription afresh.

    Called by: refresh, vanished-object check, before writes. Family: addressed.
    Since: API 1.0. Returns: Subscription. Raises: NotFound, Retryable, AuthRequired.
    """


@hookspec(firstresult=True)
def list_orders(ctx: PluginContext, query: ask.ListOrders) -> Page[VendorOrder]:
    """List orders as the vendor reports them, one page at a time.

    Called by: sync, customer page. Family: addressed. Since: API 1.0.
    Returns: Page[VendorOrder]. Raises: Retryable, AuthRequired, NotFound.
    """


@hookspec(firstresult=True)
def list_usage(ctx: PluginContext, query: ask.ListUsage) -> Page[UsageLine]:
    """List what was metered in a period, one page at a time.

    A period is read again while the vendor restates it; a line keeps its id.

    Called by: charges sync. Family: addressed. Since: API 1.0.
    Returns: Page[UsageLine]; an empty page is a valid answer.
    Raises: Retryable, AuthRequired, NotFound (the customer is gone).
    Must be: read-only, resumable by cursor.
    """


@hookspec(firstresult=True)
def list_charges(ctx: PluginContext, query: ask.ListCharges) -> Page[Charge]:
    """List what the vendor charges for a period, one page at a time.

    Invoiced lines and previews alike; `Charge.estimated` tells them apart. A period
    is read again while the vendor restates it; a line keeps its id.

    Called by: charges sync. Family: addressed. Since: API 1.0.
    Returns: Page[Charge]; an empty page is a valid answer.
    Raises: Retryable, AuthRequired, NotFound (the customer is gone).
    Must be: read-only, resumable by cursor.
    """


@hookspec(firstresult=True)
def take_file(ctx: PluginContext, query: ask.TakeFile) -> TakenFile:
    """Check a file that a person hands in, and cut it into what core shall keep.

    For what the vendor gives as an export only. Listings find the kept parts in
    ``ctx.files`` and map them as they map the vendor's own answers.

    Called by: import of charges. Family: addressed. Since: API 1.0; optional.
    Returns: TakenFile. Raises: Rejected with the line that cannot be used, a remedy.
    Must be: read-only, repeatable, without requests.
    """


# PSA side


@hookspec(firstresult=True)
def list_companies(ctx: PluginContext, query: ask.ListCompanies) -> Page[Company]:
    """List the PSA's companies, prospects and inactive ones included.

    Called by: PSA sync. Family: addressed. Since: API 1.0.
    Returns: Page[Company]. Raises: Retryable, AuthRequired.
    Must be: read-only, resumable by cursor.
    """


@hookspec(firstresult=True)
def list_products(ctx: PluginContext, query: ask.ListProducts) -> Page[PsaProduct]:
    """List the PSA's product catalogue.

    Called by: PSA sync. Family: addressed. Since: API 1.0.
    Returns: Page[PsaProduct]. Raises: Retryable, AuthRequired.
    """


@hookspec(firstresult=True)
def list_agreements(ctx: PluginContext, query: ask.ListAgreements) -> Page[Agreement]:
    """List agreements of all companies or of one.

    Called by: PSA sync. Family: addressed. Since: API 1.0.
    Returns: Page[Agreement]. Raises: Retryable, AuthRequired.
    """


@hookspec(firstresult=True)
def list_agreement_lines(
    ctx: PluginContext, query: ask.ListAgreementLines
) -> Page[AgreementLine]:
    """List an agreement's lines, ended ones included.

    Called by: PSA sync, before writes. Family: addressed. Since: API 1.0.
    Returns: Page[AgreementLine]. Raises: Retryable, AuthRequired, NotFound.
    """


@hookspec(firstresult=True)
def get_agreement_line(
    ctx: PluginContext, query: ask.GetAgreementLine
) -> AgreementLine:
    """Read one line afresh.

    Called by: before and after writes. Family: addressed. Since: API 1.0.
    Returns: AgreementLine. Raises: NotFound, Retryable, AuthRequired.
    """


@hookspec(firstresult=True)
def get_billing_lock(ctx: PluginContext, query: ask.GetBillingLock) -> BillingLock:
    """Tell how far an agreement is invoiced.

    Called by: PSA sync, before writes. Family: addressed. Since: API 1.0.
    Returns: BillingLock; ``known=False`` with a reason when it cannot be told.
    Raises: Retryable, AuthRequired, NotFound. Must be: read-only.
    """


@hookspec(firstresult=True)
def plan_line_changes(
    ctx: PluginContext, query: ask.PlanLineChanges
) -> tuple[PlannedCall, ...]:
    """Turn intended changes into the exact calls they would make.

    Called by: planning. Family: addressed. Since: API 1.0.
    Returns: the calls in order. Raises: Unsupported with the reason.
    Must be: pure, without I/O.
    """


@hookspec(firstresult=True)
def apply_line_change(ctx: PluginContext, command: ask.ApplyLineChange) -> LineOutcome:
    """Carry out one change, read the line back and compare with the intent.

    Called by: the apply job, inside the intent journal. Family: addressed.
    Since: API 1.0. Returns: LineOutcome.
    Raises: Rejected, Conflict (``expected_token`` differs, nothing written),
    Retryable (certainly nothing was written), OutcomeUnknown (it may have been).
    """


@hookspec(firstresult=True)
def find_line(ctx: PluginContext, query: ask.FindLine) -> AgreementLine | None:
    """Look for the line an earlier change may have written.

    Called by: the probe after an unknown outcome. Family: addressed. Since: API 1.0.
    Returns: the line, or None when certainly nothing was written.
    Raises: OutcomeUnknown when it cannot be told; Retryable, AuthRequired.
    """


@hookspec(firstresult=True)
def create_ticket(ctx: PluginContext, command: ask.CreateTicket) -> TicketOutcome:
    """Create a service ticket, or add to the one with the same reference.

    Called by: reconciliation decisions. Family: addressed. Since: API 1.0.
    Returns: TicketOutcome. Raises: Rejected, Retryable, AuthRequired.
    """
