"""From samples to ratios: the rows of ``targets.toml``."""

from __future__ import annotations

import statistics
import tomllib
from pathlib import Path
from typing import Any

Row = dict[str, Any]
BUSY = 0.25  # share of the cores used by others above which times prove nothing


def rows() -> list[Row]:
    """The table's rows."""
    with (Path(__file__).parent / "targets.toml").open("rb") as stream:
        found: list[Row] = tomllib.load(stream)["row"]
        return found


def ratios(samples: list[Row], cores: int) -> list[Row]:
    """Every ratio that the samples allow."""
    found = []
    sizes = sorted({one["size"] for one in samples})
    for row in rows():
        for db in row["db"]:
            if "sizes" in row:
                big, small = row["sizes"]
                made = _ratio(row, samples, db, big, small, cores)
                found += [made] if made else []
                continue
            for size in sizes:
                made = _ratio(row, samples, db, size, size, cores)
                found += [made] if made else []
    return found


def _pick(samples: list[Row], cell: str, db: str, size: int, metric: str) -> list[Row]:
    return [
        one
        for one in samples
        if one["cell"] == cell
        and one["db"] in (db, "-")
        and one["size"] == size
        and metric in one
    ]


def _ratio(
    row: Row, samples: list[Row], db: str, size: int, other: int, cores: int
) -> Row | None:
    metric = row["of"]
    top = _pick(samples, row["numerator"], db, size, metric)
    if not top:
        return None
    if "denominator" not in row:
        values = [one[metric] for one in top]
        return _judged(row, db, size, values, statistics.median(values), top, cores)
    bottom = _pick(samples, row["denominator"], db, other, metric)
    if not bottom:
        return None
    pairs = [
        one[metric] / two[metric]
        for one, two in zip(top, bottom, strict=False)
        if two[metric]
    ]
    value = _middle(top, metric) / max(_middle(bottom, metric), 1e-9)
    return _judged(row, db, size, pairs, value, top + bottom, cores)


def _middle(samples: list[Row], metric: str) -> float:
    return float(statistics.median(one[metric] for one in samples))


def _judged(
    row: Row,
    db: str,
    size: int,
    spread: list[float],
    value: float,
    used: list[Row],
    cores: int,
) -> Row:
    special = row.get("gate_at", {})
    gate = special.get(str(size), special.get(db, row.get("gate")))
    loads = [one["load"] for one in used if "load" in one]
    load = statistics.median(loads) if loads else 0.0
    found = {
        "id": row["id"],
        "text": row["text"],
        "db": db,
        "size": size,
        "of": row["of"],
        "value": value,
        "low": min(spread, default=value),
        "high": max(spread, default=value),
        "reps": len(spread),
        "op": row.get("op", ""),
        "gate": gate,
        "stretch": row.get("stretch"),
        "load": load,
    }
    found["verdict"] = _verdict(found, row, size, cores)
    return found


def _verdict(found: Row, row: Row, size: int, cores: int) -> str:
    if found["gate"] is None:
        return "for information"
    if size < row.get("from", 0):
        return "too small to judge"
    timed = found["of"] in ("wall", "rps")
    if timed and found["load"] > BUSY * cores:
        return "not judged: busy machine"
    if _holds(found["op"], found["value"], found["gate"]):
        return "met"
    if found["low"] <= found["gate"] <= found["high"]:
        return "undecided"
    return "missed"


def _holds(op: str, value: float, gate: float) -> bool:
    if op == ">=":
        return value >= gate
    if op == "<=":
        return value <= gate
    return abs(value - gate) < 1e-9
