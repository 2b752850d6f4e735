"""The vendor's JSON as typed records: only the fields that are mapped.

Field spelling follows the responses (camelCase); some answers come in PascalCase
(reference §1.4), so decoding falls back to a case-insensitive reading. Moments stay
text here: their notations vary too much for a decoder.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Generic, TypeVar

import msgspec

T = TypeVar("T")


class _Wire(msgspec.Struct, rename="camel", gc=False, kw_only=True):
    """Base: camelCase on the wire, unknown fields skipped."""


class Header(_Wire):
    """A header that a link wants to be sent."""

    key: str = ""
    value: str = ""


class Link(_Wire):
    """A link; its address is never used, its headers are (§1.5)."""

    headers: list[Header] | None = None


class Links(_Wire):
    """Links of a collection."""

    next: Link | None = None


class Attributes(_Wire):
    """The part of ``attributes`` that matters."""

    etag: str | None = None


class RawCollection(_Wire):
    """A listing whose items stay encoded.

    ``code`` is filled when an answer of status 200 is an error in truth (§1.7).
    """

    items: list[msgspec.Raw] | None = None
    links: Links | None = None
    continuation_token: str | None = None
    code: str | int | None = None
    description: str | None = None

    @property
    def token(self) -> str | None:
        """The continuation token, byte for byte; None on the last page."""
        if self.continuation_token:
            return self.continuation_token
        following = self.links.next if self.links else None
        for header in (following.headers or ()) if following else ():
            if header.key.lower() == "ms-continuationtoken":
                return header.value or None
        return None


class CompanyProfile(_Wire):
    """Company data of a customer (§2.2)."""

    tenant_id: str = ""
    domain: str | None = None
    company_name: str | None = None
    organization_registration_number: str | None = None


class PostalAddress(_Wire):
    """A postal address of the billing profile."""

    country: str | None = None
    region: str | None = None
    city: str | None = None
    state: str | None = None
    address_line1: str | None = None
    address_line2: str | None = None
    postal_code: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    phone_number: str | None = None


class BillingProfile(_Wire):
    """Who is billed (§2.2)."""

    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    culture: str | None = None
    company_name: str | None = None
    default_address: PostalAddress | None = None


class CustomerWire(_Wire):
    """A customer; the listing leaves out everything after the profile (§2.1)."""

    id: str
    company_profile: CompanyProfile | None = None
    relationship_to_partner: str | None = None
    billing_profile: BillingProfile | None = None
    custom_domains: list[str] | None = None
    associated_partner_id: str | None = None


class ProductType(_Wire):
    """Selects the rule set of a subscription (§5.2)."""

    id: str | None = None


class NextProduct(_Wire):
    """The item of the next term."""

    product_id: str | None = None
    sku_id: str | None = None
    billing_cycle: str | None = None
    term_duration: str | None = None


class NextTermInstructions(_Wire):
    """What happens at the renewal (§5.5)."""

    product: NextProduct | None = None
    quantity: Decimal | None = None
    custom_term_end_date: str | None = None


class ScheduledAction(_Wire):
    """A scheduled action; sources differ on the first field's name (§5.9)."""

    schedule_type: str | None = None
    scheduled_type: str | None = None
    action_type: str | None = None
    effective_date: str | None = None
    instructions: NextTermInstructions | None = None


class RefundableQuantity(_Wire):
    """Seats that may be given back now; only in answers by id (§5.2)."""

    total_quantity: Decimal | None = None


class SubscriptionWire(_Wire):
    """A subscription of either commerce (§5.2)."""

    id: str
    offer_id: str = ""
    offer_name: str | None = None
    friendly_name: str | None = None
    entitlement_id: str | None = None
    quantity: Decimal = Decimal(0)
    unit_type: str | None = None
    parent_subscription_id: str | None = None
    creation_date: str | None = None
    effective_start_date: str | None = None
    commitment_end_date: str | None = None
    commitment_end_date_time: str | None = None
    cancellation_allowed_until_date: str | None = None
    status: str | None = None
    auto_renew_enabled: bool | None = None
    is_trial: bool | None = None
    billing_type: str | None = None
    billing_cycle: str | None = None
    term_duration: str | None = None
    product_type: ProductType | None = None
    publisher_name: str | None = None
    partner_id: str | None = None
    promotion_id: str | None = None
    order_id: str | None = None
    migrated_from_subscription_id: str | None = None
    suspension_reasons: list[str] | None = None
    refundable_quantity: RefundableQuantity | None = None
    scheduled_next_term_instructions: NextTermInstructions | None = None
    scheduled_actions: list[ScheduledAction] | None = None
    attributes: Attributes | None = None
    code: str | int | None = None


class Pricing(_Wire):
    """Prices of an order line; absent for some products (§4.2)."""

    list_price: Decimal | None = None
    price: Decimal | None = None


class OrderLineWire(_Wire):
    """A line of an order (§4.3)."""

    line_item_number: int | None = None
    offer_id: str = ""
    subscription_id: str | None = None
    term_duration: str | None = None
    transaction_type: str | None = None
    friendly_name: str | None = None
    quantity: Decimal = Decimal(0)
    pricing: Pricing | None = None


class OrderWire(_Wire):
    """An order as the vendor reports it (§4.3)."""

    id: str
    billing_cycle: str | None = None
    currency_code: str | None = None
    line_items: list[OrderLineWire] | None = None
    creation_date: str | None = None
    status: str | None = None
    transaction_type: str | None = None


class Pair(_Wire):
    """A name with a value."""

    key: str = ""
    value: str | None = None


