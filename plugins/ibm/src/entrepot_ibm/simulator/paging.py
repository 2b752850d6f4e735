"""The vendor's unlike ways of paging (§5.2)."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from werkzeug.wrappers import Request

from entrepot_ibm.simulator.model import Wire
from entrepot_ibm.simulator.refusals import family
from entrepot_ibm.simulator.render import next_link

T = TypeVar("T")
_HOUR = 3600
_LIVES = timedelta(hours=2)


def number(request: Request, name: str, default: int, most: int) -> int:
    """A size or offset of the query; refused when it is none.

    Raises:
        Refusal: 400.
    """
    text = request.args.get(name)
    if text is None:
        return default
    if not text.isdigit():
        raise family(request, 400, "bad_request", f"{name} must be a number")
    return min(int(text), most)


def seal(now: datetime, **values: object) -> str:
    """An opaque token that holds these values and its hour (B12).

    The same place has the same token within the hour.
    """
    data = {**values, "at": now.timestamp() // _HOUR * _HOUR}
    return base64.urlsafe_b64encode(json.dumps(data).encode()).decode().rstrip("=")


def unseal(request: Request, token: str, now: datetime) -> dict[str, int | str]:
    """What a token holds.

    Raises:
        Refusal: 400 for a foreign or an expired token.
    """
    try:
        data = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        age = now.timestamp() - data.pop("at")
    except (ValueError, KeyError, binascii.Error):
        raise family(request, 400, "bad_request", "Invalid start token") from None
    if age > _LIVES.total_seconds():
        raise family(request, 400, "bad_request", "The start token has expired")
    return dict(data)


def by_url(
    request: Request, items: list[Wire], token: str | None, name: str, *, null: bool
) -> Wire:
    """`rows_count`, `next_url`, `resources`; the last page has null, or no member."""
    body: Wire = {"rows_count": len(items), "resources": items}
    if token is not None:
        path = "/" + request.path.split("/", 2)[2]
        query = {k: v for k, v in request.args.items() if k != name}
        body["next_url"] = next_link(path, **{**query, name: token})
    elif null:
        body["next_url"] = None
    return body


def cut(items: Sequence[T], start: int, size: int) -> tuple[list[T], int | None]:
    """A page, and where the next begins; None at the end."""
    following = start + size
    more = following if following < len(items) else None
    return list(items[start:following]), more
