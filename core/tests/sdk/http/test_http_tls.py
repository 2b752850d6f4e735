"""TLS: the name is verified although the address comes from our own resolver."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from entrepot.sdk.egress import EgressPolicy
from entrepot.sdk.errors import Retryable
from entrepot.sdk.http import HttpPolicy


def write_certificate(folder, name):
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    usage = x509.KeyUsage(
        *(True, False, False, False, False, True, False, False, False)
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .add_extension(usage, True)
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False
        )
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}.pem"
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    secret = folder / f"{name}.key"
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path, secret


@pytest.fixture
def tls_server(server, tmp_path):
    certificate, key = write_certificate(tmp_path, "api.vendor.test")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    names = []
    context.sni_callback = lambda _sock, name, _context: names.append(name)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.names, server.certificate = names, certificate
    return server


@pytest.mark.parametrize("way", ["get", "raw_get"])
def test_tls_name_is_sent_and_verified(tls_server, make_session, way):
    session = make_session(
        egress=EgressPolicy(
            hosts=("api.vendor.test",),
            allow_private=True,
            resolver=lambda *_: ["127.0.0.1"],
        ),
        policy=HttpPolicy(ca_bundle=str(tls_server.certificate), attempts=1),
    )
    url = f"https://api.vendor.test:{tls_server.server_port}/x"
    assert getattr(session, way)(url).json() == {"ok": True}
    assert tls_server.names == ["api.vendor.test"]


@pytest.mark.parametrize("way", ["get", "raw_get"])
@pytest.mark.parametrize("trusted", [True, False])
def test_tls_wrong_name_or_authority_is_refused(tls_server, make_session, way, trusted):
    host = "other.vendor.test" if trusted else "api.vendor.test"
    session = make_session(
        egress=EgressPolicy(
            hosts=("*.vendor.test",),
            allow_private=True,
            resolver=lambda *_: ["127.0.0.1"],
        ),
        policy=HttpPolicy(
            ca_bundle=str(tls_server.certificate) if trusted else None, attempts=1
        ),
    )
    with pytest.raises(Retryable) as caught:
        getattr(session, way)(f"https://{host}:{tls_server.server_port}/x")
    assert caught.value.code == "tls_failed"
    assert tls_server.seen == []
