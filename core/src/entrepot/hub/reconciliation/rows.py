"""One row of the books as one record of the rules."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from entrepot.hub.customers.tables import CustomerAccount
from entrepot.hub.mapping.tables import CustomerMap, ProductMap
from entrepot.hub.psa.tables import PsaAgreement, PsaProductRow
from entrepot.hub.psa.tables import PsaCompany as CompanyRow
from entrepot.hub.psa.tables import PsaLine as LineRow
from entrepot.hub.reconciliation.rules.policy import (
    EntryKind,
    PriceMode,
    PriceRule,
    ProductMapEntry,
    Rounding,
)
from entrepot.hub.reconciliation.rules.psa_records import (
    Agreement,
    CatalogueItem,
    LineLink,
    LinkRole,
    LinkState,
    PsaCompany,
    PsaLine,
)
from entrepot.hub.reconciliation.rules.records import (
    CustomerShare,
    Decided,
    ShareMode,
    VendorCustomer,
)
from entrepot.hub.reconciliation.tables import LineLinkRow
from entrepot.sdk.model import (
    AgreementStatus,
    BillCustomer,
    BillingCycle,
    BillingMode,
    PeriodAnchor,
)

_LONG_AGO = date(2000, 1, 1)
_CHUNK = 5_000


def load_accounts(
    session: Session, tenant_id: str, owners: set[tuple[str, str]]
) -> list[CustomerAccount]:
    """Accounts by connection and vendor id, ascending."""
    found: list[CustomerAccount] = []
    for connection, ids in by_connection(owners).items():
        for start in range(0, len(ids), _CHUNK):
            found += session.scalars(
                select(CustomerAccount).where(
                    CustomerAccount.tenant_id == tenant_id,
                    CustomerAccount.connection_id == connection,
                    CustomerAccount.vendor_id.in_(ids[start : start + _CHUNK]),
                )
            ).all()
    return sorted(found, key=lambda row: (row.connection_id, row.vendor_id))


def by_connection(owners: set[tuple[str, str]]) -> dict[str, list[str]]:
    """Ids by connection, ascending."""
    found: dict[str, list[str]] = defaultdict(list)
    for connection, id_ in sorted(owners):
        found[connection].append(id_)
    return found


def customer_of(
    row: CustomerAccount, decided: Decided, incomplete: str
) -> VendorCustomer:
    """A vendor customer, with why its data is incomplete (empty: it is complete)."""
    return VendorCustomer(
        id=row.vendor_id,
        connection=row.connection_id,
        name=row.name,
        decided=decided,
        complete=not incomplete,
        incomplete_because=incomplete,
    )


def share_of(row: CustomerMap) -> CustomerShare:
    """A confirmed customer mapping."""
    return CustomerShare(
        connection=row.vendor_connection_id,
        customer=row.vendor_customer_id,
        company=row.psa_company_id,
        mode=ShareMode(row.share),
        value=row.share_value,
    )


def entry_of(row: ProductMap) -> ProductMapEntry:
    """A product mapping; an excluded SKU as an entry that ignores it."""
    excluded = row.status == "excluded"
    return ProductMapEntry(
        id=row.id,
        psa_product=row.psa_product_id,
        connection=row.vendor_connection_id,
        product=row.product_id,
        sku=row.sku,
        term=row.term,
        billing_cycle=BillingCycle(row.billing_cycle) if row.billing_cycle else None,
        segment=row.segment,
        market=row.market,
        kind=EntryKind.IGNORE if excluded else EntryKind(row.kind),
        factor=row.factor,
        rounding=Rounding(row.rounding),
        included_quantity=row.included_quantity,
        price_rule=_price(row),
        manage_price=row.manage_price,
        manage_cost=row.manage_cost,
        manage_flags=row.manage_flags,
        bill=BillCustomer(row.bill),
        taxable=row.taxable,
        text=row.text_template,
        starts=row.valid_from,
        ends=row.valid_to,
    )


def _price(row: ProductMap) -> PriceRule | None:
    if not row.price_mode:
        return None
    return PriceRule(
        mode=PriceMode(row.price_mode),
        value=row.price_value,
        currency=row.price_currency,
        floor=row.price_floor,
        product=row.psa_product_id,
    )


def product_of(row: PsaProductRow) -> CatalogueItem:
    """A product of the PSA's catalogue."""
    return CatalogueItem(
        id=row.vendor_id,
        name=row.name,
        active=row.active and row.gone_at is None,
        price=row.price,
        cost=row.cost,
        currency=row.currency,
        taxable=row.taxable,
    )


def company_of(row: CompanyRow, incomplete: str) -> PsaCompany:
    """A company; unusable when deleted, merged, inactive or no customer."""
    usable = row.active and row.is_customer and not row.deleted
    return PsaCompany(
        id=row.vendor_id,
        name=row.name,
        usable=usable and not row.merged_into and row.gone_at is None,
        complete=not incomplete,
        incomplete_because=incomplete,
    )


def agreement_of(row: PsaAgreement) -> Agreement:
    """An agreement with its lock."""
    mode = row.lock_mode if row.lock_mode != "unknown" else row.billing_mode
    return Agreement(
        id=row.vendor_id,
        company=row.company_vendor_id,
        name=row.name,
        type=row.type_id,
        family=row.family_vendor_id or row.vendor_id,
        status=AgreementStatus(row.status),
        starts=row.billing_start or row.start or _LONG_AGO,
        ends=row.end,
        billing_cycle=BillingCycle(row.billing_cycle),
        anchor=PeriodAnchor(row.period_anchor),
        billing_mode=BillingMode(mode),
        currency=row.currency,
        prorates=row.prorates,
        locked_through=row.lock_through,
        lock_known=row.lock_known,
        next_invoice=row.lock_next_invoice or row.next_invoice,
        version=row.vendor_version,
    )


def line_of(row: LineRow, link: LineLinkRow | None) -> PsaLine:
    """A line; changed by us when its token is the one we last read back."""
    ours = link is not None and link.verified_token == row.change_token
    return PsaLine(
        id=row.vendor_id,
        agreement=row.agreement_vendor_id,
        company=row.company_vendor_id,
        product=row.product_vendor_id,
        quantity=row.quantity,
        less_included=row.included_quantity,
        unit_price=row.unit_price,
        unit_cost=row.unit_cost,
        bill=BillCustomer(row.bill),
        taxable=row.taxable,
        effective=row.effective,
        ends=row.ends,
        updated_by="entrepot" if ours else row.changed_by or "somebody",
        updated_at=row.changed_at,
        unmanaged=link is not None and link.state == "unmanaged",
        version=row.change_token,
    )


def link_of(row: LineLinkRow, mapped: set[tuple[str, str]]) -> LineLink:
    """A link between a line and subscriptions.

    A link whose subscriptions are mapped to another company now is detached: it
    counts no more, but is taken up again when the mapping comes back.
    """
    joined = any((one, row.company_id) in mapped for one in row.subscriptions)
    return LineLink(
        line=row.line_id,
        subscriptions=tuple(row.subscriptions),
        company=row.company_id,
        agreement=row.agreement_id,
        product=row.product_id,
        role=LinkRole(row.role),
        state=LinkState(row.state) if joined else LinkState.DETACHED,
        verified_at=row.verified_at,
    )


def line_values(row: LineRow) -> dict[str, Any]:
    """What a line's audit keeps, as texts."""
    return {
        "quantity": str(row.quantity),
        "unit_price": None if row.unit_price is None else str(row.unit_price),
        "effective": row.effective.isoformat() if row.effective else None,
        "ends": row.ends.isoformat() if row.ends else None,
        "token": row.change_token,
    }
