"""Access tokens of machines: short-lived, signed, bound to one reseller."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from entrepot.hub.users.credentials import Credential, CredentialsService
from entrepot.store.actor import Actor
from entrepot.store.keys import TOKENS, Keyring
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

LIFETIME_SECONDS = 900
_REVOCATION_SECONDS = 15.0
_MOST_VERIFIED = 2000


class TokenInvalid(Exception):
    """A token is forged, expired, foreign, or its credential was revoked."""


@dataclass(frozen=True, slots=True)
class Issued:
    """A fresh token and what the caller must know of it."""

    token: str
    expires_in: int
    scope: str


class Tokens:
    """Signs and reads access tokens.

    Args:
        keys: The hub's keys; the newest signs, older ones are still read.
        credentials: Says whether a credential was revoked.
        issuer: The hub's public address.
        open_tenant: Whether a reseller exists and isn't suspended.
    """

    def __init__(
        self,
        keys: Keyring,
        credentials: CredentialsService,
        issuer: str,
        *,
        open_tenant: Callable[[str], bool],
    ) -> None:
        self._keys = {
            key.id: OctKey.import_key(key.material, {"kid": key.id})
            for key in keys.all(TOKENS)
        }
        self._current = keys.current(TOKENS).id
        self._credentials = credentials
        self._issuer = issuer
        self._open_tenant = open_tenant
        self._checked: dict[str, tuple[float, bool]] = {}
        self._verified: dict[bytes, tuple[int, Actor]] = {}
        self._lock = threading.Lock()

    def issue(
        self, credential: Credential, scopes: tuple[str, ...], now: datetime
    ) -> Issued:
        """Return a token for some or all scopes of a credential."""
        moment = int(now.timestamp())
        claims = {
            "iss": self._issuer,
            "sub": credential.id,
            "aud": credential.tenant_id,
            "name": credential.name,
            "scope": " ".join(scopes),
            "iat": moment,
            "exp": moment + LIFETIME_SECONDS,
            "jti": secrets.token_hex(12),
        }
        header = {"alg": "HS256", "kid": self._current, "typ": "at+jwt"}
        token = jwt.encode(header, claims, self._keys[self._current])
        return Issued(token, LIFETIME_SECONDS, str(claims["scope"]))

    def read(self, token: str, now: datetime) -> Actor:
        """Return the machine that a token stands for.

        Raises:
            TokenInvalid: It can't be believed; the text says why.
        """
        digest = hashlib.sha256(token.encode()).digest()
        known = self._verified.get(digest)
        if known is None:
            known = self._verify(token)
        expires, actor = known
        if expires <= now.timestamp():
            self._verified.pop(digest, None)
            raise TokenInvalid("The token has expired. Request a new one.")
        if not self._active(actor.id, actor.tenant_id):
            raise TokenInvalid("The credential was revoked or its reseller suspended.")
        self._remember(digest, known)
        return actor

    def _remember(self, digest: bytes, known: tuple[int, Actor]) -> None:
        if digest in self._verified:
            return
        with self._lock:
            if len(self._verified) >= _MOST_VERIFIED:
                self._verified.clear()
            self._verified[digest] = known

    def _verify(self, token: str) -> tuple[int, Actor]:
        """Return until when a token holds and whom it names.

        That never changes for the same text; whether it still counts is asked anew.
        """
        claims = self._claims(token)
        if claims.get("iss") != self._issuer:
            raise TokenInvalid("The token was issued by another hub.")
        expires = claims.get("exp")
        if not isinstance(expires, int):
            raise TokenInvalid("The token has expired. Request a new one.")
        subject, tenant = str(claims.get("sub", "")), str(claims.get("aud", ""))
        if not subject or not tenant:
            raise TokenInvalid("The credential was revoked or its reseller suspended.")
        scopes = frozenset(str(claims.get("scope", "")).split())
        name = str(claims.get("name", ""))
        return expires, Actor(subject, "client", tenant, name, scopes)

    def _claims(self, token: str) -> dict[str, object]:
        try:
            decoded = jwt.decode(token, self._find_key, algorithms=["HS256"])
        except (JoseError, ValueError, LookupError) as error:
            raise TokenInvalid("The token is malformed or forged.") from error
        if decoded.header.get("typ") != "at+jwt":
            raise TokenInvalid("This isn't an access token.")
        return dict(decoded.claims)

    def _find_key(self, entry: object) -> OctKey:
        headers = entry.headers() if hasattr(entry, "headers") else {}
        return self._keys[str(headers.get("kid", ""))]

    def _active(self, subject: str, tenant: str) -> bool:
        """Ask about revocation at most every few seconds per credential."""
        moment = time.monotonic()
        with self._lock:
            seen = self._checked.get(subject)
        if seen is not None and moment - seen[0] < _REVOCATION_SECONDS:
            return seen[1]
        active = self._credentials.is_active(subject) and self._open_tenant(tenant)
        with self._lock:
            if len(self._checked) > 10_000:
                self._checked.clear()
            self._checked[subject] = (moment, active)
        return active
