"""Settings of one ConnectWise connection."""

from __future__ import annotations

from dataclasses import dataclass

from entrepot.sdk.settings import setting

PRODUCT_CLIENT_ID = "5f0d8a0e-7f3c-4c5e-9f1e-0f6f3f0f6a51"
"""Identifies this product to the vendor; not a secret (connectwise.md §3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectWiseSettings:
    """What a reseller enters to connect a ConnectWise PSA.

    The API member needs a role with at least: Companies > Company Maintenance and
    Contacts (inquire all); Finance > Agreements (add, edit, inquire, delete all) and
    Invoicing (inquire all); Procurement > Product Catalog (inquire all); Service
    Desk > Service Tickets (add, edit, inquire all); System > Table Setup for
    callbacks and custom fields.
    """

    site: str = setting(
        "Site",
        help="Host name you sign in to, for example na.myconnectwise.net.",
        adds_host=True,
    )
    company: str = setting(
        "Company ID", help="The company you enter on the sign-in page."
    )
    public_key: str = setting(
        "Public key",
        help="Of an API member: System > Members > API Members > API Keys.",
    )
    private_key: str = setting(
        "Private key",
        help="Shown once, when the key pair is created.",
        secret=True,
        default="",
    )
    client_id: str = setting(
        "Client ID",
        help="From the vendor's developer portal; leave as it is unless told.",
        default=PRODUCT_CLIENT_ID,
        advanced=True,
    )
    api_version: str = setting(
        "API version",
        help="Release whose data model is asked for.",
        default="2026.4",
        pattern=r"\d{4}\.\d{1,2}",
        advanced=True,
    )
    billing_mode: str = setting(
        "Agreements are invoiced",
        help="Before (advance) or after (arrears) each period; "
        "derive reads it from each agreement's period type.",
        default="derive",
        choices=("derive", "advance", "arrears"),
        choice_titles=("As each agreement says", "In advance", "In arrears"),
    )
    reference_field: str = setting(
        "Reference field",
        help="Caption of a text field on additions and companies that holds our "
        "references; empty works without.",
        default="Entrepot Ref",
    )
    non_customer_types: str = setting(
        "Company types that are no customers",
        help="Names, separated by commas. Types flagged as vendor never are.",
        default="Prospect",
        advanced=True,
    )
    inactive_statuses: str = setting(
        "Company statuses that count as inactive",
        help="Names, separated by commas. Statuses flagged inactive always do.",
        default="Inactive, Not-Approved",
        advanced=True,
    )
    ticket_board: str = setting(
        "Service board",
        help="Where tickets are created; empty leaves it to ConnectWise.",
        default="",
        advanced=True,
    )


def names(text: str) -> frozenset[str]:
    """The names of a comma-separated setting, lower case."""
    return frozenset(part.strip().lower() for part in text.split(",") if part.strip())
