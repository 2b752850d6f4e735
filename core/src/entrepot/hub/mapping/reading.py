"""Reading what the matcher compares, in a few set-based statements."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from entrepot.hub.catalog.tables import Offer
from entrepot.hub.connections.tables import Connection
from entrepot.hub.customers.tables import Contact, CustomerAccount
from entrepot.hub.mapping.customers import company_usable
from entrepot.hub.mapping.products import product_usable
from entrepot.hub.mapping.rules.customers import LEAST_ID, clean_domain, free_mail
from entrepot.hub.mapping.rules.records import (
    Account,
    CatalogueProduct,
    Company,
    Words,
)
from entrepot.hub.mapping.tables import CustomerMap
from entrepot.hub.psa.tables import PsaCompany, PsaProductRow
from entrepot.hub.subscriptions.tables import SubscriptionSku
from entrepot.hub.users.tables import MembershipRow, UserRow
from entrepot.sdk.model import MatchingVocabulary

_LEAST_CONTACTS = 2


Variant = tuple[str, str, str, str]
"""Connection, SKU, term and billing cycle; the last two empty for all of them."""


@dataclass(frozen=True, slots=True, order=True)
class Sku:
    """A SKU in use at a connection, with one term and billing cycle."""

    connection_id: str
    sku: str
    product_id: str
    term: str
    billing_cycle: str
    name: str


def vendor_connections(session: Session) -> list[str]:
    """Ids of the reseller's vendor connections that were not removed."""
    rows = session.scalars(
        select(Connection.id)
        .where(Connection.kind == "vendor", Connection.state != "removed")
        .order_by(Connection.id)
    )
    return list(rows)


def psa_connections(session: Session) -> list[str]:
    """Ids of the reseller's PSA connections that were not removed."""
    rows = session.scalars(
        select(Connection.id)
        .where(Connection.kind == "psa", Connection.state != "removed")
        .order_by(Connection.id)
    )
    return list(rows)


def read_accounts(session: Session, psa_connection_id: str) -> list[Account]:
    """Accounts that exist at the vendors, with what they were confirmed for elsewhere.

    A customer who was read through another connection before (a new connection to the
    same vendor account) keeps its vendor id: that link counts as a stored id.
    """
    linked: dict[str, set[str]] = defaultdict(set)
    confirmed = session.execute(
        select(
            CustomerMap.vendor_customer_id,
            CustomerMap.psa_company_id,
        ).where(
            CustomerMap.psa_connection_id == psa_connection_id,
            CustomerMap.status == "confirmed",
        )
    ).all()
    for vendor_id, company_id in confirmed:
        if len(vendor_id) >= LEAST_ID:
            linked[vendor_id].add(company_id)
    table = CustomerAccount
    rows = session.execute(
        select(
            *(
                table.id,
                table.connection_id,
                table.vendor_id,
                table.name,
                table.domain,
                table.domains,
            ),
            *(table.default_domain, table.tax_id, table.phone, table.country),
            *(table.postal_code, table.external_ids),
        )
        .where(
            table.gone_at.is_(None),
            table.connection_id.in_(vendor_connections(session)),
        )
        .order_by(table.id)
    )
    return [
        Account(
            id=row.id,
            connection=row.connection_id,
            vendor_id=row.vendor_id,
            name=row.name,
            domains=(row.domain, *row.domains),
            default_domain=row.default_domain,
            tax_id=row.tax_id,
            phone=row.phone,
            country=row.country,
            postal_code=row.postal_code,
            external_ids=tuple((system, value) for system, value in row.external_ids),
            linked=frozenset(linked.get(row.vendor_id, ())),
        )
        for row in rows
    ]


def read_companies(session: Session, psa_connection_id: str) -> list[Company]:
    """All companies of a PSA connection, unusable ones included and marked."""
    mailed = _mail_domains(session, psa_connection_id)
    rows = session.scalars(
        select(PsaCompany)
        .where(PsaCompany.connection_id == psa_connection_id)
        .order_by(PsaCompany.vendor_id)
    )
    return [
        Company(
            vendor_id=row.vendor_id,
            name=row.name,
            identifier=row.identifier,
            domains=(*row.domains, *mailed.get(row.vendor_id, ())),
            tax_id=row.tax_id,
            phone=row.phone,
            country=row.country,
            postal_code=row.postal_code,
            external_ids=tuple((system, value) for system, value in row.external_ids),
            merged_into=row.merged_into,
            usable=company_usable(row),
            is_customer=row.is_customer,
        )
        for row in rows
    ]


