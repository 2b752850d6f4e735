"""IAM: API keys, trusted profiles and the tokens made from them (§3)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from entrepot.sdk.simulator import json_response
from werkzeug.wrappers import Request, Response

from entrepot_ibm.simulator.refusals import Refusal, iam

_PREFIX = "urn:ibm:params:oauth:grant-type:"
_LIVES_FROM = "key_delay"


@dataclass(frozen=True, slots=True)
class Token:
    """A token that was accepted: whose, and of which account."""

    account_id: str
    iam_id: str


class Authority:
    """Knows keys, makes and judges tokens.

    Args:
        rng: Source of the signing key and of our own API key.
        extra: Switches: ``key``, ``lifetime``, ``profile``, ``key_delay``.
        own_account: Account of our own key.
        exists: Whether an account can be signed in to.
    """

    def __init__(
        self,
        rng: random.Random,
        extra: Mapping[str, str],
        own_account: str,
        exists: Callable[[str], bool],
    ) -> None:
        self._secret = rng.randbytes(32)
        self.own_account, self._exists = own_account, exists
        self.api_key = extra.get("key") or f"sim-{rng.getrandbits(160):040x}"
        self.profile = extra.get("profile", "entrepot-reader")
        self.lifetime = int(extra.get("lifetime", "3600"))
        self.key_delay = timedelta(seconds=float(extra.get(_LIVES_FROM, "0")))
        self.issued = 0
        self._dead: set[str] = set()
        self._made: dict[str, tuple[str, datetime]] = {}
        self._generation = 0

    def customer_key(self, account_id: str) -> str:
        """The API key of a service ID in that account."""
        return f"cust-{account_id}-{self._mac(account_id.encode())[:24]}"

    def make_key(self, account_id: str, now: datetime) -> str:
        """A new key, shown this once; refused during its first seconds (B02)."""
        key = f"made-{uuid.uuid4().hex}"
        self._made[key] = (account_id, now)
        return key

    def delete_key(self, key: str) -> None:
        """Refuse the key from now on; its tokens live on (B01)."""
        self._dead.add(key)

    def expire_all(self) -> None:
        """Refuse every token made so far."""
        self._generation += 1

    def issue(self, request: Request, now: datetime) -> Response:
        """Answer the token endpoint."""
        form = request.form
        grant = form.get("grant_type", "").removeprefix(_PREFIX)
        if grant == "apikey":
            account = self._account_of(form.get("apikey", ""), now)
        elif grant == "assume":
            account = self._assumed(form, now)
        else:
            raise iam(400, "BXNIM0106E", "Property missing or empty: grant_type")
        self.issued += 1
        return json_response(self._token(account, now))

    def judge(self, request: Request, now: datetime) -> Token:
        """Whose token the request carries.

        Raises:
            Refusal: 401 for none, a forged or an expired one.
        """
        text = request.headers.get("Authorization", "")
        if not text.startswith("Bearer "):
            raise _unauthorized()
        return self._read(text.removeprefix("Bearer "), now)

    def _account_of(self, key: str, now: datetime) -> str:
        if key in self._dead:
            raise _bad_key()
        if hmac.compare_digest(key.encode(), self.api_key.encode()):
            return self.own_account
        if key in self._made:
            account, since = self._made[key]
            if now < since + self.key_delay:
                raise _bad_key()
            return account
        account = key.removeprefix("cust-")[:32]
        if key != self.customer_key(account) or not self._exists(account):
            raise _bad_key()
        return account

    def _assumed(self, form: Mapping[str, str], now: datetime) -> str:
        try:
            caller = self._read(form.get("access_token", ""), now)
        except Refusal:
            raise iam(400, "BXNIM0407E", "Provided token is invalid") from None
        account = form.get("account", "")
        named = form.get("profile_name") == self.profile
        if caller.account_id != self.own_account or not named:
            raise _no_profile()
        if not self._exists(account):
            raise _no_profile()
        return account

    def _token(self, account: str, now: datetime) -> dict[str, Any]:
        issued = int(now.timestamp())
        claims = {
            "iam_id": f"iam-ServiceId-{account[:8]}",
            "sub_type": "ServiceId",
            "account": {"valid": True, "bss": account},
            "iat": issued,
            "exp": issued + self.lifetime,
            "jti": uuid.uuid4().hex,
            "gen": self._generation,
        }
        head = _b64(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
        text = f"{head}.{_b64(json.dumps(claims).encode())}"
        return {
            "access_token": f"{text}.{self._mac(text.encode())}",
            "refresh_token": "not_supported",
            "token_type": "Bearer",
            "expires_in": self.lifetime,
            "expiration": issued + self.lifetime,
            "scope": "ibm openid",
        }

    def _read(self, token: str, now: datetime) -> Token:
        text, _, mac = token.rpartition(".")
        if not hmac.compare_digest(mac.encode(), self._mac(text.encode()).encode()):
            raise _unauthorized()
        body = text.partition(".")[2]
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        dead = claims["gen"] != self._generation
        if dead or now.timestamp() >= claims["exp"]:
            raise _unauthorized()
        return Token(claims["account"]["bss"], claims["iam_id"])

    def _mac(self, data: bytes) -> str:
        return _b64(hmac.new(self._secret, data, hashlib.sha256).digest())


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _bad_key() -> Refusal:
    return iam(400, "BXNIM0415E", "Provided API key could not be found")


def _no_profile() -> Refusal:
    return iam(400, "BXNIM0528E", "The trusted profile cannot be assumed")


def _unauthorized() -> Refusal:
    return iam(401, "BXNIM0407E", "Provided token is invalid or expired")
