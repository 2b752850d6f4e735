"""Reading the books: rows of mirror, maps and rules as inputs of the rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select, tuple_
from sqlalchemy.orm import Session

from entrepot.hub.mapping.tables import CustomerMap, ProductMap
from entrepot.hub.psa.tables import PsaAgreement, PsaLine, PsaProductRow
from entrepot.hub.psa.tables import PsaCompany as CompanyRow
from entrepot.hub.reconciliation import rows
from entrepot.hub.reconciliation.completeness import Completeness
from entrepot.hub.reconciliation.periods_store import settled_of, with_history
from entrepot.hub.reconciliation.rulebook import Rulebook, build
from entrepot.hub.reconciliation.rules.books import Inputs
from entrepot.hub.reconciliation.rules.policy import Policy, ProductMapEntry
from entrepot.hub.reconciliation.rules.psa_records import (
    CatalogueItem,
    PsaSide,
    Settled,
    UnfinishedEnd,
)
from entrepot.hub.reconciliation.rules.records import CustomerShare, Decided, VendorSide
from entrepot.hub.reconciliation.subscription_rows import load_subscriptions
from entrepot.hub.reconciliation.tables import (
    LineLinkRow,
    ReconOperation,
    ReconPlanPart,
    ReconRule,
)

OURS = "entrepot"
"""Stands for whoever writes to the PSA in the hub's name."""

_UNFINISHED = ("applying", "failed", "unknown")


@dataclass(frozen=True, slots=True)
class Base:
    """What all companies of one PSA connection share.

    Attributes:
        entries: Confirmed product mappings; excluded SKUs as entries that ignore.
    """

    tenant_id: str
    psa_connection_id: str
    zone: str
    as_of: datetime
    entries: tuple[ProductMapEntry, ...]
    catalogue: tuple[CatalogueItem, ...]
    rules: Rulebook
    completeness: Completeness


@dataclass(frozen=True, slots=True)
class Chunk:
    """What is loaded together: companies, or vendor customers without one."""

    companies: tuple[str, ...] = ()
    customers: tuple[tuple[str, str], ...] = ()


def load_base(
    session: Session, tenant_id: str, psa_connection_id: str, zone: str, now: datetime
) -> Base:
    """Everything that does not depend on the company."""
    entries = session.scalars(
        select(ProductMap)
        .where(
            ProductMap.tenant_id == tenant_id,
            ProductMap.psa_connection_id == psa_connection_id,
            ProductMap.status.in_(("confirmed", "excluded", "stale")),
        )
        .order_by(ProductMap.id)
    )
    products = session.scalars(
        select(PsaProductRow).where(
            PsaProductRow.tenant_id == tenant_id,
            PsaProductRow.connection_id == psa_connection_id,
        )
    )
    ruled = session.scalars(
        select(ReconRule)
        .where(
            ReconRule.tenant_id == tenant_id,
            ReconRule.psa_connection_id == psa_connection_id,
        )
        .order_by(ReconRule.id)
    )
    today = Inputs(as_of=now, zone=zone).today
    return Base(
        tenant_id=tenant_id,
        psa_connection_id=psa_connection_id,
        zone=zone,
        as_of=now,
        entries=tuple(rows.entry_of(row) for row in entries),
        catalogue=tuple(rows.product_of(row) for row in products),
        rules=build(ruled, today),
        completeness=Completeness.load(session, tenant_id),
    )


def load_inputs(
    session: Session, base: Base, chunk: Chunk, *, periods: bool = False
) -> Inputs:
    """The inputs of some companies, or of vendor customers that have none.

    Args:
        session: For reading.
        base: The connection.
        chunk: Which.
        periods: Also what is needed to look at closed periods.

    Customers that share their subscriptions with companies outside the chunk come
    with all their shares; what is found about those companies is not to be used.
    """
    shares = _shares(session, base, chunk)
    owners = {(share.connection, share.customer) for share in shares}
    owners |= set(chunk.customers)
    companies = sorted({share.company for share in shares} | set(chunk.companies))
    links = _links(session, base, companies)
    vendor = _vendor(session, base, owners, shares)
    mapped = _mapped_subscriptions(vendor, shares)
    return Inputs(
        as_of=base.as_of,
        vendor=vendor,
        psa=_psa(session, base, companies, links, mapped, periods),
        policy=policy_of(base, shares),
        tenant=base.tenant_id,
        psa_connection=base.psa_connection_id,
        zone=base.zone,
    )


def policy_of(base: Base, shares: Sequence[CustomerShare]) -> Policy:
    """The decisions that bear on some customers."""
    book = base.rules
    return Policy(
        shares=tuple(shares),
        products=base.entries,
        bundles=tuple(book.bundles),
        agreements=tuple(book.agreements),
        prices=tuple(book.prices),
        costs=tuple(book.costs),
        fx=tuple(book.fx),
        overrides=tuple(book.overrides),
        minimums=tuple(book.minimums),
        limits=book.limits,
    )


def _shares(session: Session, base: Base, chunk: Chunk) -> list[CustomerShare]:
    mine = (
        CustomerMap.tenant_id == base.tenant_id,
        CustomerMap.psa_connection_id == base.psa_connection_id,
        CustomerMap.status.in_(("confirmed", "stale")),
    )
    accounts = select(CustomerMap.account_id).where(
        *mine,
        or_(
            CustomerMap.psa_company_id.in_(chunk.companies),
            *(
                (CustomerMap.vendor_connection_id == connection)
                & CustomerMap.vendor_customer_id.in_(ids)
                for connection, ids in rows.by_connection(set(chunk.customers)).items()
            ),
        ),
    )
    found = session.scalars(
        select(CustomerMap)
        .where(*mine, CustomerMap.account_id.in_(accounts))
        .order_by(CustomerMap.id)
    )
    return [rows.share_of(row) for row in found]


