"""How much work waits in a module, counted in the database."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from entrepot.hub.connections.tables import Connection
from entrepot.hub.customers.tables import CustomerAccount
from entrepot.hub.mapping.tables import CustomerMap
from entrepot.hub.reconciliation.rules.lifecycle import SILENT
from entrepot.hub.reconciliation.tables import ReconIssue
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from entrepot_web.context import actor, hub, parts, scope

Answer = TypeVar("Answer")
_DECIDED = ("confirmed", "excluded")
_SILENT = sorted(str(state) for state in SILENT)


def waiting() -> Mapping[str, int]:
    """Return by module how much waits for the person who looks; zeros are left out."""
    may, found = actor().may, {}
    if may("mappings:read"):
        found["mapping"] = sum(undecided().values())
    if may("reconciliations:read"):
        found["reconciliation"] = open_issues()
    return {name: count for name, count in found.items() if count}


def open_issues() -> int:
    """Return the number of open differences that nobody silenced."""
    return parts().kept.read(("issues", actor().tenant_id), _asked(_open_issues))


def undecided() -> Mapping[str, int]:
    """Return by PSA connection how many customers at vendors are undecided."""
    return parts().kept.read(("undecided", actor().tenant_id), _asked(_undecided))


def _asked(question: Callable[[Session], Answer]) -> Callable[[], Answer]:
    def ask() -> Answer:
        with hub().store.read(scope()) as session:
            return question(session)

    return ask


def _open_issues(session: Session) -> int:
    return (
        session.scalar(
            select(func.count())
            .select_from(ReconIssue)
            .where(ReconIssue.is_open.is_(True), ReconIssue.state.not_in(_SILENT))
        )
        or 0
    )


def _undecided(session: Session) -> Mapping[str, int]:
    # As a difference of two counts; visiting every undecided one would cost more.
    kinds: dict[str, list[str]] = {"vendor": [], "psa": []}
    for row in session.execute(
        select(Connection.id, Connection.kind).where(Connection.state != "removed")
    ):
        kinds.setdefault(row.kind, []).append(row.id)
    if not kinds["psa"]:
        return {}
    accounts = (
        session.scalar(
            select(func.count())
            .select_from(CustomerAccount)
            .where(
                CustomerAccount.gone_at.is_(None),
                CustomerAccount.connection_id.in_(kinds["vendor"]),
            )
        )
        or 0
    )
    decided = dict(
        session.execute(
            select(
                CustomerMap.psa_connection_id,
                func.count(CustomerMap.account_id.distinct()),
            )
            .join(CustomerAccount, CustomerAccount.id == CustomerMap.account_id)
            .where(
                CustomerMap.status.in_(_DECIDED),
                CustomerAccount.gone_at.is_(None),
                CustomerAccount.connection_id.in_(kinds["vendor"]),
            )
            .group_by(CustomerMap.psa_connection_id)
        ).all()
    )
    return {psa: max(0, accounts - decided.get(psa, 0)) for psa in kinds["psa"]}
