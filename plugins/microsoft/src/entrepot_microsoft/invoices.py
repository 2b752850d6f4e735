"""What `list_charges` does: the invoices of a month, then the lines of each."""

from __future__ import annotations

from datetime import timedelta

import msgspec
from entrepot.sdk import queries as ask
from entrepot.sdk.context import PluginContext
from entrepot.sdk.errors import Rejected
from entrepot.sdk.model import Charge, Page

from entrepot_microsoft import wire
from entrepot_microsoft.client import Client
from entrepot_microsoft.mapping import charges as map_charges
from entrepot_microsoft.runtime import client_of

_OUT_BY = 45  # days after a month's end; the vendor says the 8th (§6.1)
_MODERN = "G"


class Place(msgspec.Struct, omit_defaults=True, kw_only=True):
    """Where a reading goes on; travels as JSON text.

    Attributes:
        invoices: Documents still to be read, the present one first.
        token: Continuation token within the present one.
        skipped: Documents of the legacy commerce, which are not read.
    """

    invoices: list[wire.InvoiceWire]
    token: str | None = None
    skipped: list[str] = msgspec.field(default_factory=list)

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

    A month that is not invoiced yet has none: the preview of unbilled lines is part
    of the billing export (§6.2).
    """
    client = client_of(ctx)
    place = Place.of(query.cursor) if query.cursor else _documents(client, query)
    if not place.invoices:
        return _page([], None, place.skipped)
    invoice = place.invoices[0]
    found = client.invoice_lines(invoice.id, place.token)
    lines = [wire.INVOICE_LINE.read(item) for item in found.items]
    items = [map_charges.charge(line, invoice, query.period) for line in lines]
    following = place.after(found.token)
    return _page(items, following, [] if following else place.skipped)


def _documents(client: Client, query: ask.ListCharges) -> Place:
    """Invoices, notes and adjustments of a billing month (§6.1)."""
    first, end = query.period.start, query.period.end
    last = end + timedelta(days=_OUT_BY)
    found = client.invoices(first.isoformat(), last.isoformat())
    documents: dict[str, wire.InvoiceWire] = {}
    for invoice in found:
        for document in (invoice, *(invoice.amendments or ())):
            month = map_charges.month_of(document) or map_charges.month_of(invoice)
            if month is not None and month in query.period:
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
