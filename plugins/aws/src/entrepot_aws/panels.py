"""How attributes of accounts, plans and agreements are shown on their pages."""

from __future__ import annotations

from entrepot.sdk.model import PanelField, SubscriptionPanel

PANELS = (
    SubscriptionPanel(
        name="account",
        title="Account",
        fields=(
            PanelField(attribute="email", label="Root address"),
            PanelField(attribute="arn", label="ARN", code=True),
            PanelField(attribute="joined", label="How it joined"),
            PanelField(attribute="account", label="Account id", code=True),
            PanelField(attribute="handshake", label="Handshake", code=True),
        ),
    ),
    SubscriptionPanel(
        name="commitment",
        title="Commitment",
        fields=(
            PanelField(attribute="upfront", label="Paid upfront"),
            PanelField(attribute="recurring", label="Paid per hour"),
        ),
    ),
    SubscriptionPanel(
        name="agreement",
        title="Agreement",
        fields=(
            PanelField(attribute="agreement", label="Agreement", code=True),
            PanelField(attribute="acceptor", label="Accepted by", code=True),
            PanelField(attribute="proposer", label="Offered by", code=True),
            PanelField(attribute="at_the_end", label="At its end"),
        ),
    ),
)
