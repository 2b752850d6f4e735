"""RSA keys of the simulated vendor: the same at every start, and nobody's secret."""

from __future__ import annotations

import base64
import random
from functools import cache

import msgspec
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

_EXPONENT = 65537
_SMALL = tuple(
    n for n in range(3, 2000, 2) if all(n % d for d in range(3, int(n**0.5) + 1, 2))
)


@cache
def private_key(role: str) -> rsa.RSAPrivateKey:
    """The key of a role, made from its name.

    A connection that was set up yesterday must work with the simulator of today, and
    a key file in the source would look like somebody's secret.
    """
    rng = random.Random(f"simulated key of {role}")  # noqa: S311 - everybody may know it
    p, q = _prime(rng), _prime(rng)
    d = pow(_EXPONENT, -1, (p - 1) * (q - 1))
    public = rsa.RSAPublicNumbers(_EXPONENT, p * q)
    numbers = rsa.RSAPrivateNumbers(
        p=p,
        q=q,
        d=d,
        dmp1=d % (p - 1),
        dmq1=d % (q - 1),
        iqmp=rsa.rsa_crt_iqmp(p, q),
        public_numbers=public,
    )
    return numbers.private_key()


def pem(role: str) -> str:
    """The role's private key as a key file holds it."""
    return (
        private_key(role)
        .private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        .decode()
    )


def json_key(role: str, key_id: str) -> dict[str, str]:
    """The role's public key as a key set publishes it."""
    numbers = private_key(role).public_key().public_numbers()
    return {
        "kty": "RSA",
        "alg": "RS256",
        "use": "sig",
        "kid": key_id,
        "n": encoded(numbers.n.to_bytes(256)),
        "e": encoded(numbers.e.to_bytes(3)),
    }


def web_token(role: str, key_id: str, claims: dict[str, object]) -> str:
    """A JSON web token signed by a role."""
    header = {"alg": "RS256", "kid": key_id, "typ": "JWT"}
    body = ".".join(encoded(msgspec.json.encode(part)) for part in (header, claims))
    key = private_key(role)
    signature = key.sign(body.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{body}.{encoded(signature)}"


def encoded(data: bytes) -> str:
    """URL-safe base64 without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    """The bytes of URL-safe base64 without padding; `ValueError` if it is none."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _prime(rng: random.Random) -> int:
    while True:
        found = rng.getrandbits(1024) | (3 << 1022) | 1
        if any(found % small == 0 for small in _SMALL):
            continue
        if (found - 1) % _EXPONENT and _is_prime(found, rng):
            return found


def _is_prime(found: int, rng: random.Random) -> bool:
    """Miller and Rabin's test, eight rounds."""
    odd, twos = found - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for _ in range(8):
        x = pow(rng.randrange(2, found - 1), odd, found)
        if x in (1, found - 1):
            continue
        for _ in range(twos - 1):
            x = x * x % found
            if x == found - 1:
                break
        else:
            return False
    return True
