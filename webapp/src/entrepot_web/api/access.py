"""Who may call, and how often: bearer tokens and the budget of calls."""

from __future__ import annotations

from flask import g, request
from limits.storage import Storage

from entrepot_web.api.problem import ApiError
from entrepot_web.auth.tokens import TokenInvalid, Tokens
from entrepot_web.context import hub

CALLS = 1200
WINDOW_SECONDS = 60
_CHALLENGE = 'Bearer realm="entrepot", error="invalid_token"'


def authenticate(tokens: Tokens) -> None:
    """Set the actor from the request's bearer token.

    Raises:
        ApiError: 401 when there is none or it can't be believed.
    """
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not token.strip():
        raise _refused("Send an access token: Authorization: Bearer <token>.")
    try:
        g.actor = tokens.read(token.strip(), hub().clock.now())
    except TokenInvalid as error:
        raise _refused(str(error)) from error


class CallBudget:
    """How often one credential may call.

    It counts in the same storage as the sign-in limits, but without their rule
    engine: that costs more than many an answer.

    Args:
        storage: The counters shared by all processes.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def take(self, caller: str) -> None:
        """Count one call.

        Raises:
            ApiError: 429 when the window's calls are used up.
        """
        key = f"api/{caller}"
        if self._storage.incr(key, WINDOW_SECONDS) <= CALLS:
            return
        left = self._storage.get_expiry(key) - hub().clock.now().timestamp()
        raise ApiError(
            status=429,
            code="too_many_requests",
            detail=f"At most {CALLS} calls in {WINDOW_SECONDS} seconds.",
            headers={"Retry-After": str(max(1, round(left)))},
            retryable=True,
            next_steps=("wait",),
        )


def _refused(detail: str) -> ApiError:
    return ApiError(
        status=401,
        code="unauthenticated",
        detail=detail,
        headers={"WWW-Authenticate": _CHALLENGE},
        next_steps=("request_token",),
    )
