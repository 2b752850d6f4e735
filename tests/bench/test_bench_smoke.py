"""The bench runs end to end and every cell's answer is right; no time is looked at."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def bench(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "bench", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )


@pytest.mark.heavy
def test_bench_smoke_proves_every_cell():
    done = bench("smoke", "--size", "2k")
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert "all right, on sqlite, postgresql" in done.stdout
    for cell in ("product_empty", "product_delta_raw", "rows_written"):
        for database in ("sqlite", "postgresql"):
            assert f"{database} 2k #0 {cell}" in done.stdout


def test_every_row_of_the_table_can_be_judged():
    rows = tomllib.loads((ROOT / "bench" / "targets.toml").read_text())["row"]
    names = [row["id"] for row in rows]
    wanted = [f"S{n}" for n in range(1, 8)] + [f"D{n}" for n in range(1, 6)]
    wanted += [f"R{n}" for n in range(1, 5)] + [f"A{n}" for n in range(1, 6)]
    assert {*wanted, "P1", "P2"} <= set(names)
    assert len(names) == len(set(names))
    for row in rows:
        assert {"id", "text", "numerator", "of", "db"} <= set(row)
        assert ("gate" in row) == (row.get("op") in (">=", "<=", "=="))


def test_compare_tells_a_regression_from_noise(tmp_path):
    def result(value):
        ratio = {"id": "S1", "db": "postgresql", "size": 10_000, "of": "cpu"}
        ratio |= {"op": ">=", "value": value, "low": value, "high": value}
        return json.dumps({"ratios": [ratio]})

    old, same, worse = (tmp_path / name for name in ("old", "same", "worse"))
    old.write_text(result(0.40))
    same.write_text(result(0.37))
    worse.write_text(result(0.30))
    assert bench("compare", str(old), str(same)).returncode == 0
    found = bench("compare", str(old), str(worse))
    assert found.returncode == 1
    assert "WORSE" in found.stdout
