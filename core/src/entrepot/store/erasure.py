"""The one way to change what is otherwise append-only.

Facts and audit entries are protected by triggers in both databases. Retention and
the erasure of a reseller or person lift them for their own transaction only: they
insert a permit that no other transaction can see and remove it before they commit.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import String, Text, delete, insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from entrepot.store.base import Base
from entrepot.store.ids import new_id
from entrepot.store.scope import SystemScope


class ErasurePermit(Base):
    """Lifts the append-only triggers for the transaction that holds it."""

    __tablename__ = "erasure_permit"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    reason: Mapped[str] = mapped_column(Text)


@contextmanager
def erasing(session: Session, reason: str) -> Iterator[None]:
    """Allow changing append-only rows inside the block.

    Args:
        session: A session in a `SystemScope`, whose audit entry tells what was done.
        reason: Why; for whoever reads a database in the middle of it.

    Raises:
        PermissionError: The session works in a reseller's scope.
    """
    if not isinstance(session.info["state"].scope, SystemScope):
        raise PermissionError("Append-only rows change in a SystemScope only.")
    permit = new_id("erp")
    session.flush()
    # A savepoint: an error that the caller survives takes the permit with it.
    with session.begin_nested():
        session.execute(insert(ErasurePermit).values(id=permit, reason=reason))
        yield
        session.flush()
        session.execute(delete(ErasurePermit).where(ErasurePermit.id == permit))
