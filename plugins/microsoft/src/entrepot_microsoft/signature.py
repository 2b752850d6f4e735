"""Is a notification really the vendor's? See reference §6.4."""

from __future__ import annotations

import base64
import binascii
import re
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.oid import (
    AuthorityInformationAccessOID,
    ExtensionOID,
    NameOID,
)
from entrepot.sdk.egress import host_matches
from entrepot.sdk.errors import Rejected
from requests.utils import DEFAULT_CA_BUNDLE_PATH

_ORGANIZATION = "Microsoft Corporation"
_ALGORITHMS = ("rsa-sha256", "rsasha256", "sha256withrsa")
_LONGEST_CHAIN = 4
_PEM_BLOCK = re.compile(
    rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----\n?", re.S
)

Fetch = Callable[[str], bytes]


@dataclass(slots=True)
class CertificateCache:
    """Proven signing certificates and trust anchors of one connection."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    proven: dict[str, x509.Certificate] = field(default_factory=dict)
    anchors: tuple[x509.Certificate, ...] = ()


class Verifier:
    """Judges deliveries.

    Args:
        hosts: Patterns of hosts a certificate may be fetched from.
        authority: PEM of the trusted authority; empty for the public ones.
        fetch: Gets a certificate; passes the egress guard.
        cache: Kept between calls.
    """

    def __init__(
        self,
        hosts: tuple[str, ...],
        authority: str,
        fetch: Fetch,
        cache: CertificateCache,
    ) -> None:
        self._hosts, self._authority = hosts, authority
        self._fetch, self._cache = fetch, cache

    def check(self, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
        """Return when the body was signed by the vendor.

        Args:
            headers: Of the delivery, names in lower case.
            body: As received.
            now: For the certificate's validity.

        Raises:
            Rejected: It was not; the code says what is wrong.
            Retryable: The certificate cannot be fetched at the moment.
        """
        signature = _signature(headers)
        algorithm = headers.get("x-ms-signature-algorithm", "rsa-sha256").lower()
        if algorithm not in _ALGORITHMS:
            raise _forged("signature_algorithm", f"algorithm {algorithm[:40]}")
        url = headers.get("x-ms-certificate-url", "")
        certificate = self._certificate(url, now)
        key = certificate.public_key()
        if not isinstance(key, rsa.RSAPublicKey):
            raise _forged("certificate_key", "the key is not RSA")
        try:
            key.verify(signature, body, padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            raise _forged("signature_wrong", "the signature does not fit") from None

    def _certificate(self, url: str, now: datetime) -> x509.Certificate:
        host = urlsplit(url).hostname or ""
        if not any(host_matches(host, pattern) for pattern in self._hosts):
            raise _forged("certificate_host", f"certificate from {host[:80]!r}")
        with self._cache.lock:
            known = self._cache.proven.get(url)
        if known is not None and _is_valid(known, now):
            return known
        found = self._proven(url, now)
        with self._cache.lock:
            self._cache.proven[url] = found
        return found

    def _proven(self, url: str, now: datetime) -> x509.Certificate:
        bundle = _parse(self._fetch(url))
        leaf = bundle[0]
        names = leaf.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
        if [str(name.value) for name in names] != [_ORGANIZATION]:
            raise _forged("certificate_owner", "the certificate is another's")
        self._check_chain(leaf, bundle[1:], now)
        return leaf

    def _check_chain(
        self,
        leaf: x509.Certificate,
        others: list[x509.Certificate],
        now: datetime,
    ) -> None:
        link = leaf
        for _ in range(_LONGEST_CHAIN):
            if not _is_valid(link, now):
                raise _forged("certificate_expired", "a certificate is out of date")
            anchor = _issuer(link, self._anchors())
            if anchor is not None and _is_valid(anchor, now):
                return
            above = _issuer(link, others) or self._fetched_issuer(link)
            if above is None or not _may_issue(above):
                break
            link = above
        raise _forged("certificate_untrusted", "no trusted authority stands behind it")

    def _fetched_issuer(self, link: x509.Certificate) -> x509.Certificate | None:
        """The issuer a certificate points to, when its host is among ours."""
        for url in _issuer_urls(link):
            host = urlsplit(url).hostname or ""
            if any(host_matches(host, pattern) for pattern in self._hosts):
                return _issuer(link, _parse(self._fetch(url)))
        return None

    def _anchors(self) -> tuple[x509.Certificate, ...]:
        with self._cache.lock:
            if not self._cache.anchors:
                pem = self._authority.encode()
                if not pem:
                    pem = Path(DEFAULT_CA_BUNDLE_PATH).read_bytes()
                self._cache.anchors = tuple(_load_anchors(pem))
            return self._cache.anchors


def _load_anchors(pem: bytes) -> Iterator[x509.Certificate]:
    """Every readable authority; public bundles hold a few that break the rules."""
    for block in _PEM_BLOCK.findall(pem):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CryptographyDeprecationWarning)
            try:
                yield x509.load_pem_x509_certificate(block)
            except ValueError:
                continue


def _signature(headers: Mapping[str, str]) -> bytes:
    text = headers.get("x-ms-signature") or headers.get("authorization") or ""
    scheme, _, value = text.strip().partition(" ")
    encoded = value if scheme.lower() == "signature" else ""
    if not encoded and headers.get("x-ms-signature"):
        encoded = text.strip()
    try:
        found = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        found = b""
    if not found:
        raise _forged("signature_missing", "there is no signature")
    return found


def _parse(data: bytes) -> list[x509.Certificate]:
    readers = (
        x509.load_pem_x509_certificates,
        lambda d: [x509.load_der_x509_certificate(d)],
        pkcs7.load_der_pkcs7_certificates,
    )
    for reader in readers:
        try:
            found = reader(data)
        except ValueError:
            continue
        if found:
            return found
    raise _forged("certificate_unreadable", "the certificate cannot be read")


def _issuer(
    link: x509.Certificate, candidates: Sequence[x509.Certificate]
) -> x509.Certificate | None:
    for candidate in candidates:
        if candidate.subject != link.issuer:
            continue
        try:
            link.verify_directly_issued_by(candidate)
        except (InvalidSignature, ValueError, TypeError):
            continue
        return candidate
    return None


def _may_issue(certificate: x509.Certificate) -> bool:
    try:
        found = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    except x509.ExtensionNotFound:
        return False
    return found.value.ca


def _is_valid(certificate: x509.Certificate, now: datetime) -> bool:
    return certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc


def _issuer_urls(certificate: x509.Certificate) -> list[str]:
    try:
        found = certificate.extensions.get_extension_for_oid(
            ExtensionOID.AUTHORITY_INFORMATION_ACCESS
        )
    except x509.ExtensionNotFound:
        return []
    value = found.value
    if not isinstance(value, x509.AuthorityInformationAccess):
        return []
    wanted = AuthorityInformationAccessOID.CA_ISSUERS
    return [
        str(entry.access_location.value)
        for entry in value
        if entry.access_method == wanted
    ]


def _forged(code: str, detail: str) -> Rejected:
    return Rejected(code, "The notification is not the vendor's.", detail=detail)
