"""A PostgreSQL of the bench's own, durable as in production, or the one it is given."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

SETTINGS = {
    "listen_addresses": "''",
    "max_connections": "100",
    "shared_buffers": "512MB",
    "max_wal_size": "4GB",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "autovacuum": "off",  # its moments are chance; VACUUM ANALYZE is called instead
    "timezone": "UTC",
}


@dataclass(frozen=True)
class Server:
    """A running server.

    Attributes:
        url: Of its maintenance database.
        pid: The postmaster's, or 0 when it is not on this machine.
        about: Version and settings, for the result file.
    """

    url: str
    pid: int
    about: dict[str, str]

    def address(self, name: str) -> str:
        """The address of a database."""
        base, _, query = self.url.partition("?")
        return f"{base.rsplit('/', 1)[0]}/{name}" + (f"?{query}" if query else "")

    def execute(self, statement: str, database: str = "") -> None:
        """Run one statement outside any transaction."""
        url = self.address(database) if database else self.url
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[arg-type]

    def create(self, name: str, template: str = "template1") -> str:
        """Make a database anew and return its address."""
        self.drop(name)
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        return self.address(name)

    def drop(self, name: str) -> None:
        """Drop a database, whoever is connected."""
        self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@contextlib.contextmanager
def server(folder: Path) -> Iterator[Server | None]:
    """A server: ``BENCH_PG_DSN`` if set, else a temporary one, else None."""
    given = os.environ.get("BENCH_PG_DSN")
    if given:
        yield _described(given, 0)
        return
    binaries = _binaries()
    if binaries is None:
        yield None
        return
    account = _account()
    # The socket's path must stay short, the data must lie on a real disk.
    home = Path(tempfile.mkdtemp(prefix="epb", dir=os.environ.get("BENCH_PG_DIR")))
    del folder
    if account:
        os.chown(home, account["user"], account["group"])
    quiet: dict[str, Any] = {"cwd": home, "check": True, **account}
    quiet |= {"stdout": subprocess.DEVNULL, "stderr": subprocess.STDOUT}
    initdb = [binaries / "initdb", "-D", home / "d", "-U", "postgres", "-A", "trust"]
    control = [binaries / "pg_ctl", "-D", home / "d", "-w", "-l", home / "log"]
    try:
        subprocess.run([*initdb, "-E", "UTF8", "--locale=C"], **quiet)
        with (home / "d" / "postgresql.conf").open("a") as stream:
            stream.write(f"unix_socket_directories = '{home}'\n")
            for name, value in SETTINGS.items():
                stream.write(f"{name} = {value}\n")
        subprocess.run([*control, "start"], **quiet)
        try:
            pid = int((home / "d" / "postmaster.pid").read_text().split()[0])
            yield _described(f"postgresql://postgres@/postgres?host={home}", pid)
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], **quiet)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _described(url: str, pid: int) -> Server:
    names = ("server_version", *SETTINGS)
    with psycopg.connect(url) as connection:
        about = {
            name: str(connection.execute(f"SHOW {name}").fetchone()[0])  # type: ignore[index]
            for name in names
        }
    return Server(url, pid, about)


def _binaries() -> Path | None:
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"),
        key=lambda path: int(path.parts[-3]),
    )
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


def _account() -> dict[str, Any]:
    """Options that start a process as somebody PostgreSQL accepts."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    msg = "PostgreSQL refuses to run as root and no other account exists."
    raise RuntimeError(msg)
