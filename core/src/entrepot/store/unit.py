"""The store and its unit of work: one transaction, one scope, one clock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.orm import ORMExecuteState, Session, with_loader_criteria

from entrepot.sdk.context import Clock, SystemClock
from entrepot.sdk.redaction import Redactor
from entrepot.store import audit_log, opening
from entrepot.store.base import TenantOwned, tenant_column
from entrepot.store.engine import build_engine, build_reader
from entrepot.store.guard import UnitState, attach, detach, watch
from entrepot.store.migrations import run as migrations
from entrepot.store.scope import Scope, TenantMismatch, TenantScope, TenantScopeMissing
from entrepot.store.settings import Settings

_writing: ContextVar[bool] = ContextVar("entrepot_writing", default=False)


class NestedUnit(RuntimeError):
    """A unit of work was opened inside another one."""


def in_unit() -> bool:
    """Return whether this thread of control is inside a write unit.

    The engine of durable work must not be called there: on SQLite it would wait for
    ever for the lock that its own caller holds.
    """
    return _writing.get()


class UnitSession(Session):
    """A session that knows its scope; made by `Store`, never directly."""

    def flush(self, objects: Any = None) -> None:  # noqa: ANN401 - SQLAlchemy's
        """Write pending objects; they were checked when they entered the flush."""
        state = _state_of(self)
        if state is None:
            raise TenantScopeMissing("Use store.unit(scope) to write.")
        check_pending(self, state.scope)
        with state.trusted():
            super().flush(objects)


class Store:
    """The hub's database.

    Args:
        settings: Names the database.
        clock: Time for audit entries; the machine's when None.
        web: Whether this is a web process; on PostgreSQL row-level security then
            binds every statement of a `TenantScope`.
        engine: An engine to use in the place of own ones, for all that is done.
        redactor: Knows secret values that must not enter the audit log; without one
            only the names under which secrets usually travel protect it.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Clock | None = None,
        *,
        web: bool = False,
        engine: Engine | None = None,
        redactor: Redactor | None = None,
    ) -> None:
        self.settings = settings
        self.clock = clock or SystemClock()
        self.web = web
        self.redactor = redactor
        self.engine = engine or build_engine(settings, web=web)
        self.readers = (None if engine else build_reader(settings)) or self.engine
        watch(self.engine)
        watch(self.readers)

    @property
    def dialect(self) -> str:
        """Return ``sqlite`` or ``postgresql``."""
        return self.engine.dialect.name

    @contextmanager
    def unit(self, scope: Scope) -> Iterator[UnitSession]:
        """Open THE unit of work: commit at its end, roll back on any error.

        Raises:
            NestedUnit: A write unit is open already in this thread of control.
        """
        if _writing.get():
            raise NestedUnit(
                "A unit of work is open already. Pass its session on instead of "
                "opening a second one: on SQLite that would wait for itself."
            )
        mark = _writing.set(True)
        try:
            with self._session(scope, readonly=False) as session:
                yield session
                _finish(session, scope)
                session.commit()
        finally:
            _writing.reset(mark)

    @contextmanager
    def read(self, scope: Scope) -> Iterator[UnitSession]:
        """Open a consistent snapshot for reading; writing in it fails.

        On SQLite it doesn't take the writer's lock and never waits for one.
        """
        with self._session(scope, readonly=True) as session:
            yield session

    def upgrade(self, revision: str = "head") -> None:
        """Bring the database's schema to ``revision``."""
        migrations.upgrade(self.settings, revision)

    def downgrade(self, revision: str = "base") -> None:
        """Take the database's schema back to ``revision``."""
        migrations.downgrade(self.settings, revision)

    def schema_is_current(self) -> bool:
        """Return whether the schema is exactly the one this version expects."""
        return migrations.is_current(self.engine)

    def dispose(self) -> None:
        """Close all pooled connections."""
        self.engine.dispose()
        if self.readers is not self.engine:
            self.readers.dispose()

    @contextmanager
    def _session(self, scope: Scope, *, readonly: bool) -> Iterator[UnitSession]:
        state = UnitState(scope)
        engine = self.readers if readonly else self.engine
        with engine.connect() as connection:
            attach(connection, state)
            session = UnitSession(
                connection,
                expire_on_commit=False,
                join_transaction_mode="control_fully",
            )
            session.info.update(
                state=state,
                clock=self.clock,
                store=self,
                redactor=self.redactor,
                connection=connection,
            )
            try:
                self._begin(connection, scope, readonly=readonly)
                yield session
            finally:
                try:
                    session.close()
                    self._end(connection, readonly=readonly)
                except BaseException:
                    # Nothing of this unit may reach whoever gets it next.
                    connection.invalidate()
                    raise
                detach(connection)

    def _begin(self, connection: Connection, scope: Scope, *, readonly: bool) -> None:
        if self.dialect == "sqlite":
            if readonly:
                opening.read_sqlite(connection, switch=self.readers is self.engine)
                return
            # The driver begins only before the first write; what was read before it
            # would then not belong to the transaction.
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            return
        opening.open_postgresql(connection, scope, web=self.web, readonly=readonly)

    def _end(self, connection: Connection, *, readonly: bool) -> None:
        connection.rollback()
        if readonly:
            opening.end_read(connection, switch=self.readers is self.engine)


def _finish(session: UnitSession, scope: Scope) -> None:
    """Write what the audit log owes, as the transaction's last act.

    The chain's lock is then held for the shortest time and taken after all others.
    """
    session.flush()
    state = _state_of(session)
    if state is not None:
        audit_log.note_system_work(session, scope, state.changed)
    audit_log.write_pending(session)
    session.flush()


def _state_of(session: Session) -> UnitState | None:
    state = session.info.get("state")
    return state if isinstance(state, UnitState) else None


def scope_of(session: Session) -> Scope:
    """Return the scope a session works in.

    Raises:
        TenantScopeMissing: The session was not made by a `Store`.
    """
    state = _state_of(session)
    if state is None:
        raise TenantScopeMissing("This session has no scope; use store.unit(scope).")
    return state.scope


def check_pending(session: Session, scope: Scope) -> None:
    """Fill in and check the reseller of everything about to be flushed.

    Raises:
        TenantMismatch: An object belongs to another reseller, or to none in a
            system scope.
    """
    wanted = scope.tenant_id if isinstance(scope, TenantScope) else None
    for item in [*session.new, *session.dirty, *session.deleted]:
        column = tenant_column(item.__table__)
        if column is None:
            continue
        found = getattr(item, column)
        if found is None and wanted is not None:
            setattr(item, column, wanted)
        elif found is None or (wanted is not None and found != wanted):
            raise TenantMismatch(
                f"{type(item).__name__} has {column}={found!r} but the scope is "
                f"{scope!r}."
            )


@event.listens_for(UnitSession, "do_orm_execute")
def _filter_by_tenant(execution: ORMExecuteState) -> Any:  # noqa: ANN401 - event's
    state = _state_of(execution.session)
    if state is None:
        raise TenantScopeMissing("This session has no scope; use store.unit(scope).")
    if execution.is_column_load:
        # By primary key, of an object that this session has loaded with its filter.
        with state.trusted():
            return execution.invoke_statement()
    tenant = state.scope.tenant_id if isinstance(state.scope, TenantScope) else None
    if tenant is not None and not execution.is_insert and execution.is_orm_statement:
        execution.statement = execution.statement.options(
            with_loader_criteria(
                TenantOwned,
                lambda entity: entity.tenant_id == tenant,
                include_aliases=True,
                propagate_to_loaders=False,
            )
        )
    return None
