"""One page of a listing, as records or as the vendor's raw items."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

T = TypeVar("T")


class ContentHash(StrEnum):
    """What a raw listing's content hash is taken over (performance §2.5)."""

    RAW = "raw"  # the item's bytes are stable between two listings
    PROJECTION = "projection"  # only the mapped fields are


@dataclass(frozen=True, slots=True, kw_only=True)
class RawItems(Generic[T]):
    """A page's items still encoded, so that unchanged ones are never decoded.

    Attributes:
        items: One encoded JSON object each.
        decode: Turns one encoded item into the model record; pure.
        project: For `ContentHash.PROJECTION`: the bytes to hash, holding exactly the
            mapped fields; None where the raw bytes are hashed.
        content_hash: What is hashed.
        mapping_version: Changes whenever `decode` would give another record for the
            same bytes; part of the hash key.
    """

    items: Sequence[bytes]
    decode: Callable[[bytes], T]
    content_hash: ContentHash
    mapping_version: str
    project: Callable[[bytes], bytes] | None = None

    def hash_input(self, item: bytes) -> bytes:
        """The bytes that stand for `item` when asking whether it changed."""
        return item if self.project is None else self.project(item)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """One page of a listing.

    Exactly one of `items` and `raw` is filled; `records()` gives either's records.

    Attributes:
        items: Model records, in the vendor's order.
        raw: The fast form.
        next_cursor: Opaque text that asks for the following page, also after a
            restart of the process; None when this was the last one.
        complete: False when the plugin knows that this page misses something.
        incomplete_reason: Why, in words, when `complete` is False.
        total: Number of items of the whole listing if the vendor promises it.
    """

    items: Sequence[T] = ()
    raw: RawItems[T] | None = None
    next_cursor: str | None = None
    complete: bool = True
    incomplete_reason: str | None = None
    total: int | None = None

    def records(self) -> list[T]:
        """The page's model records, decoded where necessary."""
        if self.raw is None:
            return list(self.items)
        return [self.raw.decode(item) for item in self.raw.items]

    def __len__(self) -> int:
        return len(self.items) if self.raw is None else len(self.raw.items)
