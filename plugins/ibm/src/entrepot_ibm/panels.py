"""How attributes of resources and commitments are shown on their pages."""

from __future__ import annotations

from entrepot.sdk.model import PanelField, PanelPlace, SubscriptionPanel

PANELS = (
    SubscriptionPanel(
        name="order",
        title="Order",
        place=PanelPlace.ADDITIONAL,
        fields=(
            PanelField(attribute="po_number", label="Order number there"),
            PanelField(attribute="charge_agreement", label="Charge agreement"),
            PanelField(attribute="reseller", label="Reseller"),
            PanelField(attribute="renewal_mode", label="Renewal mode"),
        ),
    ),
    SubscriptionPanel(
        name="resource",
        title="Resource",
        fields=(
            PanelField(attribute="crn", label="CRN", code=True),
            PanelField(attribute="region", label="Region"),
            PanelField(attribute="resource_group", label="Resource group", code=True),
            PanelField(attribute="locked", label="Locked"),
            PanelField(attribute="last_operation", label="Last operation"),
            PanelField(attribute="last_error", label="Last error"),
            PanelField(attribute="restored_at", label="Restored"),
            PanelField(attribute="plans_before", label="Plans before", code=True),
        ),
    ),
    SubscriptionPanel(
        name="commitment",
        title="Commitment",
        fields=(
            PanelField(attribute="category", label="Category"),
            PanelField(attribute="type", label="Kind"),
            PanelField(attribute="subscription_model", label="Model"),
            PanelField(attribute="catalog_id", label="Catalogue entry", code=True),
            PanelField(attribute="billing_unit", label="Billing unit", code=True),
            PanelField(attribute="vendor_errors", label="Errors at the vendor"),
        ),
    ),
)
