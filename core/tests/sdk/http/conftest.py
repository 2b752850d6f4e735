"""A real server that misbehaves on demand, a clock that jumps, and sessions."""

from __future__ import annotations

import json
import random
import socket
import struct
import threading
import time
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from entrepot.sdk.egress import EgressPolicy
from entrepot.sdk.http import HttpPolicy, HttpSession, MemoryBudget, Transport


class JumpingClock:
    """Sleeping moves this clock instead of waiting."""

    def __init__(self):
        self.lock = threading.Lock()
        self.seconds = 1000.0
        self.slept = []

    def now(self):
        return datetime(2026, 3, 1, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def monotonic(self):
        return self.seconds

    def sleep(self, seconds):
        with self.lock:
            self.seconds += seconds
            self.slept.append(seconds)


class FaultyHandler(BaseHTTPRequestHandler):
    """Answers as the script says: one entry per request, the last one for ever."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def handle_one_request(self):
        try:
            super().handle_one_request()
        except (ConnectionError, ValueError):
            self.close_connection = True

    def act(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        server = self.server
        with server.lock:
            server.seen.append((self.command, self.path, dict(self.headers), body))
            script = server.script
            action = script.pop(0) if len(script) > 1 else script[0]
        getattr(self, "do_" + action[0])(*action[1:])

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = act

    def do_answer(self, status=200, body=b'{"ok": true}', headers=None):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_reset(self):
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.close_connection = True
        self.connection.close()

    def do_cut(self, body=b'{"items": [1, 2'):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body) + 100))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def do_drip(self, pieces=20, pause=0.1):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(pieces))
        self.end_headers()
        for _ in range(pieces):
            self.wfile.write(b"1")
            self.wfile.flush()
            time.sleep(pause)

    def do_silence(self, seconds):
        time.sleep(seconds)
        self.close_connection = True


class FaultyServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self):
        super().__init__(("127.0.0.1", 0), FaultyHandler)
        self.lock = threading.Lock()
        self.seen = []
        self.script = [("answer",)]

    def handle_error(self, request, client_address):
        pass

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"


@pytest.fixture
def server():
    faulty = FaultyServer()
    thread = threading.Thread(target=faulty.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield faulty
    faulty.shutdown()
    faulty.server_close()
    thread.join()


@pytest.fixture
def clock():
    return JumpingClock()


@pytest.fixture
def make_session():
    made = []

    def make(*, clock=None, quotas=None, policy=None, hosts=(), **extra):
        egress = extra.pop("egress", EgressPolicy(hosts=hosts, allow_private=not hosts))
        transport = Transport(egress, policy or HttpPolicy(backoff_first=0.01))
        session = HttpSession(
            transport,
            clock=clock,
            budget=MemoryBudget(quotas or {}, clock),
            rng=random.Random(7),
            **extra,
        )
        made.append(session)
        return session

    yield make
    for session in made:
        session.close()


def json_bytes(value):
    return json.dumps(value).encode()
