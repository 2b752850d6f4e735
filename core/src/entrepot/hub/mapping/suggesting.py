"""Running the matcher: what it suggests, withdraws, confirms and finds stale."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from entrepot.hub.customers.tables import CustomerAccount
from entrepot.hub.mapping import reading
from entrepot.hub.mapping.customers import CustomerDesk, blank_columns
from entrepot.hub.mapping.journal import Journal
from entrepot.hub.mapping.rows import document, restore_values, suggested_values
from entrepot.hub.mapping.rules.customers import suggest_customers
from entrepot.hub.mapping.rules.records import Band, Company, Method, Suggestion
from entrepot.hub.mapping.tables import CustomerMap, MappingBatch, MappingChange
from entrepot.hub.mapping.views import CustomerDecision, Refreshed, Share
from entrepot.sdk.context import Clock
from entrepot.sdk.model import MatchingVocabulary
from entrepot.store import Actor, Store, TenantScope, new_id

_STANDING = ("confirmed", "excluded")


@dataclass(frozen=True, slots=True)
class CustomerFindings:
    """What the matcher found out about one PSA connection's customers.

    Attributes:
        usable: Companies that can be billed, with whether each is a customer there.
        merged: Where the others were merged into; empty text when just gone.
    """

    suggestions: dict[str, Suggestion]
    usable: dict[str, bool]
    merged: dict[str, str]


def find_customers(
    store: Store,
    tenant_id: str,
    psa_connection_id: str,
    vocabularies: Mapping[str, MatchingVocabulary],
) -> CustomerFindings:
    """Read one snapshot and compare; writes nothing and holds no lock meanwhile."""
    with store.read(TenantScope(tenant_id)) as session:
        words = reading.read_words(session, tenant_id, vocabularies)
        accounts = reading.read_accounts(session, psa_connection_id)
        companies = reading.read_companies(session, psa_connection_id)
        rows = session.execute(
            select(
                CustomerMap.account_id, CustomerMap.psa_company_id, CustomerMap.status
            ).where(CustomerMap.psa_connection_id == psa_connection_id)
        ).all()
        taken = _taken(session, psa_connection_id)
    decided = {row.account_id for row in rows if row.status in _STANDING}
    rejected = [
        (row.account_id, row.psa_company_id) for row in rows if row.status == "rejected"
    ]
    open_ = [account for account in accounts if account.id not in decided]
    found = suggest_customers(open_, companies, words, rejected, taken)
    return CustomerFindings(
        suggestions={one.source: one for one in found},
        usable={one.vendor_id: one.is_customer for one in companies if one.usable},
        merged=_gone(companies),
    )


def apply_customers(
    session: Session,
    actor: Actor,
    clock: Clock,
    psa_connection_id: str,
    findings: CustomerFindings,
) -> Refreshed:
    """Bring the rows in line with the findings; unchanged rows cost nothing."""
    rows = session.scalars(
        select(CustomerMap).where(CustomerMap.psa_connection_id == psa_connection_id)
    ).all()
    stale = _mark_stale(session, actor, clock, rows, findings)
    decided = {row.account_id for row in rows if row.status in _STANDING}
    no = {_pair(row) for row in rows if row.status == "rejected"}
    wanted = {
        account: one
        for account, one in findings.suggestions.items()
        if account not in decided and (account, one.best.target) not in no
    }
    taken_back = _taken_back(session)
    certain = {
        account: one.best.target
        for account, one in wanted.items()
        if _is_certain(one) and (account, one.best.target) not in taken_back
    }
    suggested, withdrawn = _suggest(session, actor, psa_connection_id, rows, wanted)
    session.flush()
    confirmed = _confirm_certain(session, actor, clock, psa_connection_id, certain)
    return (
        Refreshed(suggested=suggested, withdrawn=withdrawn, confirmed=confirmed) + stale
    )


def _is_certain(one: Suggestion) -> bool:
    """Only a stored id confirms by itself, and only if one company has it alone."""
    rivals = any(rival.method is Method.EXTERNAL_ID for rival in one.rivals)
    by_id = one.best.method is Method.EXTERNAL_ID
    return by_id and not rivals and one.band is Band.PRESELECTED


def _suggest(
    session: Session,
    actor: Actor,
    psa_connection_id: str,
    rows: Iterable[CustomerMap],
    wanted: dict[str, Suggestion],
) -> tuple[int, int]:
    suggested = withdrawn = 0
    left = dict(wanted)
    for row in rows:
        if row.status != "suggested":
            continue
        one = left.pop(row.account_id, None)
        if one is None or one.best.target != row.psa_company_id:
            session.delete(row)
            withdrawn += 1
            if one is not None:
                left[row.account_id] = one
        else:
            suggested += restore_values(row, suggested_values(one))
    session.flush()
    suggested += _insert(session, actor.tenant_id, psa_connection_id, left)
    return suggested, withdrawn


def _insert(
    session: Session,
    tenant_id: str,
    psa_connection_id: str,
    wanted: dict[str, Suggestion],
) -> int:
    accounts = session.execute(
        select(
            CustomerAccount.id, CustomerAccount.connection_id, CustomerAccount.vendor_id
        )
    )
    known = {row.id: row for row in accounts if row.id in wanted}
    for account_id, one in wanted.items():
        account = known.get(account_id)
        if account is None:
            continue
        session.add(
            CustomerMap(
                id=new_id("cmp"),
                tenant_id=tenant_id,
                account_id=account_id,
                vendor_connection_id=account.connection_id,
                vendor_customer_id=account.vendor_id,
                psa_connection_id=psa_connection_id,
                psa_company_id=one.best.target,
                status="suggested",
                **{**blank_columns(), **suggested_values(one)},
            )
        )
    return len(known)


def _confirm_certain(
    session: Session,
    actor: Actor,
    clock: Clock,
    psa_connection_id: str,
    certain: dict[str, str],
) -> int:
    if not certain:
        return 0
    journal = Journal(
        session,
        actor,
        clock,
        what="customers",
        action="confirm",
        why="the PSA stores the vendor's id of this customer",
    )
    desk = CustomerDesk(session, journal, psa_connection_id, certain)
    desk.load_companies(certain.values())
    for account_id, company_id in sorted(certain.items()):
        decision = CustomerDecision(
            account_id=account_id,
            psa_connection_id=psa_connection_id,
            companies=(Share(company_id=company_id),),
            shared=True,  # the stored id says so for each of them
        )
        desk.confirm(decision, Method.EXTERNAL_ID.value)
    return journal.finish().rows


def _mark_stale(
    session: Session,
    actor: Actor,
    clock: Clock,
    rows: Iterable[CustomerMap],
    findings: CustomerFindings,
) -> Refreshed:
    journal = Journal(
        session,
        actor,
        clock,
        what="customers",
        action="check",
        why="the PSA's companies were read",
    )
    stale = revived = 0
    for row in rows:
        if row.status not in ("confirmed", "stale"):
            continue
        problem = _problem(row, findings)
        before = document(row)
        if row.status == "confirmed" and problem:
            row.status, row.reason = "stale", problem
            stale += 1
        elif row.status == "stale" and not problem:
            row.status, row.reason = "confirmed", ""
            revived += 1
        journal.put(row, before, journal.now)
    journal.finish()
    return Refreshed(stale=stale, revived=revived)


def _problem(row: CustomerMap, findings: CustomerFindings) -> str:
    """Why a confirmed company no longer serves; empty when it does."""
    is_customer = findings.usable.get(row.psa_company_id)
    if is_customer is None:
        merged = findings.merged.get(row.psa_company_id, "")
        if merged:
            return f"merged into company {merged}"
        return "deleted or inactive in the PSA"
    was_prospect = "not_a_customer" in row.flags
    return "" if is_customer or was_prospect else "no longer a customer in the PSA"


def _gone(companies: Iterable[Company]) -> dict[str, str]:
    return {one.vendor_id: one.merged_into for one in companies if not one.usable}


def _taken(session: Session, psa_connection_id: str) -> set[tuple[str, str]]:
    """Companies that are confirmed for somebody, with the vendor connection."""
    rows = session.execute(
        select(CustomerMap.vendor_connection_id, CustomerMap.psa_company_id).where(
            CustomerMap.psa_connection_id == psa_connection_id,
            CustomerMap.status == "confirmed",
        )
    )
    return {(row[0], row[1]) for row in rows}


def _taken_back(session: Session) -> set[tuple[str, str]]:
    """Pairs that a person took back; the matcher doesn't confirm them again."""
    rows = session.execute(
        select(MappingChange.before, MappingChange.after)
        .join(MappingBatch, MappingBatch.id == MappingChange.batch_id)
        .where(
            MappingBatch.what == "customers",
            or_(MappingBatch.undone_by.is_not(None), MappingBatch.action == "clear"),
        )
    )
    docs = (doc for row in rows for doc in row if doc)
    return {(doc["account_id"], doc["psa_company_id"]) for doc in docs}


def _pair(row: CustomerMap) -> tuple[str, str]:
    return row.account_id, row.psa_company_id
