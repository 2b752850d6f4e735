"""Access tokens: of our own account, and of customers' accounts (reference §3)."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from entrepot.sdk.context import Clock, Secrets
from entrepot.sdk.errors import AuthRequired, ConfigInvalid, EntrepotError, Rejected
from entrepot.sdk.http import HttpResponse, HttpSession

from entrepot_ibm import wire
from entrepot_ibm.errors import BAD_KEY, DEAD_TOKEN, error_for, of_customer
from entrepot_ibm.settings import KEYS, PROFILE, IbmSettings

_SHARE = 0.8  # of its lifetime after which a token is renewed, as the SDK does
_PAUSES = (0.0, 0.5, 1.5)  # a good key may be refused for a moment (field)
_GRANT = "urn:ibm:params:oauth:grant-type:"
_MOST = 2000
OWN = ""
"""The account of the connection itself, as a name in the cache."""


@dataclass(slots=True)
class TokenCache:
    """Access tokens of one connection in this process, by account."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    held: dict[str, tuple[str, float]] = field(default_factory=dict, repr=False)
    locks: dict[str, threading.Lock] = field(default_factory=dict, repr=False)

    def lock_of(self, account: str) -> threading.Lock:
        """The lock under which that account's token is fetched."""
        with self.lock:
            return self.locks.setdefault(account, threading.Lock())

    def keep(self, account: str, token: str, until: float, now: float) -> None:
        """Remember a token; forgets dead ones when there are many."""
        with self.lock:
            if len(self.held) > _MOST:
                self.held = {k: v for k, v in self.held.items() if v[1] > now}
            self.held[account] = (token, until)

    def clear(self) -> None:
        """Forget all tokens."""
        with self.lock:
            self.held.clear()


class TokenAuth:
    """Signs calls with a bearer token of one account.

    Args:
        http: Session without signature.
        settings: The connection's settings.
        secrets: The connection's secrets.
        clock: Time.
        cache: Tokens shared by all calls of the connection.
        customer: Customer whose account the token is for; `OWN` for ours.
    """

    def __init__(
        self,
        http: HttpSession,
        settings: IbmSettings,
        secrets: Secrets,
        clock: Clock,
        cache: TokenCache,
        customer: str = OWN,
    ) -> None:
        self._http = http
        self._settings, self._secrets, self._clock = settings, secrets, clock
        self._cache, self._customer = cache, customer
        self._used = ""

    def headers(self) -> dict[str, str]:
        """The Authorization header with a token that still lives a while.

        Raises:
            AuthRequired, ConfigInvalid, Retryable: No token can be had.
            Rejected: No token can be had for this customer's account.
        """
        with self._cache.lock_of(self._customer):
            token, until = self._cache.held.get(self._customer, ("", 0.0))
            if not token or self._clock.monotonic() >= until:
                token = self._fetch()
            self._used = token
        return {"Authorization": f"Bearer {token}"}

    def refused(self, response: HttpResponse) -> bool:
        """Forget the refused token; True, since a new one is worth one attempt."""
        del response
        self.forget()
        return True

    def forget(self) -> None:
        """Forget the token used last, unless another thread has renewed it."""
        with self._cache.lock:
            held = self._cache.held.get(self._customer)
            if held is not None and held[0] == self._used:
                del self._cache.held[self._customer]

    def _fetch(self) -> str:
        answer = self._granted()
        now = self._clock.monotonic()
        until = now + max(answer.expires_in * _SHARE, 1.0)
        self._cache.keep(self._customer, answer.access_token, until, now)
        return answer.access_token

    def _granted(self) -> wire.TokenWire:
        if self._customer == OWN:
            return self._by_key(self._secrets.get("api_key"))
        try:
            key = customer_keys(self._secrets).get(self._customer)
            if key is not None:
                return self._by_key(key)
            return self._by_profile()
        except EntrepotError as error:
            raise of_customer(error) from None

    def _by_key(self, key: str) -> wire.TokenWire:
        grant = {
            "grant_type": f"{_GRANT}apikey",
            "apikey": key,
            "response_type": "cloud_iam",
        }
        for pause in _PAUSES[:-1]:
            self._clock.sleep(pause)
            try:
                return self._ask(grant)
            except AuthRequired as error:
                if error.code != BAD_KEY:
                    raise
        self._clock.sleep(_PAUSES[-1])
        return self._ask(grant)

    def _by_profile(self) -> wire.TokenWire:
        if self._settings.instances != PROFILE or not self._settings.trusted_profile:
            raise no_credential()
        own = TokenAuth(
            self._http, self._settings, self._secrets, self._clock, self._cache
        )
        try:
            return self._assumed(own)
        except AuthRequired as error:
            if error.code != DEAD_TOKEN:
                raise
            # Our own token died early; a new one is worth one more attempt.
            own.forget()
            return self._assumed(own)

    def _assumed(self, own: TokenAuth) -> wire.TokenWire:
        token = own.headers()["Authorization"].removeprefix("Bearer ")
        return self._ask(
            {
                "grant_type": f"{_GRANT}assume",
                "access_token": token,
                "profile_name": self._settings.trusted_profile,
                "account": self._customer,
            }
        )

    def _ask(self, grant: dict[str, str]) -> wire.TokenWire:
        session = self._http.bound(
            base_url=self._settings.base("iam"),
            errors=error_for,
            quota="iam",
            auth=None,
            headers={"Accept": "application/json"},
            request_id_headers=("Transaction-Id",),
        )
        response = session.post("/identity/token", form=grant, repeatable=True)
        try:
            return wire.TOKEN.read(response.content)
        except ValueError as error:
            raise response.broken(error) from None


def customer_keys(secrets: Secrets) -> dict[str, str]:
    """API keys by customer, out of the lines of the secret; empty for none.

    Raises:
        ConfigInvalid: A line is not ``customer=key``.
    """
    try:
        text = secrets.get("customer_keys")
    except ConfigInvalid:
        return {}
    found = {}
    for number, line in enumerate(text.splitlines(), 1):
        customer, mark, key = line.partition("=")
        if not line.strip():
            continue
        if not mark or not customer.strip() or not key.strip():
            raise ConfigInvalid(
                "customer_keys_invalid",
                f"Line {number} of the customer API keys is not customer id=key.",
                field="customer_keys",
                remedy="Write one customer id, an equals sign and its key a line.",
            )
        found[customer.strip()] = key.strip()
    return found


def may_read_instances(settings: IbmSettings, secrets: Secrets, customer: str) -> bool:
    """Whether this connection is meant to read that customer's instances."""
    if settings.instances == PROFILE:
        return True
    return settings.instances == KEYS and customer in customer_keys(secrets)


def no_credential() -> Rejected:
    """The error of a customer in whose account we have no credential."""
    return Rejected(
        "customer_credential_missing",
        "This connection has no credential for the customer's account.",
        field="customer_keys",
        remedy="Enter an API key of that account, or the name of a trusted profile.",
    )