def _links(
    session: Session, base: Base, companies: Sequence[str]
) -> dict[str, LineLinkRow]:
    found = session.scalars(
        select(LineLinkRow).where(
            LineLinkRow.tenant_id == base.tenant_id,
            LineLinkRow.psa_connection_id == base.psa_connection_id,
            LineLinkRow.company_id.in_(companies),
        )
    )
    return {row.line_id: row for row in found}


def _vendor(
    session: Session,
    base: Base,
    owners: set[tuple[str, str]],
    shares: Sequence[CustomerShare],
) -> VendorSide:
    decided = dict.fromkeys(_excluded(session, base, owners), Decided.EXCLUDED)
    for share in shares:
        decided[(share.connection, share.customer)] = Decided.MAPPED
    accounts = rows.load_accounts(session, base.tenant_id, owners)
    customers = tuple(
        rows.customer_of(
            row,
            decided.get((row.connection_id, row.vendor_id), Decided.UNDECIDED),
            base.completeness.of_customer(row.connection_id, row.vendor_id),
        )
        for row in accounts
    )
    subscriptions, mirrors = load_subscriptions(
        session, base.tenant_id, owners, base.zone, base.as_of
    )
    return VendorSide(customers=customers, subscriptions=subscriptions, hub=mirrors)


def _excluded(
    session: Session, base: Base, owners: set[tuple[str, str]]
) -> list[tuple[str, str]]:
    """Which of these customers a person left out of the comparison."""
    pair = tuple_(CustomerMap.vendor_connection_id, CustomerMap.vendor_customer_id)
    found = session.execute(
        select(CustomerMap.vendor_connection_id, CustomerMap.vendor_customer_id).where(
            CustomerMap.tenant_id == base.tenant_id,
            CustomerMap.psa_connection_id == base.psa_connection_id,
            CustomerMap.status == "excluded",
            pair.in_(sorted(owners)),
        )
    )
    return [(row.vendor_connection_id, row.vendor_customer_id) for row in found]


def _mapped_subscriptions(
    vendor: VendorSide, shares: Sequence[CustomerShare]
) -> set[tuple[str, str]]:
    """Pairs of subscription and company that a mapping joins now."""
    companies: dict[tuple[str, str], list[str]] = {}
    for share in shares:
        owner = (share.connection, share.customer)
        companies.setdefault(owner, []).append(share.company)
    return {
        (one.id, company)
        for one in vendor.subscriptions
        for company in companies.get((one.connection, one.customer), ())
    }


def _psa(
    session: Session,
    base: Base,
    companies: Sequence[str],
    links: dict[str, LineLinkRow],
    mapped: set[tuple[str, str]],
    periods: bool,
) -> PsaSide:
    def of(table: Any, column: Any) -> Any:  # noqa: ANN401 - mapped class and column
        return session.scalars(
            select(table)
            .where(
                table.tenant_id == base.tenant_id,
                table.connection_id == base.psa_connection_id,
                column.in_(companies),
            )
            .order_by(table.vendor_id)
        ).all()

    agreements = of(PsaAgreement, PsaAgreement.company_vendor_id)
    lines = of(PsaLine, PsaLine.company_vendor_id)
    by_company: dict[str, list[str]] = {}
    for row in agreements:
        by_company.setdefault(row.company_vendor_id, []).append(row.vendor_id)
    companies_found = of(CompanyRow, CompanyRow.vendor_id)
    there = [row for row in lines if row.gone_at is None]
    records = tuple(rows.line_of(row, links.get(row.vendor_id)) for row in there)
    settled: tuple[Settled, ...] = ()
    if periods:
        records = with_history(session, records, there, agreements, base.zone)
        settled = settled_of(session, base.tenant_id, base.psa_connection_id, companies)
    return PsaSide(
        companies=tuple(
            rows.company_of(
                row,
                base.completeness.of_company(
                    base.psa_connection_id,
                    row.vendor_id,
                    by_company.get(row.vendor_id, []),
                ),
            )
            for row in companies_found
        ),
        agreements=tuple(
            rows.agreement_of(row) for row in agreements if row.gone_at is None
        ),
        lines=records,
        links=tuple(
            rows.link_of(row, mapped)
            for row in links.values()
            if row.state != "unmanaged"
        ),
        catalogue=base.catalogue,
        unfinished=_unfinished(session, base),
        settled=settled,
        our_members=frozenset({OURS}),
    )


def _unfinished(session: Session, base: Base) -> tuple[UnfinishedEnd, ...]:
    found = session.execute(
        select(ReconOperation.line_id, ReconOperation.plan_id)
        .join(
            ReconPlanPart,
            (ReconPlanPart.plan_id == ReconOperation.plan_id)
            & (ReconPlanPart.seq == ReconOperation.part),
        )
        .where(
            ReconOperation.tenant_id == base.tenant_id,
            ReconPlanPart.tenant_id == base.tenant_id,
            ReconOperation.psa_connection_id == base.psa_connection_id,
            ReconOperation.do == "set_end",
            ReconOperation.state == "done",
            ReconPlanPart.state.in_(_UNFINISHED),
        )
    )
    return tuple(UnfinishedEnd(line=row.line_id, plan=row.plan_id) for row in found)
