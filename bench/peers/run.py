"""Cells that run a peer in its environment, and prove what it wrote."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg

from bench import gen
from bench.measure import machine_seconds, tree_seconds

HERE = Path(__file__).parent


def dlt(
    url: str, home: str, folder: str, vendor: str, *, pg: int, truth: int, count: int
) -> dict[str, Any]:
    """One load by dlt; proves rows and checksum."""
    before = tree_seconds(pg), machine_seconds(), time.perf_counter()
    done = subprocess.run(
        [f"{home}/bin/python", str(HERE / "dlt_load.py"), vendor, _tcp(url), folder],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-3000:])
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    sql = "SELECT id, quantity, unit_price FROM peer_dlt.subscriptions"
    return _closed(found, before, pg, url, sql, (truth, count))


def singer(
    url: str, home: str, folder: str, vendor: str, *, pg: int, truth: int, count: int
) -> dict[str, Any]:
    """One load by a Singer tap into target-postgres; proves rows and checksum."""
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    (place / "tap.json").write_text(json.dumps({"base_url": vendor}))
    target = {"sqlalchemy_url": url.replace("postgresql:", "postgresql+psycopg:")}
    target |= {"default_target_schema": "peer_singer"}
    (place / "target.json").write_text(json.dumps(target))
    command = (
        f"set -o pipefail; {home}/bin/python {HERE}/singer_tap.py --config tap.json "
        f"2>tap.log | {home}/bin/target-postgres --config target.json >target.log 2>&1"
    )
    before = tree_seconds(pg), machine_seconds(), time.perf_counter()
    began, used = time.perf_counter(), _children()
    done = subprocess.run(["bash", "-c", command], cwd=place, check=False)
    found = {"wall": time.perf_counter() - began, "own": _children() - used}
    if done.returncode:
        logs = [
            (place / name).read_text()[-1500:] for name in ("tap.log", "target.log")
        ]
        raise RuntimeError("\n".join(logs))
    sql = 'SELECT id, quantity, "unitPrice" FROM peer_singer.subscriptions'
    return _closed(found, before, pg, url, sql.replace('"unitPrice"', _price(url)),
                   (truth, count))  # fmt: skip


def _price(url: str) -> str:
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = "
            "'peer_singer' AND lower(replace(column_name, '_', '')) = 'unitprice'"
        ).fetchone()
    return f'"{found[0]}"' if found else '"unitPrice"'


def _children() -> float:
    import resource

    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _tcp(url: str) -> str:
    """The same address with an explicit socket folder that dlt's client accepts."""
    parts = urlsplit(url)
    host = parse_qs(parts.query)["host"][0]
    return f"postgresql://postgres:none@localhost{parts.path}?host={host}"


def _closed(
    found: dict[str, Any],
    before: tuple[float, float, float],
    pg: int,
    url: str,
    sql: str,
    wanted: tuple[int, int],
) -> dict[str, Any]:
    found["pg"] = tree_seconds(pg) - before[0]
    found["cpu"] = found["own"] + found["pg"]
    foreign = machine_seconds() - before[1] - found["cpu"]
    found["load"] = max(0.0, foreign) / (time.perf_counter() - before[2])
    total, rows = 0, 0
    with psycopg.connect(url) as connection:
        for vendor_id, quantity, price in connection.execute(sql):
            cents = round(float(price) * 100)
            total += gen.digest(vendor_id, int(quantity), cents * 10**8)
            rows += 1
    found["right"] = (total % 2**64, rows) == wanted
    return found
