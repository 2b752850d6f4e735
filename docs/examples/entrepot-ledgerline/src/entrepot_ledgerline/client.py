"""Calls to Ledgerline's API; answers come as wire records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec
from entrepot.sdk.context import Secrets
from entrepot.sdk.http import HttpResponse, HttpSession

from entrepot_ledgerline import wire
from entrepot_ledgerline.errors import error_for

T = TypeVar("T")
_LISTING = msgspec.json.Decoder(wire.Listing)
_OFFICE = msgspec.json.Decoder(wire.Office)
_POSITION = msgspec.json.Decoder(wire.Position)
_CLOSING = msgspec.json.Decoder(wire.Closing)
_TICKET = msgspec.json.Decoder(wire.Ticket)
_TICKETS = msgspec.json.Decoder(list[wire.Ticket])


@dataclass(frozen=True, slots=True)
class Call:
    """One write, as it is sent."""

    method: str
    path: str
    body: Mapping[str, object] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


class KeyAuth:
    """Signs calls with a key that does not change by itself."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets

    def headers(self) -> Mapping[str, str]:
        """Asked for before every attempt."""
        return {"Authorization": f"Bearer {self._secrets.get('api_key')}"}

    def refused(self, response: HttpResponse) -> bool:
        """After a 401: False, since the same key would be refused again."""
        return False


class LedgerlineClient:
    """One call's view of Ledgerline. Cheap to make; the pool belongs to core."""

    def __init__(self, http: HttpSession, address: str, secrets: Secrets) -> None:
        self._http = http.bound(
            base_url=address,
            auth=KeyAuth(secrets),
            errors=error_for,
            quota="api",
            request_id_headers=("X-Ledgerline-Request",),
        )

    def office(self) -> wire.Office:
        """The reseller's own tenant."""
        return self._read("/api/office", _OFFICE)

    def position(self, contract: str, position: str) -> wire.Position:
        """One line."""
        return self._read(f"/api/contracts/{contract}/positions/{position}", _POSITION)

    def closing(self, contract: str) -> wire.Closing:
        """How far an agreement is invoiced."""
        return self._read(f"/api/contracts/{contract}/closing", _CLOSING)

    def tickets(self, reference: str) -> list[wire.Ticket]:
        """Tickets with a reference."""
        params = {"reference": reference}
        answer = self._http.get("/api/tickets", params=params, expect_json=True)
        return answer.decode(_TICKETS)

    def add_ticket(self, body: Mapping[str, object]) -> wire.Ticket:
        """A new ticket; sent once."""
        return self._http.post("/api/tickets", json=body).decode(_TICKET)

    def add_note(self, ticket: str, text: str) -> None:
        """One more note on a ticket; sent once."""
        self._http.post(f"/api/tickets/{ticket}/notes", json={"text": text})

    def write(self, call: Call) -> HttpResponse:
        """Send one write, once; without a clear answer its outcome is unknown."""
        if call.method == "DELETE":
            # `delete` repeats after passing faults: it is gone either way.
            return self._http.delete(call.path, headers=call.headers, accept={404})
        send = self._http.post if call.method == "POST" else self._http.patch
        return send(call.path, json=call.body, headers=call.headers)

    def everything(self, path: str) -> list[wire.Position]:
        """All lines of an agreement."""
        found, marker = [], None
        while True:
            page = self.listing(path, marker, None)
            found += [_POSITION.decode(item) for item in page.items]
            if page.next is None:
                return found
            marker = page.next

    def listing(self, path: str, marker: str | None, size: int | None) -> wire.Listing:
        """One page of a listing, its items still encoded."""
        answer = self._http.raw_get(
            path, params={"after": marker, "limit": size}, expect_json=True
        )
        return answer.decode(_LISTING)

    def _read(self, path: str, decoder: msgspec.json.Decoder[T]) -> T:
        return self._http.get(path, expect_json=True).decode(decoder)
