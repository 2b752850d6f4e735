"""boto3 serializes and parses; the hub's own session signs, paces and sends.

Every request of a client is caught by botocore's ``before-send`` event, signed and
sent through `entrepot.sdk.http`: one budget, one egress guard, one redaction and one
set of retries for this vendor as for all others. boto3's own retries are off.
"""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import boto3.session
import botocore.session
from botocore import UNSIGNED
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSPreparedRequest, AWSRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError
from botocore.loaders import Loader
from botocore.parsers import ResponseParserError
from entrepot.sdk.errors import OutcomeUnknown, Retryable
from entrepot.sdk.http import HttpResponse, HttpSession

from entrepot_aws.errors import error_for
from entrepot_aws.settings import REGION, AwsSettings

RETRIES = {"mode": "standard", "total_max_attempts": 1}
_OUR_HEADERS = (
    "Authorization",
    "X-Amz-Date",
    "X-Amz-Security-Token",
    "X-Amz-Content-SHA256",
)
_LEFT_OUT = frozenset({"content-length", "user-agent"})


@dataclass(frozen=True, slots=True)
class Keys:
    """An access key, with the session token of a temporary one."""

    access: str = field(repr=False)
    secret: str = field(repr=False)
    token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Via:
    """How one call travels: session, keys and quota key."""

    http: HttpSession
    keys: Keys
    quota: str


class Signer:
    """Signs every attempt of one request afresh, so that a late repeat still holds.

    Args:
        keys: Whose request it is.
        service: Signing name of the service (§2).
        region: Signing region.
        request: What is sent.
    """

    def __init__(
        self, keys: Keys, service: str, region: str, request: AWSRequest
    ) -> None:
        credentials = Credentials(keys.access, keys.secret, keys.token)
        kind = S3SigV4Auth if service == "s3" else SigV4Auth
        self._auth = kind(credentials, service, region)
        self._request = request

    def headers(self) -> dict[str, str]:
        """The headers that prove who calls, with the present moment."""
        self._auth.add_auth(self._request)
        given = self._request.headers
        return {name: given[name] for name in _OUR_HEADERS if name in given}

    def refused(self, response: HttpResponse) -> bool:
        """A refused signature is refused again."""
        del response
        return False


class _Body(io.BytesIO):
    """A read body in the form botocore's answers have."""

    def stream(self, *_: object, **__: object) -> Iterator[bytes]:
        """The whole body as one piece."""
        yield self.read()


class Services:
    """boto3 clients of one connection, made at first use and shared by its threads.

    Args:
        settings: The connection's settings.
    """

    def __init__(self, settings: AwsSettings) -> None:
        self._settings = settings
        self._session: Any = _session()
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()
        self._current = threading.local()

    def call(
        self, via: Via, service: str, operation: str, params: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Make one reading call and return boto3's answer.

        Raises:
            EntrepotError: What `entrepot_aws.errors` makes of the refusal; a passing
                fault is `Retryable`, as reading changes nothing.
        """
        client = self._client(service)
        self._current.via = via
        try:
            answer: dict[str, Any] = getattr(client, operation)(**params)
        except OutcomeUnknown as error:
            info = error.info
            raise Retryable(
                info.code, "AWS has a passing problem.", detail=info.detail
            ) from None
        except (ResponseParserError, BotoCoreError) as error:
            raise Retryable(
                "answer_unreadable",
                "The answer of AWS cannot be read.",
                detail=f"{service}.{operation}: {type(error).__name__}",
            ) from None
        finally:
            self._current.via = None
        return answer

    def _client(self, service: str) -> Any:  # noqa: ANN401 - boto3 makes its clients at run time
        with self._lock:
            if service not in self._clients:
                self._clients[service] = self._made(service)
            return self._clients[service]

    def _made(self, service: str) -> Any:  # noqa: ANN401 - as above
        own = self._settings.endpoint_url
        region = self._settings.cur_region if service == "s3" else REGION
        config = Config(  # type: ignore[call-arg]  # the stub lacks ignore_configured_endpoint_urls
            signature_version=UNSIGNED,
            retries=RETRIES,  # type: ignore[arg-type]  # the stub knows a narrower dictionary
            ignore_configured_endpoint_urls=True,
            response_checksum_validation="when_required",
            request_checksum_calculation="when_required",
            s3={"addressing_style": "path" if own else "virtual"},
        )
        client = self._session.client(
            service, region_name=region, endpoint_url=own or None, config=config
        )
        signing = client.meta.service_model.signing_name

        def send(request: AWSPreparedRequest, **_: object) -> AWSResponse:
            return self._sent(request, signing, region)

        client.meta.events.register_first("before-send", send)
        return client

    def _sent(
        self, request: AWSPreparedRequest, service: str, region: str
    ) -> AWSResponse:
        via: Via = self._current.via
        headers = {
            name: _text(value)
            for name, value in request.headers.items()
            if name.lower() not in _LEFT_OUT
        }
        body = _bytes(request.body)
        plain = AWSRequest(request.method, request.url, headers=headers, data=body)
        plain.context["client_region"] = region
        http = via.http.bound(
            auth=Signer(via.keys, service, region, plain),
            errors=error_for,
            request_id_headers=("x-amzn-requestid", "x-amz-request-id"),
        )
        found = http.request(
            str(request.method),
            str(request.url),
            headers=headers,
            body=body,
            repeatable=True,
            quota=via.quota,
        )
        return _answer(str(request.url), found)


def _session() -> boto3.session.Session:
    """A session that reads neither files nor the environment of this machine."""
    nothing = (None, None, None, None)
    no_file = (None, None, os.devnull, None)
    blank: Any = botocore.session.Session(
        session_vars={
            "profile": nothing,
            "config_file": no_file,
            "credentials_file": no_file,
        }
    )
    blank.register_component("data_loader", _descriptions())
    return boto3.session.Session(botocore_session=blank)


@cache
def _descriptions() -> Loader:
    """The vendor's service descriptions: constant files, read once per process."""
    return Loader()


def _answer(url: str, found: HttpResponse) -> AWSResponse:
    # The body came decompressed and whole: what spoke of its transport is over.
    gone = ("content-length", "content-encoding", "transfer-encoding")
    kept = {k: v for k, v in found.headers.items() if k.lower() not in gone}
    headers = HTTPHeaders.from_dict(kept)
    return AWSResponse(url, found.status, headers, _Body(found.content))


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _bytes(body: object) -> bytes:
    if body is None:
        return b""
    if isinstance(body, bytes | bytearray):
        return bytes(body)
    if isinstance(body, str):
        return body.encode()
    msg = f"a body of type {type(body).__name__} is not sent by this plugin"
    raise TypeError(msg)
