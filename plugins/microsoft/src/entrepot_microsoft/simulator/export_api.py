"""The billing export of the Graph API (reference §6.2, B53)."""

from __future__ import annotations

import gzip
import hashlib
import json
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from entrepot.sdk.model import Period
from entrepot.sdk.model.time import add_months
from entrepot.sdk.simulator import json_response
from werkzeug.wrappers import Request, Response

from entrepot_microsoft.simulator import metering, render
from entrepot_microsoft.simulator.invoices import Documents
from entrepot_microsoft.simulator.model import Wire
from entrepot_microsoft.simulator.refusals import Refusal

if TYPE_CHECKING:
    from entrepot_microsoft.simulator.app import MicrosoftSimulator

_ROOT = "/v1.0/reports/partners/billing"
_LIVES = timedelta(hours=6)  # of an operation and its key
_READY = 2  # looks until it is done
_LINES = 2_500


@dataclass(slots=True)
class Export:
    """An export that somebody asked for."""

    id: str
    created: datetime
    key: str
    looks: int = 0
    blobs: dict[str, bytes] = field(default_factory=dict)
    tag: str = ""


class ExportApi:
    """Asking for exports, looking at them, and their files.

    Attributes:
        wait: Seconds after which a caller shall look again.
        lines: Lines of a file.
    """

    def __init__(self, vendor: MicrosoftSimulator) -> None:
        self._vendor = vendor
        self._documents = Documents(vendor.book, vendor.authority.tenant_id)
        self._exports: dict[str, Export] = {}
        self.wait = vendor.options.extra.get("export_wait", "0")
        self.lines = int(vendor.options.extra.get("export_lines", str(_LINES)))
        vendor.route("POST", f"{_ROOT}/<kind>/<scope>/export", self.start)
        vendor.route("GET", f"{_ROOT}/operations/<operation>", self.operation)
        vendor.route("GET", f"{_ROOT}/manifests/<manifest>", self.manifest)
        vendor.route("GET", "/blobs/<operation>/<name>", self.blob)

    def start(self, request: Request, kind: str, scope: str) -> Response:
        """Begin an export: 202, and where to look."""
        if kind not in ("usage", "reconciliation") or scope not in (
            "billed",
            "unbilled",
        ):
            raise graph(404, "ResourceNotFound", "No such export.")
        try:
            body = json.loads(request.get_data())
        except ValueError:
            raise graph(400, "BadRequest", "The body is no JSON.") from None
        vendor, now = self._vendor, self._vendor.clock.now()
        with vendor.lock:
            rows = self._rows(kind, scope, body, now)
            made = Export(str(uuid.uuid4()), now, f"sig={uuid.uuid4().hex}")
            for number, start in enumerate(range(0, len(rows), self.lines)):
                part = rows[start : start + self.lines]
                made.blobs[f"part-{number:05d}.json.gz"] = _packed(part)
            made.tag = hashlib.sha256(b"".join(made.blobs.values())).hexdigest()[:16]
            self._exports[made.id] = made
        where = f"{vendor.base_url}{_ROOT}/operations/{made.id}"
        return Response(
            status=202, headers={"Location": where, "Retry-After": self.wait}
        )

    def _rows(self, kind: str, scope: str, body: Wire, now: datetime) -> list[Wire]:
        if body.get("attributeSet") not in ("full", "basic"):
            raise graph(400, "BadRequest", "attributeSet is full or basic.")
        partner = self._vendor.authority.tenant_id
        if scope == "billed":
            number = str(body.get("invoiceId", ""))
            month = self._documents.month(number, now)
            if month is None:
                raise graph(404, "ResourceNotFound", "The invoice was not found.")
            if kind == "usage":
                return list(
                    metering.lines(self._vendor.book, partner, month, number, now)
                )
            return _pascal(self._documents.lines(number, now) or [])
        month = _unbilled(body, now)
        if self._documents.is_out(month, now):
            return []
        if kind == "usage":
            return list(metering.lines(self._vendor.book, partner, month, "", now))
        return _pascal(self._documents.unbilled(month, now))

    def operation(self, request: Request, operation: str) -> Response:
        """How far an export is; failed with 5000 when it has no line."""
        del request
        now = self._vendor.clock.now()
        with self._vendor.lock:
            found = self._alive(operation, now)
            found.looks += 1
            status = ("notStarted", "running")[min(found.looks, 2) - 1]
            body: Wire = {
                "id": found.id,
                "createdDateTime": render.moment(found.created, 0),
                "lastActionDateTime": render.moment(now, 0),
            }
            if found.looks <= _READY:
                body["status"] = status
                return json_response(body, headers={"Retry-After": self.wait})
            if not found.blobs:
                body["status"] = "failed"
                body["error"] = {"code": "5000", "message": "No data available."}
                return json_response(body)
            body["status"] = "succeeded"
            body["resourceLocation"] = self._manifest(found)
        return json_response(body)

    def manifest(self, request: Request, manifest: str) -> Response:
        """The files of an export."""
        del request
        with self._vendor.lock:
            found = self._alive(manifest, self._vendor.clock.now())
            return json_response(self._manifest(found))

    def blob(self, request: Request, operation: str, name: str) -> Response:
        """One file, for whoever has the key."""
        with self._vendor.lock:
            found = self._exports.get(operation)
            late = found is None or self._late(found, self._vendor.clock.now())
        key = request.query_string.decode()
        if found is None or late or key != found.key:
            text = "<Error><Code>AuthenticationFailed</Code></Error>"
            return Response(text, status=403, content_type="application/xml")
        if name not in found.blobs:
            return Response("<Error><Code>BlobNotFound</Code></Error>", status=404)
        return Response(found.blobs[name], content_type="application/octet-stream")

    def _alive(self, operation: str, now: datetime) -> Export:
        found = self._exports.get(operation)
        if found is None:
            raise graph(404, "ResourceNotFound", "No such operation.")
        if self._late(found, now):
            raise graph(410, "Gone", "The operation has expired.")
        return found

    def _late(self, found: Export, now: datetime) -> bool:
        return now - found.created > _LIVES

    def _manifest(self, found: Export) -> Wire:
        return {
            "id": found.id,
            "schemaVersion": "2",
            "dataFormat": "compressedJSONLines",
            "createdDateTime": render.moment(found.created, 0),
            "eTag": found.tag,
            "partnerTenantId": self._vendor.authority.tenant_id,
            "rootDirectory": f"{self._vendor.base_url}/blobs/{found.id}",
            "sasToken": found.key,
            "partitionType": "default",
            "blobCount": len(found.blobs),
            "blobs": [
                {"name": name, "partitionValue": "default"} for name in found.blobs
            ],
        }


