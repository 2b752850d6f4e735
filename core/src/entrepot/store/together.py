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

Rows = list[tuple[Any, ...]]


class Together:
    """Some queries as one statement, which is made once.

    Args:
        *queries: Selects of columns, bound to the reseller by a parameter, without an
            order.
    """

    def __init__(self, *queries: Select[Any]) -> None:
        widths = [len(query.selected_columns) for query in queries]
        starts = [1 + sum(widths[:at]) for at in range(len(queries))]
        self._places = [
            slice(start, start + width)
            for start, width in zip(starts, widths, strict=True)
        ]
        self._statement = union_all(
            *(_padded(queries, at) for at in range(len(queries)))
        )

    def rows(self, session: Session, **values: object) -> list[Rows]:
        """Return the rows of every query, each in no order; an empty list for none.

        Args:
            session: The unit's.
            **values: Of the queries' parameters.
        """
        answers: list[Rows] = [[] for _ in self._places]
        for row in session.execute(self._statement, values):
            which = row[0]
            answers[which].append(tuple(row[self._places[which]]))
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
