"""What every use case of mapping needs: a scope, a journal, the same refusals."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import date
from typing import TypeVar

from sqlalchemy.orm import Session

from entrepot.hub.mapping.journal import Journal
from entrepot.hub.mapping.rows import MapRow
from entrepot.hub.mapping.views import (
    BatchView,
    CustomerDecision,
    Imported,
    ImportLine,
    ProductDecision,
)
from entrepot.sdk.context import Clock
from entrepot.sdk.errors import NotFound, Rejected
from entrepot.store import Actor, Store, TenantScope, UnitSession

READ = "mappings:read"
WRITE = "mappings:write"
R = TypeVar("R", bound=MapRow)


class _RolledBack(Exception):
    """Ends a unit whose work must not be kept."""


class Desk:
    """Opens units of work for decisions.

    Args:
        store: The hub's database.
        clock: Time.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self.clock = clock

    @property
    def today(self) -> date:
        """The day by the hub's clock."""
        return self.clock.now().date()

    def read(self, actor: Actor) -> AbstractContextManager[UnitSession]:
        """A snapshot of the actor's reseller."""
        return self._store.read(TenantScope(actor.tenant_id))

    def unit(self, actor: Actor) -> AbstractContextManager[UnitSession]:
        """A unit of work of the actor's reseller."""
        return self._store.unit(TenantScope(actor.tenant_id))

    def decide(
        self,
        actor: Actor,
        what: str,
        action: str,
        why: str,
        act: Callable[[Session, Journal], None],
    ) -> BatchView:
        """Carry out one decision: all of it, with its journal, or nothing.

        Raises:
            PermissionDenied: Without ``mappings:write``.
        """
        actor.require(WRITE)
        with self.unit(actor) as session:
            journal = Journal(
                session, actor, self.clock, what=what, action=action, why=why
            )
            act(session, journal)
            return journal.finish()

    def carry_in(
        self,
        actor: Actor,
        what: str,
        act: Callable[[Session, Journal], list[ImportLine]],
        *,
        dry_run: bool,
    ) -> Imported:
        """Carry out a file's lines; a dry run, or any wrong line, leaves no trace.

        Raises:
            PermissionDenied: Without ``mappings:write``.
        """
        actor.require(WRITE)
        lines: list[ImportLine] = []
        try:
            with self.unit(actor) as session:
                journal = Journal(
                    session, actor, self.clock, what=what, action="import"
                )
                lines = act(session, journal)
                wrong = any(line.result == "error" for line in lines)
                if dry_run or wrong:
                    raise _RolledBack
                batch = journal.finish()
        except _RolledBack:
            return Imported(lines=tuple(lines), saved=False)
        return Imported(lines=tuple(lines), saved=True, batch=batch)


def one_psa(decisions: Sequence[CustomerDecision] | Sequence[ProductDecision]) -> str:
    """The PSA connection that all decisions concern.

    Raises:
        Rejected: No decision was given, or they concern several PSAs.
    """
    found = {one.psa_connection_id for one in decisions}
    if len(found) != 1:
        raise Rejected(
            "decisions_invalid",
            "A decision concerns exactly one PSA connection.",
            field="psa_connection_id",
            remedy="Decide about one PSA connection at a time.",
        )
    return found.pop()


def acceptable(
    rows: Iterable[R], ids: Collection[str] | None, method: str | None
) -> list[R]:
    """The suggestions a bulk approval means.

    Args:
        rows: Suggestions.
        ids: Those a person ticked, of any band; None = all that are pre-selected.
        method: Only what rests on this evidence; None = any.

    Raises:
        NotFound: A ticked suggestion is no longer there.
    """
    chosen = None if ids is None else set(ids)
    found = [
        row
        for row in rows
        if (method is None or row.method == method)
        and (row.band == "preselected" if chosen is None else row.id in chosen)
    ]
    gone = (chosen or set()) - {row.id for row in found}
    if gone:
        raise NotFound(
            "suggestion_gone",
            f"{len(gone)} of the chosen suggestions are no longer there.",
            field="ids",
            remedy="Look at the list again, then decide.",
        )
    return found
