"""Price sheets and catalogue items as offers (reference §3; pure)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from entrepot.sdk.model import BillingCycle, Offer

import entrepot_microsoft.wire as wire
from entrepot_microsoft.mapping.spelling import cycle, moment, term, word
from entrepot_microsoft.mapping.subscriptions import offer_key

_DATE_FORMATS = ("%m/%d/%Y %H:%M:%S", "%m/%d/%Y", "%m/%d/%Y %I:%M:%S %p")


@dataclass(frozen=True, slots=True)
class SheetView:
    """A price sheet to read, and the catalogue view that shows the same items."""

    sheet: str
    catalogue: str


VIEWS = (
    SheetView("updatedlicensebased", "OnlineServices"),
    SheetView("software", "SoftwareSubscriptions"),
)


def sheet_offers(content: bytes, segment: str) -> list[Offer]:
    """Offers of a price sheet, in its order; rows of other segments are left out.

    Unit prices are per billing cycle of the plan (§3.3). With price tiers the one
    for the smallest quantity counts. Rows that name no product are skipped.
    """
    rows = csv.DictReader(io.StringIO(content.decode("utf-8-sig")))
    kept: dict[str, Offer] = {}
    for row in rows:
        if word(row.get("Segment")) not in ("", word(segment)):
            continue
        made = _sheet_offer(row, segment)
        if made is not None and not _is_higher_tier(row):
            kept.setdefault(made.key, made)
    return list(kept.values())


def _is_higher_tier(row: dict[str, str]) -> bool:
    lowest = _amount(row.get("PricingTierRangeMin"))
    return lowest is not None and lowest > 1


def _sheet_offer(row: dict[str, str], segment: str) -> Offer | None:
    product, sku_id = row.get("ProductId", ""), row.get("SkuId", "")
    if not product or not sku_id:
        return None
    sku = f"{product}:{sku_id.zfill(4)}"
    length, charged = term(row.get("TermDuration")), cycle(row.get("BillingPlan"))
    market = (row.get("Market") or "").upper()
    return Offer(
        key=offer_key(sku, length, charged, segment, market),
        product_id=product,
        sku=sku,
        name=row.get("SkuTitle") or row.get("ProductTitle") or sku,
        description=row.get("SkuDescription") or "",
        term=length,
        billing_cycle=charged,
        segment=segment,
        market=market,
        currency=(row.get("Currency") or "").upper(),
        unit_cost=_amount(row.get("UnitPrice")),
        list_price=_amount(row.get("ERP Price")),
        unit=row.get("UnitOfMeasure") or "",
        is_trial=charged is BillingCycle.NONE,
        publisher=row.get("Publisher") or "",
        valid_from=_sheet_moment(row.get("EffectiveStartDate")),
        valid_to=_sheet_moment(row.get("EffectiveEndDate")),
        part_numbers=(sku, f"{sku}:{length or ''}:{charged.value}"),
    )


def _amount(text: str | None) -> Decimal | None:
    try:
        return Decimal((text or "").strip())
    except InvalidOperation:
        return None


def _sheet_moment(text: str | None) -> datetime | None:
    for notation in _DATE_FORMATS:
        try:
            found = datetime.strptime((text or "").strip(), notation)  # noqa: DTZ007 - zone follows
        except ValueError:
            continue
        return None if found.year == 9999 else found.replace(tzinfo=UTC)
    return moment(text)


def catalogue_offers(
    sku: wire.SkuWire,
    product: wire.ProductWire,
    availabilities: Iterable[wire.AvailabilityWire],
    priced: dict[str, Offer],
    segment: str,
    market: str,
) -> Iterator[Offer]:
    """Offers of one SKU with its details, at the price sheet's prices.

    Only purchasable availabilities of the segment count (§3.2). An offer without a
    row in the price sheet has no cost.
    """
    for availability in availabilities:
        fits = word(availability.segment) in ("", word(segment))
        if not fits or availability.is_purchasable is False:
            continue
        for plan in availability.terms or ():
            made = _detailed(sku, product, plan, segment, market)
            known = priced.get(made.key)
            yield made if known is None else _with_prices(made, known)


def _detailed(
    sku: wire.SkuWire,
    product: wire.ProductWire,
    plan: wire.TermWire,
    segment: str,
    market: str,
) -> Offer:
    key = f"{product.id}:{sku.id}"
    length, charged = term(plan.duration), cycle(plan.billing_cycle)
    details = sku.dynamic_attributes or wire.DynamicAttributes()
    return Offer(
        key=offer_key(key, length, charged, segment, market),
        product_id=product.id,
        sku=key,
        name=sku.title or product.title or key,
        description=sku.description or "",
        term=length,
        billing_cycle=charged,
        segment=segment,
        market=market,
        min_quantity=sku.minimum_quantity or Decimal(1),
        max_quantity=sku.maximum_quantity,
        is_trial=bool(sku.is_trial),
        is_addon=bool(details.is_addon),
        is_usage=word(sku.consumption_type) not in ("", "none"),
        prerequisite_skus=tuple(details.prerequisite_skus or ()),
        publisher=product.publisher_name or "",
        part_numbers=(key, f"{key}:{length or ''}:{charged.value}"),
        attributes={"provisioning_id": details.provisioning_id or ""},
    )


def _with_prices(made: Offer, known: Offer) -> Offer:
    return replace(
        made,
        currency=known.currency,
        unit_cost=known.unit_cost,
        list_price=known.list_price,
        unit=known.unit,
        valid_from=known.valid_from,
        valid_to=known.valid_to,
    )


def legacy_offers(found: wire.LegacyOfferWire, market: str) -> Iterator[Offer]:
    """Offers of the old commerce, one per billing cycle; the API has no price."""
    sku = found.id.upper()
    for name in found.supported_billing_cycles or ["monthly"]:
        charged = cycle(name)
        yield Offer(
            key=offer_key(sku, None, charged, "", market),
            product_id=sku,
            sku=sku,
            name=found.name or sku,
            billing_cycle=charged,
            market=market,
            min_quantity=found.minimum_quantity or Decimal(1),
            max_quantity=found.maximum_quantity,
            unit=found.unit_type or "",
            is_addon=bool(found.is_add_on),
            # Closed for new orders since the new commerce replaced it.
            purchasable=False,
            prerequisite_skus=tuple(o.upper() for o in found.prerequisite_offers or ()),
            part_numbers=(sku,),
        )
