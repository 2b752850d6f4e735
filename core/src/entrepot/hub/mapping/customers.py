"""Deciding which PSA company a vendor customer is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from entrepot.hub.customers.tables import CustomerAccount
from entrepot.hub.mapping.checks import (
    require_reason,
    require_version,
    shares_problem,
)
from entrepot.hub.mapping.journal import ALWAYS, Journal
from entrepot.hub.mapping.rows import document, restore, ten_thousandths
from entrepot.hub.mapping.seen import Seen, require_same, require_unchanged
from entrepot.hub.mapping.tables import CustomerMap
from entrepot.hub.mapping.views import CustomerDecision, Share
from entrepot.hub.psa.tables import PsaCompany
from entrepot.sdk.errors import Conflict, NotFound, Rejected
from entrepot.store import new_id

_IN_FORCE = ("confirmed", "excluded", "stale")
_CHUNK = 500
_NO_SHARE = Decimal(0)


class CustomerDesk:
    """Writes decisions about customers into one unit of work.

    Args:
        session: Of a write unit in the reseller's scope.
        journal: Where the decision is recorded.
        psa_connection_id: Against which PSA.
        account_ids: All accounts that will be decided about.
    """

    def __init__(
        self,
        session: Session,
        journal: Journal,
        psa_connection_id: str,
        account_ids: Iterable[str],
    ) -> None:
        self._session = session
        self._journal = journal
        self._psa = psa_connection_id
        wanted = sorted(set(account_ids))
        self._accounts = _by_id(session, wanted)
        self._rows = _rows_of(session, psa_connection_id, wanted)
        self._companies: dict[str, PsaCompany] = {}
        self._looked_up: set[str] = set()
        self._holders: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)

    def load_companies(self, company_ids: Iterable[str]) -> None:
        """Read the companies that decisions name, and who has them, all at once."""
        wanted = sorted(set(company_ids) - self._looked_up)
        self._looked_up.update(wanted)
        for at in range(0, len(wanted), _CHUNK):
            part = wanted[at : at + _CHUNK]
            found = self._session.scalars(
                select(PsaCompany).where(
                    PsaCompany.connection_id == self._psa,
                    PsaCompany.vendor_id.in_(part),
                )
            )
            self._companies.update((row.vendor_id, row) for row in found)
            self._load_holders(part)

    def _load_holders(self, company_ids: Sequence[str]) -> None:
        rows = self._session.execute(
            select(
                CustomerMap.vendor_connection_id,
                CustomerMap.psa_company_id,
                CustomerMap.account_id,
                CustomerAccount.name,
            )
            .join(CustomerAccount, CustomerAccount.id == CustomerMap.account_id)
            .where(
                CustomerMap.psa_connection_id == self._psa,
                CustomerMap.psa_company_id.in_(company_ids),
                CustomerMap.status == "confirmed",
            )
        )
        for connection_id, company_id, account_id, name in rows:
            self._holders[connection_id, company_id][account_id] = name

    def _free(self, row: CustomerMap) -> None:
        holders = self._holders[row.vendor_connection_id, row.psa_company_id]
        holders.pop(row.account_id, None)

    def require_seen(self, seen: Mapping[str, Seen] | None) -> None:
        """Return if the accounts are mapped as somebody saw them, by account id.

        Raises:
            Conflict: Somebody decided meanwhile.
        """
        for account_id, one in (seen or {}).items():
            name = self._account(account_id).name
            require_unchanged(self._rows[account_id].values(), one, name)

    def confirm(self, decision: CustomerDecision, method: str = "manual") -> None:
        """Make the decision's companies the account's only ones.

        Raises:
            NotFound: No such account or company.
            Rejected: The shares don't add up; the company can't be billed.
            Conflict: Another customer of the same connection has the company, and the
                decision doesn't say that this is meant; or the row was changed.
        """
        account = self._account(decision.account_id)
        rows = self._rows[account.id]
        require_version(rows.values(), decision.version)
        if decision.seen is not None:
            require_same(rows.values(), decision.seen, account.name)
        problem = shares_problem(decision.companies)
        if problem:
            raise Rejected(
                "shares_wrong",
                f"{account.name}: {problem}.",
                field="companies",
                remedy="Give the rest to one company as the remainder.",
            )
        chosen = {share.company_id: share for share in decision.companies}
        self.load_companies(chosen)
        if not decision.shared:
            self._require_free(account, chosen)
        for company_id in chosen:
            self._usable(company_id)
        valid_from = self._valid_from(rows)
        self._drop(rows, keep=chosen)
        for share in decision.companies:
            self._confirm_one(account, share, method, valid_from)

    def reject(self, account_id: str, company_id: str, why: str) -> None:
        """Remember that the account isn't this company; it is not suggested again.

        Raises:
            NotFound: No such account or company.
            Conflict: The pair is confirmed.
        """
        account = self._account(account_id)
        self.load_companies([company_id])
        row = self._rows[account_id].get(company_id)
        if row is not None and row.status in ("confirmed", "stale"):
            raise Conflict(
                "pair_confirmed",
                f"{account.name} is confirmed to be {row.target_name}.",
                remedy="Take the mapping away first.",
            )
        before = document(row) if row is not None else None
        row = row or self._new_row(account, company_id)
        row.status, row.reason, row.band = "rejected", why, "none"
        self._journal.stamp(row)
        self._journal.put(row, before, self._journal.now)

    def exclude(self, account_id: str, reason: str) -> None:
        """Say that the account is billed nowhere, and why.

        Raises:
            NotFound: No such account.
            Rejected: No reason was given.
        """
        require_reason(reason)
        account = self._account(account_id)
        rows = self._rows[account_id]
        valid_from = self._valid_from(rows)
        self._drop(rows, keep={"": None})
        row = rows.get("")
        before = document(row) if row is not None else None
        row = row or self._new_row(account, "")
        row.status, row.method, row.reason = "excluded", "manual", reason.strip()
        self._journal.stamp(row)
        self._journal.put(row, before, valid_from)

    def clear(self, account_id: str) -> None:
        """Take every decision about the account away, rejected pairs excepted.

        Raises:
            NotFound: No such account.
        """
        self._account(account_id)
        self._drop(self._rows[account_id], keep={}, suggestions=False)

    def _confirm_one(
        self,
        account: CustomerAccount,
        share: Share,
        method: str,
        valid_from: datetime,
    ) -> None:
        company = self._usable(share.company_id)
        row = self._rows[account.id].get(share.company_id)
        before = document(row) if row is not None else None
        suggested = row is not None and row.status == "suggested"
        row = row or self._new_row(account, share.company_id)
        if before is None or not suggested:
            row.method, row.confidence = method, ten_thousandths(Decimal(1))
            row.evidence = []
        self._holders[account.connection_id, share.company_id][account.id] = (
            account.name
        )
        row.status, row.reason = "confirmed", ""
        row.share, row.share_value = share.share, share.value
        row.target_name = company.name
        row.flags = [] if company.is_customer else ["not_a_customer"]
        if before is not None and _as_decided(before, row):
            restore(row, before)  # method and evidence stay what they were
            return
        self._journal.stamp(row)
        self._journal.put(row, before, valid_from)

    def _new_row(self, account: CustomerAccount, company_id: str) -> CustomerMap:
        company = self._companies.get(company_id)
        if company_id and company is None:
            raise _unknown_company(company_id)
        row = CustomerMap(
            id=new_id("cmp"),
            tenant_id=account.tenant_id,
            account_id=account.id,
            vendor_connection_id=account.connection_id,
            vendor_customer_id=account.vendor_id,
            psa_connection_id=self._psa,
            psa_company_id=company_id,
            status="suggested",
            share="all",
            share_value=_NO_SHARE,
            target_name=company.name if company else "",
            **blank_columns(),
        )
        self._rows[account.id][company_id] = row
        return row

    def _drop(
        self,
        rows: dict[str, CustomerMap],
        keep: dict[str, Share] | dict[str, None],
        *,
        suggestions: bool = True,
    ) -> None:
        wanted = (*_IN_FORCE, "suggested") if suggestions else _IN_FORCE
        gone = [
            company_id
            for company_id, row in rows.items()
            if company_id not in keep and row.status in wanted
        ]
        for company_id in gone:
            self._free(rows[company_id])
            self._journal.remove(rows.pop(company_id), self._journal.now)

    def _valid_from(self, rows: dict[str, CustomerMap]) -> datetime:
        decided = any(row.status in _IN_FORCE for row in rows.values())
        return self._journal.now if decided else ALWAYS

    def _account(self, account_id: str) -> CustomerAccount:
        account = self._accounts.get(account_id)
        if account is None:
            raise NotFound(
                "account_unknown",
                f"There is no customer account {account_id}.",
                field="account_id",
                remedy="Read the vendor's customers again, then choose one of them.",
            )
        return account

    def _usable(self, company_id: str) -> PsaCompany:
        company = self._companies.get(company_id)
        if company is None:
            raise _unknown_company(company_id)
        if not company_usable(company):
            raise Rejected(
                "company_unusable",
                f"{company.name} is deleted, merged or inactive in the PSA.",
                field="company_id",
                remedy="Choose an active company, or activate it in the PSA.",
            )
        return company

    def _require_free(self, account: CustomerAccount, chosen: Iterable[str]) -> None:
        for company_id in chosen:
            holders = self._holders[account.connection_id, company_id]
            other = next(
                (name for key, name in holders.items() if key != account.id), ""
            )
            if other:
                raise Conflict(
                    "company_taken",
                    f"{self._companies[company_id].name} is already mapped to the "
                    f"customer {other}.",
                    field="shared",
                    remedy="Confirm explicitly that both customers are this company.",
                )


def company_usable(company: PsaCompany) -> bool:
    """Whether a company can be billed: there, active, not merged away."""
    return (
        company.active
        and not company.deleted
        and not company.merged_into
        and company.gone_at is None
    )


def blank_columns() -> dict[str, object]:
    """The columns of a new row that a decision fills in."""
    return {
        "method": "manual",
        "confidence": 0,
        "band": "none",
        "contested": False,
        "evidence": [],
        "rivals": [],
        "flags": [],
        "reason": "",
        "decided_by": "",
        "decided_at": None,
        "batch_id": "",
        "version": 1,
    }


def _as_decided(before: dict[str, object], row: CustomerMap) -> bool:
    """Whether a confirmation says nothing that was not confirmed already."""
    now = document(row)
    told = ("status", "share", "share_value")
    return all(before[name] == now[name] for name in told)


def _by_id(session: Session, ids: Sequence[str]) -> dict[str, CustomerAccount]:
    found: dict[str, CustomerAccount] = {}
    for at in range(0, len(ids), _CHUNK):
        rows = session.scalars(
            select(CustomerAccount).where(CustomerAccount.id.in_(ids[at : at + _CHUNK]))
        )
        found.update((row.id, row) for row in rows)
    return found


def _rows_of(
    session: Session, psa_connection_id: str, ids: Sequence[str]
) -> dict[str, dict[str, CustomerMap]]:
    found: dict[str, dict[str, CustomerMap]] = defaultdict(dict)
    for at in range(0, len(ids), _CHUNK):
        rows = session.scalars(
            select(CustomerMap)
            .where(
                CustomerMap.psa_connection_id == psa_connection_id,
                CustomerMap.account_id.in_(ids[at : at + _CHUNK]),
            )
            .with_for_update()
        )
        for row in rows:
            found[row.account_id][row.psa_company_id] = row
    return found


def _unknown_company(company_id: str) -> NotFound:
    return NotFound(
        "company_unknown",
        f"The PSA has no company {company_id}.",
        field="company_id",
        remedy="Read the PSA's companies again, then choose one of them.",
    )
