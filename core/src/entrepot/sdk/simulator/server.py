"""A small HTTP/1.1 server for simulators.

werkzeug's own server closes every connection and waits 10 ms after each
answer, which hides what a client's connection pool does and limits a full
listing to a few requests per second and connection. This one keeps
connections alive, and it can misbehave on the wire when a fault says so.
"""

from __future__ import annotations

import contextlib
import io
import socket
import socketserver
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes

Environ = dict[str, Any]
WsgiApp = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

_Socket = socket.socket | tuple[bytes, socket.socket]
_Address = tuple[str, int]

WIRE = "entrepot.wire"
_PIECES = 8


@dataclass(slots=True)
class Wire:
    """What the server shall do to the connection with this answer.

    Attributes:
        stall: Seconds of silence before anything is sent.
        reset: Cut the connection with a TCP reset, send nothing.
        truncate: Send half of the announced body, then close.
        slow: Send the body in pieces spread over so many seconds.
    """

    stall: float = 0.0
    reset: bool = False
    truncate: bool = False
    slow: float = 0.0


@dataclass(slots=True)
class _Answer:
    status: str = "500 Internal Server Error"
    headers: list[tuple[str, str]] | None = None

    def start(
        self, status: str, headers: list[tuple[str, str]], exc_info: object = None
    ) -> Callable[[bytes], object]:
        self.status, self.headers = status, headers
        return _no_write


def _no_write(data: bytes) -> object:
    raise RuntimeError("write() of WSGI is not supported; return the body")


class _Connection(socketserver.StreamRequestHandler):
    """One client connection: request after request until it is closed."""

    disable_nagle_algorithm = True
    rbufsize = 65536
    timeout = 300
    server: _Server

    def handle(self) -> None:
        """Answer requests until one side has had enough."""
        # Clients cut connections all the time; that is no event for a server.
        with contextlib.suppress(ConnectionError, TimeoutError, ValueError):
            while self._one():
                pass

    def _one(self) -> bool:
        line = self.rfile.readline(65537)
        if not line.strip():
            return False
        method, target, version = line.decode("latin-1").split()
        headers = self._headers()
        body = self._body(headers)
        wire = Wire()
        environ = self._environ(method, target, version, headers, body)
        environ[WIRE] = wire
        answer, payload = self._call(environ)
        keep = headers.get("connection", "").lower() != "close"
        return self._send(method, answer, payload, wire, keep and version != "HTTP/1.0")

    def _headers(self) -> dict[str, str]:
        headers: dict[str, str] = {}
        while (line := self.rfile.readline(65537)) not in (b"\r\n", b"\n", b""):
            name, _, value = line.decode("latin-1").partition(":")
            key = name.strip().lower()
            value = value.strip()
            headers[key] = f"{headers[key]},{value}" if key in headers else value
        return headers

    def _body(self, headers: dict[str, str]) -> bytes:
        if headers.get("expect", "").lower() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if "chunked" in headers.get("transfer-encoding", "").lower():
            return self._chunks()
        length = int(headers.get("content-length") or 0)
        return self.rfile.read(length) if length else b""

    def _chunks(self) -> bytes:
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self._headers()
        return b"".join(parts)

    def _environ(
        self,
        method: str,
        target: str,
        version: str,
        headers: dict[str, str],
        body: bytes,
    ) -> Environ:
        path, _, query = target.partition("?")
        environ: Environ = {
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
            "QUERY_STRING": query,
            "RAW_URI": target,
            "REMOTE_ADDR": self.client_address[0],
            "SERVER_NAME": self.server.server_address[0],
            "SERVER_PORT": str(self.server.server_address[1]),
            "SERVER_PROTOCOL": version,
            "CONTENT_LENGTH": str(len(body)),
        }
        for key, value in headers.items():
            name = key.upper().replace("-", "_")
            if name == "CONTENT_TYPE":
                environ[name] = value
            elif name not in ("CONTENT_LENGTH", "TRANSFER_ENCODING"):
                environ["HTTP_" + name] = value
        return environ

    def _call(self, environ: Environ) -> tuple[_Answer, bytes]:
        answer = _Answer()
        result = self.server.app(environ, answer.start)
        try:
            return answer, b"".join(result)
        finally:
            close = getattr(result, "close", None)
            if close is not None:
                close()

    def _send(
        self, method: str, answer: _Answer, payload: bytes, wire: Wire, keep: bool
    ) -> bool:
        if wire.stall:
            self.server.stopping.wait(wire.stall)
        if wire.reset:
            _reset(self.connection)
            return False
        head = _head(answer, len(payload), keep)
        body = b"" if method == "HEAD" else payload
        if wire.truncate:
            self.connection.sendall(head + body[: len(body) // 2])
            return False
        if wire.slow and body:
            self.connection.sendall(head)
            self._trickle(body, wire.slow)
            return keep
        self.connection.sendall(head + body)
        return keep

    def _trickle(self, body: bytes, seconds: float) -> None:
        step = max(1, -(-len(body) // _PIECES))
        for start in range(0, len(body), step):
            self.server.stopping.wait(seconds / _PIECES)
            self.connection.sendall(body[start : start + step])


def _head(answer: _Answer, length: int, keep: bool) -> bytes:
    lines = [f"HTTP/1.1 {answer.status}"]
    code = answer.status[:3]
    lines += [
        f"{name}: {value}"
        for name, value in answer.headers or ()
        if name.lower() not in ("content-length", "connection")
    ]
    if code not in ("204", "304"):
        lines.append(f"Content-Length: {length}")
    lines.append("Connection: keep-alive" if keep else "Connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _stream(request: _Socket) -> socket.socket:
    return request if isinstance(request, socket.socket) else request[1]


def _reset(connection: socket.socket) -> None:
    linger = struct.pack("ii", 1, 0)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    connection.close()


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, address: tuple[str, int], app: WsgiApp) -> None:
        self.app = app
        self.stopping = threading.Event()
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(address, _Connection)

    def process_request(self, request: _Socket, client_address: _Address) -> None:
        with self._lock:
            self._open.add(_stream(request))
        super().process_request(request, client_address)

    def shutdown_request(self, request: _Socket) -> None:
        super().shutdown_request(request)
        with self._lock:
            self._open.discard(_stream(request))

    def drop_all(self) -> None:
        """Cut every open connection, so that their threads end."""
        with self._lock:
            waiting = list(self._open)
        for connection in waiting:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def is_idle(self) -> bool:
        with self._lock:
            return not self._open


class RunningServer:
    """A served application.

    Args:
        app: The WSGI application.
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.

    Raises:
        OSError: If the address cannot be bound.
    """

    def __init__(self, app: WsgiApp, host: str = "127.0.0.1", port: int = 0) -> None:
        self._server = _Server((host, port), app)
        self.host = host
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.05},
            name=f"simulator-{self.port}",
            daemon=True,
        )
        self._thread.start()

    @property
    def base_url(self) -> str:
        """``http://host:port`` without a slash at the end."""
        return f"http://{self.host}:{self.port}"

    def wait(self) -> None:
        """Return when the server was stopped."""
        while self._thread.is_alive():
            self._thread.join(0.5)

    def stop(self, patience: float = 5.0) -> None:
        """Stop listening, cut open connections, wait for their threads.

        Args:
            patience: Most seconds to wait for requests under way.
        """
        self._server.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._server.drop_all()
        self._thread.join(patience)
        until = time.monotonic() + patience
        while not self._server.is_idle() and time.monotonic() < until:
            time.sleep(0.005)

    def __enter__(self) -> RunningServer:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()
