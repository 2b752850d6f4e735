"""Errors of the border, grouped by what the caller does next.

A plugin raises these and nothing else; core turns any other exception into
`PluginBug`. An error carries texts and ids, never a response object, so that it can
be stored, shown and logged without leaking what the vendor answered.
"""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorInfo:
    """What is known about a failure, ready to be stored.

    Attributes:
        code: Stable machine word, ours or the vendor's.
        user_message: One sentence a reseller understands.
        detail: Technical text for support; redacted; empty when there is none.
        vendor_request_id: The vendor's own id of the failed call, or None.
        field: Name of the setting or request field at fault, or None.
        remedy: The one thing to do next, or None when there is nothing to do.
        after: Seconds to wait before a retry makes sense, or None.
    """

    code: str
    user_message: str
    detail: str = ""
    vendor_request_id: str | None = None
    field: str | None = None
    remedy: str | None = None
    after: float | None = None


class EntrepotError(Exception):
    """Root of all errors a plugin may raise.

    Args:
        code: Stable machine word.
        user_message: One sentence a reseller understands.
        detail: Technical text for support, without secrets.
        vendor_request_id: The vendor's id of the failed call.
        field: Name of the setting or request field at fault.
        remedy: The one thing to do next.
        after: Seconds to wait before a retry makes sense.
    """

    def __init__(
        self,
        code: str,
        user_message: str,
        *,
        detail: str = "",
        vendor_request_id: str | None = None,
        field: str | None = None,
        remedy: str | None = None,
        after: float | None = None,
    ) -> None:
        super().__init__(user_message)
        self.info = ErrorInfo(
            code=code,
            user_message=user_message,
            detail=detail,
            vendor_request_id=vendor_request_id,
            field=field,
            remedy=remedy,
            after=after,
        )

    @property
    def code(self) -> str:
        """The stable machine word."""
        return self.info.code

    @property
    def user_message(self) -> str:
        """The sentence for people."""
        return self.info.user_message

    @property
    def after(self) -> float | None:
        """Seconds to wait before a retry makes sense; None when unknown."""
        return self.info.after

    def __str__(self) -> str:
        return f"{self.info.user_message} [{self.info.code}]"

    def __reduce__(self) -> tuple[object, ...]:
        return (
            _rebuild,
            (
                type(self),
                {f.name: getattr(self.info, f.name) for f in fields(self.info)},
            ),
        )


def _rebuild(kind: type[EntrepotError], values: dict[str, object]) -> EntrepotError:
    return kind(**values)  # type: ignore[arg-type]  # the fields of ErrorInfo are the arguments


class Retryable(EntrepotError):
    """A passing fault: reschedule, respecting `after`."""


class RateLimited(Retryable):
    """The vendor asks for fewer calls; `after` holds the seconds it named."""


class AuthRequired(EntrepotError):
    """Credentials or consent no longer work: park the connection, no retry."""


class ConfigInvalid(EntrepotError):
    """A setting is wrong: park the connection and show `field`."""


class Rejected(EntrepotError):
    """The vendor refuses for a business reason: show it, do not retry."""


class NotFound(EntrepotError):
    """The object does not exist (any more): reconcile that object."""


class Conflict(EntrepotError):
    """The object is in another state than expected: read it again."""


class Unsupported(EntrepotError):
    """The vendor or this product cannot do it: hide the action."""


class OutcomeUnknown(EntrepotError):
    """A write may have happened: never resend, look up by our reference."""


class PluginBug(EntrepotError):
    """The plugin broke its contract. Raised by core only."""