class AuditWire(_Wire):
    """A record of the activity log (§6.3)."""

    id: str
    customer_id: str | None = None
    user_principal_name: str | None = None
    resource_type: str | None = None
    operation_type: str | None = None
    operation_date: str | None = None
    operation_status: str | None = None
    customized_data: list[Pair] | None = None


class ProductWire(_Wire):
    """A product of the catalogue (§3.2)."""

    id: str
    title: str | None = None
    product_type: ProductType | None = None
    publisher_name: str | None = None


class DynamicAttributes(_Wire):
    """What a SKU needs and becomes (§3.2)."""

    is_addon: bool | None = None
    prerequisite_skus: list[str] | None = None
    provisioning_id: str | None = None


class SkuWire(_Wire):
    """A SKU of a product (§3.2)."""

    id: str
    product_id: str = ""
    title: str | None = None
    description: str | None = None
    minimum_quantity: Decimal | None = None
    maximum_quantity: Decimal | None = None
    is_trial: bool | None = None
    consumption_type: str | None = None
    dynamic_attributes: DynamicAttributes | None = None


class TermWire(_Wire):
    """One way to buy: duration and cycle."""

    duration: str | None = None
    billing_cycle: str | None = None


class AvailabilityWire(_Wire):
    """An availability; its id rotates and is never kept (§3.2)."""

    id: str
    segment: str | None = None
    country: str | None = None
    is_purchasable: bool | None = None
    default_currency: dict[str, Any] | None = None
    terms: list[TermWire] | None = None


class LegacyOfferWire(_Wire):
    """An offer of the old commerce (§3.1)."""

    id: str
    name: str | None = None
    minimum_quantity: Decimal | None = None
    maximum_quantity: Decimal | None = None
    is_add_on: bool | None = None
    prerequisite_offers: list[str] | None = None
    unit_type: str | None = None
    supported_billing_cycles: list[str] | None = None


class RegistrationWire(_Wire):
    """A webhook registration; answers come in either case (§6.4)."""

    webhook_url: str
    webhook_events: list[str] | None = None


class NotificationWire(_Wire):
    """The body of a notification (§6.4); PascalCase on the wire."""

    event_name: str
    resource_uri: str
    resource_name: str | None = None
    audit_uri: str | None = None
    resource_change_utc_date: str | None = None


class TokenWire(msgspec.Struct, kw_only=True):
    """Answer of the token endpoint; v1 sends its numbers as text (§1.2)."""

    access_token: str
    expires_in: int | str = 3599
    refresh_token: str | None = None


class InvoiceWire(_Wire):
    """An invoice or one of its amendments (§6.1)."""

    id: str
    invoice_date: str | None = None
    billing_period_start_date: str | None = None
    billing_period_end_date: str | None = None
    currency_code: str | None = None
    document_type: str | None = None
    amendments: list[InvoiceWire] | None = None


class InvoiceLineWire(_Wire):
    """A billing line of an invoice; numbers come as text or as numbers (§6.1)."""

    customer_id: str
    subtotal: Decimal
    currency: str
    product_id: str | None = None
    sku_id: str | None = None
    availability_id: str | None = None
    product_name: str | None = None
    sku_name: str | None = None
    charge_type: str | None = None
    order_id: str | None = None
    alternate_id: str | None = None
    order_date: str | None = None
    unit_price: Decimal | None = None
    effective_unit_price: Decimal | None = None
    unit_type: str | None = None
    quantity: Decimal | None = None
    billable_quantity: Decimal | None = None
    tax_total: Decimal | None = None
    total_for_customer: Decimal | None = None
    pricing_currency: str | None = None
    pc_to_bc_exchange_rate: Decimal | None = msgspec.field(
        default=None, name="pcToBCExchangeRate"
    )
    publisher_name: str | None = None
    subscription_id: str | None = None
    subscription_description: str | None = None
    charge_start_date: str | None = None
    charge_end_date: str | None = None
    term_and_billing_cycle: str | None = None
    billing_frequency: str | None = None
    reference_id: str | None = None
    reservation_order_id: str | None = None
    price_adjustment_description: str | None = None
    credit_reason_code: str | None = None
    meter_description: str | None = None
    promotion_id: str | None = None


class Reader(Generic[T]):
    """Decodes one kind of record; strict first, forgiving when that fails.

    A record in another case shows by a required member that seems to be missing.

    Args:
        kind: The record's type.
    """

    def __init__(self, kind: type[T]) -> None:
        self._kind = kind
        self._decoder = msgspec.json.Decoder(kind)

    def read(self, data: bytes | msgspec.Raw) -> T:
        """The record.

        Raises:
            msgspec.MsgspecError: The bytes are no such record in any spelling.
        """
        try:
            return self._decoder.decode(data)
        except msgspec.ValidationError:
            loose = msgspec.json.decode(data, type=_Loose)
            return msgspec.convert(_camel(loose), self._kind, strict=False)


_Loose = dict[str, Any]


def _camel(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, dict):
        return {key[:1].lower() + key[1:]: _camel(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_camel(item) for item in value]
    return value


COLLECTION = Reader(RawCollection)
CUSTOMER = Reader(CustomerWire)
BILLING_PROFILE = Reader(BillingProfile)
SUBSCRIPTION = Reader(SubscriptionWire)
ORDER = Reader(OrderWire)
AUDIT = Reader(AuditWire)
INVOICE = Reader(InvoiceWire)
INVOICE_LINE = Reader(InvoiceLineWire)
PRODUCT = Reader(ProductWire)
SKU = Reader(SkuWire)
AVAILABILITY = Reader(AvailabilityWire)
LEGACY_OFFER = Reader(LegacyOfferWire)
REGISTRATION = Reader(RegistrationWire)
NOTIFICATION = Reader(NotificationWire)
TOKEN = Reader(TokenWire)
