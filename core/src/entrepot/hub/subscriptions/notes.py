"""What the reseller writes beside subscriptions: a name of its own, order numbers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from entrepot.hub.subscriptions.tables import SubscriptionNote, SubscriptionRow
from entrepot.sdk.errors import Conflict, NotFound, Rejected
from entrepot.store.actor import Actor
from entrepot.store.audit_log import audit
from entrepot.store.search import fold

LONGEST = {"nickname": 200, "customer_po": 100, "reseller_po": 100}
"""The fields of a note with the letters they may hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteView:
    """A subscription's note; all empty and version 0 when nobody wrote one.

    Attributes:
        nickname: The reseller's own name of it; the vendor's name stays.
        customer_po: The customer's order number.
        reseller_po: The reseller's order number.
        version: To be given back with a change.
    """

    nickname: str = ""
    customer_po: str = ""
    reseller_po: str = ""
    version: int = 0


def note_of(session: Session, subscription_id: str) -> NoteView:
    """The note of a subscription; an empty one when there is none."""
    row = _row(session, subscription_id)
    return NoteView() if row is None else _view(row)


def write_note(
    session: Session,
    actor: Actor,
    subscription_id: str,
    *,
    version: int,
    fields: dict[str, str],
    now: datetime,
) -> NoteView:
    """Change fields of a note; others stay.

    Raises:
        NotFound: There is no such subscription.
        Conflict: Somebody changed the note meanwhile (`version` differs).
        Rejected: A text is too long, or a field that a note does not have.
    """
    kept = {name: _checked(name, value) for name, value in fields.items()}
    if (
        session.scalar(
            select(SubscriptionRow.id).where(SubscriptionRow.id == subscription_id)
        )
        is None
    ):
        raise NotFound("no_such_subscription", "There is no such subscription.")
    row = _row(session, subscription_id, lock=True)
    if (row.version if row else 0) != version:
        raise _conflict()
    if row is None:
        row = _begun(session, actor, subscription_id, now)
    before = {name: getattr(row, name) for name in kept}
    changed = {name: value for name, value in kept.items() if value != before[name]}
    for name, value in changed.items():
        setattr(row, name, value)
    row.search_text = fold(" ".join(getattr(row, name) for name in LONGEST))
    row.updated_at, row.version = now, version + 1
    if changed:
        audit(
            session,
            actor,
            action="subscription.annotate",
            subject=("subscription", subscription_id),
            before={name: before[name] for name in changed},
            after=changed,
        )
    return _view(row)


def _checked(name: str, value: str) -> str:
    text = " ".join(value.replace("\0", "").split())
    if name not in LONGEST:
        raise Rejected(
            "not_the_hubs_field",
            f"{name} is not kept by the hub.",
            field=name,
            remedy="Change it at the vendor; the next sync brings it here.",
        )
    if len(text) > LONGEST[name]:
        raise Rejected(
            "too_long",
            f"{name} is longer than {LONGEST[name]} letters.",
            field=name,
            remedy="Shorten it.",
        )
    return text


def _begun(
    session: Session, actor: Actor, subscription_id: str, now: datetime
) -> SubscriptionNote:
    """A subscription's first note, still empty.

    Raises:
        Conflict: Somebody else begins one at this moment.
    """
    row = SubscriptionNote(
        id=subscription_id, tenant_id=actor.tenant_id, version=0, updated_at=now
    )
    for name in LONGEST:
        setattr(row, name, "")
    session.add(row)
    try:
        session.flush()
    except IntegrityError as error:
        raise _conflict() from error
    return row


def _conflict() -> Conflict:
    return Conflict("changed", "Somebody else changed this meanwhile.")


def _row(
    session: Session, subscription_id: str, *, lock: bool = False
) -> SubscriptionNote | None:
    query = select(SubscriptionNote).where(SubscriptionNote.id == subscription_id)
    return session.scalars(query.with_for_update() if lock else query).first()


def _view(row: SubscriptionNote) -> NoteView:
    return NoteView(
        nickname=row.nickname,
        customer_po=row.customer_po,
        reseller_po=row.reseller_po,
        version=row.version,
    )
