"""Use cases of mapping products."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import fields

from sqlalchemy import select
from sqlalchemy.orm import Session

from entrepot.hub.mapping import csvfile, exporting, impact, listing
from entrepot.hub.mapping.importing import PRODUCT_NEEDS, Importer
from entrepot.hub.mapping.journal import Journal
from entrepot.hub.mapping.products import ProductDesk
from entrepot.hub.mapping.seen import Seen
from entrepot.hub.mapping.tables import ProductMap
from entrepot.hub.mapping.unit import READ, WRITE, Desk, acceptable, one_psa
from entrepot.hub.mapping.views import (
    BatchView,
    Impact,
    Imported,
    ImportLine,
    ListQuery,
    ProductDecision,
    SkuRow,
)
from entrepot.hub.paging import Slice
from entrepot.store import Actor

_WHAT = "products"
SeenSkus = Mapping[tuple[str, str], Seen]


class ProductMappings:
    """Looking at and deciding about SKUs.

    Every decision is one batch: audited once, undone as a whole.

    Args:
        desk: Opens units of work.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def list(self, actor: Actor, query: ListQuery) -> Slice[SkuRow]:
        """SKUs with their entry or best suggestion, by name.

        Raises:
            PermissionDenied: Without ``mappings:read``.
        """
        actor.require(READ)
        with self._desk.read(actor) as session:
            return listing.list_skus(session, query)

    def preview(self, actor: Actor, decisions: Sequence[ProductDecision]) -> Impact:
        """What these entries would touch; nothing is saved.

        Raises:
            PermissionDenied: Without ``mappings:read``.
            Rejected: No entry was given, or they concern several PSAs.
        """
        actor.require(READ)
        one_psa(decisions)
        with self._desk.read(actor) as session:
            return impact.preview_products(session, decisions, self._desk.today)

    def confirm(
        self,
        actor: Actor,
        decisions: Sequence[ProductDecision],
        *,
        why: str = "",
        seen: SeenSkus | None = None,
    ) -> BatchView:
        """Save entries of the product map.

        Args:
            actor: Who decides.
            decisions: About one PSA connection.
            why: The reason, for the audit log.
            seen: What was looked at, by connection and SKU; None = not checked.

        Raises:
            PermissionDenied: Without ``mappings:write``.
            NotFound: No such entry or PSA product.
            Rejected: A field makes no sense; it is named.
            Conflict: An equal entry exists; somebody changed the entry meanwhile.
        """

        def act(desk: ProductDesk) -> None:
            desk.require_seen(seen)
            for decision in decisions:
                desk.confirm(decision)

        return self._decide(actor, one_psa(decisions), "confirm", why, act)

    def accept(
        self,
        actor: Actor,
        psa_connection_id: str,
        *,
        ids: Collection[str] | None = None,
        method: str | None = None,
        why: str = "",
        seen: SeenSkus | None = None,
    ) -> BatchView:
        """Confirm suggestions as they are, all at once.

        Args:
            actor: Who decides.
            psa_connection_id: Against which PSA.
            ids: These suggestions, of any band; None = all pre-selected ones.
            method: Only those that rest on this evidence.
            why: The reason, for the audit log.
            seen: What was looked at, by connection and SKU; None = not checked.

        Raises:
            PermissionDenied: Without ``mappings:write``.
            NotFound: A chosen suggestion is no longer there.
            Conflict: Somebody decided meanwhile.
        """

        def act(session: Session, journal: Journal) -> None:
            rows = session.scalars(
                select(ProductMap).where(
                    ProductMap.psa_connection_id == psa_connection_id,
                    ProductMap.status == "suggested",
                )
            ).all()
            desk = ProductDesk(session, journal, actor.tenant_id, psa_connection_id)
            desk.require_seen(seen)
            for row in acceptable(rows, ids, method):
                desk.confirm(decision_of(row))

        return self._desk.decide(actor, _WHAT, "accept", why, act)

    def reject(
        self,
        actor: Actor,
        psa_connection_id: str,
        map_ids: Sequence[str],
        *,
        why: str = "",
    ) -> BatchView:
        """Remember that suggestions are wrong.

        Raises:
            PermissionDenied: Without ``mappings:write``.
            NotFound: No such suggestion.
            Conflict: It is no suggestion.
        """

        def act(desk: ProductDesk) -> None:
            for map_id in map_ids:
                desk.reject(map_id, why)

        return self._decide(actor, psa_connection_id, "reject", why, act)

    def exclude(
        self,
        actor: Actor,
        psa_connection_id: str,
        skus: Sequence[tuple[str, str]],
        *,
        reason: str,
        seen: SeenSkus | None = None,
    ) -> BatchView:
        """Say that SKUs are billed nowhere, and why: (vendor connection, SKU).

        Raises:
            PermissionDenied: Without ``mappings:write``.
            Rejected: No reason was given.
            Conflict: One isn't mapped as it was `seen`.
        """

        def act(desk: ProductDesk) -> None:
            desk.require_seen(seen)
            for connection_id, sku in skus:
                desk.exclude(connection_id, sku, reason)

        return self._decide(actor, psa_connection_id, "exclude", reason, act)

    def remove(
        self,
        actor: Actor,
        psa_connection_id: str,
        map_ids: Sequence[str],
        *,
        why: str = "",
        seen: SeenSkus | None = None,
    ) -> BatchView:
        """Take entries, exclusions or remembered rejections away.

        Raises:
            PermissionDenied: Without ``mappings:write``.
            NotFound: No such row.
            Conflict: One isn't mapped as it was `seen`.
        """

        def act(desk: ProductDesk) -> None:
            desk.require_seen(seen)
            for map_id in map_ids:
                desk.remove(map_id)

        return self._decide(actor, psa_connection_id, "clear", why, act)

    def export_csv(self, actor: Actor, psa_connection_id: str) -> str:
        """The product map with open suggestions, as CSV.

        Raises:
            PermissionDenied: Without ``mappings:read``.
        """
        actor.require(READ)
        with self._desk.read(actor) as session:
            return exporting.products_csv(session, psa_connection_id)

    def import_csv(
        self, actor: Actor, psa_connection_id: str, text: str, *, dry_run: bool = True
    ) -> Imported:
        """Carry out the decisions of a file in the form of `export_csv`.

        Lines with a status other than ``confirmed`` or ``excluded`` change nothing.
        All lines are tried; any wrong one keeps all from being saved.

        Raises:
            PermissionDenied: Without ``mappings:write``.
            Rejected: The file can't be read at all.
        """
        actor.require(WRITE)
        lines = csvfile.read(text, PRODUCT_NEEDS)

        def act(session: Session, journal: Journal) -> list[ImportLine]:
            importer = Importer(session, journal, actor.tenant_id, psa_connection_id)
            return importer.products(lines)

        return self._desk.carry_in(actor, _WHAT, act, dry_run=dry_run)

    def _decide(
        self,
        actor: Actor,
        psa_connection_id: str,
        action: str,
        why: str,
        act: Callable[[ProductDesk], None],
    ) -> BatchView:
        def on(session: Session, journal: Journal) -> None:
            act(ProductDesk(session, journal, actor.tenant_id, psa_connection_id))

        return self._desk.decide(actor, _WHAT, action, why, on)


def decision_of(row: ProductMap) -> ProductDecision:
    """The decision that confirms a row as it is."""
    return ProductDecision(
        **{one.name: getattr(row, one.name) for one in fields(ProductDecision)}
    )
