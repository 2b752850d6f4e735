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
from entrepot.store.search import Page
from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Select,
    and_,
    func,
    inspect,
    literal,
    not_,
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
DENSE = 5_001
"""Rows that were found from which on a page is looked for near where it begins."""
NEAR = 3_000
"""Rows of the list that are looked at for it; where they don't do, all are."""


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


@dataclass(frozen=True, slots=True)
class Found:
    """What indexes know of a question.

    Attributes:
        keys: Keys of the rows, in no order; None when they are more than `FEW`.
        whole: Whether these are the answer; else further criteria narrow them.
    """

    keys: Sequence[str] | None
    whole: bool


Columns = Sequence[tuple[Any, bool]]
"""Columns of an order, the key last, and whether each goes down."""


class Finder(Protocol):
    """Indexes of a list's free text and filters."""

    def cut(
        self,
        session: Session,
        listing: Listing,
        question: Question,
        columns: Columns,
        position: cursors.Position | None,
    ) -> Page | None:
        """Return the page after a position, where the indexes know the order too.

        It holds one row more than the question's limit where there is one. None: it
        has to be found in another way.
        """
        ...

    def find(
        self, session: Session, listing: Listing, question: Question
    ) -> Found | None:
        """Return what the indexes know of a question; None when it is nothing."""
        ...

    def every(self, session: Session, listing: Listing, question: Question) -> Any:  # noqa: ANN401 - a select
        """Return the select of the keys of all rows that `find` said are many.

        None where walking through the list costs less.
        """
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
        finder: Indexes that free text and filters have in common, or None; it looks
            at `usual` itself.
        usual: Criteria that hold unless their field is asked for: "not deleted".
        costly: Names of fields whose condition reads other tables as a whole: a
            question that has one is answered once, for the page and the count alike.
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
    finder: Finder | None = None
    usual: tuple[Criterion, ...] = ()
    costly: tuple[str, ...] = ()
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
    rows = _cut(session, listing, question, columns, position)
    if rows is None:
        rows = _near(session, listing, question, columns, position)
    if rows is None:
        query = filtered(session, listing, question)
        found = _found(session, listing, question)
        by_keys = found is not None and found.keys is not None
        query = paged(query, columns, position, sorted_anew=by_keys)
        rows = session.execute(query.limit(question.limit + 1)).all()
    return _slice(rows, listing, question, position, len(columns))


def paged(
    query: Select[Any],
    columns: Columns,
    position: cursors.Position | None,
    *,
    sorted_anew: bool = False,
) -> Select[Any]:
    """Return a list's select in its order, from a position on.

    The sort values come as further columns at the end.

    Args:
        query: The select with its criteria.
        columns: (column, descending) pairs of the order, the key last.
        position: Where to go on, or None for the beginning.
        sorted_anew: The rows are few and known by their keys. PostgreSQL would rather
            walk an index in their order until it has met a page of them; what it can't
            see through is no order of an index.
    """
    backward = position is not None and position.backward
    if position is not None:
        query = query.where(_beyond(columns, position))
    for column, down in columns:
        by = func.coalesce(column, column) if sorted_anew else column
        query = query.order_by(by.desc() if down != backward else by.asc())
    marks = [column.label(f"_sort_{at}") for at, (column, _) in enumerate(columns)]
    return query.add_columns(*marks)


def filtered(session: Session, listing: Listing, question: Question) -> Select[Any]:
    """Return the list's select with all criteria, without order and page."""
    found = _found(session, listing, question)
    every = _every(session, listing, question)
    if found is None or (found.keys is None and every is None):
        return _walked(session, listing, question)
    query = listing.of(question.tenant_id)
    if not found.whole:
        query = _walked(session, listing, question)
    if listing.hint:
        query = query.with_hint(listing.key.table, listing.hint, "sqlite")
    if found.keys is None:
        return query.where(listing.key.in_(every))
    return query.where(among(session.connection(), listing.key, found.keys))


def _walked(session: Session, listing: Listing, question: Question) -> Select[Any]:
    query = listing.of(question.tenant_id)
    chosen = {item.field for item in question.criteria}
    usual = (item for item in listing.usual if item.field not in chosen)
    for item in (*question.criteria, *usual):
        query = query.where(
            item.condition(listing.fields[item.field], question.tenant_id)
        )
    if question.text:
        query = query.where(_matches(session, listing, question))
    return query


