"""Mappings as CSV files: safe to open in a spreadsheet, safe to read back."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import TypeVar

from entrepot.hub.mapping.views import ProductDecision, Share
from entrepot.sdk.errors import Rejected

CUSTOMER_COLUMNS = (
    *("vendor_connection", "vendor_customer_id", "vendor_name", "psa_company_id"),
    *("company_name", "status", "share", "share_value", "shared", "confidence"),
    *("method", "reason"),
)
PRODUCT_COLUMNS = (
    *("vendor_connection", "sku", "sku_name", "product_id", "term", "billing_cycle"),
    *("segment", "market", "psa_product_id", "psa_product_name", "status", "kind"),
    *("factor", "rounding", "included_quantity", "price_mode", "price_value"),
    *("price_currency", "price_floor", "manage_price", "manage_cost", "manage_flags"),
    *("bill", "taxable", "text_template", "valid_from", "valid_to", "confidence"),
    *("method", "reason"),
)
STATUSES = ("confirmed", "excluded", "rejected", "suggested", "stale", "undecided")
MOST_LINES = 100_000
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n")
_TRUTH = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a file, cells by column; the heading is line 1."""

    number: int
    cells: Mapping[str, str]

    def text(self, column: str) -> str:
        """The cell without surrounding blanks; empty when the file lacks it."""
        return self.cells.get(column, "").strip()

    def one_of(self, column: str, words: Sequence[str], default: str) -> str:
        """The cell in lower case, or the default when it is empty.

        Raises:
            Rejected: It is none of the words.
        """
        text = self.text(column).casefold() or default
        if text not in words:
            raise _wrong(column, text, f"one of {', '.join(words)}")
        return text

    def decimal(self, column: str, default: Decimal) -> Decimal:
        """The cell as an exact number, or the default when it is empty.

        Raises:
            Rejected: It is no finite number.
        """
        return self._parsed(column, default, _decimal, "a number such as 12.50")

    def day(self, column: str) -> date | None:
        """The cell as a day; None when it is empty.

        Raises:
            Rejected: It is no ISO date.
        """
        return self._parsed(column, None, date.fromisoformat, "a date like 2026-01-31")

    def flag(self, column: str, *, default: bool) -> bool:
        """The cell as yes or no, or the default when it is empty.

        Raises:
            Rejected: It is neither.
        """
        return self._parsed(column, default, _truth, "yes or no")

    def _parsed(
        self, column: str, default: T, read: Callable[[str], T], wanted: str
    ) -> T:
        text = self.text(column)
        if not text:
            return default
        try:
            return read(text)
        except (ValueError, KeyError, InvalidOperation) as error:
            raise _wrong(column, text, wanted) from error


def write(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> str:
    """A CSV file with a heading; no cell can be taken for a formula."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([harmless(_cell(row.get(column))) for column in columns])
    return out.getvalue()


def read(text: str, required: Sequence[str]) -> list[Line]:
    """The lines of a CSV file; separated by comma, semicolon or tab.

    Raises:
        Rejected: No heading, a required column is missing, or too many lines.
    """
    clean = text.removeprefix("\ufeff")
    heading = clean.partition("\n")[0]
    separator = max(",;\t", key=heading.count)
    try:
        rows = list(csv.reader(io.StringIO(clean), delimiter=separator, strict=True))
    except csv.Error as error:
        raise _unreadable(f"The file is no CSV file: {error}.") from error
    columns = [name.strip().casefold() for name in rows[0]] if rows else []
    missing = [name for name in required if name not in columns]
    if missing:
        raise _unreadable(f"The heading lacks {', '.join(missing)}.")
    if len(rows) > MOST_LINES:
        raise _unreadable(f"The file has more than {MOST_LINES} lines.")
    return [
        Line(number, dict(zip(columns, map(original, row), strict=False)))
        for number, row in enumerate(rows[1:], 2)
        if any(cell.strip() for cell in row)
    ]


def harmless(cell: str) -> str:
    """The cell so that a spreadsheet takes it for text."""
    risky = cell.startswith(_DANGEROUS) or cell.startswith("'")
    return f"'{cell}" if risky else cell


def original(cell: str) -> str:
    """What `harmless` was given."""
    rest = cell[1:]
    guarded = cell.startswith("'") and rest.startswith((*_DANGEROUS, "'"))
    return rest if guarded else cell


def share_of(line: Line) -> Share:
    """The share a line states.

    Raises:
        Rejected: A cell can't be read.
    """
    company = line.text("psa_company_id")
    if not company:
        raise _wrong("psa_company_id", "", "a company of the PSA")
    words = ("all", "fixed", "percent", "remainder")
    return Share(
        company_id=company,
        share=line.one_of("share", words, "all"),
        value=line.decimal("share_value", Decimal(0)),
    )


def entry_of(line: Line, psa_connection_id: str, connection_id: str) -> ProductDecision:
    """The product-map entry a line states.

    Raises:
        Rejected: A cell can't be read.
    """
    taxable = line.text("taxable")
    floor = line.text("price_floor")
    return ProductDecision(
        psa_connection_id=psa_connection_id,
        psa_product_id=line.text("psa_product_id"),
        vendor_connection_id=connection_id,
        product_id=line.text("product_id"),
        sku=line.text("sku"),
        sku_name=line.text("sku_name"),
        term=line.text("term"),
        billing_cycle=line.text("billing_cycle").casefold(),
        segment=line.text("segment"),
        market=line.text("market"),
        kind=line.text("kind").casefold() or "license",
        factor=line.decimal("factor", Decimal(1)),
        rounding=line.text("rounding").casefold() or "exact",
        included_quantity=line.decimal("included_quantity", Decimal(0)),
        price_mode=line.text("price_mode").casefold(),
        price_value=line.decimal("price_value", Decimal(0)),
        price_currency=line.text("price_currency").upper(),
        price_floor=line.decimal("price_floor", Decimal(0)) if floor else None,
        manage_price=line.flag("manage_price", default=True),
        manage_cost=line.flag("manage_cost", default=True),
        manage_flags=line.flag("manage_flags", default=True),
        bill=line.text("bill").casefold() or "billable",
        taxable=line.flag("taxable", default=True) if taxable else None,
        text_template=line.text("text_template"),
        valid_from=line.day("valid_from"),
        valid_to=line.day("valid_to"),
    )


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _decimal(text: str) -> Decimal:
    value = Decimal(text)
    if not value.is_finite():
        raise ValueError(text)
    return value


def _truth(text: str) -> bool:
    return _TRUTH[text.casefold()]


def _wrong(column: str, text: str, wanted: str) -> Rejected:
    return Rejected(
        "cell_invalid",
        f"{column} is {text!r}, but must be {wanted}.",
        field=column,
        remedy="Correct the cell and import the file again.",
    )


def _unreadable(why: str) -> Rejected:
    return Rejected(
        "file_invalid",
        why,
        field="file",
        remedy="Export the mappings first and edit that file.",
    )
