"""What `list_usage` does: exports of a month's invoices, or of what is not invoiced."""

from __future__ import annotations

from datetime import date

from entrepot.sdk import queries as ask
from entrepot.sdk.context import PluginContext
from entrepot.sdk.model import Page, Period, UsageLine
from entrepot.sdk.model.time import add_months

from entrepot_microsoft import exports
from entrepot_microsoft.invoices import modern_invoices, months_of, unbilled_steps
from entrepot_microsoft.mapping import usage as mapped
from entrepot_microsoft.settings import GLOBAL, MicrosoftSettings

_LINES = 2_000
_OFF = "The billing export of Microsoft Graph is not set up for this connection."
_NOT_THERE = "The vendor offers the billing export in the global cloud only."


def usage(ctx: PluginContext, query: ask.ListUsage) -> Page[UsageLine]:
    """One page of daily rated usage."""
    settings: MicrosoftSettings = ctx.settings
    if not settings.reads_export:
        reason = _OFF if settings.cloud == GLOBAL else _NOT_THERE
        return Page(complete=False, incomplete_reason=reason)
    if query.cursor is None:
        steps = tuple(s for m in months_of(query.period) for s in _steps(ctx, m))
        place = exports.Place(kind=exports.USAGE, steps=steps)
    else:
        place = exports.Place.of(query.cursor)
    if not place.steps:
        return Page()
    part = exports.read_part(ctx, place, query.page_size or _LINES)
    source = f"{place.document}, daily usage"
    made = (
        _line(line, count, source, estimated=place.estimated)
        for line, count in part.lines
    )
    return Page(
        items=[one for one in made if one is not None and _wanted(one, query)],
        next_cursor=part.following.text() if part.following else None,
        complete=not part.problem,
        incomplete_reason=part.problem or None,
    )


def _steps(ctx: PluginContext, month: date) -> tuple[str, ...]:
    found = modern_invoices(ctx, Period(month, add_months(month, 1)))
    billed = tuple(f"billed:{one}" for one in found)
    return billed or unbilled_steps(ctx, month)


def _line(
    line: bytes, occurrence: int, source: str, *, estimated: bool
) -> UsageLine | None:
    found = mapped.read(line)
    if found is None:
        return None
    mark = mapped.digest(line)
    return mapped.usage(found, mark, occurrence, source, estimated=estimated)


def _wanted(one: UsageLine, query: ask.ListUsage) -> bool:
    ours = query.customer_id in (None, one.customer_id)
    return ours and one.starts_at.date() in query.period
