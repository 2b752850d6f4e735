"""Opaque page tokens that fit the question they were given for only (S28)."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Sequence
from typing import TypeVar

from entrepot_aws.simulator.codec import Data, Refusal

T = TypeVar("T")


def token(start: int, bound: str, *, rested: bool = False) -> str:
    """A token for the items from `start` on."""
    mark = hashlib.sha256(bound.encode()).hexdigest()[:8]
    text = f"{start}/{int(rested)}/{mark}"
    return base64.urlsafe_b64encode(text.encode()).decode()


def position(given: str | None, bound: str, refusal: Refusal) -> tuple[int, bool]:
    """Where a token points, and whether an empty page went before.

    Raises:
        Refusal: The given one, for a token of another question or of nobody.
    """
    if given is None:
        return 0, False
    try:
        start, rested, mark = base64.urlsafe_b64decode(given).decode().split("/")
        if mark == hashlib.sha256(bound.encode()).hexdigest()[:8]:
            return int(start), rested == "1"
    except ValueError:
        raise refusal from None
    raise refusal


def page(
    given: Data,
    items: Sequence[T],
    member: str,
    shown: Callable[[T], object],
    *,
    most: int,
    bound: str = "",
    name: str = "nextToken",
    size_name: str = "maxResults",
) -> Data:
    """One page of a listing in camel or Pascal case."""
    size = min(given.get(size_name) or most, most)
    refusal = Refusal(
        "ValidationException", "Invalid token.", reason="INVALID_NEXT_TOKEN"
    )
    start, _ = position(given.get(name), f"{member} {bound}", refusal)
    found: Data = {member: [shown(each) for each in items[start : start + size]]}
    if start + size < len(items):
        found[name] = token(start + size, f"{member} {bound}")
    return found
