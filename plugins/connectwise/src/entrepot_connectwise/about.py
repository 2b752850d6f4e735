"""What the plugin says of itself."""

from __future__ import annotations

from entrepot.sdk.model import (
    Capabilities,
    Gap,
    GapReason,
    Idempotency,
    Listing,
    PluginInfo,
    PluginKind,
    QuotaKey,
)

from .client import PAGE_SIZE
from .settings import ConnectWiseSettings

SETTLE_SECONDS = 20.0
"""Wait before a line that was perhaps written is looked for; our own choice."""

CAPABILITIES = Capabilities(
    contacts=Listing.GLOBAL,
    lines=Listing.PER_CUSTOMER,
    notifications=True,
    page_size=PAGE_SIZE,
    idempotency=Idempotency.PROBE,
    settle_seconds=SETTLE_SECONDS,
    effective_dated_lines=True,
    native_proration="flag",
    quantity_write="absolute",
    # Whether negative lines are accepted is not verified (connectwise.md §9.4).
    credit_mode="none",
)

GAPS = (
    Gap(
        hook="list_changes",
        reason=GapReason.NOT_YET_VENDOR,
        text="No feed tells that a line of an agreement changed; lines are listed.",
    ),
    Gap(
        hook="matching_vocabulary",
        reason=GapReason.NEVER,
        text="A PSA has no product names of its own.",
    ),
)


def describe(version: str) -> PluginInfo:
    """Identity, capabilities, limits and gaps.

    The vendor publishes no limit; about 1000 requests a minute are said to be
    limited (connectwise.md §8), we stay at 600.
    """
    return PluginInfo(
        name="connectwise",
        languages=("de",),
        title="ConnectWise PSA",
        kind=PluginKind.PSA,
        version=version,
        api=(1, 0),
        settings_type=ConnectWiseSettings,
        capabilities=CAPABILITIES,
        gaps=GAPS,
        host_patterns=("*.myconnectwise.net", "*.connectwisedev.com"),
        quotas=(
            QuotaKey(name="api", requests=600, seconds=60.0, burst=20, concurrency=4),
        ),
        documentation_url="https://developer.connectwise.com/Products/ConnectWise_PSA",
        object_words={
            "company": "company",
            "agreement": "agreement",
            "line": "addition",
            "product": "catalog item",
        },
    )