def _mail_domains(session: Session, psa_connection_id: str) -> dict[str, list[str]]:
    """Domains from which at least two contacts of a company write."""
    rows = session.execute(
        select(Contact.owner_id, Contact.email).where(
            Contact.connection_id == psa_connection_id,
            Contact.gone_at.is_(None),
            Contact.email != "",
        )
    )
    counted = Counter((row.owner_id, clean_domain(row.email)) for row in rows)
    found: dict[str, list[str]] = defaultdict(list)
    for (owner, domain), count in sorted(counted.items()):
        if domain and count >= _LEAST_CONTACTS:
            found[owner].append(domain)
    return found


def read_skus(session: Session) -> list[Sku]:
    """Every SKU with subscriptions that are not over, once per term and cycle.

    What a subscription will be from its next term on counts as well: somebody must
    say what it is billed as before that day.
    """
    table = SubscriptionSku
    found = session.execute(
        select(
            *(table.connection_id, table.sku, table.product_id, table.term),
            *(table.billing_cycle, table.name),
        ).where(
            table.connection_id.in_(vendor_connections(session)),
            or_(table.n_live > 0, table.n_planned > 0),
        )
    )
    unique = {
        (one.connection_id, one.sku, one.product_id, one.term, one.billing_cycle): one
        for one in sorted(
            (Sku(*row) for row in found), key=lambda one: one.name, reverse=True
        )
    }
    return sorted(unique.values())


def read_part_numbers(session: Session) -> dict[Variant, tuple[str, ...]]:
    """Part numbers by connection, SKU, term and cycle, as the catalogues state them.

    A variant's own number, SKU:term:cycle, is the one to write where the catalogue
    states none. Under empty term and cycle stand the numbers that all of a SKU's
    variants share: a number of one variant alone must not stand for the others.
    """
    rows = session.execute(
        select(
            *(Offer.connection_id, Offer.sku, Offer.term),
            *(Offer.billing_cycle, Offer.part_numbers),
        ).where(Offer.gone_at.is_(None))
    )
    found: dict[Variant, set[str]] = defaultdict(set)
    for row in rows:
        key = (row.connection_id, row.sku, row.term, row.billing_cycle)
        found[key].update((*row.part_numbers, ":".join(key[1:])))
    shared: dict[Variant, set[str]] = {}
    for (connection_id, sku, _, _), numbers in found.items():
        general = (connection_id, sku, "", "")
        shared[general] = shared.get(general, numbers) & numbers
    return {key: tuple(sorted(has)) for key, has in (found | shared).items()}


def read_catalogue(session: Session, psa_connection_id: str) -> list[CatalogueProduct]:
    """Products that may stand on lines of a PSA connection."""
    rows = session.scalars(
        select(PsaProductRow)
        .where(PsaProductRow.connection_id == psa_connection_id)
        .order_by(PsaProductRow.vendor_id)
    )
    return [
        CatalogueProduct(
            vendor_id=row.vendor_id,
            name=row.name,
            identifier=row.identifier,
            vendor_sku=row.vendor_sku,
            part_number=row.part_number,
            cross_reference=row.cross_reference,
        )
        for row in rows
        if product_usable(row)
    ]


def read_words(
    session: Session, tenant_id: str, vocabularies: Mapping[str, MatchingVocabulary]
) -> Words:
    """All plugins' words together, and the domains of the reseller's own people."""
    people = session.scalars(
        select(UserRow.email)
        .join(MembershipRow, MembershipRow.user_id == UserRow.id)
        .where(MembershipRow.tenant_id == tenant_id)
    )
    own = {clean_domain(email) for email in people} - {""} - free_mail()
    ordered = [vocabularies[name] for name in sorted(vocabularies)]
    return Words(
        aliases=tuple(pair for one in ordered for pair in sorted(one.aliases.items())),
        guards=tuple(word for one in ordered for word in one.guard_words),
        throwaway_domains=frozenset(
            clean_domain(domain) for one in ordered for domain in one.throwaway_domains
        ),
        own_domains=frozenset(own),
        product_aliases=tuple(
            pair for one in ordered for pair in sorted(one.product_aliases.items())
        ),
    )
