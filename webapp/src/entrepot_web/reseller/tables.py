"""Lists on screen and as a file: the same columns, the same rows, the same order."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from flask import Response, request, stream_with_context
from flask_babel import gettext
from flask_babel.speaklater import LazyString
from sqlalchemy.orm import Session

from entrepot_web import sheets
from entrepot_web.context import actor, hub, parts, scope
from entrepot_web.freshness import Freshness
from entrepot_web.listing import Listing, Question, read
from entrepot_web.reseller.pages import stamp
from entrepot_web.workbook import Book, value

CHUNK = 500
Facts = Mapping[str, Any]
Chunks = Iterator[tuple[Sequence[Any], Facts]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a list.

    Attributes:
        key: Its name in addresses.
        title: Its head.
        text: What a row says in it, of the row and what was read beside the rows.
        numeric: Whether it is right-aligned.
        sort: Name of the field to sort by, or empty.
        kind: ``number``, ``date`` or ``moment``: what a workbook makes of the text.
    """

    key: str
    title: str | LazyString
    text: Callable[[Any, Facts], str]
    numeric: bool = False
    sort: str = ""
    kind: str = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A list that can be shown and exported.

    Attributes:
        name: Name of the file.
        listing: What is listed.
        first: The column that names a row; always there.
        columns: All others that may be chosen.
        usual: Keys of those shown when nobody chose.
        beside: Reads what the columns need beyond the rows; nothing, if not given.
    """

    name: str
    listing: Listing
    first: Column
    columns: tuple[Column, ...]
    usual: tuple[str, ...]
    beside: Callable[[Session, Sequence[Any]], Facts] = lambda _session, _rows: {}

    def chosen(self, keys: Sequence[str] | None) -> tuple[Column, ...]:
        """Return columns in the order of their keys; unknown keys are dropped.

        Their titles are in the reader's language once and for all: every cell of a
        page has its column's title, and to look a word up takes longer than a cell.
        """
        known = {column.key: column for column in self.columns}
        wanted = self.usual if keys is None else keys
        return tuple(
            replace(known[key], title=str(known[key].title))
            for key in dict.fromkeys(wanted)
            if key in known
        )


def export(
    sheet: Sheet,
    question: Question,
    columns: Sequence[Column],
    ids: Sequence[str] = (),
) -> Response:
    """Return a list as a file: what the screen shows, all of it.

    It is XLSX or NDJSON if the address ends so, else CSV. Its end says how many rows
    there are and how complete they are.

    Args:
        sheet: The list.
        question: Filter and order.
        columns: The columns on screen.
        ids: Only these rows, or all that match.

    Raises:
        Rejected: There are more rows than a workbook holds.
    """
    forms = {"xlsx": _workbook, "ndjson": _ndjson}
    form = forms.get(request.path.rpartition(".")[2], _csv)
    return form(sheet, (sheet.first, *columns), _chunks(sheet, question, ids))


def _csv(sheet: Sheet, columns: Sequence[Column], chunks: Chunks) -> Response:
    def lines() -> Iterator[str]:
        count = 0
        yield _line([sheets.safe(str(column.title)) for column in columns])
        for rows, facts in chunks:
            count += len(rows)
            for row in rows:
                cells = [one.text(row, facts) for one in columns]
                yield _line([sheets.safe(cell) for cell in cells])
        yield _line([f"# {count} rows. {_worth(sheet.listing)}"])

    answer = Response(stream_with_context(lines()), mimetype="text/csv")
    answer.headers["Content-Disposition"] = f'attachment; filename="{sheet.name}.csv"'
    return answer


def _ndjson(sheet: Sheet, columns: Sequence[Column], chunks: Chunks) -> Response:
    """One object a line by the columns' keys; numbers are texts, to the last digit."""

    def lines() -> Iterator[bytes]:
        count = 0
        for rows, facts in chunks:
            count += len(rows)
            for row in rows:
                yield _object({one.key: one.text(row, facts) for one in columns})
        fresh = _freshness(sheet.listing)
        worth = {"rows": count, "complete": fresh.complete, "as_of": fresh.as_of}
        yield _object({"meta": worth})

    answer = Response(stream_with_context(lines()), mimetype="application/x-ndjson")
    shown = f'attachment; filename="{sheet.name}.ndjson"'
    answer.headers["Content-Disposition"] = shown
    return answer


def _workbook(sheet: Sheet, columns: Sequence[Column], chunks: Chunks) -> Response:
    with Book(sheet.name, [_head(column) for column in columns]) as book:
        for rows, facts in chunks:
            for row in rows:
                cells = ((one.kind, str(one.text(row, facts))) for one in columns)
                book.add([value(kind, text) for kind, text in cells])
        return book.send(
            (
                (gettext("Rows"), str(book.rows)),
                (gettext("Completeness"), _worth(sheet.listing)),
                (gettext("Filters and order"), _asked()),
                (gettext("Written"), f"{hub().clock.now():%Y-%m-%d %H:%M} UTC"),
            )
        )


def _head(column: Column) -> str:
    """A cell of a workbook knows no zone: the head names it."""
    title = str(column.title)
    return f"{title} (UTC)" if column.kind == "moment" else title


def _asked() -> str:
    kept = [item for item in request.args.items(multi=True) if item[0] != "cursor"]
    return "; ".join(f"{name} = {wanted}" for name, wanted in kept if wanted)


def _chunks(sheet: Sheet, question: Question, ids: Sequence[str]) -> Chunks:
    asked = replace(question, limit=CHUNK, cursor=None)
    listing = sheet.listing
    if ids:
        only = listing.base.where(listing.key.in_(ids))
        listing = replace(listing, base=only)
    while True:
        with hub().store.read(scope()) as session:
            found = read(session, listing, asked)
            yield found.rows, sheet.beside(session, found.rows)
        if found.next_cursor is None:
            return
        asked = replace(asked, cursor=found.next_cursor)


def _worth(listing: Listing) -> str:
    return stamp(_freshness(listing)).text + "."


def _freshness(listing: Listing) -> Freshness:
    with hub().store.read(scope()) as session:
        return parts().freshness.read(session, actor().tenant_id, listing.streams)


def _object(values: Mapping[str, Any]) -> bytes:
    return msgspec.json.encode(values) + b"\n"


def _line(cells: Sequence[str]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(cells)
    return out.getvalue()
