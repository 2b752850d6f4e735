"""Counters of the rate limits, shared by all processes through a database.

Writing one row per request would cost more than the request. So a process takes
numbers in blocks: the block is one while a counter is small, which keeps sign-in
limits exact, and grows to an eighth of the count. A limit may therefore be reached
up to an eighth early per process, never late.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from limits.storage import Storage
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Engine,
    Float,
    MetaData,
    Table,
    Text,
    case,
    delete,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

WINDOWS = Table(
    "rate_window",
    MetaData(),
    Column("key", Text, primary_key=True),
    Column("expires_at", Float, nullable=False),
    Column("hits", BigInteger, nullable=False),
)
_SHARE = 8
_SWEEP_SECONDS = 60.0


class _Lease:
    """Numbers of one window that this process may hand out."""

    __slots__ = ("expires_at", "next", "top")

    def __init__(self, top: int, block: int, expires_at: float) -> None:
        self.top = top
        self.next = top - block + 1
        self.expires_at = expires_at


class SharedCounters(Storage):
    """Fixed windows in the table ``rate_window``.

    Args:
        uri: Ignored; flask-limiter passes it.
        engine: The database.
        now: Seconds since 1970.
        wrap_exceptions: Whether database errors become the library's own.
    """

    STORAGE_SCHEME = ["entrepot"]  # noqa: RUF012 - the library's class attribute

    def __init__(
        self,
        uri: str | None = None,
        *,
        engine: Engine,
        now: Callable[[], float],
        wrap_exceptions: bool = False,
        **_options: Any,  # noqa: ANN401 - the library passes what it likes
    ) -> None:
        super().__init__(uri, wrap_exceptions=wrap_exceptions)
        self._engine = engine
        self._now = now
        self._lock = threading.Lock()
        self._leases: dict[str, _Lease] = {}
        self._sweep_at = self._now() + _SWEEP_SECONDS

    @property
    def base_exceptions(self) -> type[Exception] | tuple[type[Exception], ...]:
        """Return what the database may raise."""
        return SQLAlchemyError

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count ``amount`` hits and return the number of the last one.

        Args:
            key: The window's name.
            expiry: Its length in seconds.
            amount: How many hits.
        """
        now = self._now()
        with self._lock:
            lease = self._leases.get(key)
            if lease is None or lease.expires_at <= now or lease.next > lease.top:
                known = lease.top if lease and lease.expires_at > now else 0
                block = max(1, known // _SHARE)
                lease = self._take(key, now, expiry, max(block, amount))
                self._leases[key] = lease
            number = lease.next + amount - 1
            lease.next += amount
            return number

    def get(self, key: str) -> int:
        """Return how many hits the current window holds; 0 for none."""
        with self._lock:
            lease = self._leases.get(key)
            if lease is not None and lease.expires_at > self._now():
                return lease.next - 1
        with self._engine.connect() as connection:
            row = self._row(connection, key)
            return 0 if row is None else int(row.hits)

    def get_expiry(self, key: str) -> float:
        """Return when the current window ends; now when there is none."""
        with self._lock:
            lease = self._leases.get(key)
            if lease is not None and lease.expires_at > self._now():
                return lease.expires_at
        with self._engine.connect() as connection:
            row = self._row(connection, key)
            return self._now() if row is None else float(row.expires_at)

    def check(self) -> bool:
        """Return whether the database answers."""
        with self._engine.connect() as connection:
            connection.execute(select(1))
        return True

    def reset(self) -> int | None:
        """Forget all counters and return how many there were."""
        with self._lock, self._engine.begin() as connection:
            self._leases.clear()
            return connection.execute(delete(WINDOWS)).rowcount

    def clear(self, key: str) -> None:
        """Forget one counter."""
        with self._lock, self._engine.begin() as connection:
            self._leases.pop(key, None)
            connection.execute(delete(WINDOWS).where(WINDOWS.c.key == key))

    def _row(self, connection: Connection, key: str) -> Any:  # noqa: ANN401 - a row
        query = select(WINDOWS).where(
            WINDOWS.c.key == key, WINDOWS.c.expires_at > self._now()
        )
        return connection.execute(query).one_or_none()

    def _take(self, key: str, now: float, expiry: int, block: int) -> _Lease:
        """Reserve ``block`` numbers, beginning a new window if the old one ended."""
        with self._engine.begin() as connection:
            if now > self._sweep_at:
                self._sweep_at = now + _SWEEP_SECONDS
                connection.execute(delete(WINDOWS).where(WINDOWS.c.expires_at < now))
                self._leases = {
                    name: lease
                    for name, lease in self._leases.items()
                    if lease.expires_at > now
                }
            row = connection.execute(self._upsert(key, now, expiry, block)).one()
        return _Lease(int(row.hits), block, float(row.expires_at))

    def _upsert(self, key: str, now: float, expiry: int, block: int) -> Any:  # noqa: ANN401 - an insert
        dialect = postgresql if self._engine.dialect.name == "postgresql" else sqlite
        fresh = dialect.insert(WINDOWS).values(
            key=key, expires_at=now + expiry, hits=block
        )
        over = WINDOWS.c.expires_at <= now
        return fresh.on_conflict_do_update(
            index_elements=[WINDOWS.c.key],
            set_={
                "hits": case((over, block), else_=WINDOWS.c.hits + block),
                "expires_at": case((over, now + expiry), else_=WINDOWS.c.expires_at),
            },
        ).returning(WINDOWS.c.hits, WINDOWS.c.expires_at)
