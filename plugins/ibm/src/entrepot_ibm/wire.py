"""The vendor's JSON as typed records: only the fields that are mapped.

Every member of a report may be absent (reference §4.3). Moments stay text: listings
must not fail for one bad date. Numbers become exact decimals here, so that
``8333.333333333334`` never is a float (§1.4, decision 5).
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, Generic, TypeVar

import msgspec

T = TypeVar("T")
Raw = msgspec.Raw


class _Wire(msgspec.Struct, gc=False, kw_only=True):
    """Base: unknown fields are skipped."""


class TokenWire(_Wire):
    """Answer of the token endpoint (§3)."""

    access_token: str
    expires_in: int = 3600


class Href(_Wire):
    """A link; `offset` stands in it or beside it."""

    href: str | None = None
    offset: str | int | None = None


class Listed(_Wire):
    """A listing whose items stay encoded, in any of the vendor's envelopes (§5.2)."""

    resources: list[msgspec.Raw] | None = None
    reports: list[msgspec.Raw] | None = None
    next_url: Href | str | None = None
    next: Href | str | None = None
    offset: int | None = None
    count: int | None = None
    resource_count: int | None = None


class EnterpriseWire(_Wire):
    """An enterprise (§4.1)."""

    id: str
    name: str = ""
    enterprise_account_id: str = ""
    state: str = ""


class AccountWire(_Wire):
    """An account of an enterprise (§4.1)."""

    id: str
    name: str = ""
    crn: str = ""
    parent: str = ""
    state: str = ""
    enterprise_path: str = ""
    owner_iam_id: str = ""
    owner_email: str = ""
    paid: bool | None = None
    is_enterprise_account: bool = False
    created_at: str | None = None
    updated_at: str | None = None


class BillingUnitWire(_Wire):
    """A billing unit of an enterprise (§4.2)."""

    id: str
    name: str = ""
    currency_code: str = ""
    country_code: str = ""
    master: bool = False


class OptionWire(_Wire):
    """A billing option: a commitment, as partner or as enterprise (§4.2, §4.3)."""

    id: str
    billing_unit_id: str = ""
    customer_id: str = ""
    customer_type: str = ""
    customer_name: str = ""
    reseller_id: str = ""
    reseller_name: str = ""
    month: str = ""
    errors: list[Any] | None = None
    type: str = ""
    start_date: str | None = None
    end_date: str | None = None
    state: str = ""
    category: str = ""
    payment_instrument: Any = None
    part_number: str = ""
    catalog_id: str = ""
    order_id: str = ""
    po_number: str = ""
    subscription_model: str = ""
    duration_in_months: int | None = None
    monthly_amount: Decimal | None = None
    country_code: str = ""
    currency_code: str = ""
    line_item_id: str = ""
    renewal_mode_code: str = ""
    updated_at: str | None = None


class TermCreditWire(_Wire):
    """One term of a credit pool."""

    billing_option_id: str = ""
    category: str = ""
    start_date: str | None = None
    end_date: str | None = None
    total_credits: Decimal | None = None
    starting_balance: Decimal | None = None
    used_credits: Decimal | None = None
    current_balance: Decimal | None = None


class OverageWire(_Wire):
    """Use above a pool's credit."""

    cost: Decimal | None = None


class PoolWire(_Wire):
    """A credit pool of one billing unit (§4.2, §4.3)."""

    type: str = ""
    billing_unit_id: str = ""
    customer_id: str = ""
    month: str = ""
    currency_code: str = ""
    term_credits: list[TermCreditWire] | None = None
    overage: OverageWire | None = None


class MetricWire(_Wire):
    """One metric of a plan's usage."""

    metric: str = ""
    unit: str = ""
    quantity: Decimal = Decimal(0)
    rateable_quantity: Decimal | None = None
    cost: Decimal = Decimal(0)
    rated_cost: Decimal = Decimal(0)
    non_chargeable: bool = False


class PlanUsageWire(_Wire):
    """Usage of one plan; `cost` is after discount, `rated_cost` before (§4.2)."""

    plan_id: str = ""
    plan_name: str = ""
    pricing_region: str = ""
    pricing_plan_id: str = ""
    billable: bool = True
    cost: Decimal = Decimal(0)
    rated_cost: Decimal = Decimal(0)
    usage: list[MetricWire] | None = None


class ResourceUsageWire(_Wire):
    """Usage of one service."""

    resource_id: str = ""
    resource_name: str = ""
    billable_cost: Decimal = Decimal(0)
    plans: list[PlanUsageWire] | None = None


class ReportWire(_Wire):
    """A usage report of one entity and month, from either host."""

    entity_id: str = ""
    entity_type: str = ""
    entity_crn: str = ""
    entity_name: str = ""
    entity_partner_type: str = ""
    viewpoint: str = ""
    month: str = ""
    currency_code: str = ""
    country_code: str = ""
    billable_cost: Decimal = Decimal(0)
    resources: list[ResourceUsageWire] | None = None


class LastOperationWire(_Wire):
    """What was last done to an instance (§4.4)."""

    type: str = ""
    state: str = ""
    description: str | None = None
    reason_code: str | None = None


