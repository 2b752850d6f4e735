"""What a vendor metered and what it charges the reseller, line by line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from entrepot.sdk.model.money import Money
from entrepot.sdk.model.time import Period, require_aware


class ChargeKind(StrEnum):
    """What a charge is for."""

    RECURRING = "recurring"
    PRORATED = "prorated"
    USAGE = "usage"
    ONE_TIME = "one_time"
    COMMITMENT = "commitment"
    DISCOUNT = "discount"
    CREDIT = "credit"
    REFUND = "refund"
    TAX = "tax"
    SUPPORT = "support"
    ADJUSTMENT = "adjustment"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageLine:
    """One metered quantity.

    Attributes:
        vendor_id: Names this line for ever within the connection; a restated line
            comes again under the same id.
        customer_id: Vendor's id of the customer; empty when the vendor names none.
        subscription_id: Vendor's id of the subscription or account; may be empty.
        resource_id: The metered thing, as the vendor names it.
        sku: The vendor's SKU, rate or meter id.
        name: The meter in the vendor's words.
        starts_at: First moment of the measurement.
        ends_at: First moment after it.
        quantity: In `unit`; negative for a correction.
        unit: The vendor's unit of measure.
        cost: What the reseller pays for it; None = not rated (yet).
        estimated: The vendor may still change it.
        source: Where the line was read: document, table or report, and place in it.
        attributes: Further fields worth showing, values as text.
    """

    vendor_id: str
    customer_id: str
    starts_at: datetime
    ends_at: datetime
    quantity: Decimal
    unit: str
    subscription_id: str = ""
    resource_id: str = ""
    sku: str = ""
    name: str = ""
    cost: Money | None = None
    estimated: bool = False
    source: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        require_aware(self.starts_at, "starts_at")
        require_aware(self.ends_at, "ends_at")
        if self.ends_at <= self.starts_at:
            msg = f"usage ends at {self.ends_at}, not after its start {self.starts_at}"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """One line of what the vendor charges, has charged or is about to charge.

    Attributes:
        vendor_id: Names this line for ever within the connection (the vendor's line
            id, or what makes the line unique in its document); a restated line
            comes again under the same id.
        customer_id: Vendor's id of the customer; empty for what belongs to none
            (the reseller's own support fee).
        kind: Our reading of `vendor_kind`.
        period: Days the charge is for.
        amount: Cost to the reseller before tax, exact as the vendor states it;
            negative for credits.
        subscription_id: Vendor's id of the subscription or account; may be empty.
        vendor_kind: The vendor's own word for the kind.
        sku: The vendor's SKU, offer or rate id.
        name: The line in the vendor's words.
        quantity: In `unit`; None where the vendor gives none.
        unit_price: Cost of one unit.
        list_amount: The same at list price.
        tax: Tax on top of `amount`.
        invoice_id: The vendor's document; empty until it is invoiced.
        invoiced_on: Date of the document.
        estimated: A preview; the vendor may still change it.
        source: Where the line was read: document, table or report, and place in it.
        attributes: Further fields worth showing, values as text.
    """

    vendor_id: str
    customer_id: str
    kind: ChargeKind
    period: Period
    amount: Money
    subscription_id: str = ""
    vendor_kind: str = ""
    sku: str = ""
    name: str = ""
    quantity: Decimal | None = None
    unit: str = ""
    unit_price: Money | None = None
    list_amount: Money | None = None
    tax: Money | None = None
    invoice_id: str = ""
    invoiced_on: date | None = None
    estimated: bool = False
    source: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
