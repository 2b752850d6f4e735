"""Ledgerline's refusals."""

from __future__ import annotations

import msgspec
from entrepot.sdk.errors import AuthRequired, Conflict, EntrepotError, Rejected
from entrepot.sdk.http import HttpResponse

from entrepot_ledgerline.wire import Fault

_FAULT = msgspec.json.Decoder(Fault)


def error_for(response: HttpResponse) -> EntrepotError | None:
    """The error of a refusal; None leaves it to the usual reading."""
    if response.status == 401:
        return AuthRequired(
            "key_refused",
            "Ledgerline does not accept the API key of this connection.",
            vendor_request_id=response.request_id,
            field="api_key",
            remedy="Make a new key in the Ledgerline console and enter it here.",
        )
    fault = _fault(response)
    if response.status == 409:
        return Conflict(
            fault.code or "changed",
            "The line was changed in Ledgerline since it was compared.",
            vendor_request_id=response.request_id,
            remedy="Compare again and approve the new plan.",
        )
    if response.status == 422:
        return Rejected(
            fault.code or "refused",
            "Ledgerline refuses this request.",
            detail=fault.text[:200],
            vendor_request_id=response.request_id,
        )
    return None


def _fault(response: HttpResponse) -> Fault:
    try:
        return _FAULT.decode(response.content)
    except msgspec.MsgspecError:
        return Fault()  # a gateway's page instead of Ledgerline's JSON
