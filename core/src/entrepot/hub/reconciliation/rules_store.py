"""Adding and removing rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from entrepot.hub.connections.tables import Connection
from entrepot.hub.reconciliation.rulebook import SINGLE, full_body, record_of
from entrepot.hub.reconciliation.tables import ReconRule
from entrepot.hub.reconciliation.views import RuleView, rule_view
from entrepot.sdk.context import Clock
from entrepot.sdk.errors import Conflict, NotFound, Rejected
from entrepot.store import Actor, Store, TenantScope, audit, new_id


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleWish:
    """A rule to be.

    Attributes:
        kind: One of `rulebook.RULE_KINDS`.
        company_id: PSA id; empty = all companies.
        product_id: PSA id; empty = all products.
        body: The kind's fields, decimals and days as texts.
        reason: Required for an override.
    """

    psa_connection_id: str
    kind: str
    company_id: str = ""
    product_id: str = ""
    body: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""
    valid_until: date | None = None


class RuleDesk:
    """Use cases around rules.

    Args:
        store: The database.
        clock: Time.
        require_psa: Raises when a connection is no PSA of the actor's.
    """

    def __init__(
        self, store: Store, clock: Clock, require_psa: Callable[[Actor, str], None]
    ) -> None:
        self._store = store
        self._clock = clock
        self._require_psa = require_psa

    def list(
        self, actor: Actor, psa_connection_id: str, kind: str | None = None
    ) -> tuple[RuleView, ...]:
        """Rules of a PSA connection, oldest first."""
        actor.require("reconciliations:read")
        with self._store.read(TenantScope(actor.tenant_id)) as session:
            rows = list_rules(session, actor.tenant_id, psa_connection_id, kind)
            return tuple(rule_view(row) for row in rows)

    def set(self, actor: Actor, wish: RuleWish) -> RuleView:
        """Add a rule; of `limits` and `auto` a connection has only one each.

        Raises:
            NotFound: There is no such connection.
            Rejected: A field is unknown or has no such value.
        """
        actor.require("mappings:write")
        if wish.kind in SINGLE:
            actor.require("reconciliations:approve")
        self._require_psa(actor, wish.psa_connection_id)
        with self._store.unit(TenantScope(actor.tenant_id)) as session:
            _alone(session, wish.psa_connection_id)
            row = put_rule(session, actor, wish, self._clock.now())
            session.flush()
            return rule_view(row)

    def change(
        self, actor: Actor, rule_id: str, wish: RuleWish, *, version: int
    ) -> RuleView:
        """Put other values in a rule's place; its kind and connection stay.

        Args:
            actor: Who changes it; its author from now on.
            rule_id: The rule.
            wish: All its values, also those that stay.
            version: The rule's version that the actor has read.

        Raises:
            Conflict: It was changed or removed meanwhile.
            Rejected: A field is unknown or has no such value.
        """
        actor.require("mappings:write")
        if wish.kind in SINGLE:
            actor.require("reconciliations:approve")
        with self._store.unit(TenantScope(actor.tenant_id)) as session:
            _alone(session, wish.psa_connection_id)
            known = list_rules(
                session, actor.tenant_id, wish.psa_connection_id, wish.kind
            )
            row = next((one for one in known if one.id == rule_id), None)
            if row is None or row.version != version:
                raise Conflict(
                    "changed",
                    "Somebody else changed or removed this rule meanwhile.",
                    remedy="Look at the rules again, then decide.",
                )
            _revise(session, actor, row, wish)
            session.flush()
            return rule_view(row)

    def remove(self, actor: Actor, rule_id: str, reason: str = "") -> None:
        """Take a rule away.

        Raises:
            NotFound: There is none of that id.
        """
        actor.require("mappings:write")
        with self._store.unit(TenantScope(actor.tenant_id)) as session:
            row = _take_away(session, actor, rule_id, reason)
            if row.kind in SINGLE:
                actor.require("reconciliations:approve")


def _revise(session: Session, actor: Actor, row: ReconRule, wish: RuleWish) -> None:
    """Give a rule other values after proving that they can be understood."""
    _reasoned(wish)
    before = _told(row)
    for name in ("company_id", "product_id", "reason", "valid_until"):
        setattr(row, name, getattr(wish, name))
    row.body = dict(wish.body)
    row.author = actor.name
    row.version += 1
    record_of(row.kind, full_body(row), "rule")
    audit(
        session,
        actor,
        action="recon_rule.change",
        subject=("recon_rule", row.id),
        why=wish.reason,
        before=before,
        after=_told(row),
    )


def _told(row: ReconRule) -> dict[str, Any]:
    scope = {"company": row.company_id, "product": row.product_id}
    return {"kind": row.kind, **scope, "body": dict(row.body)}


def _reasoned(wish: RuleWish) -> None:
    if wish.kind == "override" and not wish.reason.strip():
        raise Rejected(
            "reason_missing",
            "An accepted difference needs a reason.",
            field="reason",
            remedy="Say why the value differs.",
        )


def _take_away(session: Session, actor: Actor, rule_id: str, reason: str) -> ReconRule:
    row = remove_rule(session, actor.tenant_id, rule_id)
    audit(
        session,
        actor,
        action="recon_rule.remove",
        subject=("recon_rule", rule_id),
        why=reason,
        before={"kind": row.kind, "body": row.body},
    )
    session.flush()
    return row


def _alone(session: Session, psa_connection_id: str) -> None:
    """Let nobody else write rules of the connection until this unit ends."""
    session.execute(
        select(Connection.id)
        .where(Connection.id == psa_connection_id)
        .with_for_update()
    )


def list_rules(
    session: Session, tenant_id: str, psa_connection_id: str, kind: str | None
) -> Sequence[ReconRule]:
    """Rules of a connection, oldest first."""
    query = (
        select(ReconRule)
        .where(
            ReconRule.tenant_id == tenant_id,
            ReconRule.psa_connection_id == psa_connection_id,
        )
        .order_by(ReconRule.id)
    )
    if kind is not None:
        query = query.where(ReconRule.kind == kind)
    return session.scalars(query).all()


def put_rule(
    session: Session, actor: Actor, wish: RuleWish, now: datetime
) -> ReconRule:
    """Store a rule after proving that it can be understood.

    Raises:
        Rejected: It can't; the text names the field.
    """
    _reasoned(wish)
    row = ReconRule(
        id=new_id("rul"),
        tenant_id=actor.tenant_id,
        psa_connection_id=wish.psa_connection_id,
        kind=wish.kind,
        company_id=wish.company_id,
        product_id=wish.product_id,
        body=dict(wish.body),
        reason=wish.reason,
        author=actor.name,
        created_at=now,
        valid_until=wish.valid_until,
        version=1,
    )
    record_of(row.kind, full_body(row), "rule")
    if row.kind in SINGLE:
        session.execute(
            delete(ReconRule)
            .where(
                ReconRule.tenant_id == actor.tenant_id,
                ReconRule.psa_connection_id == wish.psa_connection_id,
                ReconRule.kind == wish.kind,
            )
            .execution_options(synchronize_session=False)
        )
    session.add(row)
    audit(
        session,
        actor,
        action="recon_rule.add",
        subject=("recon_rule", row.id),
        why=wish.reason,
        after={"kind": row.kind, "company": row.company_id, "body": row.body},
    )
    return row


def remove_rule(session: Session, tenant_id: str, rule_id: str) -> ReconRule:
    """Take a rule away; returns what it was.

    Raises:
        NotFound: There is none of that id.
    """
    row = session.scalars(
        select(ReconRule).where(
            ReconRule.tenant_id == tenant_id, ReconRule.id == rule_id
        )
    ).first()
    if row is None:
        raise NotFound("no_such_rule", "There is no such rule.")
    session.delete(row)
    return row
