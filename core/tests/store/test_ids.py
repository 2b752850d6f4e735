from __future__ import annotations

import os
import re

from entrepot.store import new_id, new_ids


def test_ids_are_prefixed_and_ascend():
    ids = [new_id("cus") for _ in range(2000)]
    assert ids == sorted(set(ids))
    assert re.fullmatch(r"cus_[0-9a-f]{26}", ids[0])


def test_bulk_ids_ascend_with_single_ones():
    before = new_id("sub")
    ids = new_ids("sub", 10_000)
    after = new_id("sub")
    assert [before, *ids, after] == sorted({before, *ids, after})
    assert new_ids("sub", 0) == []


def test_a_forked_child_makes_other_ids():
    read, write = os.pipe()
    first = new_id("x")
    child = os.fork()
    if child == 0:
        os.write(write, new_id("x").encode())
        os._exit(0)
    os.close(write)
    os.waitpid(child, 0)
    theirs = os.read(read, 100).decode()
    os.close(read)
    assert theirs not in {first, new_id("x")}
