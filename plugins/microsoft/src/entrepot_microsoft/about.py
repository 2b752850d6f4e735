"""What the plugin says of itself: identity, limits, gaps, words, portal pages."""

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

from entrepot_microsoft.panels import PANELS
from entrepot_microsoft.settings import HOST_PATTERNS, MicrosoftSettings

_PORTAL = "https://partner.microsoft.com/commerce/customers"
_SETTLE = 900.0  # orders and subscriptions may show 15 minutes late (§4.3)
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
    name="microsoft",
    languages=("de",),
    title="Microsoft CSP",
    kind=PluginKind.VENDOR,
    version=version("entrepot-microsoft"),
    api=(1, 0),
    settings_type=MicrosoftSettings,
    capabilities=Capabilities(
        subscriptions=Listing.PER_CUSTOMER,
        orders=Listing.PER_CUSTOMER,
        contacts=Listing.PER_CUSTOMER,
        usage=Listing.GLOBAL,
        charges=Listing.GLOBAL,
        customer_details=True,
        change_feed=True,
        change_feed_overlap_seconds=_SETTLE,
        notifications=True,
        page_size=500,
        idempotency=Idempotency.KEY,
        settle_seconds=_SETTLE,
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
        # §1.8: 500 a minute for customers, orders and subscriptions of one partner.
        QuotaKey(name="core", requests=500, seconds=60, burst=10, concurrency=4),
        QuotaKey(name="catalogue", requests=500, seconds=60, burst=10, concurrency=4),
        QuotaKey(name="price", requests=60, seconds=60, burst=2, concurrency=1),
        QuotaKey(name="graph", requests=60, seconds=60, burst=5, concurrency=2),
        QuotaKey(name="login", requests=60, seconds=60, burst=5, concurrency=2),
        QuotaKey(name="certificate", requests=60, seconds=60, burst=5, concurrency=2),
    ),
    documentation_url="https://learn.microsoft.com/partner-center/developer/",
    object_words={"customer": "tenant", "subscription": "subscription"},
    panels=PANELS,
)

VOCABULARY = MatchingVocabulary(
    aliases={
        "m365": "microsoft 365",
        "o365": "office 365",
        "ms365": "microsoft 365",
        "exo": "exchange online",
        "bus": "business",
        "std": "standard",
        "prem": "premium",
        "ent": "enterprise",
        "aad": "entra id",
        "azure ad": "entra id",
        "atp": "defender",
        "d365": "dynamics 365",
        "pbi": "power bi",
        "w365": "windows 365",
    },
    guard_words=(
        "e1",
        "e3",
        "e5",
        "f1",
        "f3",
        "g3",
        "g5",
        "a1",
        "a3",
        "a5",
        "p1",
        "p2",
        "plan 1",
        "plan 2",
        "plan 3",
        "plan 5",
        "basic",
        "standard",
        "premium",
        "apps for business",
        "apps for enterprise",
        "copilot",
        "trial",
        "education",
        "nonprofit",
        "government",
        "add-on",
        "no teams",
        "legacy",
    ),
    throwaway_domains=(
        "onmicrosoft.com",
        "mail.onmicrosoft.com",
        "onmicrosoft.us",
        "partner.onmschina.cn",
    ),
)


def console_link(query: ask.GetConsoleLink) -> str | None:
    """Address of the object's page; None for kinds without one."""
    if query.kind == "customer":
        return f"{_PORTAL}/{query.object_id}/overview"
    if not query.parent_id:
        return None
    if query.kind == "subscription":
        return f"{_PORTAL}/{query.parent_id}/subscriptions/{query.object_id}"
    if query.kind == "order":
        return f"{_PORTAL}/{query.parent_id}/orders/{query.object_id}"
    return None
