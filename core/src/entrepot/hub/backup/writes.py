"""Outgoing writes after a restore: looked up at the other side, then allowed again.

A restored hub has forgotten what it sent after the backup was made. Two kinds of
writes may have gone out unknown to it: those whose intent is open, and those of a
plan that was being written, whose intents are younger than the backup. Both are
searched by our reference before anything is sent again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from entrepot.hub.reconciliation.apply_steps import BEGUN
from entrepot.hub.reconciliation.rules.results import Do
from entrepot.hub.reconciliation.tables import ReconOperation, ReconPlan, ReconPlanPart
from entrepot.jobs.intent import Effect, Probed
from entrepot.jobs.intents import Intent, IntentBook
from entrepot.jobs.restore import probe_open_intents
from entrepot.jobs.tables import VendorIntent
from entrepot.sdk.context import Clock
from entrepot.sdk.errors import EntrepotError, NotFound, Retryable
from entrepot.store import Actor, Store, SystemScope, audit
from entrepot.store.state import WRITES_PAUSED, set_state, writes_paused

if TYPE_CHECKING:
    from entrepot.hub.reconciliation.effects import PsaWriter

_SCOPE = SystemScope("restored writes")
_RETRY_SECONDS = 60.0
_LINE = "line_"


@dataclass(frozen=True, slots=True)
class _Forgotten:
    """A planned write that may have gone out after the backup was made."""

    tenant_id: str
    connection_id: str
    write: dict[str, Any]


class OutgoingWrites:
    """Knows whether writes are held back, looks them up, and lets them go on.

    Args:
        store: The hub's database.
        clock: Time.
        writer: Searches lines of PSA systems.
    """

    def __init__(self, store: Store, clock: Clock, writer: PsaWriter) -> None:
        self._store = store
        self._clock = clock
        self._writer = writer
        self._book = IntentBook(store, clock)

    def paused(self) -> str | None:
        """Return why outgoing writes are held back, or None."""
        with self._store.read(_SCOPE) as session:
            return writes_paused(session)

    def unsettled(self) -> list[Intent]:
        """Return every write whose outcome is not known, oldest first."""
        return self._book.open_intents()

    def settle_seconds(self) -> int:
        """How long the slowest of the systems concerned may take to show a write."""
        concerned = {one.connection_id for one in self._lines()}
        concerned |= {one.connection_id for one in self._forgotten()}
        return max((self._settle(one) for one in sorted(concerned)), default=0)

    def look_up(self) -> dict[str, int]:
        """Ask the other sides about every write that may have gone out.

        Returns:
            How many are ``done``, ``unsent``, and ``unknown``: for a person to decide,
            never sent again by itself.

        Raises:
            Retryable: Some side could not be asked; nothing may be sent yet.
        """
        unasked: list[str] = []

        def ask(intent: Intent) -> Probed:
            return self._asked(lambda: self._probe(intent), intent.reference, unasked)

        summary = probe_open_intents(self._book, ask)
        found = sum(self._adopt(one, unasked) for one in self._forgotten())
        if unasked:
            raise Retryable(
                "writes_not_looked_up",
                f"{len(unasked)} writes could not be looked up yet.",
                detail=", ".join(unasked[:20]),
                remedy="Check the PSA connections: entrepot connections list",
                after=_RETRY_SECONDS,
            )
        return {
            "done": len(summary.done) + found,
            "unsent": len(summary.unsent),
            "unknown": len(summary.unknown),
        }

    def resume(self, actor: Actor, why: str) -> None:
        """Let writes go out again.

        Args:
            actor: Needs ``tenants:write`` as operator; recorded.
            why: For the audit log.

        Raises:
            PermissionDenied: The actor may not.
        """
        actor.require("tenants:write")
        with self._store.unit(_SCOPE) as session:
            before = writes_paused(session)
            if before is None:
                return
            set_state(session, WRITES_PAUSED, None)
            audit(
                session,
                actor,
                action="hub.writes_resume",
                subject=("hub", "writes"),
                why=why,
                before={"paused": before},
            )

    def _asked(
        self, probe: Callable[[], Probed], reference: str, unasked: list[str]
    ) -> Probed:
        """The probe's answer; a side that does not answer is noted."""
        try:
            return probe()
        except NotFound:
            # The connection, agreement or line is gone: nobody can tell any more,
            # and nothing can be sent there either.
            return Probed(found=None)
        except EntrepotError:
            unasked.append(reference)
            raise

    def _probe(self, intent: Intent) -> Probed:
        if not intent.action.startswith(_LINE):
            # Its plugin searches by the reference before each attempt of its own.
            return Probed(found=False)
        request = dict(intent.request)
        write = {"reference": intent.reference, "do": request.pop("do"), "token": ""}
        return _searched(self._effect(intent.connection_id, {**write, "body": request}))

    def _adopt(self, one: _Forgotten, unasked: list[str]) -> bool:
        """Write an intent for what went out after the backup; True if it did."""
        reference = one.write["reference"]
        effect = self._effect(one.connection_id, one.write)
        try:
            seen = self._asked(lambda: _searched(effect), reference, unasked)
        except EntrepotError:
            return False
        if not seen.found:
            return False
        now = self._clock.now()
        intent, _ = self._book.open(
            Intent(
                reference=reference,
                tenant_id=one.tenant_id,
                run_id=None,
                connection_id=one.connection_id,
                action=effect.action,
                digest=effect.digest(),
                request=effect.request,
                idempotency=effect.idempotency,
                settle_seconds=effect.settle_seconds,
                state="sending",
                attempts=1,
                created_at=now,
                sent_at=now,
            )
        )
        columns = {"vendor_reference": seen.vendor_reference, "answer": seen.answer}
        self._book.finish(intent, "done", columns)
        return True

    def _effect(self, connection_id: str, write: dict[str, Any]) -> Effect:
        return self._writer.effect(connection_id, write, 0)

    def _settle(self, connection_id: str) -> int:
        try:
            return self._writer.settle_seconds(connection_id)
        except EntrepotError:
            return 0  # It cannot be asked now; the search itself will say so.

    def _lines(self) -> list[Intent]:
        opened = self._book.open_intents()
        return [one for one in opened if one.action.startswith(_LINE)]

    def _forgotten(self) -> list[_Forgotten]:
        """Planned operations of plans under way that have no intent."""
        operation, part = ReconOperation, ReconPlanPart
        query = (
            select(operation)
            .join(
                part,
                (part.plan_id == operation.plan_id) & (part.seq == operation.part),
            )
            .outerjoin(VendorIntent, VendorIntent.reference == operation.reference)
            .join(ReconPlan, ReconPlan.id == operation.plan_id)
            .where(
                # Of a plan under way every part counts: what its run had read before
                # the backup is not read again, so only the other side knows.
                ReconPlan.state.in_(BEGUN),
                part.state.in_(("approved", *BEGUN)),
                operation.state.in_(("planned", "unknown")),
                operation.do != Do.ADOPT,
                VendorIntent.reference.is_(None),
            )
            .order_by(operation.reference)
        )
        with self._store.read(_SCOPE) as session:
            return [
                _Forgotten(
                    row.tenant_id,
                    row.psa_connection_id,
                    {
                        "reference": row.reference,
                        "do": row.do,
                        "body": dict(row.body),
                        "token": "",
                    },
                )
                for row in session.scalars(query)
            ]


def _searched(effect: Effect) -> Probed:
    return effect.probe() if effect.probe is not None else Probed(found=None)
