"""The vendor's answers as boto3 gives them, typed (reference §3 and §4)."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")


def read(found: Any, kind: type[T]) -> T:  # noqa: ANN401 - boto3's untyped dictionaries
    """The answer, or a part of it, as a record.

    Raises:
        ValueError: It lacks what the record demands.
    """
    return msgspec.convert(found, kind, strict=False)


class Pascal(msgspec.Struct, rename="pascal", kw_only=True):
    """Members in PascalCase."""


class Camel(msgspec.Struct, rename="camel", kw_only=True):
    """Members in camelCase."""


# Organizations (§3.1)


class OrganizationWire(Pascal):
    """The organization of the connection's account."""

    id: str
    master_account_id: str = ""
    master_account_email: str = ""
    feature_set: str = ""


class UnitWire(Pascal):
    """An organizational unit, or a root."""

    id: str
    arn: str = ""
    name: str = ""


class AccountWire(Pascal):
    """An account; `status` retires in September 2026, `state` stays."""

    id: str
    arn: str = ""
    email: str = ""
    name: str = ""
    state: str = ""
    status: str = ""
    joined_method: str = ""
    joined_timestamp: datetime | None = None


class PartyWire(Pascal):
    """One side of a billing transfer."""

    management_account_id: str = ""
    management_account_email: str = ""


class TransferWire(Pascal):
    """A billing transfer."""

    id: str
    arn: str = ""
    name: str = ""
    status: str = ""
    source: PartyWire = msgspec.field(default_factory=PartyWire)
    target: PartyWire = msgspec.field(default_factory=PartyWire)
    start_timestamp: datetime | None = None
    end_timestamp: datetime | None = None
    active_handshake_id: str = ""


class TagWire(Pascal):
    """A tag of an organizational unit or account."""

    key: str
    value: str = ""


# Marketplace agreements and offers (§4)


class ParticipantWire(Camel):
    """One side of an agreement."""

    account_id: str = ""


class ResourceWire(Camel):
    """What an agreement is about."""

    id: str = ""
    type: str = ""


class ProposalWire(Camel):
    """The offer behind an agreement."""

    resources: list[ResourceWire] = []
    offer_id: str = ""


class AgreementWire(Camel):
    """An agreement as listed; its id changes at renewal, the initial one stays."""

    agreement_id: str
    initial_agreement_id: str = ""
    acceptance_time: datetime | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None
    last_update_time: datetime | None = None
    acceptor: ParticipantWire = msgspec.field(default_factory=ParticipantWire)
    proposer: ParticipantWire = msgspec.field(default_factory=ParticipantWire)
    proposal_summary: ProposalWire = msgspec.field(default_factory=ProposalWire)
    status: str = ""
    end_time_behavior_type: str = ""


class AgreementChargeWire(Camel):
    """An amount that an agreement asks of its acceptor on a day."""

    id: str
    agreement_id: str
    revision: int | None = None
    currency_code: str = ""
    amount: str = ""
    time: datetime | None = None
    purchase_order_reference: str = ""


class RateWire(Camel):
    """Price of one dimension."""

    dimension_key: str
    price: str = ""
    display_name: str = ""
    unit: str = ""


class SelectorWire(Camel):
    """Which duration a rate card is for."""

    type: str = ""
    value: str = ""


class RateCardWire(Camel):
    """Prices for one duration; for usage without a duration."""

    selector: SelectorWire = msgspec.field(default_factory=SelectorWire)
    rate_card: list[RateWire] = []


class DimensionWire(Camel):
    """How many of a dimension were bought."""

    dimension_key: str
    dimension_value: int


class ChoiceWire(Camel):
    """What the buyer chose within a term."""

    selector_value: str = ""
    dimensions: list[DimensionWire] = []
    enable_auto_renew: bool | None = None


class PricingTermWire(Camel):
    """A term of an offer or agreement; kinds without prices leave most empty."""

    currency_code: str = ""
    rate_cards: list[RateCardWire] = []
    configuration: ChoiceWire | None = None
    price: str = ""
    duration: str = ""
    billing_period: str = ""


class TermWire(Camel):
    """One of the terms; exactly one member is filled, others are not needed."""

    configurable_upfront_pricing_term: PricingTermWire | None = None
    fixed_upfront_pricing_term: PricingTermWire | None = None
    usage_based_pricing_term: PricingTermWire | None = None
    recurring_payment_term: PricingTermWire | None = None
    free_trial_pricing_term: PricingTermWire | None = None
    renewal_term: PricingTermWire | None = None


class NamedWire(Camel):
    """A product, an offer or a seller by name."""

    product_id: str = ""
    product_name: str = ""
    offer_id: str = ""
    offer_name: str = ""
    display_name: str = ""


