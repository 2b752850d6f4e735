"""The table of intents: what was sent, what came of it, what is still open."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeVar

from sqlalchemy import Select, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from entrepot.jobs.errors import RunConflict, RunNotFound
from entrepot.jobs.outlast import outlast
from entrepot.jobs.plain import JsonDict
from entrepot.jobs.tables import VendorIntent
from entrepot.sdk.context import Clock
from entrepot.store.scope import SystemScope, TenantScope
from entrepot.store.state import writes_paused
from entrepot.store.unit import Store

T = TypeVar("T")
IntentState = Literal["sending", "done", "rejected", "unknown", "unsent"]
OPEN = ("sending", "unknown")


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """One row of the journal; see `entrepot.jobs.tables.VendorIntent`."""

    reference: str
    tenant_id: str
    run_id: str | None
    connection_id: str
    action: str
    digest: str
    request: JsonDict
    idempotency: str
    settle_seconds: int
    state: IntentState
    attempts: int
    created_at: datetime
    sent_at: datetime
    settled_at: datetime | None = None
    vendor_reference: str | None = None
    answer: JsonDict | None = None
    error_code: str | None = None
    error_text: str | None = None


_COLUMNS = [getattr(VendorIntent, name) for name in Intent.__slots__]


class IntentBook:
    """Reads and writes intents, each write in a short unit of its own.

    Args:
        store: The hub's database.
        clock: Time of settling.
        give_up: True once this process stops: no more waiting for a lost database.
    """

    def __init__(
        self, store: Store, clock: Clock, *, give_up: Callable[[], bool] = lambda: False
    ) -> None:
        self._store = store
        self._clock = clock
        self._give_up = give_up

    def find(self, tenant_id: str, reference: str) -> Intent | None:
        """Return the intent of that reference, or None."""
        scope = TenantScope(tenant_id)

        def read() -> Intent | None:
            with self._store.read(scope) as session:
                return _one(session, _of(tenant_id, reference))

        return outlast(read, give_up=self._give_up)

    def get(self, intent: Intent) -> Intent:
        """Return the intent as it is now."""
        found = self.find(intent.tenant_id, intent.reference)
        if found is None:
            raise RunNotFound(f"There is no write with reference {intent.reference}.")
        return found

    def paused(self) -> str | None:
        """Return why outgoing writes are held back, or None."""

        def read() -> str | None:
            with self._store.read(SystemScope("jobs")) as session:
                return writes_paused(session)

        return outlast(read, give_up=self._give_up)

    def open(self, wanted: Intent) -> tuple[Intent, bool]:
        """Commit an intent as `sending`.

        Returns:
            The intent and True, or another's intent of this reference and False. An
            intent that was certainly not sent is taken over with the new request.
        """
        values = {name: getattr(wanted, name) for name in Intent.__slots__}

        def write(session: Session) -> tuple[Intent, bool]:
            if _insert_ignore(session, values):
                return wanted, True
            renewed = session.execute(
                _update(wanted)
                .where(VendorIntent.state == "unsent")
                .values(
                    state="sending",
                    run_id=wanted.run_id,
                    digest=wanted.digest,
                    request=wanted.request,
                    sent_at=wanted.sent_at,
                    attempts=VendorIntent.attempts + 1,
                )
                .returning(VendorIntent.reference)
            ).first()
            found = _one(session, _of(wanted.tenant_id, wanted.reference))
            if found is None:
                raise RunConflict(
                    f"Reference {wanted.reference} belongs to another reseller."
                )
            return found, renewed is not None

        return self._unit(wanted.tenant_id, write)

    def count(self, intent: Intent, now: datetime) -> Intent:
        """Commit that it is about to be sent once more."""
        return self._change(
            intent,
            {
                "state": "sending",
                "sent_at": now,
                "attempts": VendorIntent.attempts + 1,
            },
        )

    def finish(
        self, intent: Intent, state: IntentState, columns: Mapping[str, Any]
    ) -> Intent:
        """Commit an outcome and return the intent as it is now."""
        settled = None if state in OPEN else self._clock.now()
        return self._change(intent, {**columns, "state": state, "settled_at": settled})

    def open_intents(self, tenant_id: str | None = None) -> list[Intent]:
        """Return all writes whose outcome is not known, oldest first.

        Args:
            tenant_id: Of one reseller; None: of all.
        """
        query = (
            select(*_COLUMNS)
            .where(VendorIntent.state.in_(OPEN))
            .order_by(VendorIntent.sent_at, VendorIntent.reference)
        )
        if tenant_id is not None:
            query = query.where(VendorIntent.tenant_id == tenant_id)
        scope = TenantScope(tenant_id) if tenant_id else SystemScope("jobs")
        with self._store.read(scope) as session:
            return [Intent(**row._mapping) for row in session.execute(query)]

    def decide(self, intent: Intent, state: IntentState, text: str) -> Intent:
        """Settle an open intent by a person's word.

        Args:
            intent: The open one.
            state: `done`, `rejected`, or `unsent`: it did not go, send it again.
            text: Who decided and why.

        Raises:
            RunConflict: It is settled already, or the word is none of the three.
        """
        if state not in ("done", "rejected", "unsent"):
            raise RunConflict("Decide done, rejected or unsent.")
        if self.get(intent).state not in OPEN:
            raise RunConflict(f"{intent.reference} is settled already.")
        return self.finish(intent, state, {"error_code": "decided", "error_text": text})

    def _change(self, intent: Intent, values: Mapping[str, Any]) -> Intent:
        def write(session: Session) -> Intent:
            session.execute(_update(intent).values(dict(values)))
            found = _one(session, _of(intent.tenant_id, intent.reference))
            if found is None:
                raise RunNotFound(f"The intent {intent.reference} is gone.")
            return found

        return self._unit(intent.tenant_id, write)

    def _unit(self, tenant_id: str, work: Callable[[Session], T]) -> T:
        def once() -> T:
            with self._store.unit(TenantScope(tenant_id)) as session:
                return work(session)

        return outlast(once, give_up=self._give_up)


def _of(tenant_id: str, reference: str) -> Select[Any]:
    return select(*_COLUMNS).where(
        VendorIntent.tenant_id == tenant_id, VendorIntent.reference == reference
    )


def _one(session: Session, query: Select[Any]) -> Intent | None:
    row = session.execute(query).first()
    return None if row is None else Intent(**row._mapping)


def _update(intent: Intent) -> Any:  # noqa: ANN401  # SQLAlchemy's generic update
    return (
        update(VendorIntent)
        .where(
            VendorIntent.tenant_id == intent.tenant_id,
            VendorIntent.reference == intent.reference,
        )
        .execution_options(synchronize_session=False)
    )


def _insert_ignore(session: Session, values: Mapping[str, Any]) -> bool:
    dialect = session.get_bind().dialect.name
    build = postgresql_insert if dialect == "postgresql" else sqlite_insert
    statement = (
        build(VendorIntent.__table__)  # type: ignore[arg-type]  # a Table at run time
        .values(dict(values))
        .on_conflict_do_nothing()
        .returning(VendorIntent.__table__.c.reference)
    )
    return session.execute(statement).first() is not None
