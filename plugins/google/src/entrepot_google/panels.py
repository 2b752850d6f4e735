"""How attributes of entitlements are shown on a subscription's page."""

from __future__ import annotations

from entrepot.sdk.model import PanelField, PanelPlace, SubscriptionPanel

PANELS = (
    SubscriptionPanel(
        name="purchase",
        title="Purchase",
        place=PanelPlace.ADDITIONAL,
        fields=(
            PanelField(attribute="purchase_order", label="Order number there"),
            PanelField(attribute="payment_plan", label="Payment plan"),
            PanelField(attribute="renewal_plan", label="Payment plan after renewal"),
            PanelField(attribute="max_units", label="Most licences"),
            PanelField(attribute="suspension_reasons", label="Why suspended"),
        ),
    ),
    SubscriptionPanel(
        name="service",
        title="Provisioned service",
        place=PanelPlace.ENTITLEMENTS,
        fields=(
            PanelField(attribute="workspace_product", label="Product", code=True),
            PanelField(attribute="workspace_sku", label="SKU", code=True),
            PanelField(attribute="provisioning_id", label="Provisioning id", code=True),
        ),
    ),
    SubscriptionPanel(
        name="channel",
        title="Channel",
        fields=(
            PanelField(attribute="offer_id", label="Offer", code=True),
            PanelField(attribute="billing_account", label="Billing account", code=True),
        ),
    ),
)
