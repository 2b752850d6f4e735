"""What a plugin says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum


class PluginKind(StrEnum):
    """Which side a plugin speaks for."""

    VENDOR = "vendor"
    PSA = "psa"
    POLICY = "policy"


class Listing(StrEnum):
    """How a kind of object can be listed."""

    GLOBAL = "global"  # one listing over the whole connection
    PER_CUSTOMER = "per_customer"  # one listing per customer, company or agreement
    NONE = "none"


class Idempotency(StrEnum):
    """What a plugin can promise about a repeated write (engine §4)."""

    KEY = "key"
    PROBE = "probe"
    NONE = "none"


class GapReason(StrEnum):
    """Why a hook is missing."""

    NOT_YET_OURS = "not_yet_ours"
    NOT_YET_VENDOR = "not_yet_vendor"
    NEVER = "never"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A hook or product that does not work, said openly."""

    hook: str
    reason: GapReason
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaKey:
    """A bucket of the vendor's rate limit.

    Attributes:
        name: Key under which calls are counted, unique within the connection.
        requests: Permitted requests per `seconds`.
        burst: Requests that may be sent at once.
        concurrency: Requests that may be under way at once.
    """

    name: str
    requests: int
    seconds: float
    burst: int = 1
    concurrency: int = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a plugin can do, as data that core and UI act upon.

    Attributes:
        subscriptions: How subscriptions are listed.
        orders: How orders are listed.
        usage: How metered usage is listed.
        charges: How charges are listed.
        lines: How agreement lines are listed (PER_CUSTOMER = per agreement).
        change_feed: Whether `list_changes` tells what changed since a cursor.
        change_feed_overlap_seconds: How far back an incremental read must overlap.
        notifications: Whether `receive_notification` is implemented.
        page_size: Largest page the vendor serves.
        idempotency: What repeated writes do.
        settle_seconds: Wait before a probe by reference can be trusted.
        effective_dated_lines: PSA lines carry first and last day.
        native_proration: ``none``, ``flag`` or ``always``.
        quantity_write: ``absolute``, ``delta`` or ``document``.
        credit_mode: ``none``, ``negative_line`` or ``credit_memo``.
        order_wait_seconds: How long the vendor's orders may stay unfinished.
    """

    subscriptions: Listing = Listing.NONE
    orders: Listing = Listing.NONE
    contacts: Listing = Listing.NONE
    usage: Listing = Listing.NONE
    charges: Listing = Listing.NONE
    lines: Listing = Listing.NONE
    customer_details: bool = False
    change_feed: bool = False
    change_feed_overlap_seconds: float = 0
    notifications: bool = False
    page_size: int = 500
    idempotency: Idempotency = Idempotency.NONE
    settle_seconds: float = 30
    effective_dated_lines: bool = False
    native_proration: str = "none"
    quantity_write: str = "absolute"
    credit_mode: str = "none"
    order_wait_seconds: float = 86400


class PanelPlace(StrEnum):
    """Where a subscription's page shows a panel."""

    ADDITIONAL = "additional"  # among the additional information
    ENTITLEMENTS = "entitlements"  # what the subscription gives a right to
    TAB = "tab"  # a tab of its own


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelField:
    """One attribute of a subscription as people read it.

    Attributes:
        attribute: Key in `Subscription.attributes`.
        label: What people read.
        code: The value is an id or code, shown as such.
    """

    attribute: str
    label: str
    code: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionPanel:
    """A group of attributes on a subscription's page.

    It appears only where a subscription has one of its attributes.

    Attributes:
        name: Lower-case words joined by ``-``; unique in the plugin, part of addresses.
        title: Its head.
        fields: In the order of the page.
        place: Where it is shown.
        products: Beginnings of `Subscription.product_id` it is for; empty = all.
    """

    name: str
    title: str
    fields: tuple[PanelField, ...]
    place: PanelPlace = PanelPlace.TAB
    products: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginInfo:
    """A plugin's identity card.

    Attributes:
        name: Entry-point name, lower case.
        title: What people read.
        api: (major, minor) of the plugin API it was written for.
        settings_type: Frozen dataclass of its settings (`entrepot.sdk.settings`).
        host_patterns: Hosts it may call, ``*.example.com`` or exact; settings may
            add to them through a field flagged ``adds_host``.
        quotas: The vendor's documented limits.
        object_words: What the other side calls things, for texts ("tenant").
        panels: How attributes of subscriptions are shown; others are listed as given.
        languages: Codes of the languages that its package has catalogs of, in
            ``translations/<code>.po``; its own texts are English.
    """

    name: str
    title: str
    kind: PluginKind
    version: str
    api: tuple[int, int]
    settings_type: type
    capabilities: Capabilities = field(default_factory=Capabilities)
    gaps: tuple[Gap, ...] = ()
    host_patterns: tuple[str, ...] = ()
    quotas: tuple[QuotaKey, ...] = ()
    documentation_url: str = ""
    object_words: Mapping[str, str] = field(default_factory=dict)
    panels: tuple[SubscriptionPanel, ...] = ()
    languages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchingVocabulary:
    """A vendor's words for core's matcher, as data.

    Attributes:
        aliases: Short forms of product names, each with its long form.
        guard_words: Sets of words or phrases that must be equal on both sides.
        throwaway_domains: Domains that say nothing about a company, such as the
            vendor's default domains.
        product_aliases: PSA identifiers known to stand for a SKU.
    """

    aliases: Mapping[str, str] = field(default_factory=dict)
    guard_words: tuple[str, ...] = ()
    throwaway_domains: tuple[str, ...] = ()
    product_aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What a connection check found.

    Attributes:
        account_name: How the other side names the account we are signed in to.
        details: Facts for people (release, region, rights), in order.
        warnings: What works today but deserves attention.
        base_currency: Currency the vendor bills the reseller in; empty = unknown.
    """

    account_name: str
    details: tuple[tuple[str, str], ...] = ()
    warnings: tuple[str, ...] = ()
    base_currency: str = ""
    time_zone: str = ""
    fx_rate: Decimal | None = None
