"""Running the product matcher: one suggestion per SKU, or per term where names do."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from entrepot.hub.mapping import reading
from entrepot.hub.mapping.customers import blank_columns
from entrepot.hub.mapping.journal import Journal
from entrepot.hub.mapping.products import PATTERN, product_usable
from entrepot.hub.mapping.reading import Sku
from entrepot.hub.mapping.rows import document, restore_values, suggested_values
from entrepot.hub.mapping.rules.products import suggest_products
from entrepot.hub.mapping.rules.records import Suggestion, VendorProduct
from entrepot.hub.mapping.tables import ProductMap
from entrepot.hub.mapping.views import ProductDecision, Refreshed
from entrepot.hub.psa.tables import PsaProductRow
from entrepot.sdk.context import Clock
from entrepot.sdk.model import MatchingVocabulary
from entrepot.store import Actor, Store, TenantScope, new_id

_STANDING = ("confirmed", "excluded")
Key = tuple[str, str, str, str]
"""Connection, SKU, term and billing cycle; the last two empty for all of them."""


@dataclass(frozen=True, slots=True)
class ProductFindings:
    """What the matcher found out about one PSA connection's products."""

    suggestions: dict[Key, Suggestion]
    names: dict[Key, str]


def find_products(
    store: Store,
    tenant_id: str,
    psa_connection_id: str,
    vocabularies: Mapping[str, MatchingVocabulary],
) -> ProductFindings:
    """Read one snapshot and compare; writes nothing and holds no lock meanwhile."""
    with store.read(TenantScope(tenant_id)) as session:
        words = reading.read_words(session, tenant_id, vocabularies)
        catalogue = reading.read_catalogue(session, psa_connection_id)
        numbers = reading.read_part_numbers(session)
        rows = session.scalars(
            select(ProductMap).where(ProductMap.psa_connection_id == psa_connection_id)
        ).all()
        standing = Coverage(row for row in rows if row.status in _STANDING)
        skus = [one for one in reading.read_skus(session) if not standing.covers(one)]
    rejected = [
        (_text(key_of(row)), row.psa_product_id)
        for row in rows
        if row.status == "rejected"
    ]
    general = _wanted(skus, numbers, keeps_term=False)
    found = suggest_products(general.values(), catalogue, words, rejected)
    done = {_key(one.source)[:2] for one in found}
    special = {
        key: one
        for key, one in _wanted(skus, numbers, keeps_term=True).items()
        if key[:2] not in done
    }
    found += suggest_products(special.values(), catalogue, words, rejected)
    names = {key: one.name for key, one in (general | special).items()}
    return ProductFindings({_key(one.source): one for one in found}, names)


def apply_products(
    session: Session,
    actor: Actor,
    clock: Clock,
    psa_connection_id: str,
    findings: ProductFindings,
) -> Refreshed:
    """Bring the rows in line with the findings; unchanged rows cost nothing."""
    rows = list(
        session.scalars(
            select(ProductMap).where(ProductMap.psa_connection_id == psa_connection_id)
        )
    )
    stale = _mark_stale(session, actor, clock, psa_connection_id, rows)
    standing = Coverage(row for row in rows if row.status in _STANDING)
    no = {(key_of(row), row.psa_product_id) for row in rows if row.status == "rejected"}
    left = {
        key: one
        for key, one in findings.suggestions.items()
        if (key, one.best.target) not in no and not standing.covers(_sku(key))
    }
    suggested = withdrawn = 0
    for row in rows:
        if row.status != "suggested":
            continue
        one = left.get(key_of(row))
        if one is None or one.best.target != row.psa_product_id:
            session.delete(row)
            withdrawn += 1
        else:
            del left[key_of(row)]
            suggested += restore_values(row, suggested_values(one))
    for key, one in left.items():
        session.add(_row(actor.tenant_id, psa_connection_id, key, one, findings.names))
    session.flush()
    return Refreshed(suggested=suggested + len(left), withdrawn=withdrawn) + stale


