"""What runs bring is told once: noted, counted, mailed, whatever dies or fails."""

from __future__ import annotations

import smtplib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest
from entrepot.hub.customers.tables import Contact, Customer
from entrepot.hub.customers.upkeep import derive
from entrepot.hub.mail import Handed, Mailer, Outcome
from entrepot.hub.notifications import rules, words
from entrepot.hub.notifications.forgetting import forget_contact
from entrepot.hub.notifications.jobs import (
    JOB,
    forget_notifications,
    send_notifications,
)
from entrepot.hub.notifications.owners import owners_of
from entrepot.hub.notifications.rules import Choice, Person, State
from entrepot.hub.notifications.tables import (
    CustomerNotification,
    NotificationMail,
)
from entrepot.jobs.errors import WritesPaused
from entrepot.jobs.tables import JobRun
from entrepot.sdk.errors import Conflict, NotFound, Rejected, Retryable
from entrepot.sdk.model import SubscriptionStatus, Term
from entrepot.store import Actor, PermissionDenied, TenantScope, new_id
from entrepot.store.state import set_state
from sqlalchemy import select, update

from .conftest import Inline  # type: ignore[import-not-found]

SUSPENDED = SubscriptionStatus.SUSPENDED


class Server:
    """A mail server that answers as it is told."""

    works, repeats = True, False

    def __init__(self, *answers: Outcome) -> None:
        self.answers, self.taken = list(answers), []

    def hand_over(self, to, subject, text, at, *, key):
        answer = self.answers.pop(0) if self.answers else Outcome.SENT
        if answer is Outcome.SENT:
            self.taken.append((to, subject, key))
        return Handed(answer, "" if answer is Outcome.SENT else "no luck")


class Dead(BaseException):
    """The process is gone."""


@pytest.fixture
def settings(settings, tmp_path):
    return replace(
        settings, mail_folder=tmp_path / "mails", public_base_url="https://hub.test"
    )


@pytest.fixture
def told(contoso):
    """Contoso and Fabrikam at an owner and a colleague, after a first reading."""
    users, actor = contoso.hub.users, contoso.actor
    for name, role in (("ana", "owner"), ("ben", "sales")):
        users.create_user(
            actor,
            email=f"{name}@example.com",
            name=name.title(),
            password=None,
            tenant_id=actor.tenant_id,
            role=role,
        )
    contoso.vendor.sell("fabrikam", "s2", 5)
    contoso.sync()
    tell(contoso)
    return contoso


def waiting(books) -> list[JobRun]:
    query = select(JobRun).where(JobRun.kind == JOB, JobRun.ended_at.is_(None))
    with books.hub.store.read(TenantScope(books.actor.tenant_id)) as session:
        return list(session.scalars(query.order_by(JobRun.created_at, JobRun.id)))


def tell(books) -> None:
    """Run every submitted job of notifications, as a worker would."""
    for run in waiting(books):
        ctx = Inline(books.hub, run.id, books.actor.tenant_id)
        send_notifications(ctx, **run.args)
        books.finish(run.id)


def rows(books) -> list[CustomerNotification]:
    query = select(CustomerNotification).order_by(CustomerNotification.id)
    with books.hub.store.read(TenantScope(books.actor.tenant_id)) as session:
        return list(session.scalars(query))


def mails(books) -> list[NotificationMail]:
    query = select(NotificationMail).order_by(NotificationMail.id)
    with books.hub.store.read(TenantScope(books.actor.tenant_id)) as session:
        return list(session.scalars(query))


def customer(books, name: str) -> Customer:
    with books.hub.store.read(TenantScope(books.actor.tenant_id)) as session:
        found = select(Customer).where(Customer.name == name)
        return session.scalars(found).one()


def notes(books) -> list[tuple[str, str, str]]:
    return [
        (row.kind, row.state, words.sentence(row.kind, row.facts))
        for row in rows(books)
    ]


