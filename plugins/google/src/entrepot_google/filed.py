"""Rows of the billing export from a file that a person handed in (reference §8.2)."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

import msgspec
from entrepot.sdk import queries as ask
from entrepot.sdk.context import PluginContext
from entrepot.sdk.errors import Rejected
from entrepot.sdk.model import FilePart, TakenFile, add_months

from entrepot_google.mapping import rows as summing
from entrepot_google.mapping.charges import first_day, is_open, months_of
from entrepot_google.runtime import Cursor, Runtime
from entrepot_google.wire.export import ROW, ExportRow

MOST = 4 * 1024**3
"""Bytes of the rows when they are not compressed."""
_DAY = timedelta(days=1)
_GZIP = b"\x1f\x8b"
_HOW = "Export the whole invoice months again as newline-delimited JSON."


@dataclass(slots=True)
class _Month:
    """Rows of one invoice month on their way into a part."""

    packed: io.BytesIO = field(default_factory=io.BytesIO)
    writer: gzip.GzipFile = field(init=False)

    def __post_init__(self) -> None:
        self.writer = gzip.GzipFile(fileobj=self.packed, mode="wb", mtime=0)

    def add(self, line: bytes) -> None:
        """Take a row."""
        self.writer.write(line + b"\n")

    def part(self, month: str) -> FilePart:
        """What is kept: the rows as they came."""
        self.writer.close()
        return FilePart(name=_name(month), content=self.packed.getvalue())


@dataclass(frozen=True, slots=True)
class Told:
    """What the files say about a period.

    Attributes:
        rows: Summed rows in a fixed order.
        known_on: Day on which they were handed in.
        source: The file's name.
        version: Of all parts that were read.
        reason: Why something may be missing; empty when nothing is.
    """

    rows: list[dict[str, str]]
    known_on: date
    source: str
    version: str
    reason: str


def take(ctx: PluginContext, query: ask.TakeFile) -> TakenFile:
    """Cut an export into its invoice months; each is the whole truth about its month.

    Raises:
        Rejected: A line is no row of the export, or the file is cut off.
    """
    del ctx
    months: dict[str, _Month] = {}
    count = 0
    for line in _lines(query.content):
        count += 1
        row = _row(line, count)
        months.setdefault(row.invoice.month, _Month()).add(line)
    if not months:
        raise _unusable("The file holds no row.")
    names = sorted(months)
    return TakenFile(
        parts=tuple(months[name].part(name) for name in names),
        months=tuple(f"{name[:4]}-{name[4:]}" for name in names),
        rows=count,
    )


def charges(ctx: PluginContext, query: ask.ListCharges, customer: str) -> Told:
    """Summed rows of the invoice months a period touches."""
    return _told(
        ctx,
        f"charges {query.period} {customer}",
        months_of(query.period),
        (),
        lambda rows: summing.charge_rows(rows, customer),
    )


def usage(ctx: PluginContext, query: ask.ListUsage, customer: str) -> Told:
    """Summed metered rows of a period's days; late ones are on the next invoice."""
    months = months_of(query.period)
    late = add_months(query.period.end - _DAY, 1).strftime("%Y%m")
    return _told(
        ctx,
        f"usage {query.period} {customer}",
        months,
        (late,),
        lambda rows: summing.usage_rows(rows, query.period, customer),
    )


def page(told: Told, cursor: Cursor, size: int) -> tuple[list[dict[str, str]], Cursor]:
    """Rows of one page, and the cursor of the next; its `job` is None at the end.

    Raises:
        Rejected: Another file was handed in since the listing began.
    """
    if cursor.job is not None and cursor.job != told.version:
        raise Rejected(
            "file_replaced",
            "Another file was handed in while this one was read.",
            remedy="Start the reading again.",
        )
    end = cursor.row + size
    more = end < len(told.rows)
    following = Cursor(job=told.version, row=end) if more else Cursor()
    return told.rows[cursor.row : end], following


def _told(
    ctx: PluginContext,
    label: str,
    months: list[str],
    later: tuple[str, ...],
    summed: Callable[[Iterable[ExportRow]], list[dict[str, str]]],
) -> Told:
    runtime: Runtime = ctx.runtime
    found = {name: ctx.files.find(_name(name)) for name in (*months, *later)}
    held = [each for each in found.values() if each is not None]
    version = " ".join(each.version[:16] for each in held)
    key = f"{label} {version}"
    with runtime.lock:
        kept = runtime.filed
    if kept is None or kept[0] != key:
        parts = [ctx.files.read(each.name) for each in held]
        kept = (key, summed(ROW.decode(n) for part in parts for n in _lines(part)))
        with runtime.lock:
            runtime.filed = kept
    known = {each.name: summing.day_of(each.taken_at) for each in held}
    today = summing.day_of(ctx.clock.now())
    return Told(
        rows=kept[1],
        known_on=min([known[_name(m)] for m in months if _name(m) in known] or [today]),
        source=", ".join(dict.fromkeys(each.source for each in held)),
        version=version,
        reason=" ".join(_doubts(months, known, today)),
    )


def _doubts(months: list[str], known: dict[str, date], today: date) -> Iterator[str]:
    """Why the files may not tell the whole truth about some months."""
    for month in months:
        text, known_on = f"{month[:4]}-{month[4:]}", known.get(_name(month))
        if known_on is None:
            yield (
                f"No billing export for {text}: enter the table of the export in the "
                "connection's settings, or hand in a file."
            )
        elif is_open(month, known_on) and not is_open(month, today):
            yield (
                f"The file for {text} is of {known_on}, before the month was closed: "
                "hand in a newer one."
            )


def _name(month: str) -> str:
    return f"billing export {month}"


def _lines(content: bytes) -> Iterator[bytes]:
    """Lines that are not empty, unpacked where they are packed.

    Raises:
        Rejected: The file is cut off, or unreasonably large.
    """
    stream: Iterable[bytes] = io.BytesIO(content)
    if content.startswith(_GZIP):
        stream = gzip.GzipFile(fileobj=io.BytesIO(content))
    size = 0
    try:
        for line in stream:
            size += len(line)
            if size > MOST:
                raise _unusable("The file is too large.")
            if line.strip():
                yield line.strip()
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise _unusable("The file is cut off or damaged.") from None


def _row(line: bytes, number: int) -> ExportRow:
    try:
        row = ROW.decode(line)
        summing.pacific_day(row.usage_start_time)
        summing.pacific_day(row.usage_end_time)
        first_day(row.invoice.month)
    except (msgspec.MsgspecError, ValueError) as error:
        raise _unusable(
            f"Line {number} is no row of the billing export.", str(error)
        ) from None
    return row


def _unusable(message: str, detail: str = "") -> Rejected:
    return Rejected("file_unusable", message, detail=detail, field="file", remedy=_HOW)
