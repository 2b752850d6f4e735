"""Reading decisions from a file: all of them are saved, or none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from entrepot.hub.connections.tables import Connection
from entrepot.hub.customers.tables import CustomerAccount
from entrepot.hub.mapping import csvfile
from entrepot.hub.mapping.csvfile import STATUSES, Line
from entrepot.hub.mapping.customers import CustomerDesk
from entrepot.hub.mapping.journal import Journal
from entrepot.hub.mapping.products import ProductDesk
from entrepot.hub.mapping.views import CustomerDecision, ImportLine
from entrepot.sdk.errors import EntrepotError, NotFound, Rejected

CUSTOMER_NEEDS = ("vendor_connection", "vendor_customer_id", "psa_company_id", "status")
PRODUCT_NEEDS = ("vendor_connection", "sku", "psa_product_id", "status")
_METHOD = "import"
_UNDECIDED = ("suggested", "stale", "undecided")
Owner = tuple[str, str]
T = TypeVar("T")


class Importer:
    """Carries a file's lines out in one unit of work.

    Args:
        session: Of a write unit; the caller rolls it back when any line failed.
        journal: Where the decision is recorded.
        tenant_id: The reseller.
        psa_connection_id: Against which PSA.
    """

    def __init__(
        self, session: Session, journal: Journal, tenant_id: str, psa_connection_id: str
    ) -> None:
        self._session = session
        self._journal = journal
        self._tenant_id = tenant_id
        self._psa = psa_connection_id
        rows = session.execute(
            select(Connection.id, Connection.name).where(Connection.state != "removed")
        )
        self._connections: dict[str, str] = {
            word: row.id for row in rows for word in (row.id, row.name)
        }

    def customers(self, lines: Sequence[Line]) -> list[ImportLine]:
        """Decide about every customer in the file, all lines of one together."""
        groups: dict[Owner, list[Line]] = defaultdict(list)
        results: list[ImportLine] = []
        for line in lines:
            owner, problem = self._attempt([line], partial(self._owner, line))
            if owner is None:
                results += problem
            else:
                groups[owner].append(line)
        accounts = self._accounts(groups)
        desk = CustomerDesk(self._session, self._journal, self._psa, accounts.values())
        desk.load_companies(line.text("psa_company_id") for line in lines)
        for owner, group in groups.items():
            results += self._carry_out(
                group, partial(self._customer, desk, accounts, owner, group)
            )
        return sorted(results, key=lambda one: one.line)

    def products(self, lines: Sequence[Line]) -> list[ImportLine]:
        """Save every product-map entry in the file."""
        desk = ProductDesk(self._session, self._journal, self._tenant_id, self._psa)
        results: list[ImportLine] = []
        for line in lines:
            results += self._carry_out([line], partial(self._product, desk, line))
        return results

    def _customer(
        self,
        desk: CustomerDesk,
        accounts: dict[Owner, str],
        owner: Owner,
        lines: Sequence[Line],
    ) -> None:
        account_id = accounts.get(owner)
        if account_id is None:
            raise NotFound(
                "account_unknown",
                f"The connection has no customer {owner[1]}.",
                field="vendor_customer_id",
                remedy="Read the vendor's customers, or correct the id.",
            )
        by_status: dict[str, list[Line]] = defaultdict(list)
        for line in lines:
            by_status[line.one_of("status", STATUSES, "undecided")].append(line)
        for line in by_status["rejected"]:
            desk.reject(account_id, line.text("psa_company_id"), line.text("reason"))
        if by_status["excluded"] and by_status["confirmed"]:
            raise Rejected(
                "contradiction",
                "The file confirms and excludes this customer.",
                field="status",
                remedy="Keep one of the lines.",
            )
        for line in by_status["excluded"]:
            desk.exclude(account_id, line.text("reason"))
        if by_status["confirmed"]:
            desk.confirm(self._decision(account_id, by_status["confirmed"]), _METHOD)

    def _decision(self, account_id: str, lines: Sequence[Line]) -> CustomerDecision:
        return CustomerDecision(
            account_id=account_id,
            psa_connection_id=self._psa,
            companies=tuple(csvfile.share_of(line) for line in lines),
            shared=any(line.flag("shared", default=False) for line in lines),
        )

    def _product(self, desk: ProductDesk, line: Line) -> None:
        status = line.one_of("status", STATUSES, "undecided")
        if status in _UNDECIDED or status == "rejected":
            return
        connection = line.text("vendor_connection")
        connection_id = self._connection(connection) if connection else ""
        if status == "excluded":
            desk.exclude(connection_id, line.text("sku"), line.text("reason"))
        else:
            desk.confirm(csvfile.entry_of(line, self._psa, connection_id), _METHOD)

    def _carry_out(
        self, lines: Sequence[Line], act: Callable[[], None]
    ) -> list[ImportLine]:
        before = self._journal.size
        _, problems = self._attempt(lines, act)
        if problems:
            return problems
        changed = "changed" if self._journal.size > before else "unchanged"
        return [ImportLine(line=line.number, result=changed) for line in lines]

    def _attempt(
        self, lines: Sequence[Line], act: Callable[[], T]
    ) -> tuple[T | None, list[ImportLine]]:
        try:
            return act(), []
        except EntrepotError as error:
            text = " ".join(filter(None, (error.user_message, error.info.remedy)))
            field = error.info.field or ""
            return None, [
                ImportLine(line=line.number, result="error", message=text, field=field)
                for line in lines
            ]

    def _owner(self, line: Line) -> Owner:
        connection = self._connection(line.text("vendor_connection"))
        return connection, line.text("vendor_customer_id")

    def _connection(self, word: str) -> str:
        found = self._connections.get(word)
        if found is None:
            raise NotFound(
                "connection_unknown",
                f"There is no connection {word!r}.",
                field="vendor_connection",
                remedy="Use its name or id: entrepot connections list.",
            )
        return found

    def _accounts(self, owners: Iterable[Owner]) -> dict[Owner, str]:
        wanted = set(owners)
        connections = sorted({connection for connection, _ in wanted})
        rows = self._session.execute(
            select(
                CustomerAccount.id,
                CustomerAccount.connection_id,
                CustomerAccount.vendor_id,
            ).where(CustomerAccount.connection_id.in_(connections))
        )
        return {
            owner: row.id
            for row in rows
            if (owner := (row.connection_id, row.vendor_id)) in wanted
        }
