"""Deciding which PSA product a vendor's SKU is billed as."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from entrepot.hub.mapping.checks import require_entry, require_reason, require_version
from entrepot.hub.mapping.customers import blank_columns
from entrepot.hub.mapping.journal import ALWAYS, Journal
from entrepot.hub.mapping.rows import document, restore, ten_thousandths
from entrepot.hub.mapping.seen import Seen, require_unchanged
from entrepot.hub.mapping.tables import ProductMap
from entrepot.hub.mapping.views import ProductDecision
from entrepot.hub.psa.tables import PsaProductRow
from entrepot.sdk.errors import Conflict, NotFound, Rejected
from entrepot.store import new_id

PATTERN = (
    *("vendor_connection_id", "product_id", "sku", "term", "billing_cycle"),
    *("segment", "market"),
)
_NOT_COLUMNS = frozenset({"id", "version"})
_COLUMNS = tuple(
    one.name for one in fields(ProductDecision) if one.name not in _NOT_COLUMNS
)
Pattern = tuple[str, ...]
_ORDER = {"confirmed": 0, "stale": 1, "suggested": 2, "rejected": 3, "excluded": 4}


class ProductDesk:
    """Writes decisions about products into one unit of work.

    Args:
        session: Of a write unit in the reseller's scope.
        journal: Where the decision is recorded.
        tenant_id: The reseller.
        psa_connection_id: Against which PSA.
    """

    def __init__(
        self, session: Session, journal: Journal, tenant_id: str, psa_connection_id: str
    ) -> None:
        self._session = session
        self._journal = journal
        self._tenant_id = tenant_id
        self._psa = psa_connection_id
        rows = session.scalars(
            select(ProductMap)
            .where(ProductMap.psa_connection_id == psa_connection_id)
            .with_for_update()
        )
        self._rows: dict[str, ProductMap] = {row.id: row for row in rows}
        self._products: dict[str, PsaProductRow | None] = {}

    def require_seen(self, seen: Mapping[tuple[str, str], Seen] | None) -> None:
        """Return if SKUs are mapped as somebody saw them, by connection and SKU.

        Raises:
            Conflict: Somebody decided meanwhile.
        """
        for key, one in (seen or {}).items():
            rows = [
                row
                for row in self._rows.values()
                if (row.vendor_connection_id, row.sku) == key or row.id == one.map_id
            ]
            name = next((row.sku_name for row in rows if row.sku_name), key[1])
            require_unchanged(rows, one, name)

    def confirm(self, decision: ProductDecision, method: str = "manual") -> str:
        """Save one entry and return its row's id.

        Raises:
            NotFound: No such row or PSA product.
            Rejected: A field makes no sense.
            Conflict: Somebody changed the row; the same pattern has this target
                already.
        """
        require_entry(decision)
        row = self._row_for(decision)
        require_version([row] if row else [], decision.version if row else None)
        name = self._target_name(decision)
        before = document(row) if row is not None else None
        suggested = row is not None and row.status == "suggested"
        row = row or self._new_row()
        for column in _COLUMNS:
            setattr(row, column, getattr(decision, column))
        if before is None or not suggested:
            row.method, row.confidence = method, ten_thousandths(Decimal(1))
            row.evidence = []
        row.status, row.reason, row.target_name = "confirmed", "", name
        self._save(row, before)
        self._drop_suggestions(row)
        return row.id

    def reject(self, map_id: str, why: str) -> None:
        """Remember that a suggestion is wrong; it is not made again.

        Raises:
            NotFound: No such row.
            Conflict: It is no suggestion.
        """
        row = self._known(map_id)
        if row.status != "suggested":
            raise Conflict(
                "not_a_suggestion",
                "Only a suggestion can be rejected.",
                remedy="Take the entry away instead.",
            )
        before = document(row)
        row.status, row.reason, row.band = "rejected", why, "none"
        self._save(row, before)

    def exclude(self, vendor_connection_id: str, sku: str, reason: str) -> None:
        """Say that a SKU is billed nowhere, and why.

        Raises:
            Rejected: No reason, or no SKU was given.
        """
        require_reason(reason)
        if not sku:
            raise Rejected("sku_missing", "Which SKU?", field="sku")
        pattern: Pattern = (vendor_connection_id, "", sku, "", "", "", "")
        own = [row for row in self._rows.values() if pattern_of(row) == pattern]
        row = next((one for one in own if one.status == "excluded"), None)
        before = document(row) if row is not None else None
        row = row or self._new_row()
        for column, value in zip(PATTERN, pattern, strict=True):
            setattr(row, column, value)
        row.status, row.method, row.kind = "excluded", "manual", "ignore"
        row.reason = reason.strip()
        self._save(row, before)
        for one in own:
            if one is not row and one.status in ("confirmed", "suggested", "stale"):
                self._take(one)

    def remove(self, map_id: str) -> None:
        """Take an entry, an exclusion or a remembered "no" away.

        Raises:
            NotFound: No such row.
        """
        self._take(self._known(map_id))

    def row(self, map_id: str) -> ProductMap:
        """A row of this PSA connection.

        Raises:
            NotFound: There is none of that id.
        """
        return self._known(map_id)

    def _row_for(self, decision: ProductDecision) -> ProductMap | None:
        if decision.id is not None:
            row = self._known(decision.id)
            self._require_only(decision, row)
            return row
        twins = sorted(self._twins(decision), key=lambda row: _ORDER[row.status])
        spoken = (decision.valid_from, decision.valid_to)
        own = next(
            (
                row
                for row in twins
                if row.status in ("suggested", "rejected")
                or (row.valid_from, row.valid_to) == spoken
            ),
            None,
        )
        self._require_only(decision, own)
        return own

    def _require_only(self, decision: ProductDecision, own: ProductMap | None) -> None:
        for twin in self._twins(decision):
            overlap = twin.status == "confirmed" and _overlap(twin, decision)
            if twin is not own and overlap:
                raise Conflict(
                    "entry_exists",
                    f"{decision.sku or decision.product_id} is mapped to "
                    f"{twin.target_name} by an equal entry already.",
                    field="psa_product_id",
                    remedy="Change that entry, or end it before this one begins.",
                )

    def _twins(self, decision: ProductDecision) -> Iterable[ProductMap]:
        wanted = tuple(getattr(decision, name) for name in PATTERN)
        return (
            row
            for row in self._rows.values()
            if pattern_of(row) == wanted
            and row.psa_product_id == decision.psa_product_id
            and row.kind == decision.kind
        )

    def _target_name(self, decision: ProductDecision) -> str:
        if not decision.psa_product_id:
            return ""
        product = self._product(decision.psa_product_id)
        if product is None:
            raise NotFound(
                "product_unknown",
                f"The PSA has no product {decision.psa_product_id}.",
                field="psa_product_id",
                remedy="Read the PSA's catalogue again, then choose one of them.",
            )
        if not product_usable(product):
            raise Rejected(
                "product_unusable",
                f"{product.name} is inactive or not allowed on agreements.",
                field="psa_product_id",
                remedy="Choose an active product that may stand on agreements.",
            )
        return product.name

    def _product(self, vendor_id: str) -> PsaProductRow | None:
        if vendor_id not in self._products:
            self._products[vendor_id] = self._session.scalars(
                select(PsaProductRow).where(
                    PsaProductRow.connection_id == self._psa,
                    PsaProductRow.vendor_id == vendor_id,
                )
            ).one_or_none()
        return self._products[vendor_id]

    def _drop_suggestions(self, row: ProductMap) -> None:
        """What was only suggested for the same pattern is decided now."""
        for one in list(self._rows.values()):
            other = one is not row and one.status in ("suggested", "excluded")
            if other and pattern_of(one) == pattern_of(row):
                self._take(one)

    def _save(self, row: ProductMap, before: dict[str, object] | None) -> None:
        told = (*_COLUMNS, "status", "reason")
        now = document(row)
        if before is not None and all(before[name] == now[name] for name in told):
            restore(row, before)  # method and evidence stay what they were
            return
        self._journal.stamp(row)
        decided = before is not None and before["status"] in ("confirmed", "excluded")
        valid_from = self._journal.now if decided else ALWAYS
        self._journal.put(row, before, valid_from)

    def _take(self, row: ProductMap) -> None:
        self._journal.remove(row, self._journal.now)
        del self._rows[row.id]

    def _known(self, map_id: str) -> ProductMap:
        row = self._rows.get(map_id)
        if row is None:
            raise NotFound("mapping_unknown", f"There is no product mapping {map_id}.")
        return row

    def _new_row(self) -> ProductMap:
        defaults = ProductDecision(psa_connection_id=self._psa)
        row = ProductMap(
            id=new_id("pmp"),
            tenant_id=self._tenant_id,
            status="suggested",
            target_name="",
            **{name: getattr(defaults, name) for name in _COLUMNS},
            **blank_columns(),
        )
        self._rows[row.id] = row
        return row


def pattern_of(row: ProductMap) -> Pattern:
    """What a row maps, as a tuple."""
    return tuple(getattr(row, name) for name in PATTERN)


def product_usable(product: PsaProductRow) -> bool:
    """Whether a product can stand on new lines."""
    return product.active and product.usable_on_lines and product.gone_at is None


def _overlap(row: ProductMap, decision: ProductDecision) -> bool:
    ends_before = row.valid_to is not None and (
        decision.valid_from is not None and row.valid_to <= decision.valid_from
    )
    begins_after = decision.valid_to is not None and (
        row.valid_from is not None and decision.valid_to <= row.valid_from
    )
    return not ends_before and not begins_after