class PlanStepWire(_Wire):
    """One step of an instance's plan history."""

    resource_plan_id: str = ""
    start_date: str | None = None


class InstanceWire(_Wire):
    """A resource instance (§4.4); `parameters` as asked for, `extensions` as is."""

    guid: str
    id: str = ""
    crn: str = ""
    name: str = ""
    account_id: str = ""
    region_id: str = ""
    resource_id: str = ""
    resource_plan_id: str = ""
    resource_group_id: str = ""
    parameters: dict[str, Any] | None = None
    extensions: dict[str, Any] | None = None
    state: str = ""
    type: str = ""
    sub_type: str | None = None
    locked: bool | None = None
    last_operation: LastOperationWire | None = None
    plan_history: list[PlanStepWire] | None = None
    dashboard_url: str | None = None
    created_at: str | None = None
    updated_at: str | None = None
    deleted_at: str | None = None
    scheduled_reclaim_at: str | None = None
    restored_at: str | None = None


class ReclamationWire(_Wire):
    """A scheduled reclamation (§4.4)."""

    id: str
    resource_instance_id: str = ""
    state: str = ""
    target_time: str | None = None


class InstanceUsageWire(_Wire):
    """Usage of one instance in a month (§4.6)."""

    account_id: str = ""
    resource_instance_id: str = ""
    resource_instance_name: str = ""
    resource_id: str = ""
    resource_name: str = ""
    plan_id: str = ""
    plan_name: str = ""
    pricing_plan_id: str = ""
    region: str = ""
    currency_code: str = ""
    billable: bool = True
    pending: bool = False
    month: str = ""
    usage: list[MetricWire] | None = None


class DisplayWire(_Wire):
    """Texts of a catalogue entry in one language."""

    display_name: str = ""
    description: str = ""


class ServiceMetaWire(_Wire):
    """What a service allows."""

    plan_updateable: bool | None = None
    rc_provisionable: bool | None = None


class MetadataWire(_Wire):
    """Metadata of a catalogue entry that decides whether it can be ordered."""

    rc_compatible: bool | None = None
    service: ServiceMetaWire | None = None


class EntryWire(_Wire):
    """A service or a plan of the catalogue (§4.5)."""

    id: str
    name: str = ""
    kind: str = ""
    active: bool = True
    disabled: bool = False
    tags: list[str] | None = None
    pricing_tags: list[str] | None = None
    overview_ui: dict[str, DisplayWire] | None = None
    metadata: MetadataWire | None = None
    provider: dict[str, Any] | None = None


class PriceWire(_Wire):
    """One tier's price."""

    quantity_tier: Decimal | None = None
    price: Decimal | None = None


class AmountWire(_Wire):
    """Prices in one country and currency; the codes are not always right (T22)."""

    country: str = ""
    currency: str = ""
    prices: list[PriceWire] | None = None


class PriceMetricWire(_Wire):
    """How one metric of a plan is priced."""

    part_ref: str = ""
    metric_id: str = ""
    tier_model: str = ""
    charge_unit: str = ""
    charge_unit_name: str = ""
    charge_unit_display_name: str = ""
    charge_unit_quantity: Decimal | None = None
    amounts: list[AmountWire] | None = None


class PricingWire(_Wire):
    """Pricing of a plan (§4.5); `metrics` may be null."""

    type: str = ""
    metrics: list[PriceMetricWire] | None = None
    effective_from: str | None = None
    effective_until: str | None = None


class Reader(Generic[T]):
    """Decodes one kind of record.

    A null stands for an absent member where the record does not allow it.

    Args:
        kind: The record's type.
    """

    def __init__(self, kind: type[T]) -> None:
        self._kind = kind
        self._decoder = msgspec.json.Decoder(kind)

    def read(self, data: bytes | msgspec.Raw) -> T:
        """The record.

        Raises:
            ValueError: The bytes are no such record.
        """
        try:
            return self._decoder.decode(data)
        except msgspec.ValidationError:
            return self._read_loosely(data)
        except msgspec.DecodeError as error:
            raise ValueError(str(error)) from None

    def _read_loosely(self, data: bytes | msgspec.Raw) -> T:
        plain = json.loads(bytes(data), parse_float=Decimal)
        try:
            return msgspec.convert(_without_nulls(plain), self._kind, strict=False)
        except msgspec.ValidationError as error:
            raise ValueError(str(error)) from None


def _without_nulls(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, dict):
        return {k: _without_nulls(v) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value


TOKEN = Reader(TokenWire)
LISTED = Reader(Listed)
ENTERPRISE = Reader(EnterpriseWire)
ACCOUNT = Reader(AccountWire)
BILLING_UNIT = Reader(BillingUnitWire)
OPTION = Reader(OptionWire)
POOL = Reader(PoolWire)
REPORT = Reader(ReportWire)
INSTANCE = Reader(InstanceWire)
RECLAMATION = Reader(ReclamationWire)
INSTANCE_USAGE = Reader(InstanceUsageWire)
ENTRY = Reader(EntryWire)
PRICING = Reader(PricingWire)
