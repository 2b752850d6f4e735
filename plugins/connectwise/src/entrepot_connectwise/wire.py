"""The vendor's JSON, typed: only what is mapped, everything else is skipped.

Numbers become `Decimal` from their text, never through a float. Properties may be
missing or null (connectwise.md §4), so nearly all are optional.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec


class Wire(msgspec.Struct, gc=False, rename="camel", omit_defaults=True):
    """Base of all records; names are the vendor's in camel case."""


class Reference(Wire):
    """A reference object; which text it carries depends on what it points to."""

    id: int | None = None
    name: str | None = None
    identifier: str | None = None


class CurrencyReference(Wire):
    """A currency as agreements refer to it."""

    id: int | None = None
    name: str | None = None
    currency_code: str | None = None


class Info(Wire):
    """The `_info` object: who touched the record and when."""

    last_updated: str | None = None
    updated_by: str | None = None
    date_entered: str | None = None
    entered_by: str | None = None


class CustomField(Wire):
    """One custom field's value (connectwise.md §13)."""

    id: int | None = None
    caption: str | None = None
    value: Any = None


class Company(Wire):
    """`/company/companies` (connectwise.md §10)."""

    id: int
    identifier: str | None = None
    name: str | None = None
    status: Reference | None = None
    address_line1: str | None = None
    address_line2: str | None = None
    city: str | None = None
    state: str | None = None
    zip: str | None = None
    country: Reference | None = None
    phone_number: str | None = None
    website: str | None = None
    tax_identifier: str | None = None
    parent_company: Reference | None = None
    invoice_to_email_address: str | None = None
    deleted_flag: bool | None = None
    is_vendor_flag: bool | None = None
    types: list[Reference] | None = None
    custom_fields: list[CustomField] | None = None
    info: Info | None = msgspec.field(default=None, name="_info")


class Communication(Wire):
    """One way to reach a contact."""

    value: str | None = None
    default_flag: bool | None = None
    communication_type: str | None = None


class Contact(Wire):
    """`/company/contacts`."""

    id: int
    first_name: str | None = None
    last_name: str | None = None
    company: Reference | None = None
    title: str | None = None
    inactive_flag: bool | None = None
    default_flag: bool | None = None
    communication_items: list[Communication] | None = None
    info: Info | None = msgspec.field(default=None, name="_info")


class Agreement(Wire):
    """`/finance/agreements` (connectwise.md §9.2)."""

    id: int
    name: str | None = None
    type: Reference | None = None
    company: Reference | None = None
    parent_agreement: Reference | None = None
    start_date: str | None = None
    end_date: str | None = None
    no_ending_date_flag: bool | None = None
    cancelled_flag: bool | None = None
    date_cancelled: str | None = None
    billing_cycle: Reference | None = None
    invoicing_cycle: str | None = None
    bill_start_date: str | None = None
    prorate_flag: bool | None = None
    invoice_prorated_additions_flag: bool | None = None
    currency: CurrencyReference | None = None
    period_type: str | None = None
    next_invoice_date: str | None = None
    agreement_status: str | None = None
    info: Info | None = msgspec.field(default=None, name="_info")


class Addition(Wire):
    """`/finance/agreements/{id}/additions` (connectwise.md §9.3).

    Price and cost are absent when the API member may not see them; absent is not 0.
    """

    id: int
    product: Reference | None = None
    quantity: Decimal | None = None
    less_included: Decimal | None = None
    unit_price: Decimal | None = None
    unit_cost: Decimal | None = None
    bill_customer: str | None = None
    effective_date: str | None = None
    cancelled_date: str | None = None
    taxable_flag: bool | None = None
    invoice_description: str | None = None
    description: str | None = None
    agreement_id: int | None = None
    custom_fields: list[CustomField] | None = None
    info: Info | None = msgspec.field(default=None, name="_info")


class CatalogItem(Wire):
    """`/procurement/catalog` (connectwise.md §12.1)."""

    id: int
    identifier: str | None = None
    description: str | None = None
    inactive_flag: bool | None = None
    product_class: str | None = None
    category: Reference | None = None
    price: Decimal | None = None
    cost: Decimal | None = None
    taxable_flag: bool | None = None
    vendor_sku: str | None = None
    manufacturer_part_number: str | None = None
    integration_x_ref: str | None = msgspec.field(default=None, name="integrationXRef")
    auto_update_unit_cost_flag: bool | None = None
    auto_update_unit_price_flag: bool | None = None
    info: Info | None = msgspec.field(default=None, name="_info")


class Invoice(Wire):
    """`/finance/invoices`; the day is called `date` (connectwise.md §12.2)."""

    id: int
    invoice_number: str | None = None
    type: str | None = None
    apply_to_id: int | None = None
    date: str | None = None


class BillingCycleSetup(Wire):
    """`/finance/billingCycles`."""

    id: int
    name: str | None = None
    billing_options: str | None = None


class NamedSetup(Wire):
    """A row of a setup table: company types, statuses, boards."""

    id: int
    name: str | None = None
    inactive_flag: bool | None = None
    vendor_flag: bool | None = None


class UserDefinedField(Wire):
    """`/system/userDefinedFields`."""

    id: int
    caption: str | None = None
    pod_id: int | None = None


class Callback(Wire):
    """`/system/callbacks` (connectwise.md §11)."""

    id: int
    url: str | None = None
    type: str | None = None
    level: str | None = None
    object_id: int | None = None
    inactive_flag: bool | None = None


class Ticket(Wire):
    """`/service/tickets`."""

    id: int
    summary: str | None = None
    closed_flag: bool | None = None


class TicketNote(Wire):
    """`/service/tickets/{id}/notes`."""

    id: int
    text: str | None = None


class CompanyInfo(Wire, rename="pascal"):
    """`/login/companyinfo/{company}` (connectwise.md §1)."""

    codebase: str
    version_code: str | None = None
    is_cloud: Any = None
    company_name: str | None = None


class SystemInfo(Wire):
    """`/system/info`."""

    version: str | None = None
    is_cloud: bool | None = None
    server_time_zone: str | None = None


class Count(Wire):
    """Answer of every `/count`."""

    count: int


class FieldProblem(Wire):
    """One entry of an error's `errors`."""

    code: str | None = None
    message: str | None = None
    field: str | None = None


class Problem(Wire):
    """Error bodies of all JSON shapes (connectwise.md §4)."""

    code: str | None = None
    error: str | None = None
    message: str | None = None
    errors: list[FieldProblem] | None = None


class CallbackMetadata(Wire):
    """Where the signing key is."""

    key_url: str | None = msgspec.field(default=None, name="key_url")


class CallbackMessage(Wire, rename="pascal"):
    """What the PSA posts to us; `Entity` is JSON text."""

    action: str
    type: str
    id: int = msgspec.field(name="ID")
    company_id: str | None = None
    member_id: str | None = None
    entity: str | None = None
    metadata: CallbackMetadata | None = None


class CallbackEntity(Wire):
    """The few parts of a changed record that tell whom it concerns."""

    id: int | None = None
    company: Reference | None = None
    apply_to_id: int | None = None
    info: Info | None = msgspec.field(default=None, name="_info")


class SigningKey(Wire, rename=None):
    """Answer of the key address."""

    signing_key: str