class EntityWire(Camel):
    """What a purchase option consists of."""

    product: NamedWire = msgspec.field(default_factory=NamedWire)
    offer: NamedWire = msgspec.field(default_factory=NamedWire)


class PurchaseOptionWire(Camel):
    """A way to buy a product."""

    purchase_option_id: str
    purchase_option_name: str = ""
    available_from_time: datetime | None = None
    expiration_time: datetime | None = None
    seller_of_record: NamedWire = msgspec.field(default_factory=NamedWire)
    associated_entities: list[EntityWire] = []


class OfferSummaryWire(Pascal):
    """An offer that we made; dates are texts (§2)."""

    name: str = ""
    product_id: str = ""
    resale_authorization_id: str = ""
    release_date: str = ""
    availability_end_date: str = ""
    buyer_accounts: list[str] = []
    state: str = ""
    target_agreement_id: str = ""


class AuthorizationSummaryWire(Pascal):
    """A manufacturer's permission to resell a product."""

    name: str = ""
    product_id: str = ""
    product_name: str = ""
    manufacturer_legal_name: str = ""
    status: str = ""
    created_date: str = ""
    availability_end_date: str = ""


class CatalogEntityWire(Pascal):
    """An entity of the Marketplace catalogue; one of the summaries is filled."""

    entity_id: str
    name: str = ""
    entity_type: str = ""
    offer_summary: OfferSummaryWire | None = None
    resale_authorization_summary: AuthorizationSummaryWire | None = None


# Savings Plans (§3.7)


class PlanWire(Camel):
    """A Savings Plan; start and end are texts."""

    savings_plan_arn: str
    savings_plan_id: str = ""
    offering_id: str = ""
    state: str = ""
    start: str = ""
    end: str = ""
    savings_plan_type: str = ""
    payment_option: str = ""
    currency: str = ""
    commitment: str = ""
    upfront_payment_amount: str = ""
    recurring_payment_amount: str = ""
    term_duration_in_seconds: int = 0
    returnable_until: str = ""


class PlanOfferingWire(Camel):
    """A Savings Plan that can be bought."""

    offering_id: str
    plan_type: str = ""
    description: str = ""
    payment_option: str = ""
    duration_seconds: int = 0
    currency: str = ""


# Billing Conductor (§3.4)


class ComputationWire(Pascal):
    """How a group's usage is priced."""

    pricing_plan_arn: str = ""


class GroupingWire(Pascal):
    """What a billing group is made of."""

    responsibility_transfer_arn: str = ""


class BillingGroupWire(Pascal):
    """A billing group."""

    arn: str
    name: str = ""
    primary_account_id: str = ""
    computation_preference: ComputationWire = msgspec.field(
        default_factory=ComputationWire
    )
    account_grouping: GroupingWire = msgspec.field(default_factory=GroupingWire)
    status: str = ""


class PricingPlanWire(Pascal):
    """A pricing plan."""

    arn: str
    name: str = ""


class PricingRuleWire(Pascal):
    """A pricing rule."""

    arn: str
    name: str = ""
    scope: str = ""
    type: str = ""
    modifier_percentage: float | None = None


class CostReportWire(Pascal):
    """What a billing group cost us in a month, and what its owner is shown."""

    arn: str
    aws_cost: str = msgspec.field(name="AWSCost", default="")
    proforma_cost: str = ""
    margin: str = ""
    margin_percentage: str = ""
    currency: str = ""


# Partner Central (§3.3)


class RelationshipWire(Camel):
    """A customer as registered with the partner programme; it has no status."""

    id: str
    associated_account_id: str = ""
    association_type: str = ""
    program_management_account_id: str = ""
    display_name: str = ""
    sector: str = ""
    created_at: datetime | None = None
    start_date: datetime | None = None


# Cost Explorer, invoices, export files (§3.5, §3.6)


class MetricWire(Pascal):
    """An amount."""

    amount: str
    unit: str = ""


class CostGroupWire(Pascal):
    """Costs of one account and service."""

    keys: list[str]
    metrics: dict[str, MetricWire]


class SpanWire(Pascal):
    """Days, the end not included."""

    start: str
    end: str


class CostResultWire(Pascal):
    """Costs of one month."""

    time_period: SpanWire
    groups: list[CostGroupWire] = []
    estimated: bool = False


class InvoiceWire(Pascal):
    """An invoice without lines."""

    invoice_id: str
    issued_date: datetime | None = None


class ObjectWire(msgspec.Struct, kw_only=True):
    """An object of a bucket."""

    key: str = msgspec.field(name="Key")
    etag: str = msgspec.field(name="ETag")
    size: int = msgspec.field(name="Size")
    modified: datetime = msgspec.field(name="LastModified")
