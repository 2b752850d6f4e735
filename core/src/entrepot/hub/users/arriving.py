"""What every page must know of its visitor, read anew each time by one statement.

Nothing of it outlives a request: an ended session, a role that was taken away or a
suspended reseller counts from the next page on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from entrepot.hub.tenants.service import ACTIVE
from entrepot.hub.tenants.tables import Tenant
from entrepot.hub.users.rows import SignIn, seen_as
from entrepot.hub.users.tables import (
    MembershipRow,
    SessionRow,
    SignInRulesRow,
    UserRow,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workplace:
    """A reseller that a person has a role at.

    Attributes:
        open: Whether anybody may work for it at the moment.
        factor_demanded: Whether it demands a second factor of everybody.
    """

    tenant_id: str
    name: str
    open: bool
    factor_demanded: bool


@dataclass(frozen=True, slots=True)
class Found:
    """Whose session it is, whether or not it lives.

    Attributes:
        person: Who; also when they were locked out.
        session: Their session.
        places: The resellers they have a role at, by id; deleted ones are missing.
    """

    person: SignIn
    session: SessionRow
    places: Mapping[str, Workplace]


_VISIT = (
    select(
        UserRow,
        SessionRow,
        MembershipRow.tenant_id,
        MembershipRow.role,
        Tenant.name,
        Tenant.status,
        SignInRulesRow.second_factor,
    )
    .join(SessionRow, SessionRow.user_id == UserRow.id)
    .outerjoin(MembershipRow, MembershipRow.user_id == UserRow.id)
    .outerjoin(Tenant, Tenant.id == MembershipRow.tenant_id)
    .outerjoin(SignInRulesRow, SignInRulesRow.tenant_id == MembershipRow.tenant_id)
    .order_by(MembershipRow.tenant_id)
)


def find_visit(session: Session, uniquifier: str, session_id: str) -> Found | None:
    """Return the person with a session of theirs, or None.

    Args:
        session: A snapshot in a system scope: it isn't known yet who comes.
        uniquifier: What the signed cookie says of the person.
        session_id: What it says of the session.
    """
    rows = session.execute(
        _VISIT.where(UserRow.session_id == uniquifier, SessionRow.id == session_id)
    ).all()
    if not rows:
        return None
    person, visit = rows[0].UserRow, rows[0].SessionRow
    roles = tuple((row.tenant_id, row.role) for row in rows if row.role is not None)
    known = SignIn(
        user=seen_as(person, roles),
        password_hash=person.password_hash,
        session_id=person.session_id,
        login_count=person.login_count,
    )
    return Found(known, visit, MappingProxyType(_places(rows)))


def _places(rows: Sequence[Any]) -> dict[str, Workplace]:
    return {
        row.tenant_id: Workplace(
            tenant_id=row.tenant_id,
            name=row.name,
            open=row.status == ACTIVE,
            factor_demanded=bool(row.second_factor),
        )
        for row in rows
        if row.status is not None
    }
