"""Lists: filter, order and page of any table, for the API and the console alike.

A `Listing` declares what may be asked; `read` answers one page by keyset, so a
page costs the same wherever it lies. What few rows match is found through an index
first and then sorted; what many match is found by walking in the list's order, which
is short because they lie dense.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from entrepot.hub.sync.driver import among
from entrepot.store.base import Base
from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Select,
    and_,
    func,
    inspect,
    literal,
    or_,
    select,
    tuple_,
)
from sqlalchemy.orm import Session

from entrepot_web import cursors
from entrepot_web.criteria import Criterion, Field

COUNT_CAP = 10_000
FEW = 10_000
"""Rows up to which finding them first is cheaper than walking in order."""
WALKED = 20_000
"""Rows that a count looks at when many match; then it says "more than"."""


def columns_of(table: type[Base]) -> list[Any]:
    """Return all columns of a mapped table, so that the tenancy filter sees them.

    Args:
        table: The mapped class; its bare table would pass by the filter.
    """
    return [getattr(table, item.key) for item in inspect(table).column_attrs]


class Search(Protocol):
    """Free text that has an index."""

    def hits(
        self, session: Session, tenant_id: str, text: str, most: int
    ) -> Sequence[str]:
        """Return keys of rows that hold the text, in no order, at most `most`."""
        ...

    def condition(
        self, session: Session, tenant_id: str, text: str
    ) -> ColumnElement[bool]:
        """Return the condition that a row holds the text, for a walk."""
        ...


class Facets(Protocol):
    """Filters that have an index."""

    def keys(
        self, tenant_id: str, wanted: Sequence[tuple[str, tuple[Any, ...]]]
    ) -> Select[Any]:
        """Return the select of the keys of rows that have one of each's values."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What may be listed, and how.

    Attributes:
        name: Name of the resource, part of every cursor.
        base: The select with all columns of a row, without order.
        key: The unique column that ends every order.
        fields: What may be filtered or sorted, by its API name.
        sorts: Names of fields that may be sorted by.
        default_sort: The order when none is asked for.
        search: Column that free text looks into, a `Search`, or None.
        streams: Sync streams whose completeness speaks for this list.
        key_kind: How values of the key travel in a cursor.
        owners: Reseller columns of bare tables in `base`, which the ORM's filter
            doesn't see; hot lists use bare tables because they cost half.
        facets: Index of the filters that have one, or None. Rows it holds meet
            `usual`.
        usual: Criteria that hold unless their field is asked for: "not deleted".
        hint: For SQLite, how a few rows are fetched by their keys; it would take the
            reseller's whole index otherwise.
    """

    name: str
    base: Any
    key: Any
    fields: Mapping[str, Field]
    sorts: tuple[str, ...]
    default_sort: str
    search: Any = None
    streams: tuple[str, ...] = ()
    key_kind: str = "text"
    owners: tuple[Any, ...] = ()
    facets: Facets | None = None
    usual: tuple[Criterion, ...] = ()
    hint: str = ""

    def of(self, tenant_id: str) -> Select[Any]:
        """Return the list's select, bound to a reseller."""
        query: Select[Any] = self.base
        for owner in self.owners:
            query = query.where(owner == tenant_id)
        return query


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One request for a page, checked.

    Attributes:
        limit: Most rows to return.
        sort: (field name, descending) pairs.
        criteria: All must hold.
        text: Free text, or empty.
        cursor: Where to go on, or None.
        tenant_id: Whose rows; binds the cursor.
        secret: Key that signs cursors.
    """

    limit: int
    sort: tuple[tuple[str, bool], ...]
    criteria: tuple[Criterion, ...]
    tenant_id: str
    secret: bytes
    text: str = ""
    cursor: str | None = None

    def binding(self, listing: Listing) -> str:
        """Return what a cursor of this question is bound to."""
        parts = [self.tenant_id, listing.name, self.text, repr(self.sort)]
        parts += sorted(repr(item) for item in self.criteria)
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Slice:
    """One page.

    Attributes:
        rows: The rows, in order.
        next_cursor: The page after, or None.
        prev_cursor: The page before, or None.
    """

    rows: Sequence[Any]
    next_cursor: str | None = None
    prev_cursor: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


def read(session: Session, listing: Listing, question: Question) -> Slice:
    """Return one page of a list.

    Raises:
        cursors.CursorInvalid: The cursor belongs to another question.
    """
    order = [(listing.fields[name], down) for name, down in question.sort]
    kinds = (*(item.cursor_kind for item, _ in order), listing.key_kind)
    position = None
    if question.cursor:
        position = cursors.decode(
            question.cursor, question.secret, question.binding(listing), kinds
        )
    last_down = order[-1][1] if order else False
    columns = [(item.column, down) for item, down in order]
    columns.append((listing.key, last_down))
    query = paged(filtered(session, listing, question), columns, position)
    query = query.limit(question.limit + 1)
    rows = session.execute(query).all()
    return _slice(rows, listing, question, position, len(columns))


def paged(
    query: Select[Any],
    columns: Sequence[tuple[Any, bool]],
    position: cursors.Position | None,
) -> Select[Any]:
    """Return a list's select in its order, from a position on.

    The sort values come as further columns at the end.

    Args:
        query: The select with its criteria.
        columns: (column, descending) pairs of the order, the key last.
        position: Where to go on, or None for the beginning.
    """
    backward = position is not None and position.backward
    if position is not None:
        query = query.where(_beyond(columns, position))
    for column, down in columns:
        query = query.order_by(column.desc() if down != backward else column.asc())
    marks = [column.label(f"_sort_{at}") for at, (column, _) in enumerate(columns)]
    return query.add_columns(*marks)


def filtered(session: Session, listing: Listing, question: Question) -> Select[Any]:
    """Return the list's select with all criteria, without order and page."""
    query = listing.of(question.tenant_id)
    few = _few(session, listing, question)
    if few is not None:
        query = query.where(among(session.connection(), listing.key, few))
        if listing.hint:
            query = query.with_hint(listing.key.table, listing.hint, "sqlite")
    chosen = {item.field for item in question.criteria}
    usual = (item for item in listing.usual if item.field not in chosen)
    for item in (*question.criteria, *usual):
        query = query.where(
            item.condition(listing.fields[item.field], question.tenant_id)
        )
    if question.text:
        query = query.where(_matches(session, listing, question))
    return query


