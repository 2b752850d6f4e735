"""Is a pushed event really Google's? The identity token of the push tells (§9)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from entrepot.sdk.errors import Rejected

from entrepot_google.wire.signin import JsonKey, JsonKeySet

_ISSUERS = ("https://accounts.google.com", "accounts.google.com")
_SKEW = 300.0
_MOST_KEYS = 50
_SMALLEST_KEY = 2048

Fetch = Callable[[], JsonKeySet]


def check(
    headers: Mapping[str, str],
    now: datetime,
    *,
    audience: str,
    account: str,
    keys: dict[str, JsonKey],
    fetch: Fetch,
) -> None:
    """Return when the push carries a valid identity token for us.

    Args:
        headers: Of the delivery, names in lower case.
        now: For the token's validity.
        audience: What the token must be for.
        account: The service account that must have signed in.
        keys: Known keys by id; filled when an unknown one turns up.
        fetch: Reads the published keys.

    Raises:
        Rejected: It does not; the code says what is wrong.
        Retryable: The keys cannot be read at the moment.
    """
    token = _bearer(headers)
    head, _, signature = token.rpartition(".")
    header, claims = (_decoded(part) for part in _two(head))
    if header.get("alg") != "RS256":
        raise _forged("token_algorithm", "the token is not signed with RS256")
    _verify(head, signature, _key(str(header.get("kid", "")), keys, fetch))
    _check_claims(claims, now.timestamp(), audience, account)


def _bearer(headers: Mapping[str, str]) -> str:
    kind, _, token = headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer" or token.count(".") != 2:
        raise _forged("token_missing", "no identity token")
    return token.strip()


def _two(head: str) -> tuple[str, str]:
    header, _, claims = head.partition(".")
    return header, claims


def _bytes(part: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except (binascii.Error, ValueError):
        raise _forged("token_unreadable", "the token cannot be read") from None


def _decoded(part: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(_bytes(part), type=dict[str, Any])
    except msgspec.MsgspecError:
        raise _forged("token_unreadable", "the token cannot be read") from None


def _key(key_id: str, keys: dict[str, JsonKey], fetch: Fetch) -> JsonKey:
    known = keys.get(key_id)
    if known is not None:
        return known
    # Keys rotate about weekly; an unknown one is worth one look.
    found = {each.kid: each for each in fetch().keys[:_MOST_KEYS] if each.kid}
    if key_id not in found:
        raise _forged("token_key", "no published key has this id")
    keys.clear()
    keys.update(found)
    return found[key_id]


def _verify(signed: str, signature: str, key: JsonKey) -> None:
    exponent, modulus = (int.from_bytes(_bytes(part)) for part in (key.e, key.n))
    if key.kty != "RSA" or modulus.bit_length() < _SMALLEST_KEY:
        raise _forged("token_key", "the key is no RSA key of sufficient length")
    public = RSAPublicNumbers(exponent, modulus).public_key()
    try:
        public.verify(
            _bytes(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256()
        )
    except InvalidSignature:
        raise _forged("signature_wrong", "the signature does not fit") from None


def _check_claims(
    claims: Mapping[str, Any], now: float, audience: str, account: str
) -> None:
    if claims.get("iss") not in _ISSUERS:
        raise _forged("token_issuer", "the token is not Google's")
    if not audience or claims.get("aud") != audience:
        raise _forged("token_audience", "the token is for somebody else")
    if claims.get("email") != account or claims.get("email_verified") is not True:
        raise _forged("token_account", "the token is another account's")
    issued, expires = claims.get("iat"), claims.get("exp")
    if not isinstance(issued, int | float) or not isinstance(expires, int | float):
        raise _forged("token_time", "the token has no times")
    if issued > now + _SKEW or expires < now - _SKEW:
        raise _forged("token_expired", "the token is not valid now")


def _forged(code: str, detail: str) -> Rejected:
    return Rejected(
        code,
        "The notification does not come from the vendor.",
        detail=detail,
        remedy="Nothing; it was ignored. If your own events are refused, check push "
        "account and address of the Pub/Sub subscription.",
    )
