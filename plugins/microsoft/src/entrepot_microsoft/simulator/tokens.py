"""The token endpoint: both flows, rotation, consent, audiences (§1.2)."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from entrepot.sdk.simulator import json_response
from werkzeug.wrappers import Request, Response

from entrepot_microsoft.simulator.refusals import oauth, refuse, unauthorized

CORE = "https://api.partnercenter.microsoft.com"
PRICE = "https://api.partner.microsoft.com"
GRAPH = "https://graph.microsoft.com"
RETIRED = "https://graph.windows.net"


@dataclass(slots=True)
class Token:
    """An access token that was issued."""

    audience: str
    user: bool
    mfa: bool
    expires: datetime


class Authority:
    """Issues and judges tokens of one partner tenant.

    Attributes:
        tenant_id: The partner's tenant.
        client_id: The registered application.
        client_secret: Its secret.
        refresh_tokens: Tokens that may be redeemed now.
        strict_rotation: A redeemed refresh token dies at once.
        consent: False after the user's consent was revoked.
        mfa: Whether user tokens carry the claim.
        role: ``admin``, ``none`` or ``reseller`` (§1.2, caller rights).
        lifetime: Seconds an access token lives.
    """

    def __init__(self, rng: random.Random, options: Mapping[str, str]) -> None:
        self._rng = rng
        self.tenant_id = options.get("tenant", "7d5a1f0e-53a1-4c1e-9a62-3f5b0a0c1d2e")
        self.client_id = options.get("client", "1b730954-1685-4b74-9bfd-dac224a7b894")
        self.client_secret = options.get("secret", "simulated~client~secret")
        self.refresh_tokens = {options.get("refresh", "simulated-refresh-token-0")}
        self.strict_rotation = options.get("rotation", "strict") == "strict"
        self.consent = True
        self.mfa = options.get("mfa", "yes") == "yes"
        self.role = options.get("role", "admin")
        self.lifetime = int(options.get("lifetime", "3599"))
        self.rotations = 0
        self._issued: dict[str, Token] = {}

    def issue(self, request: Request, tenant: str, now: datetime) -> Response:
        """Answer a token request, v1 or v2.

        Raises:
            Refusal: In the OAuth shape.
        """
        form = request.form
        self._check_client(tenant, form.get("client_id"), form.get("client_secret"))
        audience = _audience(form.get("resource"), form.get("scope"))
        grant = form.get("grant_type")
        if grant == "client_credentials":
            return json_response(self._bearer(audience, now, user=False))
        if grant != "refresh_token":
            raise oauth(
                400,
                "unsupported_grant_type",
                "AADSTS70003: The app requested an unsupported grant type.",
                (70003,),
            )
        body = self._bearer(audience, now, user=True)
        body["refresh_token"] = self._rotate(form.get("refresh_token", ""))
        return json_response(body)

    def judge(self, request: Request, now: datetime, audience: str = CORE) -> Token:
        """The token of a call, when it is good for this audience.

        Raises:
            Refusal: 401 or 403 as the vendor words it.
        """
        scheme, _, text = request.headers.get("Authorization", "").partition(" ")
        token = self._issued.get(text) if scheme.lower() == "bearer" else None
        if token is None:
            raise unauthorized("800001", "Unauthorized: the token is not valid.")
        if token.expires <= now:
            raise unauthorized("400", "The token is expired.")
        if token.audience != audience:
            raise unauthorized("900420", "The audience of the token is not valid.")
        if token.user and not token.mfa and request.headers.get("ValidateMfa"):
            raise unauthorized("10001", "MFA required.")
        self._check_role()
        return token

    def expire_all(self) -> None:
        """Make all access tokens worthless."""
        self._issued.clear()

    def revoke(self) -> None:
        """The user's consent is gone: refresh tokens and access tokens die."""
        self.consent = False
        self.refresh_tokens.clear()
        self._issued.clear()

    def consent_again(self) -> str:
        """The user consents again; returns the new refresh token."""
        self.consent = True
        return self._new_refresh()

    def _check_client(
        self, tenant: str, client_id: str | None, secret: str | None
    ) -> None:
        if tenant.lower() != self.tenant_id:
            raise oauth(
                400,
                "invalid_request",
                f"AADSTS90002: Tenant '{tenant}' not found.",
                (90002,),
            )
        if client_id != self.client_id:
            raise oauth(
                400,
                "unauthorized_client",
                f"AADSTS700016: Application '{client_id}' was not found.",
                (700016,),
            )
        if secret != self.client_secret:
            raise oauth(
                401,
                "invalid_client",
                "AADSTS7000215: Invalid client secret provided.",
                (7000215,),
            )

    def _check_role(self) -> None:
        if self.role == "none":
            raise refuse(403, "900150", "The user has no role for this resource.")
        if self.role == "reseller":
            raise refuse(403, "2032", "The partner may not call this resource.")

    def _rotate(self, old: str) -> str:
        if not self.consent or old not in self.refresh_tokens:
            raise oauth(
                400,
                "invalid_grant",
                "AADSTS50076: Due to a configuration change made by your "
                "administrator, or because you moved to a new location, you must "
                "use multi-factor authentication.",
                (50076,),
            )
        if self.strict_rotation:
            self.refresh_tokens.discard(old)
        self.rotations += 1
        return self._new_refresh()

    def _new_refresh(self) -> str:
        token = f"0.{self._rng.getrandbits(160):040x}"
        self.refresh_tokens.add(token)
        return token

    def _bearer(self, audience: str, now: datetime, *, user: bool) -> dict[str, str]:
        expires = now + timedelta(seconds=self.lifetime)
        claims = {"aud": audience, "tid": self.tenant_id, "jti": self._rng.random()}
        middle = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode()
        text = f"eyJ0eXAiOiJKV1QifQ.{middle.rstrip('=')}.c2ltdWxhdGVk"
        self._issued[text] = Token(audience, user, self.mfa, expires)
        return {
            "token_type": "Bearer",
            "scope": "user_impersonation",
            "expires_in": str(self.lifetime),
            "ext_expires_in": str(self.lifetime),
            "expires_on": str(int(expires.timestamp())),
            "not_before": str(int(now.timestamp())),
            "resource": audience,
            "access_token": text,
        }


def _audience(resource: str | None, scope: str | None) -> str:
    asked = resource or ""
    if not asked and scope:
        asked = scope.split(" ", maxsplit=1)[0]
        for ending in ("/.default", "/user_impersonation"):
            asked = asked.removesuffix(ending)
    asked = asked.rstrip("/")
    if asked not in (CORE, PRICE, GRAPH, RETIRED):
        raise oauth(
            400,
            "invalid_resource",
            f"AADSTS500011: The resource principal named {asked} was not found.",
            (500011,),
        )
    return asked
