"""Service tickets for people, one per reference (connectwise.md §12.3)."""

from __future__ import annotations

import hashlib

from entrepot.sdk import queries as ask
from entrepot.sdk.model import TicketOutcome

from . import wire
from .client import condition_text
from .links import console_link
from .runtime import Session, number

TICKETS = "service/tickets"
SUMMARY_LIMIT = 100
REFERENCE_LIMIT = 100


def create(session: Session, command: ask.CreateTicket) -> TicketOutcome:
    """Create a ticket, or add a note to the open one with the same reference.

    A note equal to the last one is not added again, so a repeated command does no
    more than the first.
    """
    reference = external_reference(command.reference)
    conditions = f"externalXRef={condition_text(reference)} and closedFlag=false"
    found = session.client.everything(TICKETS, wire.Ticket, conditions)
    if found:
        _add_note(session, found[0].id, _text(command))
        return _outcome(session, found[0].id, created=False)
    body: dict[str, object] = {
        "summary": command.summary[:SUMMARY_LIMIT],
        "recordType": "ServiceTicket",
        "company": {"id": number(command.company_id)},
        "externalXRef": reference,
    }
    if session.settings.ticket_board:
        body["board"] = {"name": session.settings.ticket_board}
    ticket, _ = session.client.write("POST", TICKETS, body, wire.Ticket)
    _add_note(session, ticket.id, _text(command))
    return _outcome(session, ticket.id, created=True)


def external_reference(reference: str) -> str:
    """Our reference as it fits into `externalXRef`; long ones are hashed."""
    text = f"entrepot:{reference}"
    if len(text) <= REFERENCE_LIMIT:
        return text
    return f"entrepot:{hashlib.sha256(reference.encode()).hexdigest()}"


def _add_note(session: Session, ticket_id: int, text: str) -> None:
    path = f"{TICKETS}/{ticket_id}/notes"
    present = session.client.everything(path, wire.TicketNote)
    if any(_flat(one.text or "") == _flat(text) for one in present):
        return
    note = {"text": text, "internalAnalysisFlag": True, "internalFlag": True}
    session.client.write("POST", path, note, wire.TicketNote)


def _text(command: ask.CreateTicket) -> str:
    return "\n".join((command.body, *command.links))


def _flat(text: str) -> str:
    return " ".join(text.split())


def _outcome(session: Session, ticket_id: int, *, created: bool) -> TicketOutcome:
    query = ask.GetConsoleLink(kind="ticket", object_id=str(ticket_id))
    url = console_link(session.runtime.site, query) or ""
    return TicketOutcome(vendor_id=str(ticket_id), url=url, created=created)
