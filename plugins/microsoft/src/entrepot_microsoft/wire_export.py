"""The billing export of the Graph API, typed (reference §6.2)."""

from __future__ import annotations

from decimal import Decimal

import msgspec


class FaultWire(msgspec.Struct, rename="camel", kw_only=True):
    """Why an export failed; code ``5000`` says that there is no data."""

    code: str = ""
    message: str = ""


class BlobWire(msgspec.Struct, rename="camel", kw_only=True):
    """One file of an export."""

    name: str
    partition_value: str = ""


class ManifestWire(msgspec.Struct, rename="camel", kw_only=True):
    """The files of an export, and the key that opens them for a while."""

    id: str = ""
    e_tag: str = ""
    data_format: str = ""
    root_directory: str = ""
    sas_token: str = ""
    blobs: tuple[BlobWire, ...] = ()


class OperationWire(msgspec.Struct, rename="camel", kw_only=True):
    """An export that was asked for."""

    id: str = ""
    status: str = ""
    error: FaultWire | None = None
    resource_location: ManifestWire | None = None


class UsageWire(msgspec.Struct, rename="pascal", kw_only=True):
    """A day of one meter and resource; numbers come as text or as numbers."""

    usage_date: str
    customer_id: str
    quantity: Decimal
    billing_pre_tax_total: Decimal | None = None
    billing_currency: str = ""
    subscription_id: str = ""
    subscription_description: str = ""
    entitlement_id: str = ""
    entitlement_description: str = ""
    product_id: str = ""
    product_name: str = ""
    sku_id: str = ""
    sku_name: str = ""
    meter_id: str = ""
    meter_name: str = ""
    meter_type: str = ""
    meter_category: str = ""
    meter_sub_category: str = ""
    meter_region: str = ""
    unit: str = ""
    unit_type: str = ""
    charge_type: str = ""
    consumed_service: str = ""
    resource_group: str = ""
    resource_location: str = ""
    resource_uri: str = msgspec.field(default="", name="ResourceURI")
    invoice_number: str = ""
    unit_price: Decimal | None = None
    effective_unit_price: Decimal | None = None
    pricing_currency: str = ""
    credit_type: str = ""
    credit_percentage: Decimal | None = None
    benefit_type: str = ""
    tags: str = ""
    service_info1: str = ""
    service_info2: str = ""
    additional_info: str = ""


OPERATION = msgspec.json.Decoder(OperationWire)
MANIFEST = msgspec.json.Decoder(ManifestWire)
USAGE = msgspec.json.Decoder(UsageWire)
