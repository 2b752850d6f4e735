"""What the plugin says of itself: identity, limits, gaps, words, console pages."""

from __future__ import annotations

from importlib.metadata import version

from entrepot.sdk import queries as ask
from entrepot.sdk.model import (
    Capabilities,
    Gap,
    GapReason,
    Idempotency,
    Listing,
    MatchingVocabulary,
    PluginInfo,
    PluginKind,
    QuotaKey,
)

from entrepot_google.panels import PANELS
from entrepot_google.settings import HOST_PATTERNS, GoogleSettings

_CONSOLE = "https://channelservices.google.com/customers"
_WRITES = (
    "create_customer",
    "plan_order",
    "place_order",
    "find_order",
    "get_order",
    "change_subscription",
    "list_available_actions",
)

INFO = PluginInfo(
    name="google",
    languages=("de",),
    title="Google Workspace and Cloud",
    kind=PluginKind.VENDOR,
    version=version("entrepot-google"),
    api=(1, 0),
    settings_type=GoogleSettings,
    capabilities=Capabilities(
        subscriptions=Listing.PER_CUSTOMER,
        orders=Listing.PER_CUSTOMER,
        contacts=Listing.PER_CUSTOMER,
        usage=Listing.GLOBAL,
        charges=Listing.GLOBAL,
        # Listed customers are whole; this lets one customer be read again by id.
        customer_details=True,
        change_feed=True,
        notifications=True,
        page_size=50,
        idempotency=Idempotency.KEY,
        settle_seconds=60,
    ),
    gaps=tuple(
        Gap(
            hook=name,
            reason=GapReason.NOT_YET_OURS,
            text="Ordering and changes come with a later release.",
        )
        for name in _WRITES
    ),
    host_patterns=HOST_PATTERNS,
    quotas=(
        # §2.7: no official figures; a distributor's 24 a minute for these two, looser
        # ones for everything else. All belong to the project of the service account.
        QuotaKey(name="customers", requests=24, seconds=60, concurrency=1),
        QuotaKey(name="entitlements", requests=24, seconds=60, concurrency=2),
        QuotaKey(name="channel", requests=120, seconds=60, burst=5, concurrency=4),
        QuotaKey(name="reseller", requests=120, seconds=60, burst=5, concurrency=2),
        QuotaKey(name="pubsub", requests=600, seconds=60, burst=10, concurrency=2),
        QuotaKey(name="bigquery", requests=60, seconds=60, burst=5, concurrency=2),
        QuotaKey(name="login", requests=60, seconds=60, burst=5, concurrency=2),
        QuotaKey(name="certificate", requests=60, seconds=60, burst=5, concurrency=2),
    ),
    documentation_url="https://cloud.google.com/channel/docs",
    object_words={"customer": "customer", "subscription": "entitlement"},
    panels=PANELS,
)

VOCABULARY = MatchingVocabulary(
    aliases={
        "gws": "google workspace",
        "g suite": "google workspace",
        "gsuite": "google workspace",
        "google apps": "google workspace",
        "gcp": "google cloud platform",
        "biz": "business",
        "bus": "business",
        "std": "standard",
        "ent": "enterprise",
        "afu": "archived user",
        "chrome upgrade": "chrome enterprise",
    },
    guard_words=(
        "starter",
        "standard",
        "plus",
        "essentials",
        "enterprise",
        "business",
        "frontline",
        "archived user",
        "former employee",
        "gemini",
        "voice",
        "vault",
        "education",
        "nonprofit",
        "trial",
        "free",
        "premium",
        "flexible",
        "add-on",
    ),
    throwaway_domains=("gmail.com", "googlemail.com", "gserviceaccount.com"),
    product_aliases={},
)


def console_link(query: ask.GetConsoleLink) -> str | None:
    """Address of the object's page; None for kinds without one."""
    if query.kind == "customer":
        return f"{_CONSOLE}/{query.object_id}"
    if query.kind == "subscription":
        customer, _, _ = query.object_id.partition("/")
        owner = query.parent_id or customer
        return f"{_CONSOLE}/{owner}"
    return None
