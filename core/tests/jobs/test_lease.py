"""Dead, frozen and cut-off workers on PostgreSQL, with real processes."""

import contextlib
import signal
import socket
import threading
import time
from pathlib import Path

import pytest
from entrepot.jobs import Jobs, Worker, WorkerOptions
from entrepot.jobs.lease import EXIT_LEASE_LOST
from entrepot.store import Store
from entrepot.store.clock import SystemClock

pytestmark = pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)

LEASE = 2.0
# Of the worker in this process: a pause of the whole process must not cost the lease,
# for whoever loses it ends, and the test run with it.
OWN = 6.0


def test_blocked_partition_moves_on_after_takeover(
    child, submit, start_worker, wait_for, eventually, jobs, samples, book
):
    submit("slow", "r1", args={"path": book, "seconds": 3.0}, partition="con_1")
    submit("two_steps", "r2", args={"path": book}, partition="con_1")
    dead = child("worker", f"lease={LEASE}")
    eventually(lambda: samples.notes(book) == ["begin r1"], 60)
    dead.kill()
    killed = time.monotonic()
    start_worker(lease_seconds=OWN)
    assert wait_for("r1", 90).state == "succeeded"
    assert wait_for("r2", 90).state == "succeeded"
    # Its own first lease, the dead one's rest, one round, the step, and slack.
    assert time.monotonic() - killed < OWN + LEASE + OWN / 4 + 3.0 + 6.0
    assert samples.notes(book)[:3] == ["begin r1", "begin r1", "end r1"]


@pytest.mark.heavy
def test_two_reapers_at_once_recover_each_run_once(
    child, submit, wait_for, eventually, samples, book
):
    for number in range(6):
        args = {"path": book, "seconds": 1.0}
        submit("slow", f"r{number}", args=args, partition=f"con_{number}")
    dead = child("worker", f"lease={LEASE}")
    reapers = [child("worker", f"lease={LEASE}", "queues=recon") for _ in range(2)]
    eventually(lambda: samples.notes(book), 60)
    for reaper in reapers:
        eventually(lambda log=reaper.log: "ready" in log.read_text(), 60)
    dead.kill()
    child("worker", f"lease={LEASE}")
    for number in range(6):
        assert wait_for(f"r{number}", 40).state == "succeeded"
    ends = [line for line in samples.notes(book) if line.startswith("end")]
    assert sorted(ends) == sorted({*ends})
    assert len(ends) == 6


def test_frozen_worker_thawed_exits_and_sends_nothing(
    child, submit, start_worker, wait_for, eventually, samples, book, tmp_path
):
    args = {"path": book, "reference": "ref", "idempotency": "probe", "settle": 0}
    submit("writes", "r1", args=args)
    mark = tmp_path / "at_the_brink"
    frozen = child("worker", f"lease={LEASE}", f"pause=effect:before_send:{mark}")
    eventually(mark.exists, 60)
    frozen.send_signal(signal.SIGSTOP)
    start_worker(lease_seconds=OWN)
    assert wait_for("r1", 90).result == {"state": "done"}
    frozen.send_signal(signal.SIGCONT)
    assert frozen.wait(timeout=60) == EXIT_LEASE_LOST
    assert samples.notes(book) == ["request ref", "made ref", "written"]


class Proxy:
    """A way to the database that can be closed for a while."""

    def __init__(self, path: Path) -> None:
        self._path = str(path)
        self._connections: list[socket.socket] = []
        self._open()

    def _open(self, port: int = 0) -> None:
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port = self._listener.getsockname()[1]
        threading.Thread(
            target=self._serve, args=(self._listener,), daemon=True
        ).start()

    def _serve(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX)
            far.connect(self._path)
            self._connections += [near, far]
            for one, two in ((near, far), (far, near)):
                threading.Thread(target=_pump, args=(one, two), daemon=True).start()

    def cut(self) -> None:
        """Drop everybody and let nobody in."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._connections:
            _shut(connection)
        self._connections.clear()

    def restore(self) -> None:
        """Let everybody in again, at the same address."""
        self._open(self.port)

    def close(self) -> None:
        """End for good."""
        self.cut()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with source, contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    _shut(target)


def _shut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


@pytest.mark.heavy
def test_database_away_for_longer_than_a_lease_fails_and_moves_nothing(
    settings, make_settings_for, tmp_path, samples, submit, wait_for, eventually,
    jobs, book, child,
):  # fmt: skip
    folder = settings.database_url.partition("host=")[2]
    if not folder.startswith("/"):
        pytest.fail("This test needs a server on a Unix socket.")
    proxy = Proxy(Path(folder) / ".s.PGSQL.5432")
    name = settings.database_url.rpartition("?")[0].rpartition("/")[2]
    far = make_settings_for(
        f"postgresql://postgres@127.0.0.1:{proxy.port}/{name}", tmp_path
    )
    store = Store(far, SystemClock())
    cut_off = Jobs(store, samples.build_registry())
    worker = Worker(
        cut_off,
        None,
        WorkerOptions(poll_seconds=0.05, with_clock=False, lease_seconds=OWN),
    )
    worker.start()
    neighbour = child(
        "worker",
        f"lease={OWN}",
        "queues=recon",
        ENTREPOT_DATABASE_URL=far.database_url,
    )
    try:
        eventually(lambda: "ready" in neighbour.log.read_text(), 60)
        for number in range(3):
            args = {"path": book, "count": 30, "pause": 0.1}
            submit("many_steps", f"r{number}", args=args, partition=f"c{number}")
        eventually(lambda: len(samples.notes(book)) > 10)
        proxy.cut()
        time.sleep(OWN + 1.0)
        proxy.restore()
        for number in range(3):
            run = wait_for(f"r{number}", 60)
            assert (run.state, run.executor) == ("succeeded", worker.executor_id)
        lines = samples.notes(book)
        assert len(set(lines)) == 90
        # A step whose record was lost on the way runs again, and only that one.
        assert len(lines) <= 90 + 3
        assert neighbour.poll() is None
        assert "Took over" not in neighbour.log.read_text()
    finally:
        worker.stop()
        cut_off.close()
        store.dispose()
        proxy.close()
