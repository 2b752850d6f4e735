"""How attributes of subscriptions are shown on their pages."""

from __future__ import annotations

from entrepot.sdk.model import PanelField, PanelPlace, SubscriptionPanel

PANELS = (
    SubscriptionPanel(
        name="commerce",
        title="Commerce",
        place=PanelPlace.ADDITIONAL,
        fields=(
            PanelField(attribute="commerce", label="Commerce platform"),
            PanelField(attribute="product_type", label="Kind of product"),
            PanelField(attribute="publisher", label="Publisher"),
            PanelField(attribute="promotion_id", label="Promotion", code=True),
            PanelField(attribute="migrated_from", label="Migrated from", code=True),
            PanelField(attribute="suspension_reasons", label="Why suspended"),
        ),
    ),
    SubscriptionPanel(
        name="entitlement",
        title="Entitlement",
        place=PanelPlace.ENTITLEMENTS,
        fields=(
            PanelField(attribute="entitlement_id", label="Entitlement id", code=True),
        ),
    ),
    SubscriptionPanel(
        name="partner",
        title="Partner",
        fields=(
            PanelField(
                attribute="reseller_mpn_id", label="Partner of record", code=True
            ),
        ),
    ),
)
