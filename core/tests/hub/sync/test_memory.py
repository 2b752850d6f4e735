"""The hash set against a plain set of numbers."""

from __future__ import annotations

import numpy as np
from entrepot.hub.sync.memory import HashMemory, signed, unpack
from hypothesis import given
from hypothesis import strategies as st

HASHES = st.integers(0, 40).map(lambda number: number * (2**64 // 41))


def packed(values: set[int]) -> bytes:
    return np.array(sorted(values), dtype="<u8").tobytes()


@given(st.sets(HASHES), st.lists(st.lists(HASHES, max_size=12), max_size=6))
def test_pages_are_noted_as_a_plain_set_would(known, pages):
    memory = HashMemory(packed(known))
    met: list[int] = []
    for page in pages:
        unknown = memory.note(np.array(page, dtype=np.uint64)).tolist()
        assert unknown == [value not in known for value in page]
        met += [value for value in page if value in known]
    assert memory.duplicates == len(met) - len(set(met))
    unseen = {value % 2**64 for value in memory.unseen()}
    assert unseen == known - set(met)


@given(st.sets(HASHES), st.lists(HASHES), st.sets(HASHES), st.sets(HASHES))
def test_what_is_remembered_is_what_was_known_written_and_not_replaced(
    known, added, replaced, gone
):
    memory = HashMemory(packed(known))
    memory.wrote(added, [signed(value) for value in replaced])
    kept = unpack(memory.following(signed(value) for value in gone)).tolist()
    assert kept == sorted((known - replaced - gone) | set(added))
