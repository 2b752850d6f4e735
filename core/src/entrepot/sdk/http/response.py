"""What came back: bytes first, exact numbers when decoded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NoReturn, TypeVar

import msgspec
from requests.structures import CaseInsensitiveDict

from entrepot.sdk.errors import EntrepotError, Retryable

T = TypeVar("T")
_ENCODER = msgspec.json.Encoder(decimal_format="number")
_JSON_ENDS = b'}]"elLE0123456789'  # "e" and "l" close true, false and null


def encode_json(value: Any) -> bytes:  # noqa: ANN401 - any JSON-like structure
    """JSON bytes of a structure; Decimals become exact JSON numbers."""
    return _ENCODER.encode(value)


def parse_json(content: bytes) -> Any:  # noqa: ANN401 - any JSON value
    """The JSON value of these bytes, numbers with a fraction as exact Decimals.

    Raises:
        ValueError: the bytes are not JSON, or hold NaN or Infinity.
    """
    return json.loads(
        content.decode("utf-8-sig"),
        parse_float=Decimal,
        parse_constant=_refuse_constant,
    )


def _refuse_constant(word: str) -> NoReturn:
    msg = f"{word} is not a JSON number"
    raise ValueError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpResponse:
    """One complete answer.

    Attributes:
        status: HTTP status.
        headers: Case-insensitive.
        content: The whole body, decompressed.
        url: What was asked, without query.
        method: How.
        request_id: The vendor's id of the call, or None.
        correlation_id: The id we sent with this call.
    """

    status: int
    headers: Mapping[str, str]
    content: bytes = field(repr=False)
    url: str
    method: str = "GET"
    request_id: str | None = None
    correlation_id: str | None = None

    @property
    def ok(self) -> bool:
        """True for a status from 200 to 299."""
        return 200 <= self.status < 300

    @property
    def text(self) -> str:
        """The body as text; bytes that are not UTF-8 become replacement marks."""
        return self.content.decode("utf-8-sig", "replace")

    def header(self, name: str) -> str | None:
        """A header's value, or None."""
        return self.headers.get(name)

    def json(self) -> Any:  # noqa: ANN401 - any JSON value
        """The body as JSON with exact Decimals; None for an empty body.

        Raises:
            Retryable: the body is not JSON (cut off, or an error page).
        """
        if not self.content.strip():
            return None
        try:
            return parse_json(self.content)
        except ValueError as error:
            raise self.broken(error) from None

    def decode(self, decoder: msgspec.json.Decoder[T]) -> T:
        """The body as the decoder's type.

        Raises:
            Retryable: the body is not JSON or lacks what the type demands.
        """
        try:
            return decoder.decode(self.content)
        except msgspec.MsgspecError as error:
            raise self.broken(error) from None

    def looks_cut(self) -> bool:
        """True when a JSON body surely ends too early; cheap, for every answer."""
        if "json" not in (self.header("Content-Type") or ""):
            return False
        end = self.content.rstrip()[-1:]
        return bool(end) and end not in _JSON_ENDS

    def broken(self, error: Exception) -> EntrepotError:
        """The error of a body that cannot be read; names position, never content."""
        where = str(error) if isinstance(error, msgspec.MsgspecError) else ""
        if isinstance(error, json.JSONDecodeError):
            where = f"{error.msg} at {error.pos}"
        return Retryable(
            "answer_unreadable",
            "The other side sent an answer that cannot be read.",
            detail=f"{self.method} {self.url}: {len(self.content)} bytes. {where}",
            vendor_request_id=self.request_id,
        )


def case_insensitive(headers: Mapping[str, str]) -> Mapping[str, str]:
    """A copy whose names are compared without regard to case."""
    return CaseInsensitiveDict(headers)
