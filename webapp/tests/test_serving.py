"""The real server: it answers, and nothing stays behind when it ends."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import psutil
import pytest
import requests

PROGRAM = (
    "from entrepot.store.settings import load_settings;"
    "from entrepot_web import serve; serve(load_settings())"
)


@pytest.fixture
def database_kind() -> str:
    """One database: the server doesn't know which."""
    return "sqlite"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(
    settings, lifeline: bool = False
) -> Iterator[tuple[subprocess.Popen, str, int]]:
    port = free_port()
    reading, writing = os.pipe()
    environment = {
        **os.environ,
        "ENTREPOT_DATABASE_URL": settings.database_url,
        "ENTREPOT_DATA_DIR": str(settings.data_dir),
        "ENTREPOT_KEYS": ",".join(settings.keys),
        "ENTREPOT_BIND_PORT": str(port),
        "ENTREPOT_WEB_PROCESSES": "2",
        "ENTREPOT_ENVIRONMENT": "test",
    }
    if lifeline:
        environment["ENTREPOT_LIFELINE"] = str(reading)
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], env=environment, pass_fds=(reading,)
    )
    os.close(reading)
    try:
        yield process, f"http://127.0.0.1:{port}", writing
    finally:
        with contextlib.suppress(OSError):
            os.close(writing)
        if process.poll() is None:
            process.kill()
        process.wait(timeout=30)


def wait_until_ready(process: subprocess.Popen, base: str) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        assert process.poll() is None, "the server ended before it answered"
        with contextlib.suppress(requests.ConnectionError):
            if requests.get(f"{base}/readyz", timeout=10).status_code == 200:
                return
        time.sleep(0.2)
    pytest.fail("the server never became ready")


def gone(processes: list[psutil.Process]) -> bool:
    _, alive = psutil.wait_procs(processes, timeout=45)
    return not alive


@pytest.mark.heavy
@pytest.mark.parametrize("end", ["signal", "lifeline"])
def test_server_answers_and_leaves_nothing_behind(settings, store, end) -> None:
    with running(settings, lifeline=end == "lifeline") as (process, base, writing):
        wait_until_ready(process, base)
        page = requests.get(f"{base}/login", timeout=10)
        assert page.status_code == 200
        assert "Sign in" in page.text
        missing = requests.get(f"{base}/api/v1/customers", timeout=10)
        assert missing.headers["Content-Type"] == "application/problem+json"
        family = [psutil.Process(process.pid)]
        family += family[0].children(recursive=True)
        assert len(family) >= 3
        if end == "signal":
            process.send_signal(signal.SIGTERM)
        else:
            os.close(writing)
        process.wait(timeout=60)
        assert gone(family)