def test_a_change_is_told_once_in_one_mail_to_every_owner(told) -> None:
    assert rows(told) == []
    told.vendor.set("s1", quantity=Decimal(12))
    told.vendor.set("s2", status=SUSPENDED)
    told.sync()
    (run,) = waiting(told)
    tell(told)
    changed = ("quantity", "sent", "Seat: 10 → 12 units, changed at the vendor")
    assert sorted(notes(told)) == [
        changed,
        ("suspended", "sent", "Seat was suspended at the vendor"),
    ]
    (mail,) = Mailer(told.hub.settings).kept()
    assert mail.to == "ana@example.com"
    assert mail.subject == "2 notifications about 2 customers"
    assert "Hello Ana" in mail.text
    one = customer(told, "Contoso")
    assert f"https://hub.test/customers/{one.id}/notifications" in mail.text
    assert one.n_notifications == customer(told, "Fabrikam").n_notifications == 1
    # The same run again, and a reading that brings nothing.
    send_notifications(Inline(told.hub, run.id, told.actor.tenant_id), **run.args)
    told.sync()
    tell(told)
    assert (len(rows(told)), len(mails(told))) == (2, 1)
    told.vendor.set("s1", status=SubscriptionStatus.ENDED, quantity=Decimal(0))
    told.sync()
    tell(told)
    assert notes(told)[-1] == ("ended", "sent", "Seat has ended at the vendor")
    assert Mailer(told.hub.settings).kept(1)[0].subject.startswith("Contoso: Seat")


def test_customers_choose_otherwise_and_contacts_hear_no_secrets(told) -> None:
    notices, actor = told.hub.customer_notifications, told.actor
    one = customer(told, "Contoso")
    ben = next(id_ for id_, name in notices.people(actor) if name == "Ben")
    own = Choice(
        kinds=("quantity", "difference"),
        owners=False,
        people=(ben,),
        contact=True,
        language="de",
    )
    before = notices.setting(actor, one.id)
    assert (before.own, before.version, before.choice) == (False, 0, rules.USUAL)
    assert notices.choose(actor, one.id, own, version=0).choice == own
    with pytest.raises(Conflict):
        notices.choose(actor, one.id, own, version=0)
    with told.hub.store.unit(TenantScope(actor.tenant_id)) as session:
        session.add(
            Contact(
                id=new_id("pco"), tenant_id=actor.tenant_id, row_hash=1,
                connection_id=told.vendor_id, vendor_id="p", owner_id="contoso",
                first_name="Cleo", email="Cleo@contoso.example", is_primary=True,
                known_at=told.hub.clock.now(),
            )
        )  # fmt: skip
        session.flush()
        derive(session, actor.tenant_id, [one.id])
    told.vendor.set("s1", quantity=Decimal(12), status=SUSPENDED)
    told.vendor.set("s2", quantity=Decimal(6))
    told.sync()
    tell(told)
    told.reconcile()
    tell(told)
    found = {(row.customer_id == one.id, row.kind) for row in rows(told)}
    assert found == {(True, "quantity"), (True, "difference"), (False, "quantity")} | (
        {(False, "difference")} & found
    )
    kept = [(mail.to, mail.subject) for mail in Mailer(told.hub.settings).kept(20)]
    german = "Contoso: Seat: 10 → 12 Einheiten, beim Anbieter geändert"
    assert [one for one in kept if "cleo" in one[0]] == [
        ("cleo@contoso.example", german)
    ]
    bens = [subject for to, subject in kept if to == "ben@example.com"]
    assert len(bens) == 2
    assert any("New difference to the PSA: Fewer units billed" in one for one in bens)
    with told.hub.store.unit(TenantScope(actor.tenant_id)) as session:
        forget_contact(session, one.id)
    assert all(mail.address for mail in mails(told) if mail.to_kind == "user")
    assert [m.address for m in mails(told) if m.to_kind == "contact"] == [""]
    back = notices.choose(actor, one.id, own, version=1, own=False)
    assert (back.own, back.choice, back.version) == (False, rules.USUAL, 2)


def test_renewals_are_told_as_many_days_ahead_as_chosen(told) -> None:
    notices, actor, now = told.hub.customer_notifications, told.actor, told.hub.clock
    ends = now.now() + timedelta(days=20)
    told.vendor.set("s1", term_end=ends, auto_renew=False)
    told.vendor.set("s2", term_end=ends, term=Term("P1M"))
    notices.choose(actor, "", Choice(renewal_days=10), version=0)
    told.sync()
    tell(told)
    assert rows(told) == []
    one = customer(told, "Contoso")
    notices.choose(actor, one.id, Choice(renewal_days=25, owners=False), version=0)
    for _ in range(2):
        told.sync()
        tell(told)
    day = f"{ends:%Y-%m-%d}"
    text = f"Seat ends on {day} and does not renew by itself"
    assert notes(told) == [("renewal", "shown", text)]


