"""What a run of `send_notifications` does, step by step; each may be repeated."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import case, exists, func, select, update
from sqlalchemy.orm import Session

from entrepot.hub.customers.tables import Customer
from entrepot.hub.mail import Handed, Mailer, Outcome
from entrepot.hub.notifications import finding, words
from entrepot.hub.notifications.choices import Choices
from entrepot.hub.notifications.mailing import mark, store_mails, told_by
from entrepot.hub.notifications.rules import Person
from entrepot.hub.notifications.tables import (
    CustomerNotification,
    NotificationDelivery,
    NotificationMail,
)
from entrepot.hub.preferences.service import EVERYBODY as OF_ALL
from entrepot.hub.preferences.tables import Preference
from entrepot.hub.reconciliation.tables import ReconRun
from entrepot.hub.sync.tables import SyncRun
from entrepot.hub.tenants.tables import Tenant
from entrepot.hub.users.tables import MembershipRow, UserRow
from entrepot.jobs.errors import WritesPaused
from entrepot.jobs.intents import IntentBook
from entrepot.store.actor import system_actor
from entrepot.store.audit_log import audit
from entrepot.store.scope import SystemScope, TenantScope
from entrepot.store.unit import Store

READING, COMPARISON = "reading", "comparison"
GIVE_UP = timedelta(hours=24)
"""A mail that no server took for so long has failed; a person may send it again."""

PAGE = 100
_CUT = "The hub ended while a server took the mail; it may have arrived."
_N, _D, _M = CustomerNotification, NotificationDelivery, NotificationMail


class NotificationSteps:
    """The steps of `send_notifications`.

    Args:
        store: The hub's database.
        mailer: Where mails go.
        intents: Says whether outgoing writes are paused.
        base: The hub's public address, or empty.
    """

    def __init__(
        self, store: Store, mailer: Mailer, intents: IntentBook, base: str
    ) -> None:
        self._store = store
        self._mailer = mailer
        self._intents = intents
        self._base = base

    def find(self, tenant_id: str, source: str, of: str) -> dict[str, int]:
        """Note what a run brought.

        Args:
            tenant_id: Whose run.
            source: The run.
            of: `READING` or `COMPARISON`.
        """
        now = self._store.clock.now()
        with self._store.unit(TenantScope(tenant_id)) as session:
            choices = Choices(session, tenant_id)
            found: list[finding.Found] = []
            if of == READING:
                reading = session.get(SyncRun, source)
                if reading is not None and reading.started_at is not None:
                    found = finding.of_reading(session, reading, choices, now)
            else:
                run = session.get_one(ReconRun, source)
                psa = run.psa_connection_id
                found = finding.of_comparison(session, psa, source, choices)
            count = finding.write(session, tenant_id, source, found, now)
        return {"found": count}

    def write(self, tenant_id: str, source: str) -> dict[str, int]:
        """Write one mail for everybody who is told anything of a run."""
        now = self._store.clock.now()
        people, owners = self._people(tenant_id)
        with self._store.unit(TenantScope(tenant_id)) as session:
            fresh = session.execute(
                select(_N.id, _N.customer_id, _N.kind)
                .where(_N.source == source, _N.state == "new")
                .order_by(_N.id)
            ).all()
            told: dict[Person, list[str]] = defaultdict(list)
            if self._mailer.works:
                told = told_by(session, tenant_id, fresh, people, owners)
            store_mails(session, tenant_id, source, told, now)
            mailed = {one for ids in told.values() for one in ids}
            mark(session, source, mailed)
            if fresh:
                audit(
                    session,
                    system_actor("notifications", tenant_id),
                    action="notifications.write",
                    subject=("run", source),
                    after={"notifications": len(fresh), "mails": len(told)},
                )
        return {"notifications": len(fresh), "mails": len(told)}

    def waiting(self, tenant_id: str, source: str, after: str) -> list[str]:
        """Return the next mails of a run that are not settled, by id."""
        query = (
            select(_M.id)
            .where(
                _M.source == source,
                _M.state.in_(("waiting", "sending")),
                _M.id > after,
            )
            .order_by(_M.id)
            .limit(PAGE)
        )
        with self._store.read(TenantScope(tenant_id)) as session:
            return list(session.scalars(query))

    def deliver(self, tenant_id: str, mail_id: str) -> str:
        """Send a mail unless it is settled; returns its state.

        That it is being sent is committed before and the outcome after: where the hub
        was cut off between, a server is not given the same mail again.

        Raises:
            WritesPaused: Nothing leaves the hub now (after a restore).
        """
        why = self._intents.paused()
        if why is not None:
            raise WritesPaused(
                "writes_paused", f"Outgoing writes are paused ({why}).", after=60.0
            )
        mail = self._claim(tenant_id, mail_id)
        if isinstance(mail, str):
            return mail
        done = self._mailer.hand_over(*mail, self._store.clock.now(), key=mail_id)
        return self._settle(tenant_id, mail_id, done)

    def close(self, tenant_id: str, source: str) -> dict[str, int]:
        """Return how many mails of a run are in which state."""
        query = (
            select(_M.state, func.count()).where(_M.source == source).group_by(_M.state)
        )
        with self._store.read(TenantScope(tenant_id)) as session:
            return {row[0]: row[1] for row in session.execute(query)}

    def _claim(self, tenant_id: str, mail_id: str) -> str | tuple[str, str, str]:
        """Take a mail for sending: address, subject and text, or its settled state."""
        with self._store.unit(TenantScope(tenant_id)) as session:
            row = session.get(_M, mail_id, with_for_update=True)
            if row is None or row.state not in ("waiting", "sending"):
                return "gone" if row is None else row.state
            if row.state == "sending" and not self._mailer.repeats:
                return _end(session, row, "unknown", _CUT, self._store.clock.now())
            if not row.address:
                text = "The address was erased."
                return _end(session, row, "failed", text, self._store.clock.now())
            lines, count = _lines(session, mail_id)
            row.state, row.attempts = "sending", row.attempts + 1
            subject = words.subject(lines, count, row.language)
            text = words.text(
                lines,
                count,
                name=row.name,
                reseller=self._reseller(session, tenant_id),
                language=row.language,
                base=self._base if row.to_kind == "user" else "",
            )
            return row.address, subject, text

    def _settle(self, tenant_id: str, mail_id: str, done: Handed) -> str:
        now = self._store.clock.now()
        with self._store.unit(TenantScope(tenant_id)) as session:
            row = session.get_one(_M, mail_id, with_for_update=True)
            if done.outcome is Outcome.LATER and now - row.created_at < GIVE_UP:
                row.state, row.error = "waiting", done.why
                return "waiting"
            states = {Outcome.SENT: "sent", Outcome.UNKNOWN: "unknown"}
            return _end(session, row, states.get(done.outcome, "failed"), done.why, now)

    def _people(self, tenant_id: str) -> tuple[dict[str, Person], list[str]]:
        """The reseller's active people by id, and the owners among them."""
        query = (
            select(UserRow, MembershipRow.role)
            .select_from(UserRow)
            .join(MembershipRow, MembershipRow.user_id == UserRow.id)
            .where(MembershipRow.tenant_id == tenant_id, UserRow.active)
            .order_by(UserRow.id)
        )
        found, owners = {}, []
        spoken = self._spoken(tenant_id)
        with self._store.read(SystemScope("notifications")) as session:
            for user, role in session.execute(query):
                address = user.notify_email or user.email
                language = spoken.get(user.id) or spoken.get(OF_ALL, "")
                found[user.id] = Person(
                    kind="user", id=user.id, name=user.name, address=address,
                    language=language,
                )  # fmt: skip
                owners += [user.id] if role == "owner" else []
        return found, owners

    def _spoken(self, tenant_id: str) -> dict[str, str]:
        """The languages that people chose for the console, and the reseller's."""
        query = select(Preference.owner, Preference.value).where(
            Preference.name == "language"
        )
        with self._store.read(TenantScope(tenant_id)) as session:
            return {row[0]: str(row[1]) for row in session.execute(query)}

    @staticmethod
    def _reseller(session: Session, tenant_id: str) -> str:
        row = session.get(Tenant, tenant_id)
        return row.name if row is not None else tenant_id


