"""Who may call what: bearer tokens, scopes, idempotency and rate limits."""

from __future__ import annotations

from flask import g, request

from entrepot_web.api.problem import ApiError
from entrepot_web.auth.tokens import TokenInvalid, Tokens
from entrepot_web.context import hub

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


def _refused(detail: str) -> ApiError:
    return ApiError(
        status=401,
        code="unauthenticated",
        detail=detail,
        headers={"WWW-Authenticate": _CHALLENGE},
        next_steps=("request_token",),
    )
