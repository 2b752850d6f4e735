"""Pages of lists whose statement was compiled before.

Most requests for a list differ in values only: the reseller, the place in the list,
what is filtered for. Their statement is built and compiled once per form of the
question; afterwards a page costs what the database takes, and the reading of its
values. Questions that need an index first (free text, facets) go by `listing.read`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

from entrepot.store.base import TenantOwned
from entrepot.store.fetch import fetch
from entrepot.store.scope import TenantMismatch, TenantScope
from entrepot.store.unit import UnitSession, scope_of
from sqlalchemy import (
    BindParameter,
    Dialect,
    Integer,
    Select,
    String,
    bindparam,
    literal_column,
)
from sqlalchemy.engine import result_tuple
from sqlalchemy.orm import with_loader_criteria

from entrepot_web import cursors, listing, wire
from entrepot_web.criteria import Criterion, Field
from entrepot_web.listing import Listing, Question, Slice

_TENANT = "tenant_id"
"""The guard compares parameters of this name with the scope's reseller."""

_SIMPLE = frozenset({"eq", "ne", "in", "nin", "gt", "gte", "lt", "lte"})
_MOST_VALUES = 20
_MOST_KEPT = 1000

Reader = Callable[[Any], Any]


class Unprepared(Exception):
    """A question whose statement depends on more than its form."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A compiled page.

    Attributes:
        text: The statement in the driver's style.
        order: Names of its parameters by position; None where they go by name.
        constants: Parameters that are always the same, in the driver's form.
        writers: Per named parameter what brings a value into the driver's form.
        typed: (position, reader) of values that Python sees in another form.
        plain: (position, reader) of values that JSON shows in another form.
        row: Makes a row with names of values.
        marks: How many columns at the end are the place in the list.
    """

    text: str
    order: tuple[str, ...] | None
    constants: dict[str, Any]
    writers: dict[str, Reader | None]
    typed: tuple[tuple[int, Reader], ...]
    plain: tuple[tuple[int, Reader], ...]
    row: Callable[[Sequence[Any]], Any]
    marks: int

    def fetch(self, session: UnitSession, values: dict[str, Any]) -> list[Any]:
        """Return the rows as the driver gives them."""
        given = dict(self.constants)
        for name, value in values.items():
            write = self.writers[name]
            given[name] = value if write is None or value is None else write(value)
        found: Any = given
        if self.order is not None:
            found = tuple([given[name] for name in self.order])
        return fetch(session.info["connection"], self.text, found)

    def place(self, row: Sequence[Any]) -> tuple[Any, ...]:
        """Return the sort values of a row as Python sees them."""
        first = len(row) - self.marks
        values = list(row[first:])
        for at, read in self.typed:
            if at >= first and values[at - first] is not None:
                values[at - first] = read(values[at - first])
        return tuple(values)

    def rows(self, raw: Sequence[Any], *, plain: bool) -> list[Any]:
        """Return rows with names, or lists of values in the form that JSON shows."""
        readers = self.plain if plain else self.typed
        found = []
        for one in raw:
            values = list(one)
            for at, read in readers:
                value = values[at]
                if value is not None:
                    values[at] = read(value)
            found.append(values)
        return found if plain else [self.row(values) for values in found]


class PreparedLists:
    """Compiled pages of one database.

    Args:
        dialect: The database's.
    """

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._kept: dict[Any, tuple[Any, Statement | None]] = {}
        self._lock = Lock()

    def read(
        self,
        session: UnitSession,
        source: Listing,
        question: Question,
        *,
        plain: bool = False,
    ) -> Slice:
        """Return one page of a list, as `listing.read` does.

        Args:
            session: A unit in a reseller's scope.
            source: The list.
            question: What is asked.
            plain: Give values in the form JSON shows them: amounts and moments are
                text or what becomes the same text, documents are written already.

        Raises:
            Unprepared: Ask `listing.read`.
            cursors.CursorInvalid: The cursor belongs to another question.
            TenantMismatch: The question isn't the scope's reseller's.
        """
        criteria = _criteria(source, question)
        binding = question.binding(source)
        position = _position(source, question, binding)
        backward = position is not None and position.backward
        statement = self._statement(source, question, criteria, position)
        values = {_TENANT: _tenant(session, question), **_given(criteria, position)}
        raw = statement.fetch(session, values)
        more = len(raw) > question.limit
        kept = raw[: question.limit]
        if backward:
            kept.reverse()
        if not kept:
            return Slice(())

        def cursor(row: Sequence[Any], *, back: bool) -> str:
            place = cursors.Position(statement.place(row), back)
            return cursors.encode(place, question.secret, binding)

        has_next = more or backward
        has_prev = more if backward else position is not None
        return Slice(
            statement.rows(kept, plain=plain),
            cursor(kept[-1], back=False) if has_next else None,
            cursor(kept[0], back=True) if has_prev else None,
        )

    def _statement(
        self,
        source: Listing,
        question: Question,
        criteria: tuple[Criterion, ...],
        position: cursors.Position | None,
    ) -> Statement:
        columns = [item.field for item in criteria] + [one for one, _ in question.sort]
        form = (
            id(source.base),
            tuple(id(source.fields[name].column) for name in columns),
            question.sort,
            tuple((item.field, item.operator, len(item.values)) for item in criteria),
            None if position is None else position.backward,
            question.limit,
        )
        kept = self._kept.get(form)
        if kept is None:
            made = _compiled(self._dialect, source, question, criteria, position)
            with self._lock:
                if len(self._kept) >= _MOST_KEPT:
                    self._kept.clear()
                # The list is kept too: identities of its parts are the form's.
                kept = self._kept[form] = (source, made)
        if kept[1] is None:
            raise Unprepared
        return kept[1]


