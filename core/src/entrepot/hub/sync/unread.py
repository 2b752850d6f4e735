"""What the books may lack: said in a run, kept per customer, read again."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from sqlalchemy import select
from sqlalchemy.orm import Session

from entrepot.hub.sync.finish import Ending
from entrepot.hub.sync.intake import RunInfo
from entrepot.hub.sync.source import Stream
from entrepot.hub.sync.tables import SyncScope

AGAIN = 200  # customers that earlier runs could not read, asked again in one run
_OWNERS = {
    "customers": "customer",
    "subscriptions": "customer",
    "orders": "customer",
    "agreements": "company",
    "lines": "agreement",
    "contacts": "company",
}


def joined(reasons: Iterable[str]) -> str:
    """Reasons as one text, each once."""
    return "; ".join(dict.fromkeys(reasons))


def parts(text: str) -> list[str]:
    """The reasons of a text that `joined` made."""
    return [part for part in text.split("; ") if part]


def reasons_in(stream: str, ending: Ending) -> list[str]:
    """Why a stream that was read just now may miss something, for people."""
    reasons = list(ending.reasons)
    if ending.scopes:
        reasons.append(scopes_text(stream, ending.scopes, ending.example))
    return [f"{stream}: {_one(text)}" for text in reasons]


def scopes_text(stream: str, count: int, example: str) -> str:
    """That some customers or agreements of a stream are incomplete, and why."""
    owner = _OWNERS.get(stream, "object")
    noun = owner if count == 1 else _plural(owner)
    return f"{count} {noun} incomplete ({_one(example).rstrip('.')})"


def since_before(session: Session, run: RunInfo) -> list[str]:
    """What earlier runs could not read and this one did not read either."""
    rows = session.execute(
        select(SyncScope.stream, SyncScope.scope, SyncScope.reason)
        .where(
            SyncScope.tenant_id == run.tenant_id,
            SyncScope.connection_id == run.connection_id,
            SyncScope.complete.is_(False),
            SyncScope.run_id != run.run_id,
        )
        .order_by(SyncScope.stream, SyncScope.scope)
    ).all()
    found: list[str] = []
    for stream, group in groupby(rows, key=lambda row: row.stream):
        members = list(group)
        whole = [_one(row.reason) for row in members if not row.scope]
        scopes = [row for row in members if row.scope]
        if scopes:
            whole.append(scopes_text(stream, len(scopes), scopes[0].reason))
        found += [f"{stream}, earlier: {text}" for text in whole]
    return found


def to_read_again(
    session: Session, run: RunInfo, streams: Iterable[Stream]
) -> tuple[list[str], list[str]]:
    """What an incremental run reads although nothing says that it changed.

    Args:
        session: Of any unit.
        run: The run.
        streams: What the connection lists.

    Returns:
        Customers whose last reading failed, the longest ago first, and streams whose
        one listing over the whole connection was doubtful.
    """
    rows = session.execute(
        select(SyncScope.stream, SyncScope.scope)
        .where(
            SyncScope.tenant_id == run.tenant_id,
            SyncScope.connection_id == run.connection_id,
            SyncScope.complete.is_(False),
        )
        .order_by(SyncScope.attempted_at)
    ).all()
    flat = {stream.name for stream in streams if not stream.per}
    doubtful = [row.stream for row in rows if not row.scope and row.stream in flat]
    subjects = dict.fromkeys(row.scope for row in rows if row.scope)
    return list(subjects)[:AGAIN], doubtful


def _one(text: str) -> str:
    """A reason that can be joined with others."""
    return text.replace("; ", ", ")


def _plural(noun: str) -> str:
    return f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
