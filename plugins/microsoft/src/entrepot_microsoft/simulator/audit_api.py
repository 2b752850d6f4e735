"""``/v1/auditrecords`` and the single records that webhooks name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import unquote

from entrepot.sdk.simulator import json_response
from werkzeug.wrappers import Request, Response

from entrepot_microsoft.simulator.audit import (
    Record,
    cut_token,
    span,
    token_position,
)
from entrepot_microsoft.simulator.model import Wire
from entrepot_microsoft.simulator.refusals import refuse

if TYPE_CHECKING:
    from entrepot_microsoft.simulator.app import MicrosoftSimulator

_HEADER = "MS-ContinuationToken"
_MOST = 500


class AuditApi:
    """Endpoints of the activity log (§6.3)."""

    def __init__(self, vendor: MicrosoftSimulator) -> None:
        self._vendor = vendor
        vendor.route("GET", "/v1/auditrecords", self.list)
        vendor.route("GET", "/v1/auditrecords/<record>", self.get)
        vendor.route("GET", "/auditactivity/v1/auditrecords/<record>", self.get)

    def list(self, request: Request) -> Response:
        """Records of a span, newest first, paged by token."""
        now = self._vendor.clock.now()
        first, last = span(
            request.args.get("startDate"), request.args.get("endDate"), now
        )
        size = min(int(request.args.get("size") or 0) or _MOST, _MOST)
        partner = self._vendor.authority.tenant_id
        given = request.headers.get(_HEADER)
        asked = token_position(partner, given) if given else 0
        start = self._vendor.shift_page(request, asked, size)
        with self._vendor.lock:
            found = self._vendor.audit.between(first, last)
        found = [r for r in found if _fits(r, request.args.get("filter"))]
        items = [r.as_json(partner) for r in found[start : start + size]]
        following = start + size if start + size < len(found) else None
        token = None if following is None else cut_token(partner, following)
        return json_response(_envelope(items, token))

    def get(self, request: Request, record: str) -> Response:
        """One record."""
        del request
        with self._vendor.lock:
            return json_response(self._vendor.audit.by_id(record))


def _envelope(items: list[Wire], token: str | None) -> Wire:
    links: Wire = {"self": {"uri": "/auditrecords", "method": "GET", "headers": []}}
    body: Wire = {
        "totalCount": len(items),
        "items": items,
        "links": links,
        "attributes": {"objectType": "Collection"},
    }
    if token is not None:
        body["continuationToken"] = token
        links["next"] = {
            "uri": "/auditrecords?seekOperation=Next",
            "method": "GET",
            "headers": [{"key": _HEADER, "value": token}],
        }
    return body


def _fits(record: Record, text: str | None) -> bool:
    if not text:
        return True
    try:
        wanted = json.loads(unquote(text))
        field, value = str(wanted["Field"]), str(wanted["Value"]).lower()
    except (ValueError, KeyError, TypeError):
        raise refuse(400, "3000", "The filter cannot be read.") from None
    if field == "CustomerId":
        return record.customer_id == value
    if field == "ResourceType":
        return record.resource_type.replace("_", "") == value.replace("_", "")
    if field == "CompanyName":
        return value in record.customer_name.lower()
    raise refuse(400, "3000", f"{field} cannot be filtered.")
