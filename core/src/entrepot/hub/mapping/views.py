"""What the mapping service takes and gives."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from entrepot.hub.mapping.seen import Seen
from entrepot.sdk.model import Money

Doc = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class MapView:
    """What customer maps and product maps have in common.

    Attributes:
        status: ``suggested``, ``confirmed``, ``rejected``, ``excluded``, ``stale``.
        confidence: 0 to 1.
        band: ``preselected``, ``suggestion`` or ``none``.
        contested: Another source has the same best target.
        evidence: Reasons as kind, weight, text; the deciding one first.
        rivals: Counter-candidates, best first.
        version: Changes with every write; for the caller's lost-update guard.
    """

    id: str
    status: str
    method: str
    confidence: Decimal
    band: str
    contested: bool
    evidence: tuple[Doc, ...]
    rivals: tuple[Doc, ...]
    flags: tuple[str, ...]
    target_name: str
    reason: str
    decided_by: str
    decided_at: datetime | None
    batch_id: str
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerMapView(MapView):
    """A vendor customer and one company it is, or may be."""

    account_id: str
    vendor_connection_id: str
    vendor_customer_id: str
    psa_connection_id: str
    psa_company_id: str
    share: str
    share_value: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductMapView(MapView):
    """A SKU, or a pattern of SKUs, and the PSA product it is billed as."""

    vendor_connection_id: str
    product_id: str
    sku: str
    sku_name: str
    term: str
    billing_cycle: str
    segment: str
    market: str
    psa_connection_id: str
    psa_product_id: str
    kind: str
    factor: Decimal
    rounding: str
    included_quantity: Decimal
    price_mode: str
    price_value: Decimal
    price_currency: str
    price_floor: Decimal | None
    manage_price: bool
    manage_cost: bool
    manage_flags: bool
    bill: str
    taxable: bool | None
    text_template: str
    valid_from: date | None
    valid_to: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRow:
    """A vendor customer in the work list.

    Attributes:
        status: Of `mapping`; ``undecided`` when there is none or it is a suggestion.
        mapping: None when nothing was found and nothing decided.
        subscriptions: Billed subscriptions that wait for the decision.
    """

    account_id: str
    customer_id: str
    connection_id: str
    vendor_id: str
    name: str
    domain: str
    status: str
    mapping: CustomerMapView | None
    subscriptions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SkuRow:
    """A SKU in use, in the work list; as `AccountRow`."""

    connection_id: str
    sku: str
    name: str
    subscriptions: int
    status: str
    mapping: ProductMapView | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListQuery:
    """Which part of a work list.

    Attributes:
        psa_connection_id: Against which PSA.
        status: ``undecided`` or a status of a map; None = all but rejected ones.
        band: Only suggestions of this band; None = any.
        method: Only what rests on this evidence; None = any.
        text: Part of the name; empty = all.
        last: `Slice.last` of the slice before.
    """

    psa_connection_id: str
    vendor_connection_id: str | None = None
    status: str | None = None
    band: str | None = None
    method: str | None = None
    text: str = ""
    last: tuple[Any, ...] | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A company and how much of a vendor customer it gets."""

    company_id: str
    share: str = "all"
    value: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerDecision:
    """Which companies a vendor customer is; replaces what was decided before.

    Attributes:
        shared: The person knows that another customer of the same vendor connection
            has this company too, and wants it so.
        version: Version of the row the person looked at; None = not checked.
        seen: All decisions about the customer that the person looked at, as ids and
            versions of rows; None = not checked.
    """

    account_id: str
    psa_connection_id: str
    companies: tuple[Share, ...]
    shared: bool = False
    version: int | None = None
    seen: tuple[Seen, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductDecision:
    """An entry of the product map; empty strings stand for "any".

    Attributes:
        id: The row to change; None = by what it maps, else a new one.
        price_mode: Empty = the connection's default rule.
        valid_to: First day on which it no longer holds; None = open.
    """

    psa_connection_id: str
    psa_product_id: str = ""
    id: str | None = None
    vendor_connection_id: str = ""
    product_id: str = ""
    sku: str = ""
    sku_name: str = ""
    term: str = ""
    billing_cycle: str = ""
    segment: str = ""
    market: str = ""
    kind: str = "license"
    factor: Decimal = Decimal(1)
    rounding: str = "exact"
    included_quantity: Decimal = Decimal(0)
    price_mode: str = ""
    price_value: Decimal = Decimal(0)
    price_currency: str = ""
    price_floor: Decimal | None = None
    manage_price: bool = True
    manage_cost: bool = True
    manage_flags: bool = True
    bill: str = "billable"
    taxable: bool | None = True
    text_template: str = ""
    valid_from: date | None = None
    valid_to: date | None = None
    version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchView:
    """A decision as a whole.

    Attributes:
        rows: Map rows it changed; 0 when everything was so already.
        undone_by: The batch that took it back; None while it stands.
    """

    id: str
    what: str
    action: str
    actor_name: str
    at: datetime
    why: str
    rows: int
    undone_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """What a decision would touch, before it is saved.

    Attributes:
        subscriptions: Billed subscriptions it concerns.
        lines: Lines of the PSA it brings under, or takes out of, management.
        agreements: Agreements those lines stand on.
        monthly_revenue: Estimated from PSA prices of mapped products, by currency.
        monthly_cost: Vendor cost by currency, longer cycles spread over their months.
        unpriced: Subscriptions for which no revenue could be estimated.
        warnings: Sentences to read before saving.
    """

    subscriptions: int
    lines: int
    agreements: int
    monthly_revenue: tuple[Money, ...]
    monthly_cost: tuple[Money, ...]
    unpriced: int
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How far the mapping of customers or products is; `undecided` goes to zero.

    Attributes:
        undecided: Neither confirmed nor excluded; stale ones included.
        waiting: Undecided with at least one billed subscription.
        preselected, suggested: Undecided ones with a suggestion of that band.
        stale: Confirmed once, but the target is gone.
    """

    total: int
    undecided: int
    waiting: int
    preselected: int
    suggested: int
    confirmed: int
    excluded: int
    stale: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceCount:
    """Open suggestions that rest on the same evidence.

    Attributes:
        what: ``customers`` or ``products``.
        method: The evidence, as in `MapView.method`.
        preselected: Those clear enough to be accepted together.
        others: Those worth a look.
    """

    what: str
    method: str
    preselected: int
    others: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far mapping against one PSA connection is."""

    customers: Count
    products: Count


@dataclass(frozen=True, slots=True, kw_only=True)
class Refreshed:
    """What a run of the matcher changed."""

    suggested: int = 0
    withdrawn: int = 0
    confirmed: int = 0
    stale: int = 0
    revived: int = 0

    def __add__(self, other: Refreshed) -> Refreshed:
        """Both together."""
        return Refreshed(
            suggested=self.suggested + other.suggested,
            withdrawn=self.withdrawn + other.withdrawn,
            confirmed=self.confirmed + other.confirmed,
            stale=self.stale + other.stale,
            revived=self.revived + other.revived,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportLine:
    """What became of one line of a file.

    Attributes:
        line: Number in the file; the heading is 1.
        result: ``new``, ``changed``, ``unchanged`` or ``error``.
        field: Column at fault, when there is one.
    """

    line: int
    result: str
    message: str = ""
    field: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What an import did, or would do.

    Attributes:
        saved: False for a dry run, and when any line was wrong: then nothing was.
    """

    lines: tuple[ImportLine, ...]
    saved: bool
    batch: BatchView | None = None

    @property
    def errors(self) -> int:
        """Number of wrong lines."""
        return sum(line.result == "error" for line in self.lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decisions:
    """All decisions against one PSA connection, as a reconciliation needs them.

    Attributes:
        customers: Confirmed, excluded and stale ones, and open suggestions.
        products: Likewise.
    """

    customers: tuple[CustomerMapView, ...] = field(default_factory=tuple)
    products: tuple[ProductMapView, ...] = field(default_factory=tuple)
