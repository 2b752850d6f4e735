"""OAuth 2.0 client credentials: a credential becomes a short-lived access token."""

from __future__ import annotations

import base64
import binascii

import msgspec
from entrepot.hub.users.credentials import Credential
from flask import Response, request

from entrepot_web.api.frame import Operation, Resource
from entrepot_web.api.problem import MEDIA_TYPE, ApiError
from entrepot_web.api.shapes import Shape
from entrepot_web.context import hub, parts, trace_id

oauth = Resource("oauth", "Access tokens for machines.")


class Token(Shape, frozen=True, kw_only=True):
    """An access token. Use it as ``Authorization: Bearer <access_token>``."""

    access_token: str
    token_type: str
    expires_in: int
    scope: str


@oauth.operation(
    "POST",
    "/oauth/token",
    Operation(
        permission=None,
        returns=Token,
        errors=(401, 413, 415),
        form=(
            ("grant_type", True),
            ("client_id", False),
            ("client_secret", False),
            ("scope", False),
        ),
    ),
)
def issue_token() -> Response | Token:
    """Exchange a client id and secret for an access token.

    Form fields: ``grant_type=client_credentials``, optionally ``scope``; the client
    authenticates by HTTP Basic or by ``client_id`` and ``client_secret``.
    """
    try:
        credential = _client()
        scopes = _scopes(credential)
    except _Refused as refused:
        return refused.answer()
    now = hub().clock.now()
    issued = parts().tokens.issue(credential, scopes, now)
    return Token(
        access_token=issued.token,
        token_type="Bearer",  # noqa: S106 - a word of the protocol
        expires_in=issued.expires_in,
        scope=issued.scope,
    )


class _Refused(Exception):
    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(description)
        self.status = status
        self.error = error

    def answer(self) -> Response:
        """Return the refusal as RFC 6749 and RFC 9457 want it."""
        body = {
            "type": f"urn:entrepot:problem:{self.error.replace('_', '-')}",
            "title": "Token refused",
            "status": self.status,
            "detail": str(self),
            "instance": request.path,
            "code": self.error,
            "trace_id": trace_id(),
            "retryable": False,
            "errors": [],
            "next_steps": [],
            "error": self.error,
            "error_description": str(self),
        }
        answer = Response(msgspec.json.encode(body), self.status, mimetype=MEDIA_TYPE)
        if self.status == 401:
            answer.headers["WWW-Authenticate"] = 'Basic realm="entrepot"'
        return answer


def _client() -> Credential:
    if request.mimetype != "application/x-www-form-urlencoded":
        raise ApiError(
            status=415,
            code="unsupported_media_type",
            detail="Send the fields as application/x-www-form-urlencoded.",
        )
    if request.form.get("grant_type") != "client_credentials":
        raise _Refused(
            400, "unsupported_grant_type", "Use grant_type=client_credentials."
        )
    client_id, secret = _basic() or (
        request.form.get("client_id", ""),
        request.form.get("client_secret", ""),
    )
    found = None
    if client_id and secret and "\0" not in client_id:
        found = hub().credentials.authenticate(client_id, secret)
    if found is None:
        raise _Refused(401, "invalid_client", "Client id or secret is wrong.")
    return found


def _basic() -> tuple[str, str] | None:
    kind, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        name, _, secret = base64.b64decode(encoded).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return ("", "")
    return name, secret


def _scopes(credential: Credential) -> tuple[str, ...]:
    wanted = tuple(request.form.get("scope", "").split())
    unknown = sorted(set(wanted) - set(credential.scopes))
    if unknown:
        raise _Refused(
            400, "invalid_scope", f"The credential doesn't hold {unknown[0][:80]}."
        )
    return wanted or credential.scopes
