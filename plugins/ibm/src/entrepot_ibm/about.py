"""What the plugin says of itself: identity, limits, gaps, words, console pages."""

from __future__ import annotations

from importlib.metadata import version
from urllib.parse import quote

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

from entrepot_ibm.panels import PANELS
from entrepot_ibm.settings import CONSOLE, HOST_PATTERNS, IbmSettings

_WRITES = (
    "create_customer",
    "plan_order",
    "place_order",
    "find_order",
    "get_order",
    "change_subscription",
    "list_available_actions",
)
_NO_VENDOR = {
    "list_orders": "IBM has no listing of orders; order number and purchase order "
    "stand on the commitment.",
    "list_contacts": "IBM names no people but an account's owner, whose e-mail "
    "stands on the customer.",
    "list_changes": "IBM has no feed of changes across accounts.",
    "receive_notification": "IBM sends no notifications about accounts, commitments "
    "or instances to partners.",
    "register_notifications": "IBM sends no notifications about accounts, "
    "commitments or instances to partners.",
}

INFO = PluginInfo(
    name="ibm",
    languages=("de",),
    title="IBM Cloud",
    kind=PluginKind.VENDOR,
    version=version("entrepot-ibm"),
    api=(1, 0),
    settings_type=IbmSettings,
    capabilities=Capabilities(
        subscriptions=Listing.PER_CUSTOMER,
        usage=Listing.PER_CUSTOMER,
        charges=Listing.PER_CUSTOMER,
        page_size=100,
        idempotency=Idempotency.PROBE,
        settle_seconds=60,  # fresh objects may answer 404 for a while (§5.3)
    ),
    gaps=(
        *(
            Gap(
                hook=name,
                reason=GapReason.NOT_YET_OURS,
                text="Ordering and changes come with a later release.",
            )
            for name in _WRITES
        ),
        *(
            Gap(hook=name, reason=GapReason.NOT_YET_VENDOR, text=text)
            for name, text in _NO_VENDOR.items()
        ),
    ),
    host_patterns=HOST_PATTERNS,
    quotas=tuple(
        # IBM publishes no rates; five a second and service is our choice (§5.5).
        QuotaKey(name=name, requests=300, seconds=60, burst=5, concurrency=4)
        for name in (
            "iam",
            "enterprise",
            "billing",
            "partner",
            "controller",
            "catalogue",
        )
    ),
    documentation_url="https://github.com/IBM/platform-services-python-sdk",
    object_words={"customer": "account", "subscription": "resource"},
    panels=PANELS,
)

VOCABULARY = MatchingVocabulary(
    aliases={
        "cos": "cloud object storage",
        "iks": "kubernetes service",
        "roks": "red hat openshift",
        "vpc": "virtual private cloud",
        "esp": "enterprise savings plan",
        "payg": "pay as you go",
        "ess": "essentials",
        "maas": "maas360",
        "watsonx ai": "watsonx.ai runtime",
    },
    guard_words=(
        "lite",
        "free",
        "trial",
        "standard",
        "essentials",
        "deluxe",
        "premier",
        "enterprise",
        "device",
        "user",
        "platform",
        "support",
        "12 months",
        "36 months",
        "60 months",
    ),
    throwaway_domains=("mybluemix.net", "appdomain.cloud", "ibm.com"),
)


def console_link(query: ask.GetConsoleLink) -> str | None:
    """Address of the object's page; None for kinds without one.

    The console picks the account by a parameter; an instance is found in the list
    of its account's resources.
    """
    if query.kind == "customer":
        return f"{CONSOLE}/account/settings?bss_account={quote(query.object_id)}"
    if query.kind == "subscription" and query.parent_id:
        return f"{CONSOLE}/resources?bss_account={quote(query.parent_id)}"
    return None
