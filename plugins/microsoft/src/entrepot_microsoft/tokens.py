"""Access tokens for both sign-ins, and the rotating refresh token (§1.2)."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from entrepot.sdk.context import Clock, Secrets
from entrepot.sdk.errors import AuthRequired, EntrepotError
from entrepot.sdk.http import HttpResponse, HttpSession

from entrepot_microsoft import wire
from entrepot_microsoft.errors import sign_in_error
from entrepot_microsoft.settings import MicrosoftSettings

_EARLY = 30.0  # seconds before its end at which a token is renewed, as the SDK does


@dataclass(slots=True)
class TokenCache:
    """Access tokens of one connection in this process, by audience."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    held: dict[str, tuple[str, float]] = field(default_factory=dict, repr=False)


class TokenAuth:
    """Signs calls with a bearer token of one audience.

    Args:
        http: Session without signature.
        settings: The connection's settings.
        secrets: The connection's secrets.
        clock: Time.
        cache: Tokens shared by all calls of the connection.
        audience: Whom the token is for; core and price API differ.
    """

    def __init__(
        self,
        http: HttpSession,
        settings: MicrosoftSettings,
        secrets: Secrets,
        clock: Clock,
        cache: TokenCache,
        audience: str,
    ) -> None:
        self._http = http
        self._settings, self._secrets, self._clock = settings, secrets, clock
        self._cache, self._audience = cache, audience
        self._used = ""

    def headers(self) -> dict[str, str]:
        """The Authorization header with a token that still lives a while.

        Raises:
            AuthRequired, ConfigInvalid, Retryable: No token can be had.
        """
        with self._cache.lock:
            token, until = self._cache.held.get(self._audience, ("", 0.0))
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
            held = self._cache.held.get(self._audience)
            if held is not None and held[0] == self._used:
                del self._cache.held[self._audience]
        return True

    def _fetch(self) -> str:
        answer = self._granted()
        lifetime = float(answer.expires_in) - _EARLY
        until = self._clock.monotonic() + max(lifetime, 1.0)
        self._cache.held[self._audience] = (answer.access_token, until)
        return answer.access_token

    def _granted(self) -> wire.TokenWire:
        if self._settings.sign_in == "app_only":
            return self._ask({"grant_type": "client_credentials"})
        old = self._secrets.get("refresh_token")
        try:
            return self._redeem(old)
        except AuthRequired:
            newer = self._successor(old)
            if newer == old:
                raise
            return self._redeem(newer)

    def _successor(self, old: str) -> str:
        """The token another process got for `old`; `old` when there is none.

        Between its answer and its storing a moment passes, so we look twice.
        """
        for pause in (0.0, 0.5, 1.0):
            self._clock.sleep(pause)
            newer = self._secrets.get("refresh_token")
            if newer != old:
                return newer
        return old

    def _redeem(self, old: str) -> wire.TokenWire:
        answer = self._ask({"grant_type": "refresh_token", "refresh_token": old})
        if answer.refresh_token and answer.refresh_token != old:
            # Stored before first use: the old one may be dead already (T19).
            self._secrets.replace("refresh_token", old, answer.refresh_token)
        return answer

    def _sign_in_session(self) -> HttpSession:
        return self._http.bound(
            base_url=self._settings.login_base,
            errors=sign_in_error,
            quota="login",
            auth=None,
            headers={"Accept": "application/json"},
        )

    def _ask(self, grant: dict[str, str]) -> wire.TokenWire:
        form = {
            **grant,
            "client_id": self._settings.client_id,
            "client_secret": self._secrets.get("client_secret"),
            "resource": self._audience,
            "scope": "openid",
        }
        path = f"/{self._settings.tenant_id}/oauth2/token"
        response = self._sign_in_session().post(path, form=form, repeatable=True)
        try:
            return wire.TOKEN.read(response.content)
        except ValueError as error:
            raise unreadable(response, error) from None


def unreadable(response: HttpResponse, error: Exception) -> EntrepotError:
    """The error of an answer that is not what was promised."""
    return response.broken(error)
