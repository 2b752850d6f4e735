"""What is told of which customer: the reseller's choice, and customers' own."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from entrepot.hub.notifications.rules import USUAL, Choice
from entrepot.hub.notifications.tables import NotificationSetting
from entrepot.hub.sync.driver import among

EVERYBODY = ""
"""The customer of a reseller's choice for all of them."""

_T: Any = NotificationSetting.__table__.c


class Choices:
    """The choices that hold for some customers.

    Args:
        session: A read or unit in the reseller's scope.
        tenant_id: Whose customers.
    """

    def __init__(self, session: Session, tenant_id: str) -> None:
        self._tenant = tenant_id
        row = session.get(NotificationSetting, (tenant_id, EVERYBODY))
        self.usual = USUAL if row is None else choice_of(row)
        self._own: dict[str, Choice] = {}

    def load(self, session: Session, customer_ids: Collection[str]) -> None:
        """Read the own choices of some customers."""
        query = select(NotificationSetting).where(
            NotificationSetting.own.is_(True),
            among(session.connection(), _T.customer_id, sorted(customer_ids)),
        )
        for row in session.scalars(query) if customer_ids else ():
            self._own[row.customer_id] = choice_of(row)

    def of(self, customer_id: str) -> Choice:
        """Return what holds for a customer whose own choice was loaded."""
        return self._own.get(customer_id, self.usual)

    def longest(self, session: Session) -> int:
        """Return the most days that a renewal is told ahead, of any customer."""
        query = select(func.max(NotificationSetting.renewal_days)).where(
            NotificationSetting.own.is_(True),
            NotificationSetting.customer_id != EVERYBODY,
        )
        return max(self.usual.renewal_days, session.scalar(query) or 0)


def choice_of(row: NotificationSetting) -> Choice:
    """A stored choice as the rules know it."""
    return Choice(
        kinds=tuple(row.kinds),
        renewal_days=row.renewal_days,
        owners=row.owners,
        people=tuple(row.people),
        contact=row.contact,
        language=row.language,
    )
