"""The tenancy guard: no statement on a reseller's rows without saying whose.

It listens on the engine, so ORM, Core, textual and driver-level SQL all pass it.
What bypasses the engine altogether (the driver's own cursor in bulk loads) is
guarded by row-level security for web processes, and by the writer's care in workers.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, event

from entrepot.store.base import Base, tenant_tables
from entrepot.store.scope import Scope, TenantMismatch, TenantScope, TenantScopeMissing
from entrepot.store.sqlscan import Scan, scan

_KEY = "entrepot.unit"
_RESELLER = re.compile(r"^tenant_id(_\d+)*$")


class UnitState:
    """What the guard knows about one unit of work.

    Attributes:
        scope: Whose rows it may touch.
        changed: How many statements changed which owned table.
    """

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.changed: Counter[str] = Counter()
        self._trust = 0

    @property
    def is_trusted(self) -> bool:
        """Return whether the ORM is writing objects that were checked already."""
        return self._trust > 0

    @contextmanager
    def trusted(self) -> Iterator[None]:
        """Let statements by primary key pass for the duration."""
        self._trust += 1
        try:
            yield
        finally:
            self._trust -= 1


_owned_cache: tuple[int, frozenset[tuple[str, str]]] = (0, frozenset())


def owned_tables() -> frozenset[tuple[str, str]]:
    """Return (table, reseller column) of every owned table known so far."""
    global _owned_cache
    size = len(Base.metadata.tables)
    if _owned_cache[0] != size:
        _owned_cache = (size, frozenset(tenant_tables().items()))
    return _owned_cache[1]


def watch(engine: Engine) -> None:
    """Guard every statement of ``engine``; calling it twice does no harm."""
    if not event.contains(engine, "before_cursor_execute", _check):
        event.listen(engine, "before_cursor_execute", _check)


def attach(connection: Connection, state: UnitState) -> None:
    """Tell the guard in which scope ``connection`` works from now on."""
    connection.info[_KEY] = state


def detach(connection: Connection) -> None:
    """End the scope; from now on owned tables are refused."""
    connection.info.pop(_KEY, None)


def _check(
    connection: Connection,
    _cursor: object,
    statement: str,
    parameters: Any,  # noqa: ANN401 - what the driver gets
    context: Any,  # noqa: ANN401 - SQLAlchemy's execution context
    executemany: bool,
) -> None:
    if statement.startswith("SET "):  # opens a unit; names a reseller, so don't cache
        return
    found = scan(statement, owned_tables())
    if not found.tables:
        return
    state = connection.info.get(_KEY)
    if not isinstance(state, UnitState):
        raise TenantScopeMissing(
            f"{', '.join(found.tables)}: belongs to resellers; use "
            "store.unit(TenantScope(...)) or store.unit(SystemScope('what it does'))."
        )
    state.changed.update(found.changed)
    if isinstance(state.scope, TenantScope) and not state.is_trusted:
        rows = parameters if executemany else [parameters]
        _check_tenant(found, state.scope.tenant_id, statement, rows, context)


def _check_tenant(
    found: Scan,
    tenant: str,
    statement: str,
    rows: Sequence[Any],
    context: Any,  # noqa: ANN401 - SQLAlchemy's
) -> None:
    if found.unfiltered:
        raise TenantScopeMissing(
            f"{', '.join(found.unfiltered)}: the statement has no criterion on the "
            f"reseller. Add where(table.c.tenant_id == ...): {statement[:200]}"
        )
    literal = f"'{tenant}'" in statement
    if not literal and not all(tenant in _values(row) for row in rows):
        raise TenantMismatch(
            f"{', '.join(found.tables)}: no parameter is the scope's reseller "
            f"{tenant}: {statement[:200]}"
        )
    compiled = getattr(context, "compiled_parameters", None) or ()
    for row in compiled:
        for name, value in row.items():
            if _RESELLER.match(name) and not _is_only(value, tenant):
                raise TenantMismatch(
                    f"{', '.join(found.tables)}: {name} is {value!r} in the scope of "
                    f"{tenant}."
                )


def _is_only(value: object, tenant: str) -> bool:
    if isinstance(value, list | tuple | set | frozenset):
        return all(entry == tenant for entry in value)
    return value == tenant


def _values(row: Any) -> Any:  # noqa: ANN401 - a driver's parameters
    return row.values() if isinstance(row, Mapping) else (row or ())