def count(session: Session, listing: Listing, question: Question) -> tuple[int, bool]:
    """Return how many rows match, and whether that is exact.

    It stops at `COUNT_CAP` rows, or when it has looked at `WALKED`: the rest would
    cost more than it tells. Not exact means: at least so many.
    """
    capped = _indexed_only(session, listing, question)
    if capped is not None:
        return capped
    few = _few(session, listing, question) is not None
    narrowed = few or not (question.text or question.criteria)
    query = filtered(session, listing, question)
    sample = session.info.get("sample", {}).get((listing.name, question.text))
    if sample is not None and not few:
        if not (question.criteria or listing.usual):
            return COUNT_CAP, False
        if listing.facets:
            return _among(session, listing, query, sample)
    if narrowed or not listing.facets:
        inner = query.with_only_columns(listing.key).limit(COUNT_CAP + 1).subquery()
        found = session.scalar(select(func.count()).select_from(inner)) or 0
        return min(found, COUNT_CAP), found <= COUNT_CAP
    return _walked(session, listing, question)


def _among(
    session: Session, listing: Listing, query: Select[Any], sample: Sequence[str]
) -> tuple[int, bool]:
    """Count among the rows that were found by their text; there are more of them."""
    query = query.where(among(session.connection(), listing.key, sample))
    if listing.hint:
        query = query.with_hint(listing.key.table, listing.hint, "sqlite")
    inner = query.with_only_columns(listing.key).subquery()
    found = session.scalar(select(func.count()).select_from(inner)) or 0
    return min(found, COUNT_CAP), False


def _walked(session: Session, listing: Listing, question: Question) -> tuple[int, bool]:
    """Count among the first rows of the list only."""
    first = (
        select(listing.key)
        .where(*(owner == question.tenant_id for owner in listing.owners))
        .order_by(listing.fields[listing.default_sort].column, listing.key)
        .limit(WALKED)
        .subquery()
    )
    inner = (
        filtered(session, listing, question)
        .with_only_columns(listing.key)
        .where(listing.key.in_(select(first.c[0])))
        .subquery()
    )
    found = session.scalar(select(func.count()).select_from(inner)) or 0
    seen = session.scalar(select(func.count()).select_from(first)) or 0
    return min(found, COUNT_CAP), seen < WALKED


