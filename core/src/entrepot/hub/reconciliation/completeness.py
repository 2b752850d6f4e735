"""Which customers and companies the books hold completely."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from entrepot.hub.sync.tables import SyncScope

_NEVER = "it was never read"


@dataclass(frozen=True, slots=True)
class Completeness:
    """What sync says about every listing scope, by connection, stream and scope."""

    scopes: dict[tuple[str, str, str], tuple[bool, str, float]]

    @classmethod
    def load(cls, session: Session, tenant_id: str) -> Completeness:
        """Read all completeness records of a reseller."""
        found = session.execute(
            select(
                SyncScope.connection_id,
                SyncScope.stream,
                SyncScope.scope,
                SyncScope.complete,
                SyncScope.reason,
                SyncScope.attempted_at,
            ).where(SyncScope.tenant_id == tenant_id)
        )
        return cls(
            {
                (row.connection_id, row.stream, row.scope): (
                    row.complete,
                    row.reason,
                    row.attempted_at.timestamp(),
                )
                for row in found
            }
        )

    def of_customer(self, connection: str, customer: str) -> str:
        """Why a vendor customer's data is incomplete; empty when it is complete."""
        return self._of(connection, "subscriptions", customer)

    def of_company(
        self, connection: str, company: str, agreements: Sequence[str]
    ) -> str:
        """Why a company's agreements and lines are incomplete; empty otherwise."""
        reasons = [self._of(connection, "agreements", company)]
        reasons += [self._of(connection, "lines", one) for one in agreements]
        return next((reason for reason in reasons if reason), "")

    def _of(self, connection: str, stream: str, scope: str) -> str:
        whole = self.scopes.get((connection, stream, ""))
        own = self.scopes.get((connection, stream, scope))
        if own is not None and (whole is None or own[2] >= whole[2] or not own[0]):
            return "" if own[0] else own[1] or "it could not be read"
        if whole is None:
            return _NEVER
        return "" if whole[0] else whole[1] or "the last listing was incomplete"

    def all_complete(self) -> bool:
        """Whether nothing at all is missing from what was read."""
        return all(value[0] for value in self.scopes.values())

    def versions(self) -> dict[str, str]:
        """Whether each stream's last whole listing was complete, for the run."""
        return {
            f"{connection}/{stream}": "complete" if value[0] else value[1]
            for (connection, stream, scope), value in sorted(self.scopes.items())
            if not scope
        }
