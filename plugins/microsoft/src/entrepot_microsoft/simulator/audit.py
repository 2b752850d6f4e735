"""The activity log: one record for each change, kept for ninety days (§6.3)."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from entrepot_microsoft.simulator import render
from entrepot_microsoft.simulator.model import Wire
from entrepot_microsoft.simulator.refusals import refuse

KEPT = timedelta(days=90)
DEFAULT = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Somebody did something."""

    number: int
    at: datetime
    customer_id: str
    customer_name: str
    resource_type: str
    operation: str
    resource_id: str
    user: str = "admin@partner.example"
    details: dict[str, str] = field(default_factory=dict)
    new_value: str = ""

    def as_json(self, partner_id: str) -> Wire:
        """The record as the wire has it; values are JSON strings (§6.3)."""
        ticks = int(self.at.timestamp() * 10_000_000) + 621_355_968_000_000_000
        resource = self.resource_type.title().replace("_", "")
        return {
            "id": f"{partner_id}_{self.customer_id}_{resource}_{self.operation}_{ticks}"
            f"{self.number}",
            "partnerId": partner_id,
            "customerId": self.customer_id,
            "customerName": self.customer_name,
            "userPrincipalName": self.user,
            "applicationId": "Partner Center Native App",
            "resourceType": self.resource_type,
            "resourceNewValue": self.new_value,
            "operationType": self.operation,
            "originalCorrelationId": "",
            "operationDate": render.moment(self.at, 3),
            "operationStatus": "succeeded",
            "customizedData": [
                {"key": key, "value": value} for key, value in self.details.items()
            ],
            "attributes": {"objectType": "AuditRecord"},
        }


class AuditLog:
    """All records of the tenant, oldest first.

    Args:
        partner_id: The partner's tenant id.
    """

    def __init__(self, partner_id: str) -> None:
        self.partner_id = partner_id
        self._records: list[Record] = []

    def __len__(self) -> int:
        return len(self._records)

    def note(
        self,
        at: datetime,
        customer_id: str,
        customer_name: str,
        resource_type: str,
        operation: str,
        resource_id: str,
        details: dict[str, str] | None = None,
        value: Wire | None = None,
    ) -> Record:
        """Write a record and return it."""
        record = Record(
            number=len(self._records) + 1,
            at=at,
            customer_id=customer_id,
            customer_name=customer_name,
            resource_type=resource_type,
            operation=operation,
            resource_id=resource_id,
            details=details or {},
            new_value=json.dumps(_pascal(value)) if value else "",
        )
        self._records.append(record)
        return record

    def between(self, first: datetime, last: datetime) -> list[Record]:
        """Records of a span, newest first as the vendor lists them."""
        found = [r for r in self._records if first <= r.at < last]
        return sorted(found, key=lambda r: (r.at, r.number), reverse=True)

    def by_id(self, record_id: str) -> Wire:
        """One record; the webhook's ``AuditUri`` names it.

        Raises:
            Refusal: 404 when there is none.
        """
        for record in self._records:
            body = record.as_json(self.partner_id)
            if body["id"] == record_id:
                return body
        raise refuse(404, "1000", "The audit record was not found.")


def span(
    start: str | None, end: str | None, now: datetime
) -> tuple[datetime, datetime]:
    """First and last moment asked for; both notations of a date are read (§6.3).

    Raises:
        Refusal: 400 for more than ninety days back or an unreadable date.
    """
    first = _day(start, now) if start else now - DEFAULT
    last = _day(end, now) + timedelta(days=1) if end else now + timedelta(days=1)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if first < midnight - KEPT:
        raise refuse(400, "2000", "startDate: only 90 days of records are kept.")
    return first, last


def _day(text: str, now: datetime) -> datetime:
    for notation in ("%Y-%m-%d", "%m/%d/%Y", "%m/%d/%Y %I:%M:%S %p"):
        try:
            found = datetime.strptime(text, notation)  # noqa: DTZ007 - zone below
        except ValueError:
            continue
        return found.replace(tzinfo=now.tzinfo)
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise refuse(400, "3000", f"not a date: {text}") from None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=now.tzinfo)


def cut_token(partner_id: str, position: int) -> str:
    """A continuation token with the characters real ones have (§1.5, T01)."""
    # These bytes give + and /, the length gives = at the end.
    inner = b"\xfb\xff\xfe" + f"{position:07d}".encode()
    middle = base64.b64encode(inner).decode()
    head = partner_id[:8]
    return f"{head}-0000-4000-8000-{position:012d},{head}_a/{middle},{partner_id}"


def token_position(partner_id: str, token: str) -> int:
    """The position a token stands for.

    Raises:
        Refusal: 400 ``2000`` when it is not one of ours, byte by byte.
    """
    try:
        position = int(token.split(",")[0].rsplit("-", 1)[1])
    except (IndexError, ValueError):
        raise refuse(400, "2000", "The continuation token is not valid.") from None
    if token != cut_token(partner_id, position):
        raise refuse(400, "2000", "The continuation token is not valid.")
    return position


def _pascal(value: Wire) -> Wire:
    return {key[:1].upper() + key[1:]: item for key, item in value.items()}
