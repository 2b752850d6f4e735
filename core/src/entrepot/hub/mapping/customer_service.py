"""Use cases of mapping customers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from entrepot.hub.mapping import csvfile, exporting, impact, listing
from entrepot.hub.mapping.customers import CustomerDesk
from entrepot.hub.mapping.importing import CUSTOMER_NEEDS, Importer
from entrepot.hub.mapping.journal import Journal
from entrepot.hub.mapping.seen import Seen
from entrepot.hub.mapping.tables import CustomerMap
from entrepot.hub.mapping.unit import READ, WRITE, Desk, acceptable, one_psa
from entrepot.hub.mapping.views import (
    AccountRow,
    BatchView,
    CustomerDecision,
    Impact,
    Imported,
    ImportLine,
    ListQuery,
    Share,
)
from entrepot.hub.paging import Slice
from entrepot.store import Actor

_WHAT = "customers"


class CustomerMappings:
    """Looking at and deciding about vendor customers.

    Every decision is one batch: audited once, undone as a whole.

    Args:
        desk: Opens units of work.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def list(self, actor: Actor, query: ListQuery) -> Slice[AccountRow]:
        """Vendor customers with their mapping or best suggestion, by name.

        Raises:
            PermissionDenied: Without ``mappings:read``.
        """
        actor.require(READ)
        with self._desk.read(actor) as session:
            return listing.list_accounts(session, query)

    def preview(self, actor: Actor, decisions: Sequence[CustomerDecision]) -> Impact:
        """What these decisions would touch; nothing is saved.

        Raises:
            PermissionDenied: Without ``mappings:read``.
            Rejected: No decision was given, or they concern several PSAs.
        """
        actor.require(READ)
        one_psa(decisions)
        with self._desk.read(actor) as session:
            return impact.preview_customers(session, decisions, self._desk.today)

    def confirm(
        self,
        actor: Actor,
        decisions: Sequence[CustomerDecision],
        *,
        why: str = "",
        seen: Mapping[str, Seen] | None = None,
    ) -> BatchView:
        """Say which companies these vendor customers are.

        Args:
            actor: Who decides.
            decisions: About one PSA connection.
            why: The reason, for the audit log.
            seen: What was looked at, by account id; None = not checked.

        Raises:
            PermissionDenied: Without ``mappings:write``.
            NotFound: No such account or company.
            Rejected: The shares don't add up; a company can't be billed.
            Conflict: A company is another customer's of the same connection and the
                decision isn't `shared`; a row was changed by somebody else.
        """

        def act(desk: CustomerDesk) -> None:
            desk.require_seen(seen)
            for decision in decisions:
                desk.confirm(decision)

        accounts = [one.account_id for one in decisions]
        return self._decide(actor, one_psa(decisions), accounts, "confirm", why, act)

    def accept(
        self,
        actor: Actor,
        psa_connection_id: str,
        *,
        ids: Collection[str] | None = None,
        method: str | None = None,
        why: str = "",
        seen: Mapping[str, Seen] | None = None,
    ) -> BatchView:
        """Confirm suggestions as they are, all at once.

        Args:
            actor: Who decides.
            psa_connection_id: Against which PSA.
            ids: These suggestions, of any band; None = all pre-selected ones.
            method: Only those that rest on this evidence.
            why: The reason, for the audit log.
            seen: What was looked at, by account id; None = not checked.

        Raises:
            PermissionDenied: Without ``mappings:write``.
            NotFound: A chosen suggestion is no longer there.
            Conflict: Two of them are one company; somebody decided meanwhile.
        """

        def act(session: Session, journal: Journal) -> None:
            if seen:
                looked_at = CustomerDesk(session, journal, psa_connection_id, seen)
                looked_at.require_seen(seen)
            rows = session.scalars(
                select(CustomerMap).where(
                    CustomerMap.psa_connection_id == psa_connection_id,
                    CustomerMap.status == "suggested",
                )
            )
            taken = acceptable(rows, ids, method)
            accounts = [row.account_id for row in taken]
            desk = CustomerDesk(session, journal, psa_connection_id, accounts)
            desk.load_companies(row.psa_company_id for row in taken)
            for row in taken:
                desk.confirm(
                    CustomerDecision(
                        account_id=row.account_id,
                        psa_connection_id=psa_connection_id,
                        companies=(Share(company_id=row.psa_company_id),),
                    )
                )

        return self._desk.decide(actor, _WHAT, "accept", why, act)

    def reject(
        self,
        actor: Actor,
        psa_connection_id: str,
        pairs: Sequence[tuple[str, str]],
        *,
        why: str = "",
    ) -> BatchView:
        """Remember that customers are not these companies: (account, company).

        Raises:
            PermissionDenied: Without ``mappings:write``.
            NotFound: No such account or company.
            Conflict: A pair is confirmed.
        """

        def act(desk: CustomerDesk) -> None:
            for account_id, company_id in pairs:
                desk.reject(account_id, company_id, why)

        accounts = [account_id for account_id, _ in pairs]
        return self._decide(actor, psa_connection_id, accounts, "reject", why, act)

    def exclude(
        self,
        actor: Actor,
        psa_connection_id: str,
        account_ids: Sequence[str],
        *,
        reason: str,
        seen: Mapping[str, Seen] | None = None,
    ) -> BatchView:
        """Say that these customers are billed nowhere, and why.

        Raises:
            PermissionDenied: Without ``mappings:write``.
            Rejected: No reason was given.
            NotFound: No such account.
            Conflict: One isn't mapped as it was `seen`, by account id.
        """

        def act(desk: CustomerDesk) -> None:
            desk.require_seen(seen)
            for account_id in account_ids:
                desk.exclude(account_id, reason)

        return self._decide(
            actor, psa_connection_id, account_ids, "exclude", reason, act
        )

    def clear(
        self,
        actor: Actor,
        psa_connection_id: str,
        account_ids: Sequence[str],
        *,
        why: str = "",
        seen: Mapping[str, Seen] | None = None,
    ) -> BatchView:
        """Take the decisions about these customers away; they are undecided again.

        Raises:
            PermissionDenied: Without ``mappings:write``.
            NotFound: No such account.
            Conflict: One isn't mapped as it was `seen`, by account id.
        """

        def act(desk: CustomerDesk) -> None:
            desk.require_seen(seen)
            for account_id in account_ids:
                desk.clear(account_id)

        return self._decide(actor, psa_connection_id, account_ids, "clear", why, act)

    def export_csv(self, actor: Actor, psa_connection_id: str) -> str:
        """All vendor customers with what was decided or suggested, as CSV.

        Raises:
            PermissionDenied: Without ``mappings:read``.
        """
        actor.require(READ)
        with self._desk.read(actor) as session:
            return exporting.customers_csv(session, psa_connection_id)

    def import_csv(
        self, actor: Actor, psa_connection_id: str, text: str, *, dry_run: bool = True
    ) -> Imported:
        """Carry out the decisions of a file in the form of `export_csv`.

        Lines with a status other than ``confirmed``, ``excluded`` or ``rejected``
        change nothing. All lines are tried; any wrong one keeps all from being saved.

        Raises:
            PermissionDenied: Without ``mappings:write``.
            Rejected: The file can't be read at all.
        """
        actor.require(WRITE)
        lines = csvfile.read(text, CUSTOMER_NEEDS)

        def act(session: Session, journal: Journal) -> list[ImportLine]:
            importer = Importer(session, journal, actor.tenant_id, psa_connection_id)
            return importer.customers(lines)

        return self._desk.carry_in(actor, _WHAT, act, dry_run=dry_run)

    def _decide(
        self,
        actor: Actor,
        psa_connection_id: str,
        account_ids: Iterable[str],
        action: str,
        why: str,
        act: Callable[[CustomerDesk], None],
    ) -> BatchView:
        def on(session: Session, journal: Journal) -> None:
            act(CustomerDesk(session, journal, psa_connection_id, account_ids))

        return self._desk.decide(actor, _WHAT, action, why, on)