def _criteria(source: Listing, question: Question) -> tuple[Criterion, ...]:
    if question.text or any(
        source.fields[one.field].facet for one in question.criteria
    ):
        raise Unprepared
    chosen = {item.field for item in question.criteria}
    usual = (item for item in source.usual if item.field not in chosen)
    found = (*question.criteria, *usual)
    for item in found:
        simple = item.operator in _SIMPLE and len(item.values) <= _MOST_VALUES
        field = source.fields[item.field]
        if not simple or field.related is not None or item.index(field) is not None:
            raise Unprepared
    return found


def _position(
    source: Listing, question: Question, binding: str
) -> cursors.Position | None:
    if not question.cursor:
        return None
    kinds = (source.fields[name].cursor_kind for name, _ in question.sort)
    return cursors.decode(
        question.cursor, question.secret, binding, (*kinds, source.key_kind)
    )


def _given(
    criteria: tuple[Criterion, ...], position: cursors.Position | None
) -> dict[str, Any]:
    """Return the values of a question by the names of their parameters."""
    found = {
        f"c{at}_{nth}": value
        for at, item in enumerate(criteria)
        for nth, value in enumerate(item.values)
    }
    for at, value in enumerate(position.values if position else ()):
        found[f"p{at}"] = value
    return found


def _tenant(session: UnitSession, question: Question) -> str:
    scope = scope_of(session)
    if not isinstance(scope, TenantScope) or scope.tenant_id != question.tenant_id:
        raise TenantMismatch(
            f"The question is for {question.tenant_id} but the scope is {scope!r}."
        )
    return scope.tenant_id


def _compiled(
    dialect: Dialect,
    source: Listing,
    question: Question,
    criteria: tuple[Criterion, ...],
    position: cursors.Position | None,
) -> Statement | None:
    """Return the page of all questions of one form, or None if it can't be."""
    if any(isinstance(one["expr"], type) for one in source.base.column_descriptions):
        return None  # Its rows are objects, which only a session makes.
    query = _query(source, question, criteria, position)
    compiled: Any = query.compile(dialect=dialect)
    binds: dict[str, Any] = dict(compiled.binds)
    if any(one.expanding or one.literal_execute for one in binds.values()):
        return None
    # Whose value is required is given with each question.
    asked = {name for name, one in binds.items() if one.required}
    fixed = {name: one for name, one in binds.items() if name not in asked}
    shown = list(query.selected_columns)
    return Statement(
        compiled.string,
        tuple(compiled.positiontup) if compiled.positional else None,
        {name: _constant(dialect, one) for name, one in fixed.items()},
        {name: _writer(dialect, binds[name]) for name in asked},
        tuple(_typed(dialect, shown)),
        tuple(wire.readers(dialect, shown)),
        result_tuple(tuple(query.selected_columns.keys())),
        len(question.sort) + 1,
    )


def _query(
    source: Listing,
    question: Question,
    criteria: tuple[Criterion, ...],
    position: cursors.Position | None,
) -> Select[Any]:
    """Return the select with parameters for all that differs between questions."""
    tenant: Any = bindparam(_TENANT, type_=String(40))
    query = source.of(tenant)
    for at, item in enumerate(criteria):
        query = query.where(_condition(source.fields[item.field], item, at))
    columns = [(source.fields[name].column, down) for name, down in question.sort]
    columns.append((source.key, question.sort[-1][1] if question.sort else False))
    place = None
    if position is not None:
        names = [_bind(f"p{at}", column) for at, (column, _) in enumerate(columns)]
        place = cursors.Position(tuple(names), position.backward)
    # Not a parameter: for a number it knows, PostgreSQL keeps the plan as well.
    most = literal_column(str(question.limit + 1), Integer())
    query = listing.paged(query, columns, place).limit(most)
    return query.options(
        with_loader_criteria(
            TenantOwned,
            lambda entity: entity.tenant_id == tenant,
            include_aliases=True,
            propagate_to_loaders=False,
            track_closure_variables=False,
        )
    )


def _condition(field: Field, item: Criterion, at: int) -> Any:  # noqa: ANN401 - SQL
    values = tuple(
        _bind(f"c{at}_{nth}", field.column) for nth in range(len(item.values))
    )
    return Criterion(item.field, item.operator, values).condition(field, "")


def _bind(name: str, column: Any) -> BindParameter[Any]:  # noqa: ANN401 - any column
    return bindparam(name, type_=column.type, required=True)


def _writer(dialect: Dialect, bind: Any) -> Reader | None:  # noqa: ANN401 - a parameter
    found: Reader | None = bind.type.dialect_impl(dialect).bind_processor(dialect)
    return found


def _constant(dialect: Dialect, bind: Any) -> Any:  # noqa: ANN401 - a parameter
    write = _writer(dialect, bind)
    return bind.value if write is None else write(bind.value)


def _typed(dialect: Dialect, shown: list[Any]) -> Iterator[tuple[int, Reader]]:
    for at, column in enumerate(shown):
        read = column.type.dialect_impl(dialect).result_processor(dialect, None)
        if read is not None:
            yield at, read
