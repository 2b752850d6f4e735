"""The simulated vendor's certificate authority and signing key."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

_PEM = serialization.Encoding.PEM


class Signer:
    """Signs notifications as §6.4 says, with an authority of its own.

    Args:
        organization: Subject O of the signing certificate.
    """

    def __init__(self, organization: str = "Microsoft Corporation") -> None:
        now = datetime.now(UTC)
        root_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        root_name = _name("Simulated Root", "Simulated Authority")
        root = _certificate(root_name, root_name, root_key, root_key, now, ca=True)
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        leaf = _certificate(
            _name("webhooks.simulated", organization),
            root_name,
            self._key,
            root_key,
            now,
            ca=False,
        )
        self.root_pem = root.public_bytes(_PEM).decode()
        self.certificate = leaf.public_bytes(serialization.Encoding.DER)

    def sign(self, body: bytes) -> str:
        """Base64 of the RSA-SHA256 signature over the raw body."""
        signature = self._key.sign(body, padding.PKCS1v15(), hashes.SHA256())
        return base64.b64encode(signature).decode()


def _name(common: str, organization: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, common),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization),
        ]
    )


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    key: rsa.RSAPrivateKey,
    issuer_key: rsa.RSAPrivateKey,
    now: datetime,
    *,
    ca: bool,
) -> x509.Certificate:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # The virtual clock may be years away from the real one.
        .not_valid_before(now - timedelta(days=3650))
        .not_valid_after(now + timedelta(days=3650))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .sign(issuer_key, hashes.SHA256())
    )
