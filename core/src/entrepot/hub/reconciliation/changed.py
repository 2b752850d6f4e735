"""Which companies must be summed up again since the last look at sums.

What a company's sums say can change by its rows, by where it is billed, by decisions
about its lines, and by what all companies share. A changed row bears the moment when
it was learnt; a row that left is missed in the count; a decision takes back
`ReconCoverage.by_sums`; the rest is compared with what `ReconMemory` keeps. Time alone
changes an equal company in one way, which the rows themselves show: a term that won't
renew comes near. Every other company is equal as it was.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

import xxhash
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.orm import Session

from entrepot.hub.mapping.tables import ProductMap
from entrepot.hub.reconciliation import firstpass_sql as sql
from entrepot.hub.reconciliation.combos import renew_combos
from entrepot.hub.reconciliation.loading import Base
from entrepot.hub.reconciliation.tables import (
    ReconCoverage,
    ReconMemory,
    ReconTodo,
)
from entrepot.store import UnitPrice

FEW = 20
"""So many companies are summed up by themselves, however few there are."""

SHARE = 4
"""With more than one company in so many changed, summing up all is quicker."""


@dataclass(frozen=True, slots=True)
class Present:
    """How things stand now.

    Attributes:
        basis: Digest of what all companies share.
        companies: Digest by company; see `ReconMemory`.
        owners: Companies by vendor connection and customer.
        written: By company, when a line changed last, in the driver's form.
    """

    basis: str
    companies: dict[str, int]
    owners: dict[tuple[str, str], list[str]]
    written: dict[str, Any]


def present(session: Session, base: Base, values: dict[str, Any]) -> Present:
    """Read how things stand.

    Args:
        session: The unit's.
        base: The connection.
        values: Parameters of the statements.
    """
    bought = dict(_rows(session, sql.COUNT_BOUGHT, values))
    billed = {row[0]: row[1:] for row in _rows(session, sql.COUNT_BILLED, values)}
    places: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    owners: dict[tuple[str, str], list[str]] = defaultdict(list)
    for company, connection, customer, account, *home in _rows(
        session, sql.PLACES, values
    ):
        count = bought.get(account, 0)
        places[company].append((connection, customer, account, count, *home))
        owners[(connection, customer)].append(company)
    companies = {
        company: _digest((billed.get(company, _NONE)[0], of))
        for company, of in places.items()
    }
    written = {company: row[1] for company, row in billed.items()}
    return Present(_basis(session, base), companies, dict(owners), written)


_NONE = (0, None)


def _basis(session: Session, base: Base) -> str:
    """Digest of the PSA products that are managed, and of how is summed up."""
    managed = session.scalars(
        select(ProductMap.psa_product_id)
        .where(
            ProductMap.tenant_id == base.tenant_id,
            ProductMap.psa_connection_id == base.psa_connection_id,
            ProductMap.status.in_(("confirmed", "stale")),
        )
        .distinct()
    )
    return f"{_digest((sql.COVER, sorted(managed))):016x}"


def changed_companies(
    session: Session,
    base: Base,
    now: Present,
    marked: Collection[str],
    values: Callable[[Any], dict[str, Any]],
) -> list[str] | None:
    """Companies to be summed up; None when all must be.

    Args:
        session: The unit's.
        base: The connection.
        now: How things stand.
        marked: Companies that are looked at in detail whatever their sums say.
        values: Makes the statements' parameters out of the moment of the last look.
    """
    memory = session.get(ReconMemory, base.psa_connection_id)
    if memory is None or memory.basis != now.basis or memory.as_of > base.as_of:
        return None
    equal = set(
        session.scalars(
            select(ReconCoverage.scope).where(
                ReconCoverage.tenant_id == base.tenant_id,
                ReconCoverage.psa_connection_id == base.psa_connection_id,
                ReconCoverage.by_sums.is_(True),
            )
        )
    )
    before = memory.companies
    found = {one for one, digest in now.companies.items() if before.get(one) != digest}
    found |= now.companies.keys() - equal
    found |= _touched(session, now, values(memory.as_of))
    # What is looked at in detail anyhow is not summed up, and not vouched for later.
    unsettle(session, base.tenant_id, base.psa_connection_id, equal & set(marked))
    found -= set(marked)
    few = max(FEW, len(now.companies) // SHARE)
    return sorted(found) if len(found) <= few else None


def _touched(session: Session, now: Present, values: dict[str, Any]) -> set[str]:
    """Companies with rows that changed, or whose time has come."""
    found: set[str] = set()
    for customer, connection in _rows(session, sql.TOUCHED_BOUGHT, values):
        found.update(now.owners.get((connection, customer), ()))
    since = values["since"]
    return found | {
        company
        for company, at in now.written.items()
        if at >= since and company in now.companies
    }


def list_companies(
    session: Session, base: Base, run_id: str, companies: Iterable[str]
) -> None:
    """Write down which companies a run sums up; whatever it had to do is forgotten."""
    session.execute(
        delete(ReconTodo)
        .where(ReconTodo.tenant_id == base.tenant_id, ReconTodo.run_id == run_id)
        .execution_options(synchronize_session=False)
    )
    rows = [
        {
            "run_id": run_id,
            "seq": number,
            "tenant_id": base.tenant_id,
            "kind": sql.SUM,
            "subject": company,
        }
        for number, company in enumerate(companies, 1)
    ]
    if rows:
        session.execute(insert(ReconTodo), rows)


def renew_kinds(session: Session, base: Base, values: dict[str, Any]) -> str:
    """Judge what the listed companies bought.

    Returns:
        As `renew_combos`.
    """
    memory = session.get_one(ReconMemory, base.psa_connection_id)
    found = [
        (*dimensions, None if cost is None else UnitPrice.from_stored(cost))
        for *dimensions, cost in _rows(session, sql.NEW_KINDS, values)
    ]
    return renew_combos(session, base, found, memory.judged)


def remember(session: Session, base: Base, now: Present, judged: str) -> None:
    """Keep how things stood, and what kinds were judged by, for the next look."""
    row = session.get(ReconMemory, base.psa_connection_id)
    if row is None:
        row = ReconMemory(
            psa_connection_id=base.psa_connection_id, tenant_id=base.tenant_id
        )
        session.add(row)
    row.as_of, row.basis, row.companies = base.as_of, now.basis, now.companies
    row.judged = judged


def unsettle(
    session: Session, tenant_id: str, psa_connection_id: str, companies: Iterable[str]
) -> None:
    """Note that something was decided about lines of these companies.

    To be called by whoever makes or changes a link of a line.
    """
    some = sorted(set(companies))
    if not some:
        return
    session.execute(
        update(ReconCoverage)
        .where(
            ReconCoverage.tenant_id == tenant_id,
            ReconCoverage.psa_connection_id == psa_connection_id,
            ReconCoverage.scope.in_(some),
        )
        .values(by_sums=False)
        .execution_options(synchronize_session=False)
    )


def _rows(session: Session, statement: str, values: dict[str, Any]) -> Any:  # noqa: ANN401 - rows
    meant = sql.for_dialect(statement, session.get_bind().dialect.name)
    return session.execute(text(meant), values).all()


def _digest(content: object) -> int:
    return xxhash.xxh3_64_intdigest(repr(content).encode())