def _cut(
    session: Session,
    listing: Listing,
    question: Question,
    columns: Columns,
    position: cursors.Position | None,
) -> Sequence[Any] | None:
    """Return the page where indexes know which rows are on it, else None."""
    if listing.finder is None:
        return None
    told = listing.finder.cut(session, listing, question, columns, position)
    if told is None:
        return None
    session.info.setdefault("numbers", {})[_asked(listing, question)] = told.number
    query = listing.of(question.tenant_id)
    if listing.hint:
        query = query.with_hint(listing.key.table, listing.hint, "sqlite")
    query = query.where(among(session.connection(), listing.key, told.ids))
    backward = position is not None and position.backward
    flipped = [(column, down != backward) for column, down in columns]
    return session.execute(paged(query, flipped, None, sorted_anew=True)).all()


def _near(
    session: Session,
    listing: Listing,
    question: Question,
    columns: Columns,
    position: cursors.Position | None,
) -> Sequence[Any] | None:
    """Return the page where the next rows of the list hold enough for it, else None.

    What many rows have, some of the next ones usually have; in the order of names
    they may lie all together, though, far from here.
    """
    found = _found(session, listing, question)
    if found is None or listing.finder is None or not _likely(found, columns):
        return None
    walk = paged(_walked(session, listing, question), columns, position)
    walk = walk.limit(question.limit + 1)
    place = listing.of(question.tenant_id).with_only_columns(listing.key)
    place = paged(place, columns, position).offset(NEAR).limit(1)
    edge = session.execute(place).first()
    if edge is None:
        return session.execute(walk).all()
    end = cursors.Position(
        tuple(edge[-len(columns) :]), position is not None and position.backward
    )
    rows = session.execute(walk.where(not_(_beyond(columns, end)))).all()
    if len(rows) > question.limit:
        return rows
    if found.keys is None:
        every = listing.finder.every(session, listing, question)
        session.info.setdefault("every", {})[_asked(listing, question)] = every
    return None


def _likely(found: Found, columns: Columns) -> bool:
    """Return whether the next rows of the list may hold a page of what was found."""
    many = found.keys is None or len(found.keys) >= DENSE
    return many and len({down for _, down in columns}) == 1


def count(session: Session, listing: Listing, question: Question) -> tuple[int, bool]:
    """Return how many rows match, and whether that is exact.

    It stops at `COUNT_CAP` rows: the rest would cost more than it tells. Not exact
    means: at least so many.
    """
    number = session.info.get("numbers", {}).get(_asked(listing, question))
    if number is not None:
        return min(number, COUNT_CAP), number <= COUNT_CAP
    found = _found(session, listing, question)
    if found is not None and found.whole:
        keys = found.keys
        return (COUNT_CAP, False) if keys is None else (len(keys), True)
    query = filtered(session, listing, question)
    inner = query.with_only_columns(listing.key).limit(COUNT_CAP + 1).subquery()
    number = session.scalar(select(func.count()).select_from(inner)) or 0
    return min(number, COUNT_CAP), number <= COUNT_CAP


def _every(session: Session, listing: Listing, question: Question) -> Any:  # noqa: ANN401 - a select
    """Return the select of all keys of a question of many, where it was needed."""
    return session.info.get("every", {}).get(_asked(listing, question))


def _found(session: Session, listing: Listing, question: Question) -> Found | None:
    """Return what indexes know; asked for once in a snapshot."""
    known: dict[Any, Found | None] = session.info.setdefault("found", {})
    asked = _asked(listing, question)
    if asked not in known:
        known[asked] = _found_first(session, listing, question)
    return known[asked]


def _asked(listing: Listing, question: Question) -> Any:  # noqa: ANN401 - a key
    return listing.name, question.text, question.criteria


def _found_first(
    session: Session, listing: Listing, question: Question
) -> Found | None:
    if listing.finder is not None:
        return listing.finder.find(session, listing, question)
    if any(item.field in listing.costly for item in question.criteria):
        query = _walked(session, listing, question).with_only_columns(listing.key)
        keys = session.scalars(query.limit(FEW + 1)).all()
        return Found(keys if len(keys) <= FEW else None, whole=True)
    search = listing.search
    if not question.text or not hasattr(search, "hits"):
        return None
    keys = search.hits(session, question.tenant_id, question.text, FEW + 1)
    if len(keys) <= FEW:
        return Found(keys, whole=False)
    return Found(None, whole=not (question.criteria or listing.usual))


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


def _beyond(columns: Columns, position: cursors.Position) -> ColumnElement[bool]:
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
