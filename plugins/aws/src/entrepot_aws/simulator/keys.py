"""Who may call: access keys, temporary keys, and their signatures checked (§9.5)."""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from werkzeug.wrappers import Request

from entrepot_aws.simulator.codec import Asked, Refusal

_SIGNED = re.compile(r"SignedHeaders=([^,\s]+)")
_SIGNATURE = re.compile(r"Signature=([0-9a-f]{64})")
_SKEW = timedelta(minutes=15)
_UNKNOWN = {"sts": "InvalidClientTokenId", "s3": "InvalidAccessKeyId"}
_EXPIRED = {"sts": "ExpiredToken", "s3": "ExpiredToken"}
_WRONG = {"sts": "SignatureDoesNotMatch", "s3": "SignatureDoesNotMatch"}


@dataclass(frozen=True, slots=True)
class Caller:
    """Whom a key belongs to."""

    account: str
    arn: str


@dataclass(slots=True)
class Key:
    """An access key; a temporary one has a token and an end."""

    caller: Caller
    secret: str = field(repr=False)
    token: str = field(default="", repr=False)
    until: datetime | None = None


class Keys:
    """All keys of one simulated vendor. The caller holds the simulator's lock."""

    def __init__(self) -> None:
        self.known: dict[str, Key] = {}

    def add(self, access: str, key: Key) -> None:
        """Accept a key from now on."""
        self.known[access] = key

    def expire(self) -> None:
        """All temporary keys are over."""
        for key in self.known.values():
            if key.token:
                key.until = datetime.min.replace(tzinfo=UTC)

    def caller(self, request: Request, asked: Asked, now: datetime) -> Caller:
        """Whose signature the request bears.

        Raises:
            Refusal: Nobody's, a wrong one, or one of an expired key.
        """
        status = 403 if asked.service in ("sts", "s3") else 400
        key = self.known.get(asked.access_key)
        if key is None:
            code = _UNKNOWN.get(asked.service, "UnrecognizedClientException")
            text = "The security token included in the request is invalid."
            raise Refusal(code, text, status)
        if key.until is not None and key.until <= now:
            code = _EXPIRED.get(asked.service, "ExpiredTokenException")
            text = "The security token included in the request is expired"
            raise Refusal(code, text, status)
        if not _fits(request, asked, key):
            code = _WRONG.get(asked.service, "InvalidSignatureException")
            text = "The request signature we calculated does not match."
            raise Refusal(code, text, 403)
        return key.caller


def _fits(request: Request, asked: Asked, key: Key) -> bool:
    given = request.headers.get("Authorization", "")
    names, signature = _SIGNED.search(given), _SIGNATURE.search(given)
    stamp = request.headers.get("X-Amz-Date", "")
    if names is None or signature is None or not _recent(stamp):
        return False
    if key.token and request.headers.get("X-Amz-Security-Token") != key.token:
        return False
    wanted = _signature(request, asked, key, names[1].split(";"), stamp)
    return hmac.compare_digest(wanted, signature[1])


def _recent(stamp: str) -> bool:
    """Signatures carry the machine's time, whatever the vendor's clock shows."""
    try:
        signed = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return False
    return abs(datetime.now(UTC) - signed) < _SKEW


def _signature(
    request: Request, asked: Asked, key: Key, names: list[str], stamp: str
) -> str:
    scope = re.search(r"/([^/]+)/aws4_request", request.headers["Authorization"])
    service = scope[1] if scope else asked.service
    kind = S3SigV4Auth if service == "s3" else SigV4Auth
    auth = kind(Credentials("", key.secret), service, asked.region)
    path = request.environ.get("RAW_URI") or request.full_path.rstrip("?")
    plain = AWSRequest(
        request.method,
        f"http://{request.host}{path}",
        headers={name: request.headers.get(name, "") for name in names},
        data=request.get_data(),
    )
    plain.context["timestamp"] = stamp
    canonical = auth.canonical_request(plain)
    return str(auth.signature(auth.string_to_sign(plain, canonical), plain))
