"""Use cases of notifications: who is told of what, and what was told."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from entrepot.hub.customers.tables import Customer
from entrepot.hub.notifications import rules
from entrepot.hub.notifications.choices import EVERYBODY, Choices, choice_of
from entrepot.hub.notifications.jobs import submit
from entrepot.hub.notifications.rules import Choice
from entrepot.hub.notifications.steps import (
    COMPARISON,
    READING,
    NotificationSteps,
    follow,
)
from entrepot.hub.notifications.tables import (
    CustomerNotification,
    NotificationDelivery,
    NotificationMail,
    NotificationSetting,
)
from entrepot.hub.notifications.views import MailView, SettingView
from entrepot.hub.reconciliation.tables import ReconRun
from entrepot.hub.users.tables import MembershipRow, UserRow
from entrepot.jobs.facade import Jobs
from entrepot.sdk.context import Clock
from entrepot.sdk.errors import Conflict, NotFound, Rejected
from entrepot.store.actor import Actor
from entrepot.store.audit_log import audit
from entrepot.store.ids import new_id
from entrepot.store.scope import SystemScope, TenantScope
from entrepot.store.unit import Store

MOST_PEOPLE = 50


class CustomerNotifications:
    """Use cases of notifications of customers.

    Args:
        store: The hub's database.
        clock: Time.
        jobs: Durable work.
        steps: What the job does.
    """

    def __init__(
        self, store: Store, clock: Clock, jobs: Jobs, steps: NotificationSteps
    ) -> None:
        self._store = store
        self._clock = clock
        self._jobs = jobs
        self.steps = steps

    def setting(self, actor: Actor, customer_id: str = EVERYBODY) -> SettingView:
        """What is told of a customer; without one, of all of the reseller.

        Raises:
            PermissionDenied: Without ``customers:read``.
            NotFound: There is no such customer.
        """
        actor.require("customers:read")
        with self._store.read(TenantScope(actor.tenant_id)) as session:
            return self._setting(session, actor, customer_id)

    def people(self, actor: Actor) -> tuple[tuple[str, str], ...]:
        """Ids and names of the reseller's active people, by name."""
        actor.require("customers:read")
        query = (
            select(UserRow.id, UserRow.name)
            .join(MembershipRow, MembershipRow.user_id == UserRow.id)
            .where(MembershipRow.tenant_id == actor.tenant_id, UserRow.active)
            .order_by(UserRow.name, UserRow.id)
        )
        with self._store.read(SystemScope("notifications")) as session:
            return tuple((row.id, row.name) for row in session.execute(query))

    def choose(
        self,
        actor: Actor,
        customer_id: str,
        choice: Choice,
        *,
        version: int,
        own: bool = True,
    ) -> SettingView:
        """Choose what is told of a customer, or of all of the reseller.

        Args:
            actor: Needs ``customers:write``.
            customer_id: Of whom; empty for all.
            choice: What is to hold.
            version: That was read; 0 where nothing was chosen yet.
            own: False lets the customer follow the reseller's choice again; `choice`
                is kept aside then.

        Raises:
            NotFound: There is no such customer.
            Conflict: Somebody chose meanwhile.
            Rejected: A value can't be; says which.
        """
        actor.require("customers:write")
        self._check(actor, choice)
        with self._store.unit(TenantScope(actor.tenant_id)) as session:
            before = self._setting(session, actor, customer_id)
            if before.version != version:
                raise Conflict("changed", "Somebody changed this meanwhile.")
            row = session.get(NotificationSetting, (actor.tenant_id, customer_id))
            if row is None:
                row = NotificationSetting(
                    tenant_id=actor.tenant_id, customer_id=customer_id
                )
                session.add(row)
            for name, value in asdict(choice).items():
                setattr(row, name, list(value) if isinstance(value, tuple) else value)
            row.own = own or customer_id == EVERYBODY
            row.updated_at, row.version = self._clock.now(), version + 1
            session.flush()
            kind = "customer" if customer_id else "tenant"
            audit(
                session,
                actor,
                action="customer.notify",
                subject=(kind, customer_id or actor.tenant_id),
                before=_told(before),
                after=_told(self._setting(session, actor, customer_id)),
            )
            return self._setting(session, actor, customer_id)

    def mails(
        self, session: Session, notification_ids: list[str]
    ) -> dict[str, list[MailView]]:
        """Return the mails of some notifications, in a read of the caller's."""
        mail, link = NotificationMail, NotificationDelivery
        found: dict[str, list[MailView]] = {}
        query = (
            select(
                link.notification_id, mail.id, mail.to_kind, mail.name, mail.address,
                mail.state, mail.error,
            )
            .select_from(link)
            .join(mail, mail.id == link.mail_id)
            .where(link.notification_id.in_(notification_ids))
            .order_by(mail.to_kind.desc(), mail.name, mail.id)
        )  # fmt: skip
        for row in session.execute(query) if notification_ids else ():
            hidden = row.address if row.to_kind == "contact" else ""
            view = MailView(
                id=row.id,
                to_kind=row.to_kind,
                name=row.name or hidden,
                state=row.state,
                error=row.error,
            )
            found.setdefault(row.notification_id, []).append(view)
        return found

    def send_again(self, actor: Actor, customer_id: str, notification_id: str) -> int:
        """Send the mails of a notification again that did not arrive.

        Args:
            actor: Needs ``customers:write``.
            customer_id: Whose notification.
            notification_id: Which.

        Returns:
            How many mails are sent again.

        Raises:
            NotFound: The customer has no such notification.
            Rejected: All its mails are sent, or on their way.
        """
        actor.require("customers:write")
        link = NotificationDelivery
        with self._store.unit(TenantScope(actor.tenant_id)) as session:
            found = session.get(CustomerNotification, notification_id)
            if found is None or found.customer_id != customer_id:
                raise NotFound("no_such_notification", "There is no such notification.")
            mails = session.scalars(
                select(NotificationMail)
                .join(link, link.mail_id == NotificationMail.id)
                .where(
                    link.notification_id == notification_id,
                    NotificationMail.state.in_(("failed", "unknown")),
                )
            ).all()
            if not mails:
                raise Rejected("nothing_failed", "No mail of this one has failed.")
            for mail in mails:
                mail.state, mail.error, mail.settled_at = "waiting", "", None
                mail.created_at = self._clock.now()
                session.flush()
                follow(session, mail.id)
            compared = session.get(ReconRun, found.source) is not None
            of = COMPARISON if compared else READING
            submit(self._jobs, session, found.source, of, again=f":{new_id('run')}")
            audit(
                session,
                actor,
                action="customer.mail_again",
                subject=("customer", customer_id),
                after={"notification": notification_id, "mails": len(mails)},
            )
            return len(mails)

    def _setting(self, session: Session, actor: Actor, customer_id: str) -> SettingView:
        if customer_id:
            found = select(Customer.id).where(Customer.id == customer_id)
            if session.scalars(found).first() is None:
                raise NotFound("no_such_customer", "There is no such customer.")
        row = session.get(NotificationSetting, (actor.tenant_id, customer_id))
        own = row is not None and row.own
        if row is not None and own:
            choice = choice_of(row)
        else:
            choice = Choices(session, actor.tenant_id).usual
        version = 0 if row is None else row.version
        return SettingView(
            customer_id=customer_id, own=own, choice=choice, version=version
        )

    def _check(self, actor: Actor, choice: Choice) -> None:
        unknown = sorted(set(choice.kinds) - set(rules.KINDS))
        if unknown:
            raise _wrong("kinds", f"There is no kind {unknown[0]}.", rules.KINDS)
        if not rules.SHORTEST <= choice.renewal_days <= rules.LONGEST:
            text = f"Choose {rules.SHORTEST} to {rules.LONGEST} days."
            raise Rejected("days_invalid", text, field="renewal_days")
        if choice.language not in rules.LANGUAGES:
            text = f"Mails are not written in {choice.language}."
            raise _wrong("language", text, rules.LANGUAGES)
        if len(choice.people) > MOST_PEOPLE:
            text = f"Choose at most {MOST_PEOPLE} people."
            raise Rejected("people_invalid", text, field="people")
        strangers = set(choice.people) - {id_ for id_, _ in self.people(actor)}
        if strangers:
            raise Rejected(
                "people_invalid",
                f"{sorted(strangers)[0]} does not work for this reseller.",
                field="people",
                remedy="Choose people from Settings, People.",
            )


def _told(setting: SettingView) -> dict[str, Any]:
    """A setting as the activity log tells it."""
    choice = setting.choice
    to = ["owners"] * choice.owners + [f"{len(choice.people)} people"] * bool(
        choice.people
    )
    return {
        "own": setting.own,
        "kinds": " ".join(choice.kinds) or "none",
        "renewal_days": choice.renewal_days,
        "to": " ".join([*to, *["contact"] * choice.contact]) or "nobody",
        "language": choice.language,
    }


def _wrong(field: str, text: str, may: tuple[str, ...]) -> Rejected:
    return Rejected(
        f"{field}_invalid", text, field=field, remedy=f"Choose of {', '.join(may)}."
    )