def test_what_was_told_is_forgotten_after_its_time(told) -> None:
    told.vendor.set("s1", quantity=Decimal(12))
    told.sync()
    tell(told)
    one, now = customer(told, "Contoso"), told.hub.clock.now()
    assert (len(rows(told)), len(mails(told)), one.n_notifications) == (1, 1, 1)
    for late in (False, True):
        with told.hub.store.unit(TenantScope(told.actor.tenant_id)) as session:
            at = now - timedelta(days=401 if late else 399)
            for table in (CustomerNotification, NotificationMail):
                session.execute(update(table).values(created_at=at))
        ctx = Inline(told.hub, f"forget-{late}", told.actor.tenant_id)
        assert forget_notifications(ctx) == {"notifications": int(late)}
    assert (rows(told), mails(told)) == ([], [])
    assert customer(told, "Contoso").n_notifications == 0


def test_a_first_comparison_may_find_more_than_a_statement_has_places_for(told) -> None:
    """SQLite takes 32,766 values in one statement, PostgreSQL 65,535."""
    found = [
        SimpleNamespace(
            id=f"iss_{at}",
            vendor_connection_id=told.vendor_id,
            vendor_customer_id=f"somebody {at}" if at else "contoso",
            subscriptions=[f"sub_{at}"],
            company_id=f"company {at}",
        )
        for at in range(66_000)
    ]
    with told.hub.store.read(TenantScope(told.actor.tenant_id)) as session:
        owners = owners_of(session, told.psa_id, found)
    assert owners == {"iss_0": customer(told, "Contoso").id}


def test_a_server_that_fails_is_tried_again_and_a_cut_is_not_repeated(told) -> None:
    notices, tenant = told.hub.customer_notifications, told.actor.tenant_id
    steps = notices.steps
    steps._mailer = Server(Outcome.LATER, Outcome.SENT, Outcome.UNKNOWN)
    told.vendor.set("s1", quantity=Decimal(12))
    told.sync()
    (run,) = waiting(told)
    with told.hub.store.unit(TenantScope(tenant)) as session:
        set_state(session, "writes_paused", "restored")
    ctx = Inline(told.hub, run.id, tenant)
    with pytest.raises(WritesPaused):
        send_notifications(ctx, **run.args)
    with told.hub.store.unit(TenantScope(tenant)) as session:
        set_state(session, "writes_paused", None)
    with pytest.raises(Retryable, match="did not take"):
        send_notifications(ctx, **run.args)
    (mail,) = mails(told)
    assert (mail.state, mail.attempts, mail.error) == ("waiting", 1, "no luck")
    assert rows(told)[0].state == "waiting"
    tell(told)
    assert [(m.state, m.attempts) for m in mails(told)] == [("sent", 2)]
    assert len(steps._mailer.taken) == 1

    told.vendor.set("s1", quantity=Decimal(13))
    told.sync()
    tell(told)
    assert rows(told)[-1].state == "failed"
    assert mails(told)[-1].state == "unknown"
    told.vendor.set("s1", quantity=Decimal(14))
    told.sync()
    (run,) = waiting(told)
    settle, steps._settle = steps._settle, _dies
    with pytest.raises(Dead):
        send_notifications(ctx, **run.args)
    steps._settle = settle
    assert len(steps._mailer.taken) == 2
    tell(told)
    assert (mails(told)[-1].state, len(steps._mailer.taken)) == ("unknown", 2)
    last = rows(told)[-1]
    with pytest.raises(NotFound):
        notices.send_again(told.actor, "cus_0", last.id)
    assert notices.send_again(told.actor, last.customer_id, last.id) == 1
    with pytest.raises(Rejected, match="nothing_failed"):
        notices.send_again(told.actor, last.customer_id, last.id)
    told.hub.clock.advance(timedelta(hours=25))
    steps._mailer.answers = [Outcome.LATER]
    tell(told)
    assert (mails(told)[-1].state, rows(told)[-1].state) == ("failed", "failed")
    steps._mailer.works = False
    told.vendor.set("s1", quantity=Decimal(15))
    told.sync()
    tell(told)
    assert rows(told)[-1].state == "shown"


def _dies(*_given: object) -> str:
    raise Dead


def test_what_may_be_chosen_is_checked(told) -> None:
    notices, actor = told.hub.customer_notifications, told.actor
    wrong = (
        Choice(kinds=("all",)),
        Choice(renewal_days=0),
        Choice(language="fr"),
        Choice(people=("usr_nobody",)),
        Choice(people=tuple(f"usr_{at}" for at in range(51))),
    )
    for choice in wrong:
        with pytest.raises(Rejected):
            notices.choose(actor, "", choice, version=0)
    with pytest.raises(NotFound):
        notices.setting(actor, "cus_0")
    reader = Actor("usr_1", "user", actor.tenant_id, "R", frozenset({"customers:read"}))
    with pytest.raises(PermissionDenied):
        notices.choose(reader, "", Choice(), version=0)


