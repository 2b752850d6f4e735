"""The hooks about money: lines of the cost export, previews where it has none."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date

from entrepot.sdk import queries as ask
from entrepot.sdk.context import PluginContext
from entrepot.sdk.errors import Rejected
from entrepot.sdk.model import Charge, Page, Period, UsageLine
from entrepot.sdk.model.time import add_months

from entrepot_aws.export import Line, Reader, files_of, fingerprint
from entrepot_aws.mapping import charges as mapped
from entrepot_aws.owners import owner_of
from entrepot_aws.previews import BOUGHT, SUMS, bought, next_month, sums
from entrepot_aws.runtime import KEPT, Cursor, Runtime, client_of
from entrepot_aws.settings import AwsSettings

_LINES = 1000
_NO_EXPORT = "No bucket of a cost export is set, so usage lines cannot be read."
_REPLACED = "The cost export was replaced while it was read; the next read is whole."
_READERS = 4


def months_of(period: Period) -> list[str]:
    """The billing months that a period touches, in order."""
    month, found = period.start.replace(day=1), []
    while month < period.end:
        found.append(f"{month:%Y-%m}")
        month = add_months(month, 1)
    return found


def charges(ctx: PluginContext, query: ask.ListCharges) -> Page[Charge]:
    """One page of charges, month after month."""
    cursor, months = Cursor.of(query.cursor), months_of(query.period)
    month = cursor.parent or months[0]
    if cursor.stage == BOUGHT:
        return bought(ctx, query, cursor)
    if cursor.stage == SUMS:
        return _narrowed(sums(ctx, cursor, months), query.customer_id)
    reader = _reader(ctx, month, cursor, "charges")
    if reader is None:
        if cursor.stage:
            return Page(complete=False, incomplete_reason=_REPLACED)
        return _narrowed(sums(ctx, cursor, months), query.customer_id)
    size = query.page_size or _LINES
    lines, following = _taken(ctx, reader, size, months, "charges")
    client, invoiced = client_of(ctx), _invoiced(ctx, month)
    found = [
        mapped.charge(
            line.row,
            line.vendor_id,
            owner_of(ctx, client, mapped.account_of(line.row)),
            line.source,
            invoiced,
        )
        for line in lines
    ]
    return _narrowed(Page(items=found, next_cursor=following), query.customer_id)


def usage(ctx: PluginContext, query: ask.ListUsage) -> Page[UsageLine]:
    """One page of metered lines that began in the period."""
    settings: AwsSettings = ctx.settings
    if not settings.cur_bucket:
        return Page(complete=False, incomplete_reason=_NO_EXPORT)
    cursor, months = Cursor.of(query.cursor), months_of(query.period)
    month = cursor.parent or months[0]
    reader = _reader(ctx, month, cursor, "usage")
    if reader is None:
        if cursor.stage:
            return Page(complete=False, incomplete_reason=_REPLACED)
        return Page(next_cursor=next_month(month, months))
    size = query.page_size or _LINES
    lines, following = _taken(ctx, reader, size, months, "usage")
    client = client_of(ctx)
    found = [
        mapped.usage(
            line.row,
            line.vendor_id,
            owner_of(ctx, client, mapped.account_of(line.row)),
            line.source,
        )
        for line in lines
        if mapped.is_usage(line.row) and mapped.starts_on(line.row) in query.period
    ]
    wanted = query.customer_id
    shown = [each for each in found if wanted in (None, each.customer_id)]
    return Page(items=shown, next_cursor=following)


def _narrowed(page: Page[Charge], customer_id: str | None) -> Page[Charge]:
    if customer_id is None:
        return page
    kept = [each for each in page.items if each.customer_id == customer_id]
    return replace(page, items=kept)


# The cost export


def _reader(
    ctx: PluginContext, month: str, cursor: Cursor, purpose: str
) -> Reader | None:
    """The reader that stands where the cursor does; None when there is nothing.

    A kept one goes on; otherwise the lines before the cursor are read again.
    """
    settings: AwsSettings = ctx.settings
    runtime: Runtime = ctx.runtime
    if not settings.cur_bucket:
        return None
    with runtime.lock:
        kept = runtime.readers.pop(cursor.text(), None)
    if kept is not None:
        return kept
    client = client_of(ctx)
    files = files_of(client, settings, month)
    mark = fingerprint(files)
    if not files or (cursor.stage and cursor.stage != f"{purpose}:{mark}"):
        return None
    reader = Reader(month, mark, files, settings.cur_bucket)
    reader.skip_to(client, cursor.place)
    return reader


def _taken(
    ctx: PluginContext, reader: Reader, count: int, months: list[str], purpose: str
) -> tuple[list[Line], str | None]:
    """The next lines, and the cursor behind them; the reader waits there."""
    lines = reader.take(client_of(ctx), count)
    if len(lines) < count:
        return lines, next_month(reader.month, months)
    stage = f"{purpose}:{reader.mark}"
    text = Cursor(stage=stage, parent=reader.month, place=reader.place).text()
    runtime: Runtime = ctx.runtime
    with runtime.lock:
        while len(runtime.readers) >= _READERS:
            runtime.readers.pop(next(iter(runtime.readers)))
        runtime.readers[text] = reader
    return lines, text


def _invoiced(ctx: PluginContext, month: str) -> dict[str, date]:
    """Dates of a month's invoices by id; empty without the right to read them."""
    runtime: Runtime = ctx.runtime
    now = ctx.clock.monotonic()
    with runtime.lock:
        kept = runtime.invoices.get(month)
    if kept is not None and now < kept[0]:
        return kept[1]
    client, first = client_of(ctx), date.fromisoformat(f"{month}-01")
    try:
        found = client.invoices(client.caller(), first.year, first.month)
    except Rejected as error:
        ctx.log.warning("invoices_not_readable", code=error.code)
        found = []
    dates = {
        each.invoice_id: each.issued_date.astimezone(UTC).date()
        for each in found
        if each.issued_date is not None
    }
    with runtime.lock:
        runtime.invoices[month] = (now + KEPT, dates)
    return dates
