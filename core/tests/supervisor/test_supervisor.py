"""The supervisor with real child processes."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
from entrepot.supervisor import Command, Supervisor

CHILD = """
import os, signal, sys, threading, time
from entrepot.supervisor.lifeline import watch_lifeline
folder, name = sys.argv[1], sys.argv[2]
stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
if sys.argv[3] == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
watch_lifeline(stop.set)
with open(f"{folder}/{name}.pids", "a") as file:
    file.write(f"{os.getpid()}\\n")
while not stop.wait(0.05):
    pass
with open(f"{folder}/{name}.ended", "a") as file:
    file.write("clean\\n")
"""


def pids(folder: Path, name: str) -> list[int]:
    file = folder / f"{name}.pids"
    return [int(line) for line in file.read_text().split()] if file.exists() else []


def until(check, seconds: float = 15.0):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := check():
            return found
        time.sleep(0.02)
    pytest.fail("nothing happened in time")


def command(folder: Path, name: str, kind: str = "kind", grace: float = 5) -> Command:
    argv = [sys.executable, "-c", CHILD, str(folder), name, kind]
    return Command(name=name, argv=argv, grace=grace)


@pytest.fixture
def supervised():
    """Run a supervisor in a thread; it is stopped at the end."""
    running = []

    def start(*commands):
        supervisor = Supervisor(commands)
        thread = threading.Thread(target=supervisor.run)
        thread.start()
        running.append((supervisor, thread))
        return supervisor

    yield start
    for supervisor, thread in running:
        supervisor.stop()
        thread.join(timeout=20)
        assert not thread.is_alive()


def test_killed_process_comes_back_and_the_other_is_left_alone(supervised, tmp_path):
    supervisor = supervised(command(tmp_path, "web"), command(tmp_path, "worker"))
    until(lambda: pids(tmp_path, "web") and pids(tmp_path, "worker"))
    os.kill(pids(tmp_path, "worker")[0], signal.SIGKILL)
    until(lambda: len(pids(tmp_path, "worker")) == 2)
    assert len(pids(tmp_path, "web")) == 1
    assert supervisor.restarts() == {"web": 0, "worker": 1}
    assert supervisor.pids()["worker"] == pids(tmp_path, "worker")[1]


def test_crash_loop_backs_off(supervised, tmp_path):
    line = f"open({str(tmp_path / 'n')!r}, 'a').write('x')"
    supervisor = supervised(Command(name="bad", argv=[sys.executable, "-c", line]))
    time.sleep(3.0)
    # Pauses of 0.5, 1 and 2 seconds: at most three starts fit.
    assert 2 <= len((tmp_path / "n").read_text()) <= 3
    assert supervisor.restarts()["bad"] >= 1


def test_stop_is_forwarded_and_a_deaf_process_is_killed(tmp_path):
    supervisor = Supervisor(
        [command(tmp_path, "good"), command(tmp_path, "bad", "deaf", grace=1)]
    )
    thread = threading.Thread(target=supervisor.run)
    thread.start()
    until(lambda: pids(tmp_path, "good") and pids(tmp_path, "bad"))
    began = time.monotonic()
    supervisor.stop()
    thread.join(timeout=20)
    assert not thread.is_alive()
    assert time.monotonic() - began < 5
    assert (tmp_path / "good.ended").read_text() == "clean\n"
    assert not (tmp_path / "bad.ended").exists()
    assert not psutil.pid_exists(pids(tmp_path, "bad")[0])


@pytest.mark.parametrize(
    "number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda n: n.name
)
def test_children_end_with_their_supervisor(number, tmp_path):
    main = (
        "import sys; from entrepot.supervisor import Command, run\n"
        f"child = {CHILD!r}\n"
        "argv = lambda n: [sys.executable, '-c', child, sys.argv[1], n, 'kind']\n"
        "names = ('web', 'worker')\n"
        "sys.exit(run([Command(name=n, argv=argv(n)) for n in names]))\n"
    )
    process = subprocess.Popen([sys.executable, "-c", main, str(tmp_path)])
    try:
        until(lambda: pids(tmp_path, "web") and pids(tmp_path, "worker"))
        children = [*pids(tmp_path, "web"), *pids(tmp_path, "worker")]
        process.send_signal(number)
        code = process.wait(timeout=15)
    finally:
        process.kill()
    assert code == (-number if number == signal.SIGKILL else 0)
    until(lambda: not any(_lives(pid) for pid in children))
    assert (tmp_path / "web.ended").read_text() == "clean\n"
    assert (tmp_path / "worker.ended").read_text() == "clean\n"


def _lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
