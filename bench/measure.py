"""Wall time, processor time (ours, the database's), memory, and what others used."""

from __future__ import annotations

import ctypes
import gc
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_TICKS = os.sysconf("SC_CLK_TCK")


def tree_seconds(root: int) -> float:
    """CPU seconds of a process and all its descendants, ended ones included.

    Ended children count through their parent once it has waited for them.
    """
    kinds = _processes()
    wanted, total = [root], 0.0
    while wanted:
        pid = wanted.pop()
        found = kinds.get(pid)
        if found is None:
            continue
        total += found[1]
        wanted += [child for child, (parent, _) in kinds.items() if parent == pid]
    return total


def _processes() -> dict[int, tuple[int, float]]:
    found: dict[int, tuple[int, float]] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            text = (entry / "stat").read_text()
        except OSError:
            continue
        parts = text.rpartition(")")[2].split()
        ticks = sum(int(parts[place]) for place in (11, 12, 13, 14))
        found[int(entry.name)] = (int(parts[1]), ticks / _TICKS)
    return found


def machine_seconds() -> float:
    """CPU seconds that the whole machine has been busy since it started."""
    parts = Path("/proc/stat").read_text().splitlines()[0].split()[1:]
    user, nice, system, _idle, _wait, irq, soft, steal = map(int, parts[:8])
    return (user + nice + system + irq + soft + steal) / _TICKS


def peak_memory() -> int:
    """Largest resident size of this process so far, in bytes."""
    return _status("VmHWM:")


def forget_peak() -> None:
    """Let `peak_memory` count from now on; what came before isn't the cell's."""
    gc.collect()
    # What was freed would be taken again unseen.
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")


def resident() -> int:
    """Resident size of this process now, in bytes."""
    return _status("VmRSS:")


def _status(name: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) * 1024
    return 0


@contextmanager
def measured(
    result: dict[str, Any], *, pg: int = 0, others: tuple[int, ...] = ()
) -> Iterator[None]:
    """Measure the block into `result`.

    Args:
        result: Gets ``wall``, ``own``, ``pg``, ``cpu`` (own + pg) in seconds, ``rss``
            in bytes and ``load``: cores that foreign processes used meanwhile.
        pg: Process id of the postmaster, or 0.
        others: Processes that belong to the cell but are not charged (the vendor).
    """
    friends = (*((pg,) if pg else ()), *others)
    before = {pid: tree_seconds(pid) for pid in friends}
    busy, own, began = machine_seconds(), time.process_time(), time.perf_counter()
    yield
    result["wall"] = time.perf_counter() - began
    result["own"] = time.process_time() - own
    machine = machine_seconds() - busy
    used = {pid: tree_seconds(pid) - before[pid] for pid in friends}
    result["pg"] = used.get(pg, 0.0)
    result["cpu"] = result["own"] + result["pg"]
    foreign = machine - result["own"] - sum(used.values())
    result["load"] = max(0.0, foreign) / max(result["wall"], 1e-9)
    result["rss"] = peak_memory()
