"""Lines as CSV and NDJSON, ended by a trailer that says how complete they are.

A file without a trailer was cut off. In CSV the trailer is the last line: ``#trailer``
in the first cell, the trailer as JSON in the second.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from entrepot.hub.charges.views import LineView, ReadingView

FORMATS = {"csv": "text/csv", "ndjson": "application/x-ndjson"}
TRAILER = "#trailer"
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n")
_json = msgspec.json.Encoder(order="deterministic").encode


def trailer(rows: int, readings: Sequence[ReadingView]) -> dict[str, Any]:
    """What a file is worth: its number of rows and the readings it rests on."""
    moments = [one.complete_at for one in readings if one.complete_at]
    return {
        "rows": rows,
        "complete": bool(readings) and all(one.complete for one in readings),
        "as_of": min(moments) if moments else None,
        "readings": [
            {
                "connection_id": one.connection_id,
                "kind": one.kind,
                "month": one.month,
                "complete": one.complete,
                "complete_at": one.complete_at,
                "reason": one.reason,
            }
            for one in readings
        ],
    }


def lines(
    form: str,
    names: Sequence[str],
    items: Iterable[LineView],
    readings: Sequence[ReadingView],
) -> Iterator[str]:
    """The lines of a file, each with its end.

    Args:
        form: ``csv`` or ``ndjson``.
        names: The columns.
        items: The rows.
        readings: How complete the months they come from were read.
    """
    write = _csv_line if form == "csv" else _json_line
    if form == "csv":
        yield _row(names)
    count = 0
    for item in items:
        yield write(names, item)
        count += 1
    end = trailer(count, readings)
    if form == "csv":
        yield _row([TRAILER, _json(end).decode()])
    else:
        yield _json({"trailer": end}).decode() + "\n"


def _json_line(names: Sequence[str], item: LineView) -> str:
    found = {name: _plain(getattr(item, name)) for name in names}
    return _json(found).decode() + "\n"


def _plain(value: object) -> object:
    """A number as text without an exponent; anything else as it is."""
    return format(value, "f") if isinstance(value, Decimal) else value


def _csv_line(names: Sequence[str], item: LineView) -> str:
    return _row([_cell(getattr(item, name)) for name in names])


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        # A spreadsheet must not take a vendor's text for a formula.
        return f"'{value}" if value.startswith(_DANGEROUS) else value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return _json(value).decode() if value else ""
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    return format(value, "f")


def _row(cells: Sequence[str]) -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerow(cells)
    return stream.getvalue()
