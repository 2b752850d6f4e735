"""Lists as XLSX: numbers are numbers, days are days, and a text is never a formula.

Rows are written to a file of the machine as they come, so that a list of any length
takes the memory of one row.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import IO, Self

from entrepot.sdk.errors import Rejected
from flask import Response
from flask_babel import gettext
from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MOST_ROWS = 150_000
_LONGEST = 32_767
"""Characters that one cell holds (ECMA-376, part 1, 18.3.1.96 and 18.4)."""
_DIGITS = 15
"""Digits that a cell's number keeps; longer ones stay texts, to the last digit."""
_PIECE = 65_536
_FIRST_DAY = date(1900, 3, 1)
"""Days before are counted one off by spreadsheets, which take 1900 for a leap year."""

Value = str | bool | int | Decimal | date | datetime | None
_READERS: dict[str, Callable[[str], Value]] = {
    "number": Decimal,
    "date": date.fromisoformat,
    "moment": datetime.fromisoformat,
}


def value(kind: str, text: str) -> Value:
    """Return what a cell of the screen holds, as a sheet counts or sorts by it.

    Args:
        kind: ``number``, ``date`` (ISO 8601), ``moment`` (ISO 8601 with zone) or
            ``text``.
        text: What the screen says; one that is not of the kind stays a text.
    """
    reader = _READERS.get(kind)
    if reader is None or not text:
        return text
    try:
        return reader(text)
    except (ValueError, InvalidOperation):
        return text


class Book:
    """A workbook with one list, and a second sheet that says what the list is worth.

    Used in a ``with``, which ends with what `send` returned.

    Args:
        name: Of the list; names the file.
        head: The columns' heads.
    """

    def __init__(self, name: str, head: Sequence[str]) -> None:
        self._name = name
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - sent, then closed
        options = {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_numbers": False,
            "strings_to_urls": False,
        }
        self._book = Workbook(self._file, options)
        self._bold = self._book.add_format({"bold": True})
        self._day = self._book.add_format({"num_format": "yyyy-mm-dd"})
        self._moment = self._book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        self._sheet: Worksheet = self._book.add_worksheet(name[:31])
        self._sheet.freeze_panes(1, 1)
        self._sheet.set_column(0, 0, 32)
        self._sheet.set_column(1, max(1, len(head) - 1), 18)
        for at, text in enumerate(head):
            self._text(self._sheet, (0, at), text, self._bold)
        self.rows = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        """Give the machine's space back if the list broke off."""
        if error is not None:
            self._book.close()
            self._file.close()

    def add(self, cells: Sequence[Value]) -> None:
        """Write one row.

        Raises:
            Rejected: There are more rows than a person would open at once.
        """
        if self.rows >= MOST_ROWS:
            raise Rejected(
                "too_many_rows",
                gettext("A workbook has at most %(most)s rows.", most=MOST_ROWS),
                remedy=gettext("Take CSV, which has no limit, or narrow the list."),
            )
        self.rows += 1
        for at, cell in enumerate(cells):
            self._put((self.rows, at), cell)

    def send(self, worth: Sequence[tuple[str, str]]) -> Response:
        """Return the workbook as an answer.

        Args:
            worth: What the second sheet says: how many rows, how complete.
        """
        about = self._book.add_worksheet(gettext("About")[:31])
        about.set_column(0, 0, 18)
        about.set_column(1, 1, 90)
        for at, (label, text) in enumerate(worth):
            self._text(about, (at, 0), label, self._bold)
            self._text(about, (at, 1), text)
        self._book.close()
        size = self._file.tell()
        self._file.seek(0)
        answer = Response(self._pieces(), mimetype=XLSX)
        answer.call_on_close(self._file.close)
        answer.content_length = size
        shown = f'attachment; filename="{self._name}.xlsx"'
        answer.headers["Content-Disposition"] = shown
        return answer

    def _pieces(self) -> Iterator[bytes]:
        with self._file:
            while piece := self._file.read(_PIECE):
                yield piece

    def _put(self, place: tuple[int, int], cell: Value) -> None:
        if isinstance(cell, bool):
            self._sheet.write_boolean(*place, cell)
        elif isinstance(cell, int | Decimal):
            self._number(place, Decimal(cell))
        elif isinstance(cell, datetime):
            plain = cell.astimezone(UTC).replace(tzinfo=None)
            self._date(place, plain, self._moment, f"{plain:%Y-%m-%d %H:%M:%S}")
        elif isinstance(cell, date):
            plain = datetime.combine(cell, time.min)
            self._date(place, plain, self._day, cell.isoformat())
        elif cell:
            self._text(self._sheet, place, cell)

    def _number(self, place: tuple[int, int], number: Decimal) -> None:
        if (
            not number.is_finite()
            or len(number.normalize().as_tuple().digits) > _DIGITS
        ):
            self._text(self._sheet, place, f"{number:f}")
        else:
            self._sheet.write_number(*place, float(number))

    def _date(
        self, place: tuple[int, int], day: datetime, shown: Format, text: str
    ) -> None:
        if day.date() < _FIRST_DAY:
            self._text(self._sheet, place, text)
        else:
            self._sheet.write_datetime(*place, day, shown)

    def _text(
        self,
        sheet: Worksheet,
        place: tuple[int, int],
        text: str,
        shown: Format | None = None,
    ) -> None:
        sheet.write_string(*place, text[:_LONGEST], shown)
