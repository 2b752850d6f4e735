"""The hash set of a stream: what the last complete listing contained. Pure.

A sorted array of 64-bit content hashes tells, a page at a time, which items are
unchanged, so that they are neither decoded nor looked up nor written (performance
§2.5). Eight bytes an object.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import repeat

import numpy as np
import numpy.typing as npt
import xxhash

Hashes = npt.NDArray[np.uint64]
Mask = npt.NDArray[np.bool_]
SIGNED = np.int64  # how databases keep a hash


def seed_of(mapping_version: str) -> int:
    """The seed that makes hashes of another mapping version differ."""
    return xxhash.xxh32_intdigest(mapping_version.encode())


def content_hashes(items: Iterable[bytes], seed: int) -> Hashes:
    """One hash per item, in order."""
    return np.fromiter(
        map(xxhash.xxh3_64_intdigest, items, repeat(seed)), dtype=np.uint64
    )


def signed(value: int) -> int:
    """A hash as the signed 64-bit number that databases keep."""
    return value - 2**64 if value >= 2**63 else value


KEPT = 20_000  # new hashes kept in a checkpoint; beyond, the books are read again


class HashMemory:
    """Known hashes, which of them this run has seen, and what it added.

    Args:
        known: Little-endian sorted 64-bit hashes; empty when nothing is known.
        seen: `packed_seen` of an interrupted run, or empty.
        added: `packed_added` of an interrupted run, or empty.
        replaced: `packed_replaced` of an interrupted run, or empty.
    """

    def __init__(
        self,
        known: bytes = b"",
        seen: bytes = b"",
        added: bytes = b"",
        replaced: bytes = b"",
    ) -> None:
        self.known: Hashes = unpack(known)
        self.seen: Mask = np.zeros(len(self.known), dtype=np.bool_)
        self.added: list[int] = unpack(added).tolist()
        self.replaced: list[int] = unpack(replaced).tolist()
        self.duplicates = 0
        if seen:
            bits = np.frombuffer(seen, dtype=np.uint8)
            self.seen = np.unpackbits(bits, count=len(self.known)).astype(np.bool_)

    def note(self, hashes: Hashes) -> Mask:
        """Mark the known ones as seen and return which of `hashes` are unknown."""
        if not len(self.known):
            return np.ones(len(hashes), dtype=np.bool_)
        # Looked up in their order, neighbours are in the processor's cache already.
        order = np.argsort(hashes)
        places, hit = self._find(hashes[order])
        found = places[hit]
        first = np.ones(len(found), dtype=np.bool_)
        first[1:] = found[1:] != found[:-1]
        unique = found[first]
        self.duplicates += len(found) - len(unique) + int(self.seen[unique].sum())
        self.seen[unique] = True
        unknown = np.empty(len(hashes), dtype=np.bool_)
        unknown[order] = ~hit
        return unknown

    def wrote(self, new_hashes: Iterable[int], old_hashes: Iterable[int]) -> None:
        """Take note of what was written: none of the old ones looks vanished."""
        old = np.fromiter(old_hashes, dtype=SIGNED).view(np.uint64)
        if not self.overflown:  # beyond that nobody asks for them
            self.added.extend(value % 2**64 for value in new_hashes)
            self.replaced.extend(old.tolist())
        if not len(old):
            return
        if len(self.known):
            places, hit = self._find(old)
            self.seen[places[hit]] = True

    def unseen(self) -> list[int]:
        """Hashes of the last listing that this one lacks, as signed numbers."""
        return [signed(int(value)) for value in self.known[~self.seen]]

    def has_seen(self, row_hash: int) -> bool:
        """Whether a hash (signed) was met in this run."""
        value = np.array([row_hash % 2**64], dtype=np.uint64)
        if int(value[0]) in self.added:
            return True
        if not len(self.known):
            return False
        places, hit = self._find(value)
        return bool(hit[0] and self.seen[places[0]])

    def _find(self, hashes: Hashes) -> tuple[npt.NDArray[np.intp], Mask]:
        places = np.searchsorted(self.known, hashes)
        places[places == len(self.known)] = 0
        return places, self.known[places] == hashes

    def packed_seen(self) -> bytes:
        """The seen marks, one bit each, for a checkpoint."""
        return np.packbits(self.seen).tobytes()

    def packed_added(self) -> bytes:
        """The added hashes for a checkpoint; empty once there are too many."""
        return b"" if self.overflown else _bytes(self.added)

    def packed_replaced(self) -> bytes:
        """The replaced hashes for a checkpoint; empty once there are too many."""
        return b"" if self.overflown else _bytes(self.replaced)

    @property
    def overflown(self) -> bool:
        """Whether more was written than is kept here."""
        return len(self.added) > KEPT

    def following(self, gone: Iterable[int]) -> bytes:
        """What to remember for the next run: known, less replaced and gone, and new.

        Args:
            gone: Signed hashes of objects that are over.
        """
        less = {value % 2**64 for value in gone} | set(self.replaced)
        kept = self.known
        if less and len(kept):
            places, hit = self._find(
                np.fromiter(less, dtype=np.uint64, count=len(less))
            )
            stays = np.ones(len(kept), dtype=np.bool_)
            stays[places[hit]] = False
            kept = kept[stays]
        added = np.fromiter(self.added, dtype=np.uint64, count=len(self.added))
        merged = np.concatenate([kept, np.sort(added)])
        # Two sorted runs are merged in one pass; `unique` would look at each anew.
        merged.sort(kind="stable")
        first = np.ones(len(merged), dtype=np.bool_)
        first[1:] = merged[1:] != merged[:-1]
        return merged[first].astype("<u8", copy=False).tobytes()


def unpack(packed: bytes) -> Hashes:
    """Packed hashes as an array, which nobody may write to."""
    return np.frombuffer(packed, dtype="<u8").astype(np.uint64, copy=False)


def _bytes(values: list[int]) -> bytes:
    return np.array(values, dtype="<u8").tobytes()


def pack(row_hashes: Iterable[int]) -> bytes:
    """Sorted little-endian hashes from signed row hashes, for `HashMemory`."""
    values = np.fromiter(row_hashes, dtype=SIGNED).view(np.uint64)
    values.sort()
    return values.astype("<u8", copy=False).tobytes()
