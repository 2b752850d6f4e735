"""Opaque page tokens, bound to the question they continue (§2.5)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from werkzeug.wrappers import Request

from entrepot_google.simulator.refusals import Refusal, refuse

if TYPE_CHECKING:
    from entrepot_google.simulator.app import GoogleSimulator

T = TypeVar("T")
_SECRET = b"page tokens of a simulated vendor"
_SIZE_NAMES = ("pageSize", "pageToken", "maxResults", "key", "alt", "prettyPrint")


class Pager:
    """Cuts listings into pages.

    Args:
        vendor: Tells which faults strike, and whether pages may be empty.
    """

    def __init__(self, vendor: GoogleSimulator) -> None:
        self._vendor = vendor

    def page(
        self,
        request: Request,
        items: Sequence[T],
        usual: int,
        most: int,
        given: dict[str, Any] | None = None,
    ) -> tuple[Sequence[T], dict[str, str]]:
        """The asked page, and the members that lead to the next one.

        Args:
            request: Query parameters hold size and token.
            items: The whole listing.
            usual: Size when none is asked for.
            most: Larger sizes are cut to this.
            given: Parameters that came in a body instead.

        Raises:
            Refusal: The size is negative, or the token is not of this question.
        """
        asked = {**request.args.to_dict(flat=False), **(given or {})}
        size = _size(_first(asked.get("pageSize")), usual, most)
        bound = _digest(request.path, asked)
        start, skipped = _start(_first(asked.get("pageToken")), bound)
        start = self._vendor.shift_page(request, start, size)
        if self._vendor.empty_pages and start and not skipped:
            # A page may be empty while a token is present (T3).
            return [], {"nextPageToken": _token(start, bound, skipped=True)}
        chunk, end = items[start : start + size], start + size
        following = _token(end, bound) if end < len(items) else ""
        return chunk, {"nextPageToken": following} if following else {}


def _first(value: Any) -> str:  # noqa: ANN401 - a list of texts, a text or a number
    if isinstance(value, list):
        return str(value[0]) if value else ""
    return "" if value is None else str(value)


def _size(text: str, usual: int, most: int) -> int:
    try:
        size = int(text or "0")
    except ValueError:
        raise refuse("INVALID_ARGUMENT", f"Invalid page size {text!r}.") from None
    if size < 0:
        raise refuse("INVALID_ARGUMENT", "Page size must not be negative.")
    return min(size or usual, most)


def _digest(path: str, asked: dict[str, Any]) -> str:
    kept = {k: v for k, v in sorted(asked.items()) if k not in _SIZE_NAMES}
    data = msgspec.json.encode([path, kept])
    return hashlib.blake2b(data, digest_size=6).hexdigest()


def _token(start: int, bound: str, *, skipped: bool = False) -> str:
    body = f"{start}:{int(skipped)}:{bound}".encode()
    sign = hmac.new(_SECRET, body, "sha256").digest()[:6]
    return base64.urlsafe_b64encode(sign + body).decode().rstrip("=")


def _start(token: str, bound: str) -> tuple[int, bool]:
    if not token:
        return 0, False
    try:
        data = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except (binascii.Error, ValueError):
        raise _invalid() from None
    sign, body = data[:6], data[6:]
    if not hmac.compare_digest(sign, hmac.new(_SECRET, body, "sha256").digest()[:6]):
        raise _invalid()
    start, skipped, of = body.decode().split(":")
    if of != bound:
        raise refuse("INVALID_ARGUMENT", "The page token belongs to another request.")
    return int(start), skipped == "1"


def _invalid() -> Refusal:
    return refuse("INVALID_ARGUMENT", "Invalid page token.")
