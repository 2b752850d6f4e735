"""Access tokens of a service account, with and without delegation (§2.1)."""

from __future__ import annotations

import base64
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from entrepot.sdk.context import Clock, Secrets
from entrepot.sdk.http import HttpResponse, HttpSession

from entrepot_google.errors import key_invalid, sign_in_error
from entrepot_google.settings import GoogleSettings
from entrepot_google.wire import signin

AUDIENCE = "https://oauth2.googleapis.com/token"  # whatever endpoint is asked
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_EARLY = 225.0  # seconds before its end at which google-auth renews a token
_LIFETIME = 3600

_SCOPE = "https://www.googleapis.com/auth/"
ORDER = f"{_SCOPE}apps.order"
PUBSUB = f"{_SCOPE}pubsub"
BIGQUERY = f"{_SCOPE}bigquery"


@dataclass(slots=True)
class TokenCache:
    """Access tokens of one connection in this process, by scope."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    held: dict[str, tuple[str, float]] = field(default_factory=dict, repr=False)


class TokenAuth:
    """Signs calls with a bearer token of one scope.

    Args:
        http: Session without signature.
        settings: The connection's settings.
        secrets: The connection's secrets.
        clock: Time.
        cache: Tokens shared by all calls of the connection.
        scope: What the token is for.
        delegated: Act for the administrator; Pub/Sub and BigQuery are asked as the
            service account itself (§2.1).
    """

    def __init__(
        self,
        http: HttpSession,
        settings: GoogleSettings,
        secrets: Secrets,
        clock: Clock,
        cache: TokenCache,
        scope: str,
        *,
        delegated: bool,
    ) -> None:
        self._http = http
        self._settings, self._secrets, self._clock = settings, secrets, clock
        self._cache, self._scope, self._delegated = cache, scope, delegated
        self._used = ""

    def headers(self) -> Mapping[str, str]:
        """The Authorization header with a token that still lives a while.

        Raises:
            AuthRequired, ConfigInvalid, Retryable: No token can be had.
        """
        with self._cache.lock:
            token, until = self._cache.held.get(self._scope, ("", 0.0))
            if not token or self._clock.monotonic() >= until:
                token = self._fetch()
            self._used = token
        return {"Authorization": f"Bearer {token}"}

    def refused(self, response: HttpResponse) -> bool:
        """Forget the refused token; True, since a new one is worth one attempt.

        A token that another thread has renewed meanwhile is kept.
        """
        del response
        with self._cache.lock:
            held = self._cache.held.get(self._scope)
            if held is not None and held[0] == self._used:
                del self._cache.held[self._scope]
        return True

    def _fetch(self) -> str:
        answer = self._granted()
        lifetime = float(answer.expires_in)
        early = min(_EARLY, lifetime / 4)
        until = self._clock.monotonic() + max(lifetime - early, 1.0)
        self._cache.held[self._scope] = (answer.access_token, until)
        return answer.access_token

    def _granted(self) -> signin.TokenWire:
        session = self._http.bound(
            base_url=self._settings.login_base,
            errors=sign_in_error,
            quota="login",
            auth=None,
            headers={"Accept": "application/json"},
        )
        form = {"grant_type": _GRANT, "assertion": self._assertion()}
        # Asking twice gives two tokens and changes nothing.
        response = session.post("/token", form=form, repeatable=True)
        return response.decode(signin.TOKEN)

    def _assertion(self) -> str:
        key = read_key(self._secrets.get("service_account_key"))
        now = int(self._clock.now().timestamp())
        claims: dict[str, str | int] = {
            "iss": key.client_email,
            "scope": self._scope,
            "aud": AUDIENCE,
            "iat": now,
            "exp": now + _LIFETIME,
        }
        if self._delegated:
            claims["sub"] = self._settings.admin_email
        header = {"typ": "JWT", "alg": "RS256", "kid": key.private_key_id}
        return signed(header, claims, key)


def read_key(text: str) -> signin.ServiceAccountKey:
    """The key file's content.

    Raises:
        ConfigInvalid: It is none; the text itself is never repeated.
    """
    try:
        return signin.KEY.decode(text.encode())
    except msgspec.MsgspecError:
        raise key_invalid("the text cannot be read as a key file") from None


def signed(
    header: Mapping[str, str],
    claims: Mapping[str, str | int],
    key: signin.ServiceAccountKey,
) -> str:
    """A JSON web token.

    Raises:
        ConfigInvalid: The private key is damaged.
    """
    parts = b".".join(_part(msgspec.json.encode(part)) for part in (header, claims))
    try:
        private = load_pem_private_key(key.private_key.encode(), password=None)
    except ValueError:
        raise key_invalid("the private key in it is damaged") from None
    if not isinstance(private, rsa.RSAPrivateKey):
        raise key_invalid("the private key in it is not an RSA key")
    signature = private.sign(parts, padding.PKCS1v15(), hashes.SHA256())
    return b".".join((parts, _part(signature))).decode()


def _part(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
