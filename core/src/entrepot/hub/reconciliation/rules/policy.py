"""What people decided: maps, rules, overrides, tolerances."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from entrepot.hub.reconciliation.rules.records import ONE, ZERO, CustomerShare
from entrepot.sdk.model import BillCustomer, BillingCycle, BillingMode


class EntryKind(StrEnum):
    """What a product-map entry is for."""

    LICENSE = "license"
    BUNDLE_DRIVER = "bundle_driver"
    BUNDLE_COMPONENT = "bundle_component"
    USAGE = "usage"
    ONE_TIME = "one_time"
    SETUP = "setup"
    IGNORE = "ignore"


RECURRING = frozenset({EntryKind.LICENSE, EntryKind.BUNDLE_DRIVER})


class Rounding(StrEnum):
    """What happens to a quantity after the factor."""

    EXACT = "exact"
    CEIL = "ceil"


class PriceMode(StrEnum):
    """Where a unit price comes from."""

    CATALOG = "catalog"
    MARKUP = "markup"
    MARGIN = "margin"
    FIXED = "fixed"
    VENDOR_LIST = "vendor_list"
    KEEP = "keep"


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRule:
    """How a unit price is made.

    Attributes:
        value: Percent for markup and margin, amount for fixed.
        currency: Of a fixed price; empty = the agreement's.
        floor: Least margin in percent; None = off.
        company: Customer price list of this company; empty = everybody.
        product: Only for this PSA product; empty = all.
    """

    mode: PriceMode = PriceMode.KEEP
    value: Decimal = ZERO
    currency: str = ""
    floor: Decimal | None = None
    company: str = ""
    product: str = ""


class CostMode(StrEnum):
    """Where a unit cost comes from."""

    VENDOR_PRICE = "vendor_price"
    VENDOR_INVOICE = "vendor_invoice"
    FIXED = "fixed"
    KEEP = "keep"


@dataclass(frozen=True, slots=True, kw_only=True)
class CostRule:
    """How a unit cost is made.

    Attributes:
        value: Of a fixed cost.
        spread: Parts a longer vendor cycle is divided into (12: yearly to monthly);
            zero = not spread.
    """

    mode: CostMode = CostMode.VENDOR_PRICE
    value: Decimal = ZERO
    spread: int = 0
    company: str = ""
    product: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FxRate:
    """How much of `to` one unit of `source` is worth from a day on."""

    source: str
    to: str
    rate: Decimal
    dated: date


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductMapEntry:
    """Maps a vendor SKU to a PSA product.

    Attributes:
        product: Vendor product; empty = any. Likewise `sku`, `term`,
            `billing_cycle`, `segment`, `market`.
        psa_product: Target; empty only for kinds that bill nothing.
        factor: PSA units per vendor unit.
        included_quantity: Units of the line that are included at no charge.
        bill: Flag a line should carry.
        taxable: Flag a line should carry; None = not managed.
        ends: First day on which the entry no longer holds.
    """

    id: str
    psa_product: str = ""
    connection: str = ""
    product: str = ""
    sku: str = ""
    term: str = ""
    billing_cycle: BillingCycle | None = None
    segment: str = ""
    market: str = ""
    kind: EntryKind = EntryKind.LICENSE
    factor: Decimal = ONE
    rounding: Rounding = Rounding.EXACT
    included_quantity: Decimal = ZERO
    price_rule: PriceRule | None = None
    manage_price: bool = True
    manage_cost: bool = True
    manage_flags: bool = True
    bill: BillCustomer = BillCustomer.BILLABLE
    taxable: bool | None = True
    text: str = ""
    starts: date | None = None
    ends: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleComponent:
    """A part of a bundle: entry and units per driver unit."""

    entry: str
    ratio: Decimal = ONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A PSA product billed by a driver while its components are only checked."""

    psa_product: str
    driver: str
    components: tuple[BundleComponent, ...] = ()


class AgreementMode(StrEnum):
    """How a rule names its agreement."""

    EXPLICIT = "explicit"
    BY_TYPE = "by_type"
    FAMILY = "family"
    ONLY = "only"  # the company's only active one, or the one that has the product


class Owner(StrEnum):
    """Who charges parts of a period."""

    HUB = "hub"
    PSA = "psa"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementRule:
    """Which agreement a key is billed under, and how changes reach it.

    Attributes:
        value: Agreement id, type id or family root id, by `mode`.
        billing_mode: The user's word; UNKNOWN = as the agreement says.
        preset_cancel_date: Write end dates as soon as the vendor's end is known.
        max_backdate_periods: Closed periods that level 2 looks at.
    """

    mode: AgreementMode = AgreementMode.EXPLICIT
    value: str = ""
    company: str = ""
    connection: str = ""
    product: str = ""
    kind: EntryKind | None = None
    billing_mode: BillingMode = BillingMode.UNKNOWN
    proration_owner: Owner = Owner.HUB
    dated_lines_always: bool = False
    catch_up_charge: bool = True
    credit_charge: bool = False
    preset_cancel_date: bool = False
    max_backdate_periods: int = 1
    create_if_missing: bool = False


class OverrideField(StrEnum):
    """What of an expected line people may fix."""

    QUANTITY = "quantity"
    UNIT_PRICE = "unit_price"
    UNIT_COST = "unit_cost"
    BILL = "bill"
    TAXABLE = "taxable"
    ENDS = "ends"


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """An accepted difference: applied to what is expected.

    Attributes:
        value: As text: a decimal, a flag word, true/false, or a date.
        valid_until: Last day; afterwards the difference opens again.
    """

    company: str
    product: str
    field: OverrideField
    value: str
    reason: str
    agreement: str = ""
    valid_until: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Minimum:
    """Least quantity of a product for a company; both days inclusive."""

    company: str
    product: str
    quantity: Decimal
    agreement: str = ""
    starts: date | None = None
    ends: date | None = None
    reason: str = ""

    def holds_on(self, day: date) -> bool:
        """Whether it applies on `day`."""
        begun = self.starts is None or self.starts <= day
        return begun and (self.ends is None or day <= self.ends)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Tolerances and waits; the defaults are the starting values of the design.

    Attributes:
        level: At least this level is compared: 1 = the next invoice, 2 = closed
            periods as well.
    """

    unit_amount: Decimal = Decimal("0.005")
    fx_percent: Decimal = Decimal(1)
    order_wait: timedelta = timedelta(hours=24)
    flapping_window: timedelta = timedelta(hours=24)
    flapping_count: int = 3
    quiet: timedelta = timedelta(minutes=30)
    end_notice: timedelta = timedelta(days=30)
    level: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """All decisions that bear on one reconciliation."""

    shares: tuple[CustomerShare, ...] = ()
    products: tuple[ProductMapEntry, ...] = ()
    bundles: tuple[Bundle, ...] = ()
    agreements: tuple[AgreementRule, ...] = ()
    prices: tuple[PriceRule, ...] = ()
    costs: tuple[CostRule, ...] = ()
    fx: tuple[FxRate, ...] = ()
    overrides: tuple[Override, ...] = ()
    minimums: tuple[Minimum, ...] = ()
    excluded_skus: frozenset[tuple[str, str]] = frozenset()
    limits: Limits = field(default_factory=Limits)
