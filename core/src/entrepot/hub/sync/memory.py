"""The hash set of a stream: what the last complete listing contained. Pure.

A sorted array of 64-bit content hashes tells, a page at a time, which items are
unchanged, so that they are neither decoded nor looked up nor written (performance
§2.5). Eight bytes an object.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import xxhash

Hashes = npt.NDArray[np.uint64]
Mask = npt.NDArray[np.bool_]


def seed_of(mapping_version: str) -> int:
    """The seed that makes hashes of another mapping version differ."""
    return xxhash.xxh32_intdigest(mapping_version.encode())


def content_hashes(items: Iterable[bytes], seed: int) -> Hashes:
    """One hash per item, in order."""
    digest = xxhash.xxh3_64_intdigest
    return np.fromiter((digest(item, seed) for item in items), dtype=np.uint64)


def signed(value: int) -> int:
    """A hash as the signed 64-bit number that databases keep."""
    return value - 2**64 if value >= 2**63 else value


class HashMemory:
    """Known hashes and which of them this run has seen.

    Args:
        known: Little-endian sorted 64-bit hashes; empty when nothing is known.
        seen: `packed_seen` of an interrupted run, or empty.
    """

    def __init__(self, known: bytes = b"", seen: bytes = b"") -> None:
        self.known: Hashes = np.frombuffer(known, dtype="<u8").astype(np.uint64)
        self.seen: Mask = np.zeros(len(self.known), dtype=np.bool_)
        self.duplicates = 0
        if seen:
            bits = np.frombuffer(seen, dtype=np.uint8)
            self.seen = np.unpackbits(bits, count=len(self.known)).astype(np.bool_)

    def note(self, hashes: Hashes) -> Mask:
        """Mark the known ones as seen and return which of `hashes` are unknown."""
        if not len(self.known):
            return np.ones(len(hashes), dtype=np.bool_)
        places = np.searchsorted(self.known, hashes)
        places[places == len(self.known)] = 0
        hit: Mask = self.known[places] == hashes
        found = places[hit]
        unique = np.unique(found)
        self.duplicates += len(found) - len(unique) + int(self.seen[unique].sum())
        self.seen[unique] = True
        return ~hit

    def account_for(self, old_hashes: Iterable[int]) -> None:
        """Mark hashes whose objects came with new content, so none looks vanished."""
        old = np.fromiter((value % 2**64 for value in old_hashes), dtype=np.uint64)
        if len(old) and len(self.known):
            places = np.searchsorted(self.known, old)
            places[places == len(self.known)] = 0
            self.seen[places[self.known[places] == old]] = True

    def unseen(self) -> list[int]:
        """Hashes of the last listing that this one lacks, as signed numbers."""
        return [signed(int(value)) for value in self.known[~self.seen]]

    def has_seen(self, row_hash: int) -> bool:
        """Whether a known hash (signed) was met in this run."""
        value = np.uint64(row_hash % 2**64)
        place = int(np.searchsorted(self.known, value))
        if place == len(self.known) or self.known[place] != value:
            return False
        return bool(self.seen[place])

    def packed_seen(self) -> bytes:
        """The seen marks, one bit each, for a checkpoint."""
        return np.packbits(self.seen).tobytes()


def pack(row_hashes: Iterable[int]) -> bytes:
    """Sorted little-endian hashes from signed row hashes, for `HashMemory`."""
    values = np.fromiter((value % 2**64 for value in row_hashes), dtype=np.uint64)
    values.sort()
    return values.astype("<u8").tobytes()
