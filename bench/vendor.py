"""A vendor on loopback, in a process of its own, that parses next to nothing.

``GET /subscriptions?skip=S&top=T`` and ``GET /customers?skip=S&top=T`` are pages,
``GET /one/<anything>`` is a small object. Control requests:
``/_advance?step=S&per_mille=P`` changes items, ``/_checksum`` tells the truth,
``/_limit?rate=R&burst=B`` sets a token bucket (0 = none), ``/_latency?ms=L``,
``/_stats`` says how often was asked and refused.
"""

from __future__ import annotations

import contextlib
import json
import mmap
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs
from urllib.request import urlopen

from bench import gen

_SMALL = b'{"id":"1","status":"active"}'


@dataclass
class Bucket:
    """A token bucket as vendors run it; rate 0 lets everything through."""

    rate: float = 0.0
    burst: float = 1.0
    tokens: float = 0.0
    at: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def set(self, rate: float, burst: float) -> None:
        """Start anew with a full bucket."""
        with self.lock:
            self.rate, self.burst, self.tokens = rate, burst, burst
            self.at = time.monotonic()

    def take(self) -> float:
        """Take one token; 0 when there was one, else seconds until there is."""
        if not self.rate:
            return 0.0
        with self.lock:
            now = time.monotonic()
            self.tokens = min(self.burst, self.tokens + (now - self.at) * self.rate)
            self.at = now
            if self.tokens >= 1:
                self.tokens -= 1
                return 0.0
            return (1 - self.tokens) / self.rate


class Vendor:
    """State and answers."""

    def __init__(self, folder: Path, count: int) -> None:
        data = gen.load(folder, count)
        self.offsets, self.places = data.offsets.tolist(), data.places
        self.quantities = data.quantities.copy()
        self.count, self.customers = data.count, data.customers
        with data.blob.open("rb") as stream:
            self.map = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_COPY)
        self.view = memoryview(self.map)
        self.people = [gen.customer_item(one) for one in range(self.customers)]
        self.latency = 0.0
        self.bucket = Bucket()
        self.requests, self.refused = 0, 0
        self.counting = threading.Lock()

    def answer(self, path: str, query: dict[str, str]) -> tuple[int, list[object]]:
        """Status and the parts of the body."""
        if path.startswith("/_"):
            return 200, [json.dumps(self._control(path, query)).encode()]
        wait = self.bucket.take()
        with self.counting:
            self.requests += 1
            self.refused += bool(wait)
        if wait:
            return 429, [b'{"code":429}']
        if self.latency:
            time.sleep(self.latency)
        if path.startswith("/one/"):
            return 200, [_SMALL]
        start, size = int(query.get("skip", 0)), int(query.get("top", 1000))
        if path == "/customers":
            body = b",".join(self.people[start : start + size])
            return 200, [b'{"total":%d,"items":[' % self.customers, body, b"]}"]
        if path == "/subscriptions":
            end = min(self.count, start + size)
            head = b'{"total":%d,"items":[' % self.count
            if start >= end:
                return 200, [head, b"]}"]
            part = self.view[self.offsets[start] : self.offsets[end] - 1]
            return 200, [head, part, b"]}"]
        return 404, [b"{}"]

    def _control(self, path: str, query: dict[str, str]) -> object:
        if path == "/_advance":
            step, per_mille = int(query["step"]), int(query["per_mille"])
            where = gen.advance(self.quantities, step, per_mille)
            for number in where.tolist():
                at = int(self.places[number])
                self.map[at : at + 4] = gen.written(int(self.quantities[number]))
            return {"changed": len(where)}
        if path == "/_checksum":
            return {"checksum": gen.checksum(self.quantities), "count": self.count}
        if path == "/_limit":
            self.bucket.set(float(query["rate"]), float(query.get("burst", 1)))
        if path == "/_latency":
            self.latency = float(query["ms"]) / 1000
        if path in ("/_limit", "/_latency", "/_reset"):
            self.requests = self.refused = 0
        return {"requests": self.requests, "refused": self.refused}


def _serve(vendor: Vendor, peer: socket.socket) -> None:
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    pending = b""
    with peer, contextlib.suppress(OSError):
        while True:
            while b"\r\n\r\n" not in pending:
                got = peer.recv(65536)
                if not got:
                    return
                pending += got
            head, _, pending = pending.partition(b"\r\n\r\n")
            target = head.split(b" ", 2)[1].decode()
            path, _, text = target.partition("?")
            query = {name: values[0] for name, values in parse_qs(text).items()}
            status, parts = vendor.answer(path, query)
            length = sum(len(part) for part in parts)  # type: ignore[arg-type]
            extra = "Retry-After: 1\r\n" if status == 429 else ""
            peer.sendall(
                f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n"
                f"Content-Length: {length}\r\n{extra}\r\n".encode()
            )
            for part in parts:
                peer.sendall(part)  # type: ignore[arg-type]


def main(folder: str, count: str) -> None:
    """Serve until standard input ends."""
    vendor = Vendor(Path(folder), int(count))
    server = socket.create_server(("127.0.0.1", 0), backlog=64)
    print(server.getsockname()[1], flush=True)

    def accept() -> None:
        while True:
            peer, _ = server.accept()
            threading.Thread(target=_serve, args=(vendor, peer), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    sys.stdin.read()


class Running:
    """A vendor process that is up."""

    def __init__(self, port: int, pid: int) -> None:
        self.url, self.pid = f"http://127.0.0.1:{port}", pid

    def ask(self, path: str) -> dict[str, int]:
        """A control request."""
        with urlopen(self.url + path) as answer:
            found: dict[str, int] = json.load(answer)
            return found


@contextlib.contextmanager
def running(folder: Path, count: int) -> Iterator[Running]:
    """Run a vendor of `count` subscriptions while the block lasts."""
    gen.load(folder, count)
    command = [sys.executable, "-m", "bench.vendor", str(folder), str(count)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            port = int(process.stdout.readline())
            yield Running(port, process.pid)
        finally:
            process.stdin.close()
            process.wait(10)


if __name__ == "__main__":
    main(*sys.argv[1:])