def graph(status: int, code: str, message: str) -> Refusal:
    """A refusal in the shape of the Graph API."""
    body = {"error": {"code": code, "message": message}}
    return Refusal(json_response(body, status=status))


def _unbilled(body: Wire, now: datetime) -> Period:
    if not isinstance(body.get("currencyCode"), str) or len(body["currencyCode"]) != 3:
        raise graph(400, "BadRequest", "currencyCode is not valid.")
    this = now.date().replace(day=1)
    months = {"current": this, "last": add_months(this, -1)}
    if body.get("billingPeriod") not in months:
        raise graph(400, "BadRequest", "billingPeriod is current or last.")
    start = months[body["billingPeriod"]]
    return Period(start, add_months(start, 1))


def _pascal(lines: Iterable[Wire]) -> list[Wire]:
    """Billing lines with the columns of the reconciliation file."""
    return [
        {
            f"{name[:1].upper()}{name[1:]}": value
            for name, value in line.items()
            if not name.startswith("attributes")
        }
        for line in lines
    ]


def _packed(rows: list[Wire]) -> bytes:
    text = "\n".join(json.dumps(row, default=_number) for row in rows)
    return gzip.compress(text.encode(), 1, mtime=0)


def _number(value: Any) -> str:  # noqa: ANN401 - what json does not know
    if isinstance(value, Decimal):
        return format(value, "f")
    msg = f"{type(value).__name__} has no JSON form"
    raise TypeError(msg)
