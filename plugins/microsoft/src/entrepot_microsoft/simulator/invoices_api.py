"""``/v1/invoices`` and their billing lines (reference §6.1)."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING

from entrepot.sdk.simulator import json_response
from werkzeug.wrappers import Request, Response

from entrepot_microsoft.simulator.audit import cut_token, token_position
from entrepot_microsoft.simulator.invoices import Documents
from entrepot_microsoft.simulator.model import Wire
from entrepot_microsoft.simulator.refusals import model_binding, refuse

if TYPE_CHECKING:
    from entrepot_microsoft.simulator.app import MicrosoftSimulator

_HEADER = "MS-ContinuationToken"
_MOST = 2_000


class InvoicesApi:
    """Endpoints of the invoices."""

    def __init__(self, vendor: MicrosoftSimulator) -> None:
        self._vendor = vendor
        self._documents = Documents(vendor.book, vendor.authority.tenant_id)
        vendor.route("GET", "/v1/invoices", self.list)
        vendor.route("GET", "/v1/invoices/<invoice>/lineitems", self.lines)

    def list(self, request: Request) -> Response:
        """Invoices newest first, paged by offset."""
        with self._vendor.lock:
            found = self._documents.issued(self._vendor.clock.now())
        found = [one for one in found if _fits(one, request.args.get("filter"))]
        offset = int(request.args.get("offset") or 0)
        size = int(request.args.get("size") or 0) or 200
        part = found[offset : offset + size]
        return json_response(
            {
                "totalCount": len(found),
                "items": part,
                "attributes": {"objectType": "Collection"},
            }
        )

    def lines(self, request: Request, invoice: str) -> Response:
        """Billing lines, 2,000 a page, paged by token (B52)."""
        if request.args.get("provider") not in ("onetime", "OneTime"):
            raise model_binding("The value of provider is not valid.")
        if request.args.get("invoicelineitemtype") != "billinglineitems":
            raise model_binding("The value of invoicelineitemtype is not valid.")
        with self._vendor.lock:
            found = self._documents.lines(invoice, self._vendor.clock.now())
        if found is None:
            raise refuse(404, "2000", "The invoice could not be found.")
        size = min(int(request.args.get("size") or 0) or _MOST, _MOST)
        partner = self._vendor.authority.tenant_id
        given = request.headers.get(_HEADER)
        asked = token_position(partner, given) if given else 0
        start = self._vendor.shift_page(request, asked, size)
        following = start + size if start + size < len(found) else None
        token = None if following is None else cut_token(partner, following)
        # Numbers come as text in one answer and as numbers in the next (§6.1).
        as_text = (start // size) % 2 == 1
        items = [_wire(line, as_text=as_text) for line in found[start : start + size]]
        return json_response(_envelope(items, token))


def _envelope(items: list[Wire], token: str | None) -> Wire:
    body: Wire = {
        "totalCount": len(items),
        "items": items,
        "attributes": {"objectType": "Collection"},
        "links": {},
    }
    if token is not None:
        body["continuationToken"] = token
        body["links"]["next"] = {
            "uri": "/invoices/lineitems?seekOperation=Next",
            "method": "GET",
            "headers": [{"key": _HEADER, "value": token}],
        }
    return body


def _wire(line: Wire, *, as_text: bool) -> Wire:
    def number(value: Decimal | int) -> object:
        return format(value, "f") if as_text else float(value)

    return {
        name: number(value) if isinstance(value, Decimal | int) else value
        for name, value in line.items()
    }


def _fits(invoice: Wire, text: str | None) -> bool:
    """Whether an invoice's date lies in the span of a compound filter (§1.6)."""
    if not text:
        return True
    try:
        wanted = json.loads(text)
        bounds = {
            str(part["Operator"]): str(part["Value"])[:10]
            for part in (wanted["LeftFilter"], wanted["RightFilter"])
            if part["Field"] == "InvoiceDate"
        }
        first = bounds["greater_than_or_equals"]
        last = bounds["less_than_or_equals"]
    except (ValueError, KeyError, TypeError):
        raise refuse(400, "3000", "The filter cannot be read.") from None
    return first <= str(invoice["invoiceDate"])[:10] <= last