def test_what_a_change_is_and_who_hears_of_it() -> None:
    def state(status: str, units: int) -> State:
        return State(status=status, quantity=Decimal(units))

    active = state("active", 5)
    assert rules.changes(active, active) == ()
    assert rules.changes(active, state("ended", 0)) == ("ended",)
    assert rules.changes(state("ended", 0), active) == ()
    assert rules.changes(active, state("suspended", 4)) == ("suspended", "quantity")
    ana = Person(kind="user", id="a", name="Ana", address="x@a.test", language="en")
    twin = replace(ana, id="b", name="Ben")
    cleo = replace(ana, kind="contact", id="c", address="c@c.test")
    people = {"a": ana, "b": twin}
    choice = Choice(people=("b", "gone"), contact=True)
    assert rules.receivers("quantity", choice, people, ["a"], cleo) == (ana, cleo)
    assert rules.receivers("difference", choice, people, ["a"], cleo) == (ana,)
    assert rules.receivers("quantity", Choice(owners=False), people, ["a"], cleo) == ()


def test_long_mails_say_how_many_more_there_are() -> None:
    facts = {"title": "Unit price differs", "amount": "5.00", "currency": "EUR"}
    line = words.Line(customer_id="c", customer="C {x}", kind="difference", facts=facts)
    assert words.subject([line], 1, "de") == (
        "C {x}: Neue Abweichung zum PSA: Stückpreis weicht ab (5.00 EUR)"
    )
    assert words.subject([line, line], 2, "en") == "2 notifications about C {x}"
    assert words.subject([line, line], 9, "en") == "9 notifications about 1+ customers"
    body = words.text([line], 3, name="", reseller="R", language="fr")
    assert "and 2 more" in body
    assert "http" not in body
    when = {"name": "A", "date": "2026-12-01", "auto_renew": None}
    assert words.sentence("renewal", when, "de") == "A verlängert sich am 01.12.2026"


@pytest.mark.parametrize(
    ("raised", "at", "outcome"),
    [
        (None, "", Outcome.SENT),
        (OSError("no route"), "connect", Outcome.LATER),
        (smtplib.SMTPAuthenticationError(535, b"no"), "login", Outcome.LATER),
        (smtplib.SMTPRecipientsRefused({"a": (450, b"")}), "send", Outcome.LATER),
        (smtplib.SMTPRecipientsRefused({"a": (550, b"")}), "send", Outcome.REFUSED),
        (smtplib.SMTPDataError(451, b"busy"), "send", Outcome.LATER),
        (smtplib.SMTPServerDisconnected("gone"), "send", Outcome.UNKNOWN),
        (TimeoutError("slow"), "send", Outcome.UNKNOWN),
    ],
)
def test_what_a_mail_server_did_is_told_apart(
    raised, at, outcome, monkeypatch, tmp_path
) -> None:
    taken = []

    class Smtp:
        def __init__(self, host, port, timeout):
            self.fail("connect")

        def fail(self, where):
            if raised is not None and where == at:
                raised.__traceback__ = None
                raise raised

        def starttls(self):
            self.fail("tls")

        def login(self, user, password):
            self.fail("login")

        def send_message(self, mail):
            self.fail("send")
            taken.append(mail)

        def quit(self):
            raise smtplib.SMTPServerDisconnected("already")

        def close(self):
            taken.append(None)

    from entrepot.store import Settings

    monkeypatch.setattr(smtplib, "SMTP", Smtp)
    given = Settings(
        data_dir=tmp_path,
        environment="test",
        mail_host="mail.test",
        mail_from="Hub <hub@r.test>",
        mail_user="u",
        mail_password="p",
    )
    at_noon = datetime(2026, 6, 1, 12, tzinfo=UTC)
    done = Mailer(given).hand_over("a@b.test", "S\nB", "Text", at_noon, key="mail_1")
    assert done.outcome is outcome
    assert bool(done.why) is (outcome is not Outcome.SENT)
    if outcome is Outcome.SENT:
        assert taken[0]["Message-ID"] == "<mail_1@r.test>"
        assert taken[0]["Subject"] == "S B"