def _lines(session: Session, mail_id: str) -> tuple[list[words.Line], int]:
    """The first notifications of a mail, side by side by customer; and how many."""
    of = select(func.count()).where(_D.mail_id == mail_id)
    rows = session.execute(
        select(_N.customer_id, Customer.name, _N.kind, _N.facts)
        .select_from(_N)
        .join(_D, _D.notification_id == _N.id)
        .join(Customer, Customer.id == _N.customer_id)
        .where(_D.mail_id == mail_id)
        .order_by(Customer.sort_name, Customer.id, _N.id)
        .limit(words.LINES)
    )
    lines = [
        words.Line(
            customer_id=row.customer_id,
            customer=row.name,
            kind=row.kind,
            facts=row.facts,
        )
        for row in rows
    ]
    return lines, session.scalar(of) or len(lines)


def _end(
    session: Session, row: NotificationMail, state: str, why: str, now: datetime
) -> str:
    """Settle a mail, and what it tells with it."""
    row.state, row.error, row.settled_at = state, why, now
    session.flush()
    follow(session, row.id)
    return state


def follow(session: Session, mail_id: str) -> None:
    """Give the notifications of a mail the state that all their mails make."""
    told = select(_D.notification_id).where(_D.mail_id == mail_id)

    def any_is(*states: str) -> Any:  # noqa: ANN401 - a condition
        return exists().where(
            _D.notification_id == _N.id,
            _D.tenant_id == _N.tenant_id,
            _M.id == _D.mail_id,
            _M.tenant_id == _N.tenant_id,
            _M.state.in_(states),
        )

    session.execute(
        update(_N)
        .where(_N.id.in_(told))
        .values(
            state=case(
                (any_is("failed", "unknown"), "failed"),
                (any_is("waiting", "sending"), "waiting"),
                else_="sent",
            )
        )
        .execution_options(synchronize_session=False)
    )
