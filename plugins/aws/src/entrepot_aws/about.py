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

from entrepot_aws.panels import PANELS
from entrepot_aws.settings import HOST_PATTERNS, AwsSettings

_CONSOLE = "https://us-east-1.console.aws.amazon.com"
_SETTLE = 60.0
_WRITES = (
    "create_customer",
    "plan_order",
    "place_order",
    "find_order",
    "get_order",
    "change_subscription",
    "list_available_actions",
)


def _rate(name: str, per_second: int) -> QuotaKey:
    return QuotaKey(name=name, requests=per_second, seconds=1, burst=1, concurrency=4)


INFO = PluginInfo(
    name="aws",
    languages=("de",),
    title="Amazon Web Services",
    kind=PluginKind.VENDOR,
    version=version("entrepot-aws"),
    api=(1, 0),
    settings_type=AwsSettings,
    capabilities=Capabilities(
        subscriptions=Listing.PER_CUSTOMER,
        usage=Listing.GLOBAL,
        charges=Listing.GLOBAL,
        customer_details=True,
        page_size=20,
        idempotency=Idempotency.PROBE,
        settle_seconds=_SETTLE,
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
        Gap(
            hook="list_orders",
            reason=GapReason.NOT_YET_OURS,
            text="Account and agreement requests come with ordering.",
        ),
        Gap(
            hook="list_contacts",
            reason=GapReason.NOT_YET_VENDOR,
            text="An organization knows one e-mail address per account, no people; "
            "it is shown on the customer.",
        ),
        Gap(
            hook="list_changes",
            reason=GapReason.NOT_YET_VENDOR,
            text="AWS has no feed of changes that can be asked for; acceptors cannot "
            "search agreements by change time.",
        ),
        *(
            Gap(
                hook=name,
                reason=GapReason.NOT_YET_OURS,
                text="Events leave AWS through EventBridge rules in every account; "
                "they come with a later release.",
            )
            for name in ("receive_notification", "register_notifications")
        ),
    ),
    host_patterns=HOST_PATTERNS,
    quotas=(
        # Published rates are those of §5.4; the others are not published and stay
        # below what AWS is known to permit.
        _rate("organizations", 5),
        _rate("sts", 20),
        _rate("agreement-search", 5),
        _rate("agreement-terms", 10),
        _rate("agreement-charges", 15),
        _rate("discovery", 5),
        _rate("catalog", 10),
        _rate("savingsplans", 5),
        _rate("billingconductor", 5),
        _rate("partnercentral", 5),
        _rate("ce", 1),
        _rate("invoicing", 2),
        _rate("s3", 50),
    ),
    documentation_url="https://docs.aws.amazon.com/organizations/latest/APIReference/",
    object_words={"customer": "organizational unit", "subscription": "account"},
    panels=PANELS,
)

VOCABULARY = MatchingVocabulary(
    aliases={
        "aws": "amazon web services",
        "ec2": "elastic compute cloud",
        "s3": "simple storage service",
        "rds": "relational database service",
        "sp": "savings plan",
    },
    guard_words=(
        "account",
        "billing transfer",
        "savings plan",
        "compute",
        "sagemaker",
        "all upfront",
        "partial upfront",
        "no upfront",
        "business support",
        "enterprise support",
        "partner-led support",
    ),
    throwaway_domains=("amazonaws.com", "awsapps.com"),
)


def console_link(query: ask.GetConsoleLink) -> str | None:
    """Address of the object's page; None for kinds without one."""
    wanted = quote(query.object_id, safe="")
    accounts = f"{_CONSOLE}/organizations/v2/home/accounts"
    if query.kind == "customer":
        if query.object_id.startswith("ou-"):
            return f"{_CONSOLE}/organizations/v2/home/organizational-units/{wanted}"
        return f"{_CONSOLE}/costmanagement/home#/billing-transfer"
    if query.kind != "subscription":
        return None
    if query.object_id.startswith("rt-"):
        return f"{_CONSOLE}/costmanagement/home#/billing-transfer"
    return f"{accounts}/{wanted}" if query.object_id.isdigit() else None
