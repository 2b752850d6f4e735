"""The token endpoint: signed assertions, delegation, scopes (§2.1)."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from entrepot.sdk.simulator import json_response
from werkzeug.wrappers import Request, Response

from entrepot_google.simulator import keys
from entrepot_google.simulator.refusals import oauth, refuse

AUDIENCE = "https://oauth2.googleapis.com/token"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SCOPE = "https://www.googleapis.com/auth/"
ORDER = f"{SCOPE}apps.order"
READ_ORDER = f"{SCOPE}apps.order.readonly"
PUBSUB = f"{SCOPE}pubsub"
BIGQUERY = f"{SCOPE}bigquery"
CLOUD = f"{SCOPE}cloud-platform"
ACCOUNT_KEY = "hub service account"
KEY_ID = "simulated-key-1"
_SKEW = 86_400  # Google allows minutes; hubs under test have clocks of their own


@dataclass(slots=True)
class Token:
    """An access token that was issued.

    Attributes:
        subject: The administrator it acts for; empty for the account itself.
    """

    subject: str
    scopes: frozenset[str]
    expires: datetime


class Authority:
    """Issues and judges tokens of one service account in one reseller domain.

    Attributes:
        email: The service account.
        admin: The administrator it may act for.
        delegated: Scopes authorised in the Admin console, for acting for others.
        lifetime: Seconds an access token lives.
        key_valid: False once the key was deleted.
        skew: Seconds the clock of a caller may differ.
    """

    def __init__(self, options: Mapping[str, str]) -> None:
        self.project = options.get("project", "reseller-hub")
        self.email = f"hub@{self.project}.iam.gserviceaccount.com"
        self.admin = options.get("admin", "admin@reseller.example")
        self.delegated = {ORDER}
        self.lifetime = int(options.get("lifetime", "3599"))
        self.key_valid = True
        self.skew = int(options.get("skew", _SKEW))
        self._issued: dict[str, Token] = {}

    def key_file(self, token_uri: str) -> str:
        """The JSON key file of the service account."""
        return msgspec.json.encode(
            {
                "type": "service_account",
                "project_id": self.project,
                "private_key_id": KEY_ID,
                "private_key": keys.pem(ACCOUNT_KEY),
                "client_email": self.email,
                "client_id": "112233445566778899001",
                "token_uri": token_uri,
            }
        ).decode()

    def issue(self, request: Request, now: datetime) -> Response:
        """Judge an assertion and answer with a token.

        Raises:
            Refusal: As the token endpoint refuses.
        """
        if request.form.get("grant_type") != GRANT:
            raise oauth(400, "unsupported_grant_type", "Invalid grant_type.")
        claims = self._claims(request.form.get("assertion", ""))
        self._check_times(claims, now)
        scopes = frozenset(str(claims.get("scope", "")).split())
        subject = str(claims.get("sub", ""))
        self._check_rights(subject, scopes)
        token = f"ya29.simulated-{secrets.token_urlsafe(24)}"
        expires = now + timedelta(seconds=self.lifetime)
        self._issued[token] = Token(subject, scopes, expires)
        return json_response(
            {
                "access_token": token,
                "expires_in": self.lifetime,
                "token_type": "Bearer",
            }
        )

    def judge(self, request: Request, now: datetime, accepted: set[str]) -> Token:
        """The token of a request.

        Raises:
            Refusal: It is missing, dead, or of another scope.
        """
        kind, _, text = request.headers.get("Authorization", "").partition(" ")
        token = self._issued.get(text) if kind == "Bearer" else None
        if token is None or token.expires <= now:
            raise refuse(
                "UNAUTHENTICATED",
                "Request had invalid authentication credentials.",
                "ACCESS_TOKEN_EXPIRED" if token else "CREDENTIALS_MISSING",
            )
        if not token.scopes & accepted:
            raise refuse(
                "PERMISSION_DENIED",
                "Request had insufficient authentication scopes.",
                "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
            )
        return token

    def expire_all(self) -> None:
        """All access tokens die."""
        self._issued.clear()

    def _claims(self, assertion: str) -> dict[str, Any]:
        parts = assertion.split(".")
        try:
            head, body, signature = (keys.decoded(part) for part in parts)
            header = msgspec.json.decode(head, type=dict[str, Any])
            claims = msgspec.json.decode(body, type=dict[str, Any])
            if header.get("alg") != "RS256" or not self.key_valid:
                raise ValueError("the key is not accepted")
            keys.private_key(ACCOUNT_KEY).public_key().verify(
                signature,
                ".".join(parts[:2]).encode(),
                padding.PKCS1v15(),
                hashes.SHA256(),
            )
        except (ValueError, InvalidSignature, msgspec.MsgspecError):
            raise oauth(400, "invalid_grant", "Invalid JWT Signature.") from None
        if claims.get("iss") != self.email:
            raise oauth(400, "invalid_grant", "Invalid grant: account not found")
        return claims

    def _check_times(self, claims: Mapping[str, Any], now: datetime) -> None:
        issued, expires = claims.get("iat"), claims.get("exp")
        good = isinstance(issued, int) and isinstance(expires, int)
        if claims.get("aud") != AUDIENCE or not good:
            raise oauth(400, "invalid_grant", "Invalid JWT: aud, iat or exp.")
        if not 0 < int(expires or 0) - int(issued or 0) <= 3600:
            raise oauth(400, "invalid_grant", "Invalid JWT: Token must be short-lived")
        # Clients that know nothing of the simulated clock come with the real time.
        for moment in (now, datetime.now(UTC)):
            if abs(int(issued or 0) - moment.timestamp()) <= self.skew:
                return
        raise oauth(400, "invalid_grant", "Invalid JWT: not a reasonable timeframe")

    def _check_rights(self, subject: str, scopes: frozenset[str]) -> None:
        if not scopes:
            raise oauth(
                400, "invalid_scope", "Invalid OAuth scope or ID token audience"
            )
        if not subject:
            return
        if subject != self.admin:
            raise oauth(400, "invalid_grant", "Invalid email or User ID")
        if not scopes <= self.delegated:
            # All or nothing: one scope too many spoils them all.
            raise oauth(
                401,
                "unauthorized_client",
                "Client is unauthorized to retrieve access tokens using this method, "
                "or client not authorized for any of the scopes requested.",
            )
