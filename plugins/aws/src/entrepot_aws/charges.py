"""The hooks about money: lines of the cost export, Cost Explorer where it has none."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date

from entrepot.sdk import queries as ask
from entrepot.sdk.context import PluginContext
from entrepot.sdk.errors import NotFound, Rejected
from entrepot.sdk.model import Charge, Page, Period, UsageLine
from entrepot.sdk.model.time import add_months

from entrepot_aws.client import Client
from entrepot_aws.customers import is_unit
from entrepot_aws.export import Line, Reader, files_of, fingerprint
from entrepot_aws.mapping import charges as mapped
from entrepot_aws.runtime import KEPT, Cursor, Runtime, client_of, transfers_of
from entrepot_aws.settings import AwsSettings

_LINES = 1000
_EXPLORER = "explorer"
_NO_EXPORT = "No bucket of a cost export is set, so usage lines cannot be read."
_REPLACED = "The cost export was replaced while it was read; the next read is whole."
_DEPTH = 6  # units nest five deep below the root
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
    if cursor.stage == _EXPLORER:
        return _narrowed(_previews(ctx, cursor, months), query.customer_id)
    reader = _reader(ctx, month, cursor, "charges")
    if reader is None:
        if cursor.stage:
            return Page(complete=False, incomplete_reason=_REPLACED)
        return _narrowed(_previews(ctx, cursor, months), query.customer_id)
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
        return Page(next_cursor=_next_month(month, months))
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
        return lines, _next_month(reader.month, months)
    stage = f"{purpose}:{reader.mark}"
    text = Cursor(stage=stage, parent=reader.month, place=reader.place).text()
    runtime: Runtime = ctx.runtime
    with runtime.lock:
        while len(runtime.readers) >= _READERS:
            runtime.readers.pop(next(iter(runtime.readers)))
        runtime.readers[text] = reader
    return lines, text


def _next_month(month: str, months: list[str]) -> str | None:
    later = [each for each in months if each > month]
    return Cursor(parent=later[0]).text() if later else None


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


# Cost Explorer


def _previews(ctx: PluginContext, cursor: Cursor, months: list[str]) -> Page[Charge]:
    """One page of Cost Explorer's sums; what it says is never final (§3.5)."""
    month = cursor.parent or months[0]
    client = client_of(ctx)
    first = date.fromisoformat(f"{month}-01")
    end = add_months(first, 1)
    found = client.costs(first.isoformat(), end.isoformat(), cursor.token)
    made = [
        mapped.preview(result, group, owner_of(ctx, client, group.keys[0]))
        for result in found.items
        for group in result.groups
    ]
    following = _next_month(month, months)
    if found.token is not None:
        following = Cursor(stage=_EXPLORER, parent=month, token=found.token).text()
    return Page(
        items=[each for each in made if each is not None], next_cursor=following
    )


# Whose account it is


def owner_of(ctx: PluginContext, client: Client, account: str) -> str:
    """The customer an account belongs to; empty when it belongs to none."""
    if not account:
        return ""
    runtime: Runtime = ctx.runtime
    now = ctx.clock.monotonic()
    with runtime.lock:
        kept = runtime.owners.get(account)
    if kept is not None and now < kept[0]:
        return kept[1]
    found = _owner(ctx, client, account)
    with runtime.lock:
        runtime.owners[account] = (now + KEPT, found)
    return found


def _owner(ctx: PluginContext, client: Client, account: str) -> str:
    settings: AwsSettings = ctx.settings
    if settings.reads_transfers and account in transfers_of(ctx).speaking:
        return account
    top = settings.customers_parent or client.root()
    child = account
    for _ in range(_DEPTH):
        try:
            parent = client.parent(child)
        except NotFound:
            return ""
        if parent == top:
            return child if is_unit(child) else ""
        child = parent
        if not is_unit(child):
            return ""
    return ""
