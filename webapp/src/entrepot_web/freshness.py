"""How complete and how fresh what we know is, per reseller and stream."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from entrepot.hub.charges.tables import ChargeReading
from entrepot.hub.sync.tables import SyncScope
from sqlalchemy import func, select
from sqlalchemy.orm import Session

_KEPT_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class SourceState:
    """What one connection contributes to one stream.

    Attributes:
        complete: Whether every listing scope was read to its end.
        complete_at: The oldest moment at which a scope was complete.
        reason: Why it is incomplete, or empty.
    """

    connection_id: str
    stream: str
    complete: bool
    complete_at: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class Freshness:
    """What a list is worth.

    Attributes:
        complete: Whether all sources are; False when nothing was ever read.
        as_of: The oldest of their moments, or None.
    """

    complete: bool
    as_of: datetime | None
    sources: tuple[SourceState, ...]


class FreshnessReader:
    """Reads completeness records; keeps an answer for a moment.

    A reseller may have one record per customer, so they are summed up in the
    database and not on every page.
    """

    def __init__(self) -> None:
        self._kept: dict[tuple[str, tuple[str, ...]], tuple[float, Freshness]] = {}
        self._lock = threading.Lock()

    def read(
        self, session: Session, tenant_id: str, streams: tuple[str, ...]
    ) -> Freshness:
        """Return the state of some streams, or of all when none is named."""
        key = (tenant_id, streams)
        with self._lock:
            kept = self._kept.get(key)
        if kept is not None and time.monotonic() - kept[0] < _KEPT_SECONDS:
            return kept[1]
        found = _summed(session, streams)
        with self._lock:
            if len(self._kept) > 2000:
                self._kept.clear()
            self._kept[key] = (time.monotonic(), found)
        return found


def _summed(session: Session, streams: tuple[str, ...]) -> Freshness:
    merged: dict[tuple[str, str], SourceState] = {}
    for connection, stream, complete, at, reason in _records(session, streams):
        other = merged.get((connection, stream))
        moments = [m for m in (at, other.complete_at if other else None) if m]
        merged[connection, stream] = SourceState(
            connection,
            stream,
            bool(complete) and (other is None or other.complete),
            min(moments) if moments else None,
            (other.reason if other else "") or ("" if complete else reason),
        )
    sources = tuple(merged[key] for key in sorted(merged))
    moments = [source.complete_at for source in sources if source.complete_at]
    complete = bool(sources) and all(source.complete for source in sources)
    return Freshness(complete, min(moments) if moments else None, sources)


def _records(session: Session, streams: tuple[str, ...]) -> list[Any]:
    """Return completeness records of streams, and of months of usage and charges."""
    found: list[Any] = []
    for row, stream in (
        (SyncScope, SyncScope.stream),
        (ChargeReading, ChargeReading.kind),
    ):
        query = select(
            row.connection_id,
            stream,
            row.complete,
            func.min(row.complete_at),
            func.max(row.reason),
        ).group_by(row.connection_id, stream, row.complete)
        if streams:
            query = query.where(stream.in_(streams))
        found += session.execute(query).all()
    return found
