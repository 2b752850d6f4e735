"""Which failures stop a connection, and what the reseller is told."""

from __future__ import annotations

from dataclasses import dataclass

from entrepot.sdk.errors import (
    AuthRequired,
    ConfigInvalid,
    EntrepotError,
    NotFound,
    Rejected,
    Retryable,
)

UNREACHABLE = frozenset(
    {"host_unknown", "host_unreachable", "connect_timeout", "tls_failed"}
)
"""Codes of the transport that say: nobody answers at this address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parking:
    """Why a connection is parked: one sentence, one remedy."""

    code: str
    message: str
    remedy: str
    field: str | None = None


def parking_of(error: EntrepotError) -> Parking | None:
    """Why any job's failure parks the connection; None when it does not.

    Only what a person must mend parks: credentials, consent, settings.
    """
    if isinstance(error, AuthRequired):
        return _parking(error, "Sign in again: enter valid credentials or consent.")
    if isinstance(error, ConfigInvalid):
        return _parking(error, "Correct the connection's settings.")
    return None


def parking_of_check(error: EntrepotError) -> Parking | None:
    """Why a failed *check* parks the connection; None for a passing fault.

    A check asks one simple question. Where nobody answers at the address, or the
    account itself is refused or unknown, the settings are the likely cause; a later
    check that succeeds takes the connection up again by itself.
    """
    usual = parking_of(error)
    if usual is not None:
        return usual
    if isinstance(error, Retryable) and error.code in UNREACHABLE:
        return _parking(error, "Check the address in the settings and the network.")
    if isinstance(error, Rejected | NotFound):
        return _parking(error, "Check the account and its rights on the other side.")
    return None


def _parking(error: EntrepotError, remedy: str) -> Parking:
    return Parking(
        code=error.code[:80],
        message=error.user_message,
        remedy=error.info.remedy or remedy,
        field=error.info.field,
    )