def _indexed_only(
    session: Session, listing: Listing, question: Question
) -> tuple[int, bool] | None:
    """Return the count where the index of filters alone knows it, else None."""
    wanted = _wanted(listing, question)
    others = len(question.criteria) - len(wanted)
    if question.text or not wanted or others or listing.facets is None:
        return None
    keys = listing.facets.keys(question.tenant_id, wanted).limit(COUNT_CAP + 1)
    found = session.scalar(select(func.count()).select_from(keys.subquery())) or 0
    return min(found, COUNT_CAP), found <= COUNT_CAP


def _wanted(listing: Listing, question: Question) -> list[tuple[str, tuple[Any, ...]]]:
    if listing.facets is None:
        return []
    return [
        (listing.fields[item.field].facet, item.values)
        for item in question.criteria
        if listing.fields[item.field].facet
    ]


def _few(
    session: Session, listing: Listing, question: Question
) -> Sequence[str] | None:
    """Return the keys among which all matching rows are, or None if they are many."""
    known: dict[Any, Sequence[str] | None] = session.info.setdefault("few", {})
    asked = (listing.name, question.text, question.criteria)
    if asked not in known:
        known[asked] = _found_first(session, listing, question)
    return known[asked]


def _found_first(
    session: Session, listing: Listing, question: Question
) -> Sequence[str] | None:
    search, tenant = listing.search, question.tenant_id
    if question.text and hasattr(search, "hits"):
        found: Sequence[str] = search.hits(session, tenant, question.text, FEW + 1)
        if len(found) <= FEW:
            return found
        session.info.setdefault("sample", {})[listing.name, question.text] = found
    wanted = _wanted(listing, question)
    if listing.facets is None or not wanted:
        return None
    keys = session.scalars(listing.facets.keys(tenant, wanted).limit(FEW + 1)).all()
    return keys if len(keys) <= FEW else None


def _matches(
    session: Session, listing: Listing, question: Question
) -> ColumnElement[bool]:
    if listing.search is None:
        # Nothing matches. `false()` would swallow every other condition, the reseller's
        # as well, and the guard refuses a statement without that.
        nothing: ColumnElement[bool] = listing.key.is_(None)
        return nothing
    if hasattr(listing.search, "condition"):
        known: ColumnElement[bool] = listing.search.condition(
            session, question.tenant_id, question.text
        )
        return known
    wanted = " ".join(question.text.lower().split())
    found: ColumnElement[bool] = listing.search.contains(wanted, autoescape=True)
    return found


def _beyond(
    columns: Sequence[tuple[Any, bool]], position: cursors.Position
) -> ColumnElement[bool]:
    """Return the condition of rows after (or before) a position."""
    downs = [down != position.backward for _, down in columns]
    if len(set(downs)) == 1:
        left = tuple_(*(column for column, _ in columns))
        right = tuple_(
            *(
                _typed(column, value)
                for (column, _), value in zip(columns, position.values, strict=True)
            )
        )
        return left < right if downs[0] else left > right
    steps = []
    for at, (column, _) in enumerate(columns):
        same = [
            c == v for (c, _), v in zip(columns[:at], position.values, strict=False)
        ]
        value = position.values[at]
        steps.append(and_(*same, column < value if downs[at] else column > value))
    return or_(*steps)


def _typed(column: Any, value: Any) -> Any:  # noqa: ANN401 - any column
    """Return a value of a cursor as its column keeps it; amounts are scaled there."""
    if isinstance(value, BindParameter):
        return value
    return literal(value, column.type)


def _slice(
    rows: Sequence[Any],
    listing: Listing,
    question: Question,
    position: cursors.Position | None,
    marks: int,
) -> Slice:
    more = len(rows) > question.limit
    kept = list(rows[: question.limit])
    backward = position is not None and position.backward
    if backward:
        kept.reverse()
    if not kept:
        return Slice(())

    def cursor(row: Any, *, back: bool) -> str:  # noqa: ANN401 - any row
        place = cursors.Position(tuple(row[-marks:]), back)
        return cursors.encode(place, question.secret, question.binding(listing))

    has_next = more if not backward else True
    has_prev = (position is not None) if not backward else more
    return Slice(
        kept,
        cursor(kept[-1], back=False) if has_next else None,
        cursor(kept[0], back=True) if has_prev else None,
    )
