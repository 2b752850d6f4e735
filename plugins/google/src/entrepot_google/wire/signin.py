"""Keys and tokens of the sign-in (reference §2.1)."""

from __future__ import annotations

import msgspec

from entrepot_google.wire.base import Number


class ServiceAccountKey(msgspec.Struct, kw_only=True):
    """The JSON key file of a service account."""

    client_email: str
    private_key: str
    private_key_id: str = ""
    project_id: str = ""

    def __repr__(self) -> str:
        """Without the key."""
        return f"ServiceAccountKey({self.client_email!r})"


class TokenWire(msgspec.Struct, kw_only=True):
    """Answer of the token endpoint."""

    access_token: str
    expires_in: Number = 3599


class JsonKey(msgspec.Struct, kw_only=True):
    """One public key of a key set."""

    kid: str = ""
    kty: str = ""
    alg: str = ""
    n: str = ""
    e: str = ""


class JsonKeySet(msgspec.Struct, kw_only=True):
    """Published keys."""

    keys: list[JsonKey]


KEY = msgspec.json.Decoder(ServiceAccountKey)
TOKEN = msgspec.json.Decoder(TokenWire)
KEY_SET = msgspec.json.Decoder(JsonKeySet)
