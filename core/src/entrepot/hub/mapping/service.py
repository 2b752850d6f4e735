"""Use cases of mapping: suggest, look, count, undo; the rest is by kind."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import select

from entrepot.hub.mapping import exporting, journal, listing, reading
from entrepot.hub.mapping.customer_service import CustomerMappings
from entrepot.hub.mapping.product_service import ProductMappings
from entrepot.hub.mapping.suggesting import apply_customers, find_customers
from entrepot.hub.mapping.suggesting_products import apply_products, find_products
from entrepot.hub.mapping.tables import MappingBatch, MappingFact
from entrepot.hub.mapping.unit import READ, WRITE, Desk
from entrepot.hub.mapping.views import (
    BatchView,
    Decisions,
    EvidenceCount,
    Progress,
    Refreshed,
)
from entrepot.hub.paging import Slice, cut, limited
from entrepot.sdk.context import Clock
from entrepot.sdk.model import MatchingVocabulary
from entrepot.store import Actor, Store
from entrepot.store.facts import history


class Vocabularies(Protocol):
    """Who knows the plugins' words; `entrepot.plugins.Plugins` does."""

    def vocabularies(self) -> Mapping[str, MatchingVocabulary]:
        """Words by plugin name."""


class MappingService:
    """Which vendor customer is which company, which SKU which product.

    Attributes:
        customers: Looking at and deciding about customers.
        products: Looking at and deciding about SKUs.

    Args:
        store: The hub's database.
        clock: Time.
        plugins: Gives the vendors' words.
    """

    def __init__(self, store: Store, clock: Clock, plugins: Vocabularies) -> None:
        self._store = store
        self._clock = clock
        self._plugins = plugins
        self._desk = Desk(store, clock)
        self.customers = CustomerMappings(self._desk)
        self.products = ProductMappings(self._desk)

    def psa_connections(self, actor: Actor) -> tuple[str, ...]:
        """Ids of the PSA connections that can be mapped to.

        Raises:
            PermissionDenied: Without ``mappings:read``.
        """
        actor.require(READ)
        with self._desk.read(actor) as session:
            return tuple(reading.psa_connections(session))

    def refresh_suggestions(
        self, actor: Actor, psa_connection_id: str | None = None
    ) -> Refreshed:
        """Run the matcher; decisions of people are never changed by it.

        Only a vendor's id that the PSA stores confirms by itself. A confirmed target
        that is gone becomes ``stale``, and confirmed again when it comes back.

        Args:
            actor: Who asks.
            psa_connection_id: Against which PSA; None = all.

        Raises:
            PermissionDenied: Without ``mappings:write``.
        """
        actor.require(WRITE)
        one = psa_connection_id
        wanted = (one,) if one is not None else self.psa_connections(actor)
        done = Refreshed()
        for psa in wanted:
            done += self._refresh(actor, psa)
        return done

    def _refresh(self, actor: Actor, psa: str) -> Refreshed:
        words = self._plugins.vocabularies()
        customers = find_customers(self._store, actor.tenant_id, psa, words)
        with self._desk.unit(actor) as session:
            first = apply_customers(session, actor, self._clock, psa, customers)
        products = find_products(self._store, actor.tenant_id, psa, words)
        with self._desk.unit(actor) as session:
            return first + apply_products(session, actor, self._clock, psa, products)

    def progress(self, actor: Actor, psa_connection_id: str) -> Progress:
        """How many customers and SKUs are still undecided.

        Raises:
            PermissionDenied: Without ``mappings:read``.
        """
        actor.require(READ)
        with self._desk.read(actor) as session:
            return listing.progress(session, psa_connection_id)

    def evidence(
        self, actor: Actor, psa_connection_id: str
    ) -> tuple[EvidenceCount, ...]:
        """Open suggestions by what they rest on, the strongest evidence first.

        Raises:
            PermissionDenied: Without ``mappings:read``.
        """
        actor.require(READ)
        with self._desk.read(actor) as session:
            return listing.evidence(session, psa_connection_id)

    def decisions(
        self,
        actor: Actor,
        psa_connection_id: str,
        *,
        valid_at: datetime | None = None,
        known_at: datetime | None = None,
    ) -> Decisions:
        """Everything decided against one PSA connection.

        Args:
            actor: Who asks.
            psa_connection_id: Which PSA.
            valid_at: As it held at this moment; None = now.
            known_at: As it was known at this moment; None = now. With neither,
                suggestions are included.

        Raises:
            PermissionDenied: Without ``mappings:read``.
        """
        actor.require(READ)
        now = self._clock.now()
        with self._desk.read(actor) as session:
            if valid_at is None and known_at is None:
                return exporting.current(session, psa_connection_id)
            return exporting.as_known(
                session, psa_connection_id, valid_at or now, known_at or now
            )

    def history(self, actor: Actor, map_id: str) -> tuple[dict[str, Any], ...]:
        """What was decided about one map row, oldest first; empty when nothing was.

        Raises:
            PermissionDenied: Without ``mappings:read``.
        """
        actor.require(READ)
        with self._desk.read(actor) as session:
            return tuple(
                {
                    "known_at": fact.known_at,
                    "valid_from": fact.valid_from,
                    "change": fact.change,
                    "batch_id": fact.run_id,
                    "state": fact.payload,
                }
                for fact in session.scalars(history(MappingFact, map_id))
            )

    def batches(
        self, actor: Actor, *, last: str | None = None, limit: int = 50
    ) -> Slice[BatchView]:
        """Decisions, newest first.

        Args:
            actor: Who asks.
            last: Id of the last decision of the slice before.
            limit: How many at most.

        Raises:
            PermissionDenied: Without ``mappings:read``.
        """
        actor.require(READ)
        wanted = select(MappingBatch).order_by(MappingBatch.id.desc())
        if last is not None:
            wanted = wanted.where(MappingBatch.id < last)
        with self._desk.read(actor) as session:
            rows = session.scalars(wanted.limit(limited(limit))).all()
            part = cut(list(rows), limit, lambda row: (row.id,))
            views = tuple(journal.batch_view(row) for row in part.items)
            return Slice(views, part.has_more, part.last)

    def undo(self, actor: Actor, batch_id: str) -> BatchView:
        """Put everything back to what it was before a decision.

        Returns:
            The decision that did it, which can be undone in its turn.

        Raises:
            PermissionDenied: Without ``mappings:write``.
            NotFound: There is no such decision.
            Conflict: It was undone already, or a row was decided anew since.
        """
        actor.require(WRITE)
        with self._desk.unit(actor) as session:
            return journal.undo(session, actor, self._clock, batch_id)
