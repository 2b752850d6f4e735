"""Load on an HTTP server: wrk where there is one, else a loop of our own."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from bench.measure import machine_seconds, tree_seconds

CONNECTIONS = 2


@dataclass(frozen=True)
class Served:
    """A server that is up."""

    base: str
    pid: int
    path: str
    headers: dict[str, str]

    def get(self) -> bytes:
        """The body that is measured."""
        with urlopen(Request(self.base + self.path, headers=self.headers)) as answer:
            body: bytes = answer.read()
            return body


@contextlib.contextmanager
def served(
    kind: str,
    path: str,
    *,
    url: str = "-",
    folder: str = "-",
    tenant: str = "-",
    headers: dict[str, str] | None = None,
    env: dict[str, str],
    cwd: Path,
) -> Iterator[Served]:
    """Run one application while the block lasts."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "bench.server", kind, str(port)]
    process = subprocess.Popen(
        [*command, url, folder, tenant], cwd=cwd, env=env, start_new_session=True
    )
    try:
        made = Served(f"http://127.0.0.1:{port}", process.pid, path, headers or {})
        _wait(made, process)
        yield made
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait(server: Served, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 90
    while True:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}")
        try:
            server.get()
        except HTTPError as error:
            raise RuntimeError(f"{error.code}: {error.read()[:500]!r}") from error
        except (URLError, OSError) as error:
            if time.monotonic() > until:
                raise RuntimeError("the server did not come up") from error
            time.sleep(0.2)
        else:
            return


def press(server: Served, seconds: float, *, pg: int = 0) -> dict[str, Any]:
    """Press for a while; requests a second, and CPU of server and database."""
    pids = (server.pid, *((pg,) if pg else ()))
    before = {pid: tree_seconds(pid) for pid in pids}
    busy, began = machine_seconds(), time.perf_counter()
    count, errors, load_cpu = (_wrk if shutil.which("wrk") else _loop)(server, seconds)
    wall = time.perf_counter() - began
    used = {pid: tree_seconds(pid) - before[pid] for pid in pids}
    cpu = sum(used.values())
    foreign = machine_seconds() - busy - cpu - load_cpu
    return {
        "wall": wall,
        "requests": count,
        "rps": count / seconds,
        "cpu": cpu,
        "pg": used.get(pg, 0.0),
        "cpu_per_request": cpu / max(count, 1),
        "load": max(0.0, foreign) / wall,
        "right": errors == 0 and count > 0,
    }


def _wrk(server: Served, seconds: float) -> tuple[int, int, float]:
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds:g}s"]
    for name, value in server.headers.items():
        command += ["-H", f"{name}: {value}"]
    before = os.times()
    done = subprocess.run(
        [*command, server.base + server.path],
        capture_output=True,
        text=True,
        check=True,
    )
    after = os.times()
    count = int(re.search(r"(\d+) requests in", done.stdout)[1])  # type: ignore[index]
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", done.stdout)
    broken = re.search(r"Socket errors: .*", done.stdout)
    spent = (
        after.children_user
        - before.children_user
        + after.children_system
        - before.children_system
    )
    return count, (int(bad[1]) if bad else 0) + bool(broken), spent


def _loop(server: Served, seconds: float) -> tuple[int, int, float]:
    counts = [0, 0]
    lock = threading.Lock()
    host = server.base.removeprefix("http://")
    until = time.monotonic() + seconds
    own = time.process_time()

    def work() -> None:
        connection = http.client.HTTPConnection(host)
        while time.monotonic() < until:
            connection.request("GET", server.path, headers=server.headers)
            answer = connection.getresponse()
            body = answer.read()
            if answer.status != 200 and not counts[1]:
                print(f"{answer.status}: {body[:300]!r}", file=sys.stderr)
            with lock:
                counts[0] += 1
                counts[1] += answer.status != 200

    threads = [threading.Thread(target=work) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return counts[0], counts[1], time.process_time() - own
