"""Whole lists as CSV, NDJSON or XLSX, closed by what they are worth."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any, get_args, get_type_hints

import msgspec
from entrepot.sdk.model import Money
from flask import request, stream_with_context
from sqlalchemy.orm import Session

from entrepot_web import sheets
from entrepot_web.api import sparse
from entrepot_web.api.frame import Answer
from entrepot_web.api.shapes import MoneyShape
from entrepot_web.context import actor, hub, parts, scope
from entrepot_web.listing import Listing, Question, read
from entrepot_web.workbook import XLSX, Book, Value

CSV = "text/csv"
NDJSON = "application/x-ndjson"
FORMATS = (CSV, NDJSON, XLSX)
CHUNK = 500
_encoder = msgspec.json.Encoder(decimal_format="string")


def asked_for() -> str | None:
    """Return the format of a table that the caller prefers to JSON, or None."""
    if "Accept" not in request.headers:
        return None
    best = request.accept_mimetypes.best_match(("application/json", *FORMATS))
    return best if best in FORMATS else None


def stream(
    listing: Listing,
    question: Question,
    view: Callable[[Session, Sequence[Any]], list[Any]],
    names: tuple[str, ...] | None,
) -> Answer:
    """Return all matching rows, or one page of them when the request has a limit.

    The last line is an object with the number of rows and their completeness; a
    stream without it was cut off. A workbook says it in its second sheet.

    Args:
        listing: What is listed.
        question: The request's question.
        view: Turns rows into answers.
        names: The fields to give, or None for all.

    Raises:
        Rejected: There are more rows than a workbook holds.
    """
    shape = sparse.row_shape()
    kept = names or sparse.field_names(shape)
    form = asked_for() or NDJSON
    pages = _pages(listing, question, view, whole="limit" not in request.args)
    if form == XLSX:
        return _workbook(listing, _Csv(shape, kept), pages)
    writer = _Csv(shape, kept) if form == CSV else _Ndjson(kept)

    def lines() -> Iterator[bytes]:
        count = 0
        yield writer.head()
        for rows in pages:
            count += len(rows)
            yield b"".join(writer.line(row) for row in rows)
        yield writer.tail(_worth(listing, count))

    return Answer(
        body=stream_with_context(lines()),
        mimetype=form,
        headers={
            "Content-Disposition": f'attachment; filename="{listing.name}.'
            f'{"csv" if form == CSV else "ndjson"}"',
            "Vary": "Accept",
        },
    )


def _workbook(listing: Listing, table: _Csv, pages: Iterator[list[Any]]) -> Answer:
    with Book(listing.name, table.heads()) as book:
        for rows in pages:
            for row in rows:
                book.add(table.values(row))
        worth = _worth(listing, book.rows).items()
        sent = book.send([(name, str(_plain(value))) for name, value in worth])
    headers = {"Content-Disposition": sent.headers["Content-Disposition"]}
    return Answer(
        body=sent.response, mimetype=XLSX, headers=headers | {"Vary": "Accept"}
    )


def _pages(
    listing: Listing,
    question: Question,
    view: Callable[[Session, Sequence[Any]], list[Any]],
    *,
    whole: bool,
) -> Iterator[list[Any]]:
    """Read chunk by chunk, each in a transaction of its own: none is held for long."""
    asked = replace(question, limit=CHUNK) if whole else question
    while True:
        with hub().store.read(scope()) as session:
            found = read(session, listing, asked)
            yield view(session, found.rows)
        if not whole or found.next_cursor is None:
            return
        asked = replace(asked, cursor=found.next_cursor)


def _worth(listing: Listing, count: int) -> dict[str, Any]:
    with hub().store.read(scope()) as session:
        fresh = parts().freshness.read(session, actor().tenant_id, listing.streams)
    return {"rows": count, "complete": fresh.complete, "as_of": fresh.as_of}


class _Ndjson:
    """One JSON object a line."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = names

    def head(self) -> bytes:
        return b""

    def line(self, row: Any) -> bytes:  # noqa: ANN401 - a struct or dataclass
        values = {name: getattr(row, name) for name in self._names}
        return _encoder.encode(values) + b"\n"

    def tail(self, worth: dict[str, Any]) -> bytes:
        return _encoder.encode({"meta": worth}) + b"\n"


class _Csv:
    """One line a row; an amount of money takes two columns."""

    def __init__(self, shape: Any, names: tuple[str, ...]) -> None:  # noqa: ANN401 - a class
        types = get_type_hints(shape)
        priced = {name for name in names if _is_money(types[name])}
        self._columns = [
            (name, part)
            for name in names
            for part in (("amount", "currency") if name in priced else ("",))
        ]

    def heads(self) -> list[str]:
        return [".".join(filter(None, column)) for column in self._columns]

    def values(self, row: Any) -> list[Value]:  # noqa: ANN401 - a struct
        return [_value(getattr(row, name), part) for name, part in self._columns]

    def head(self) -> bytes:
        return _row(self.heads())

    def line(self, row: Any) -> bytes:  # noqa: ANN401 - a struct
        cells = (_cell(getattr(row, name), part) for name, part in self._columns)
        return _row([sheets.safe(cell) for cell in cells])

    def tail(self, worth: dict[str, Any]) -> bytes:
        return b"#" + _encoder.encode({"meta": worth}) + b"\r\n"


def _is_money(kind: Any) -> bool:  # noqa: ANN401 - a type
    kinds = (kind, *get_args(kind))
    return MoneyShape in kinds or Money in kinds


def _value(value: Any, part: str) -> Value:  # noqa: ANN401 - any field
    """Return what a cell of a workbook holds."""
    if part:
        value = getattr(value, part, None)
    if isinstance(value, int | Decimal | date):
        return value
    return _cell(value, "")


def _cell(value: Any, part: str) -> str:  # noqa: ANN401 - any field
    if part:
        value = getattr(value, part, None)
    if value is None:
        return ""
    plain = _plain(value)
    if isinstance(plain, bool):
        return "true" if plain else "false"
    if isinstance(plain, str | int):
        return str(plain)
    return _encoder.encode(value).decode()


def _plain(value: Any) -> Any:  # noqa: ANN401 - any field
    return msgspec.to_builtins(value)


def _row(cells: list[str]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerow(cells)
    return out.getvalue().encode()
