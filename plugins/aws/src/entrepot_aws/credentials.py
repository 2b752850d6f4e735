"""Access keys: the connection's own, and temporary ones of assumed roles (§2)."""

from __future__ import annotations

from entrepot.sdk.context import Clock, Secrets
from entrepot.sdk.errors import Rejected, Retryable
from entrepot.sdk.http import HttpSession

from entrepot_aws.kept import Kept
from entrepot_aws.services import Keys, Services, Via
from entrepot_aws.settings import AwsSettings

HOME = ""
"""Name of the connection's own account among the accounts that calls are made in."""

_LIFETIME = 3600
_EARLY = 300.0  # seconds before its end at which a temporary key is renewed
_SESSION_NAME = "entrepot"


class KeyRing:
    """Finds the keys with which calls are made in an account.

    Args:
        services: Makes the calls.
        http: Core's session.
        settings: The connection's settings.
        secrets: The connection's secrets.
        clock: Time.
        cache: Temporary keys by account, shared by all calls of the connection.
    """

    def __init__(
        self,
        services: Services,
        http: HttpSession,
        settings: AwsSettings,
        secrets: Secrets,
        clock: Clock,
        cache: Kept[Keys],
    ) -> None:
        self._services, self._http, self._settings = services, http, settings
        self._secrets, self._clock, self._cache = secrets, clock, cache

    def keys(self, account: str = HOME) -> Keys:
        """Keys for calls in an account; `HOME` is the connection's own.

        Raises:
            AuthRequired, ConfigInvalid: The access key or the role is refused.
            Rejected: The role of a member account may not be assumed.
        """
        role = self._role(account)
        if not role:
            return self._own()
        keys = self._cache.get(account, self._clock.monotonic())
        return keys or self._assumed(account, role)

    def forget(self, account: str, keys: Keys) -> bool:
        """Drop refused temporary keys; False when there is nothing to renew."""
        if keys.token is None:
            return False
        self._cache.drop(account, keys)
        return True

    def _role(self, account: str) -> str:
        if account == HOME:
            return self._settings.role_arn
        return f"arn:aws:iam::{account}:role/{self._settings.member_role}"

    def _own(self) -> Keys:
        get = self._secrets.get
        return Keys(get("access_key_id"), get("secret_access_key"))

    def _assumed(self, account: str, role: str) -> Keys:
        asking = self._own() if account == HOME else self.keys(HOME)
        params: dict[str, object] = {
            "RoleArn": role,
            "RoleSessionName": _SESSION_NAME,
            "DurationSeconds": _LIFETIME,
        }
        if account == HOME and self._settings.external_id:
            params["ExternalId"] = self._settings.external_id
        via = Via(self._http, asking, "sts")
        try:
            answer = self._services.call(via, "sts", "assume_role", params)
        except Rejected as error:
            raise _role_refused(role, account, error) from None
        found = answer.get("Credentials")
        if not found:
            raise Retryable("answer_unreadable", "The answer of AWS cannot be read.")
        keys = Keys(
            found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"]
        )
        self._cache.put(account, keys, self._clock.monotonic() + _LIFETIME - _EARLY)
        return keys


def _role_refused(role: str, account: str, error: Rejected) -> Rejected:
    return Rejected(
        "role_refused",
        f"The role {role} may not be assumed.",
        detail=error.info.detail,
        vendor_request_id=error.info.vendor_request_id,
        field="member_role" if account != HOME else "role_arn",
        remedy="Let its trust policy name the account of this connection.",
    )
