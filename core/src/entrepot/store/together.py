"""Several small questions in one statement.

What a page needs to know of a reseller's set-up lies in small tables, a few rows each.
Asking each by itself costs a way to the database and back that takes longer than the
answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Integer, Select, literal, select, union_all
from sqlalchemy.orm import Session


def together(session: Session, *queries: Select[Any]) -> list[list[tuple[Any, ...]]]:
    """Return the rows of every query, each in no order; an empty list for none.

    Args:
        session: The unit's.
        *queries: Selects of columns, bound to the reseller, without an order.
    """
    widths = [len(query.selected_columns) for query in queries]
    starts = [sum(widths[:at]) for at in range(len(queries))]
    found = session.execute(
        union_all(*(_padded(queries, at) for at in range(len(queries))))
    )
    answers: list[list[tuple[Any, ...]]] = [[] for _ in queries]
    for which, *values in found:
        start = starts[which]
        answers[which].append(tuple(values[start : start + widths[which]]))
    return answers


def _padded(queries: Sequence[Select[Any]], at: int) -> Select[Any]:
    """Return a query with nothing in the places of the others' columns."""
    own = queries[at].subquery()
    columns: list[Any] = [literal(at, Integer).label("which")]
    for place, query in enumerate(queries):
        columns += (
            own.c
            if place == at
            else (literal(None, one.type) for one in query.selected_columns)
        )
    return select(*columns)
