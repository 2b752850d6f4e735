"""Changes of lines: planned, sent once, read back, found again."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from entrepot.sdk.errors import Conflict, NotFound, Unsupported
from entrepot.sdk.model import (
    AgreementLine,
    BillCustomer,
    LineChange,
    LineChangeKind,
    LineOutcome,
    OutcomeState,
    PlannedCall,
)

from entrepot_ledgerline import mapping, wire
from entrepot_ledgerline.client import Call, LedgerlineClient

_POSITION = msgspec.json.Decoder(wire.Position)
_WORDS = {
    LineChangeKind.CREATE: ("POST", "Add a line of {quantity} of {product}."),
    LineChangeKind.SET_QUANTITY: ("PATCH", "Set line {line} to {quantity}."),
    LineChangeKind.SET_END: ("PATCH", "End line {line} on {ends}."),
    LineChangeKind.SET_FIELDS: ("PATCH", "Change fields of line {line}."),
    LineChangeKind.DELETE: ("DELETE", "Delete line {line}."),
}


def planned(change: LineChange) -> PlannedCall:
    """The exact call of a change, for people; nothing is sent."""
    call = _call(change)
    _, sentence = _WORDS[change.kind]
    return PlannedCall(
        description=sentence.format(
            quantity=change.quantity,
            product=change.product_id,
            line=change.line_id,
            ends=change.ends or "no day",
        ),
        method=call.method,
        target=call.path,
        body=msgspec.json.encode(call.body).decode() if call.body else "",
    )


def apply(client: LedgerlineClient, change: LineChange) -> LineOutcome:
    """Carry out one change and read the line back.

    Raises:
        Conflict: the line is not as expected; nothing was written.
        OutcomeUnknown: it may have been written.
    """
    call = _call(change)
    if change.kind is not LineChangeKind.CREATE:
        _expect(client, change)
    answer = client.write(call)
    if change.kind is LineChangeKind.DELETE:
        return LineOutcome(state=OutcomeState.DONE, vendor_request_id=answer.request_id)
    written = answer.decode(_POSITION)
    line = mapping.line(client.position(written.contract, written.id))
    wrong = _differences(change, line)
    return LineOutcome(
        state=OutcomeState.REJECTED if wrong else OutcomeState.DONE,
        line=line,
        vendor_request_id=answer.request_id,
        message=f"Ledgerline did not store: {', '.join(wrong)}." if wrong else "",
    )


def find(client: LedgerlineClient, change: LineChange) -> AgreementLine | None:
    """The line an earlier change wrote; None when it certainly wrote nothing.

    Ledgerline stores our reference with the line, so it can be told.
    """
    path = f"/api/contracts/{change.agreement_id}/positions"
    for position in client.everything(path):
        if position.reference == change.reference:
            return mapping.line(position)
    return None


def _call(change: LineChange) -> Call:
    method, _ = _WORDS[change.kind]
    path = f"/api/contracts/{change.agreement_id}/positions"
    if change.kind is LineChangeKind.CREATE:
        return Call(method, path, _body(change))
    if change.line_id is None:
        raise Unsupported("line_missing", f"{change.kind} needs a line.")
    # Ledgerline carries out a change only while the line has this version.
    guard = {"If-Match": change.expected_token} if change.expected_token else {}
    body = {} if change.kind is LineChangeKind.DELETE else _body(change)
    return Call(method, f"{path}/{change.line_id}", body, guard)


def _body(change: LineChange) -> dict[str, object]:
    body: dict[str, object | None] = {
        "article": change.product_id,
        "amount": change.quantity,
        "price": change.unit_price,
        "text": change.invoice_text,
        "since": change.effective,
        "until": change.ends,
        "billed": None if change.bill is None else _billed(change),
    }
    given = {name: value for name, value in body.items() if value is not None}
    if change.kind is LineChangeKind.SET_END:
        given["until"] = change.ends
    ready: Mapping[str, object] = msgspec.to_builtins(given)
    return {**ready, "reference": change.reference}


def _billed(change: LineChange) -> bool:
    return change.bill is BillCustomer.BILLABLE


def _expect(client: LedgerlineClient, change: LineChange) -> None:
    try:
        now = client.position(change.agreement_id, change.line_id or "")
    except NotFound:
        if change.kind is LineChangeKind.DELETE:
            return
        raise
    if change.expected_token not in (None, str(now.version)):
        raise Conflict(
            "line_changed",
            "The line was changed in Ledgerline since it was compared.",
            remedy="Compare again and approve the new plan.",
        )


def _differences(change: LineChange, line: AgreementLine) -> list[str]:
    wanted = {
        "product_id": change.product_id,
        "quantity": change.quantity,
        "unit_price": change.unit_price,
        "invoice_text": change.invoice_text,
        "effective": change.effective,
        "ends": change.ends,
        "bill": change.bill,
    }
    return [
        name
        for name, value in wanted.items()
        if value is not None and getattr(line, name) != value
    ]
