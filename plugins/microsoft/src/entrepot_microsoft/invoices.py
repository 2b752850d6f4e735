"""What `list_charges` does: the invoices of a month, then the lines of each."""

from __future__ import annotations

from datetime import date, timedelta

import msgspec
from entrepot.sdk import queries as ask
from entrepot.sdk.context import PluginContext
from entrepot.sdk.errors import Rejected
from entrepot.sdk.model import Charge, Page, Period
from entrepot.sdk.model.time import add_months

from entrepot_microsoft import exports, wire
from entrepot_microsoft.client import LINE_PAGE, Client
from entrepot_microsoft.mapping import charges as map_charges
from entrepot_microsoft.mapping.markets import currency_of
from entrepot_microsoft.runtime import client_of
from entrepot_microsoft.settings import MicrosoftSettings

_OUT_BY = 45  # days after a month's end; the vendor says the 8th (§6.1)
_MODERN = "G"


class Place(msgspec.Struct, omit_defaults=True, kw_only=True):
    """Where a reading goes on; travels as JSON text.

    Attributes:
        invoices: Documents still to be read, the present one first.
        token: Continuation token within the present one.
        skipped: Documents of the legacy commerce, which are not read.
        export: Place in the export of what is not invoiced yet.
    """

    invoices: list[wire.InvoiceWire]
    token: str | None = None
    skipped: list[str] = msgspec.field(default_factory=list)
    export: exports.Place | None = None

    @classmethod
    def of(cls, text: str) -> Place:
        """The place in a query's cursor."""
        try:
            return msgspec.json.decode(text, type=cls)
        except msgspec.MsgspecError:
            raise Rejected(
                "cursor_invalid",
                "The listing cannot go on from this cursor.",
                remedy="Start the listing again.",
            ) from None

    def after(self, token: str | None) -> Place | None:
        """The place after a page; None when everything was read."""
        rest = self.invoices if token else self.invoices[1:]
        return Place(invoices=rest, token=token, skipped=self.skipped) if rest else None


def charges(ctx: PluginContext, query: ask.ListCharges) -> Page[Charge]:
    """One page of the billing lines of a month's invoices.

    A month that is not invoiced yet has none; the billing export previews its lines
    where it is set up (§6.2).
    """
    client = client_of(ctx)
    place = Place.of(query.cursor) if query.cursor else _begin(ctx, query)
    if place.export is not None:
        return _previews(ctx, place.export, query)
    if not place.invoices:
        return _page([], None, place.skipped)
    invoice = place.invoices[0]
    found = client.invoice_lines(invoice.id, place.token)
    lines = [wire.INVOICE_LINE.read(item) for item in found.items]
    items = [map_charges.charge(line, invoice, query.period) for line in lines]
    following = place.after(found.token)
    return _page(items, following, [] if following else place.skipped)


def _begin(ctx: PluginContext, query: ask.ListCharges) -> Place:
    settings: MicrosoftSettings = ctx.settings
    place = _documents(client_of(ctx), query.period)
    if place.invoices or place.skipped or not settings.reads_export:
        return place
    steps = tuple(
        step for month in months_of(query.period) for step in unbilled_steps(ctx, month)
    )
    if not steps:
        return place
    export = exports.Place(kind=exports.RECONCILIATION, steps=steps)
    return Place(invoices=[], export=export)


def months_of(period: Period) -> list[date]:
    """First days of the billing months a period touches, in order."""
    month, found = period.start.replace(day=1), []
    while month < period.end:
        found.append(month)
        month = add_months(month, 1)
    return found


def unbilled_steps(ctx: PluginContext, month: date) -> tuple[str, ...]:
    """What to ask for a month that is not invoiced; only two months are kept."""
    settings: MicrosoftSettings = ctx.settings
    currency = currency_of(settings.country)
    this = ctx.clock.now().date().replace(day=1)
    words = {this: "current", add_months(this, -1): "last"}
    return (f"{words[month]}:{currency}",) if month in words else ()


def _previews(
    ctx: PluginContext, place: exports.Place, query: ask.ListCharges
) -> Page[Charge]:
    """One page of lines that are not invoiced yet."""
    part = exports.read_part(ctx, place, query.page_size or LINE_PAGE)
    source = f"{place.document}, reconciliation"
    items = [
        map_charges.unbilled(wire.INVOICE_LINE.read(line), source, query.period)
        for line, _ in part.lines
    ]
    following = Place(invoices=[], export=part.following) if part.following else None
    cursor = None if following is None else msgspec.json.encode(following).decode()
    return Page(
        items=items,
        next_cursor=cursor,
        complete=not part.problem,
        incomplete_reason=part.problem or None,
    )


def modern_invoices(ctx: PluginContext, month: Period) -> list[str]:
    """Ids of a month's invoices of the new commerce; empty before they are out."""
    return [each.id for each in _documents(client_of(ctx), month).invoices]


def _documents(client: Client, period: Period) -> Place:
    """Invoices, notes and adjustments of a billing month (§6.1)."""
    first, end = period.start, period.end
    last = end + timedelta(days=_OUT_BY)
    found = client.invoices(first.isoformat(), last.isoformat())
    documents: dict[str, wire.InvoiceWire] = {}
    for invoice in found:
        for document in (invoice, *(invoice.amendments or ())):
            month = map_charges.month_of(document) or map_charges.month_of(invoice)
            if month is not None and month in period:
                document.amendments = None
                documents[document.id] = document
    return Place(
        invoices=[d for d in documents.values() if d.id.startswith(_MODERN)],
        skipped=[name for name in documents if not name.startswith(_MODERN)],
    )


def _page(
    items: list[Charge], following: Place | None, skipped: list[str]
) -> Page[Charge]:
    cursor = None if following is None else msgspec.json.encode(following).decode()
    if not skipped:
        return Page(items=items, next_cursor=cursor)
    reason = f"Lines of legacy invoices are not read: {', '.join(skipped)}."
    return Page(
        items=items, next_cursor=cursor, complete=False, incomplete_reason=reason
    )