class Coverage:
    """Which rows speak of a SKU, found by the SKU.

    Args:
        rows: Rows of one PSA connection.
    """

    def __init__(self, rows: Iterable[ProductMap]) -> None:
        self._by_sku: dict[str, list[ProductMap]] = defaultdict(list)
        for row in rows:
            self._by_sku[row.sku].append(row)

    def of(self, sku: Sku) -> list[ProductMap]:
        """The rows that decide about a SKU, whatever its segment and market."""
        near = (*self._by_sku.get(sku.sku, ()), *self._by_sku.get("", ()))
        return [row for row in near if _fits(row, sku)]

    def covers(self, sku: Sku) -> bool:
        """Whether any row decides about a SKU."""
        return bool(self.of(sku))


def _fits(row: ProductMap, sku: Sku) -> bool:
    pairs = (
        (row.vendor_connection_id, sku.connection_id),
        (row.sku, sku.sku),
        (row.product_id, sku.product_id),
        (row.term, sku.term),
        (row.billing_cycle, sku.billing_cycle),
    )
    return all(not wanted or wanted == have for wanted, have in pairs)


def key_of(row: ProductMap) -> Key:
    """The key of a suggestion's row."""
    return row.vendor_connection_id, row.sku, row.term, row.billing_cycle


def _wanted(
    skus: Iterable[Sku],
    numbers: Mapping[Key, tuple[str, ...]],
    *,
    keeps_term: bool,
) -> dict[Key, VendorProduct]:
    found: dict[Key, VendorProduct] = {}
    for one in skus:
        terms = (one.term, one.billing_cycle) if keeps_term else ("", "")
        key: Key = (one.connection_id, one.sku, *terms)
        if keeps_term and not any(terms):
            continue
        found.setdefault(
            key,
            VendorProduct(
                key=_text(key),
                name=one.name,
                sku=one.sku,
                product_id=one.product_id if one.product_id != one.sku else "",
                numbers=numbers.get(key, ()),
                term=terms[0],
                billing_cycle=terms[1],
                keeps_term=keeps_term,
            ),
        )
    return found


def _row(
    tenant_id: str,
    psa_connection_id: str,
    key: Key,
    one: Suggestion,
    names: Mapping[Key, str],
) -> ProductMap:
    pattern = dict.fromkeys(PATTERN, "")
    connection_id, sku, term, cycle = key
    pattern.update(vendor_connection_id=connection_id, sku=sku)
    pattern.update(term=term, billing_cycle=cycle)
    defaults = ProductDecision(psa_connection_id=psa_connection_id)
    return ProductMap(
        id=new_id("pmp"),
        tenant_id=tenant_id,
        psa_connection_id=psa_connection_id,
        psa_product_id=one.best.target,
        status="suggested",
        sku_name=names.get(key, ""),
        kind=defaults.kind,
        factor=defaults.factor,
        rounding=defaults.rounding,
        included_quantity=defaults.included_quantity,
        taxable=defaults.taxable,
        **pattern,
        **{**blank_columns(), **suggested_values(one)},
    )


def _mark_stale(
    session: Session,
    actor: Actor,
    clock: Clock,
    psa_connection_id: str,
    rows: Iterable[ProductMap],
) -> Refreshed:
    products = session.scalars(
        select(PsaProductRow).where(PsaProductRow.connection_id == psa_connection_id)
    )
    usable = {row.vendor_id for row in products if product_usable(row)}
    why = "the PSA's catalogue was read"
    journal = Journal(session, actor, clock, what="products", action="check", why=why)
    stale = revived = 0
    for row in rows:
        if row.status not in ("confirmed", "stale") or not row.psa_product_id:
            continue
        before = document(row)
        gone = row.psa_product_id not in usable
        if gone and row.status == "confirmed":
            row.status, row.reason = "stale", "deleted or inactive in the PSA"
            stale += 1
        elif not gone and row.status == "stale":
            row.status, row.reason = "confirmed", ""
            revived += 1
        journal.put(row, before, journal.now)
    journal.finish()
    return Refreshed(stale=stale, revived=revived)


def _text(key: Key) -> str:
    return json.dumps(key)


def _key(text: str) -> Key:
    connection_id, sku, term, cycle = json.loads(text)
    return connection_id, sku, term, cycle


def _sku(key: Key) -> Sku:
    return Sku(key[0], key[1], "", key[2], key[3], "")
