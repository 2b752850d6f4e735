"""Reading what the billing lock is derived from, without asking too often.

Two reads tell the lock of one agreement. A sync asks for the locks of all agreements in
a row; then agreements and invoices are listed in pages of 1000 and kept for a short
while, so that a lock is at most half a minute old. Single questions are always answered
by fresh reads.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta

from entrepot.sdk.errors import ConfigInvalid
from entrepot.sdk.model import BillingLock

from . import locks, wire
from .errors import ROLE_MISSING
from .lockbooks import IN_A_ROW, LockBooks
from .runtime import Session, number

ROW_SECONDS = 10.0
"""`IN_A_ROW` questions within this time are a sync or a large plan."""
KEPT_SECONDS = 30.0
"""Longest age of what was listed."""
INVOICES_SINCE = timedelta(days=400)
MOST_AGREEMENTS = 50_000
"""Above, listing all of them costs more than it saves."""


def billing_lock(session: Session, agreement_id: str) -> BillingLock:
    """How far an agreement is invoiced; unknown when invoices may not be read.

    Raises:
        NotFound: There is no such agreement.
    """
    wanted = number(agreement_id)
    with session.runtime.lock:
        books = _books(session)
        agreement = books.agreements.get(wanted) if books is not None else None
    if books is None or agreement is None:
        return _fresh(session, agreement_id)
    if books.problem:
        return locks.unreadable(agreement_id, books.problem)
    found = _lock(session, agreement, books.invoices.get(wanted, []))
    return found if _settled(found) else _fresh(session, agreement_id)


def _fresh(session: Session, agreement_id: str) -> BillingLock:
    agreement = session.agreement(agreement_id)
    conditions = f"{_OF_AGREEMENTS} and applyToId={agreement.id}"
    try:
        invoices = session.client.everything(
            "finance/invoices", wire.Invoice, conditions
        )
    except ConfigInvalid as error:
        if error.code != ROLE_MISSING:
            raise
        return locks.unreadable(agreement_id, error.user_message)
    return _lock(session, agreement, invoices)


_OF_AGREEMENTS = 'type="Agreement" and applyToType="Agreement"'


def _lock(
    session: Session, agreement: wire.Agreement, invoices: list[wire.Invoice]
) -> BillingLock:
    mode = session.settings.billing_mode
    return locks.billing_lock(agreement, invoices, session.setup(), mode)


def _settled(lock: BillingLock) -> bool:
    """Whether listed records told a lock that agrees with itself."""
    if not lock.known:
        return False
    reached = lock.periods[-1].last_day if lock.periods else None
    return reached == lock.locked_through


def _books(session: Session) -> LockBooks | None:
    """Lists to answer from; None when this question wants fresh reads."""
    books: LockBooks = session.runtime.lock_books
    now = session.ctx.clock.monotonic()
    first = books.asked[0] if len(books.asked) == IN_A_ROW else None
    books.asked.append(now)
    if first is None or now - first > ROW_SECONDS:
        return None
    if books.taken is None or now - books.taken > KEPT_SECONDS:
        if session.client.count("finance/agreements") > MOST_AGREEMENTS:
            return None
        _read(session, books)
        books.taken = now
    return books


def _read(session: Session, books: LockBooks) -> None:
    listed = session.client.everything("finance/agreements", wire.Agreement)
    books.agreements = {one.id: one for one in listed}
    since = session.ctx.clock.now().date() - INVOICES_SINCE
    conditions = f"{_OF_AGREEMENTS} and date > [{since.isoformat()}]"
    found: dict[int, list[wire.Invoice]] = defaultdict(list)
    books.problem = ""
    try:
        for one in session.client.everything(
            "finance/invoices", wire.Invoice, conditions
        ):
            found[one.apply_to_id or 0].append(one)
    except ConfigInvalid as error:
        if error.code != ROLE_MISSING:
            raise
        books.problem = error.user_message
    books.invoices = dict(found)
