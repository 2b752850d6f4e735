"""Inbound notifications are hints; whoever forges one changes nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from entrepot.hub.connections import notifications as module
from entrepot.hub.connections.jobs import REGISTER_NOTIFICATIONS, register_jobs
from entrepot.hub.connections.notifications import MAX_BODY, Notifications
from entrepot.hub.connections.tables import SeenNotification
from entrepot.hub.connections.upkeep import ConnectionUpkeep
from entrepot.jobs.engine import migrate
from entrepot.jobs.facade import Jobs
from entrepot.jobs.registry import JobRegistry
from entrepot.jobs.tables import JobRun
from entrepot.sdk.errors import ConfigInvalid, Rejected, Retryable, Unsupported
from entrepot.sdk.hookspecs import hookimpl
from entrepot.sdk.model import (
    ChangedKind,
    ChangeEvent,
    Notification,
    NotificationRegistration,
)
from entrepot.sdk.queries import ReceiveNotification
from entrepot.store import SystemScope
from sqlalchemy import func, select


class Reader:
    def __init__(self):
        self.started = []

    def start(self, actor, connection_id, *, cause):
        self.started.append((actor.tenant_id, connection_id, None, cause))

    def start_subject(self, actor, connection_id, subject, *, cause):
        self.started.append((actor.tenant_id, connection_id, subject, cause))


def event(customer=""):
    return ChangeEvent(event_id="e", kind=ChangedKind.OTHER, customer_id=customer)


@pytest.fixture
def shop(shop, clock):
    """The shop with notifications: a signature header, customers in the body."""

    class Notifying(type(shop)):
        registered = ()
        failure = None

        @hookimpl
        def receive_notification(self, ctx, query):
            if self.failure is not None:
                raise self.failure
            if query.headers.get("x-signature") != ctx.settings.account:
                raise Rejected("forged", "The signature is wrong.")
            names = [part for part in query.body.decode().split(",") if part]
            return Notification(
                events=tuple(event(name.strip()) for name in names),
                reply_status=202,
                reply_body=b"thanks",
                replay_key=query.headers.get("x-id", ""),
            )

        @hookimpl
        def register_notifications(self, ctx, command):
            if self.failure is not None:
                raise self.failure
            self.registered = (*self.registered, command.url)
            renew = clock.now() + timedelta(days=2)
            return NotificationRegistration(
                registered=True, renew_before=renew, detail="callback 7"
            )

    return Notifying()


@pytest.fixture
def reader():
    return Reader()


@pytest.fixture
def service(make_service, settings):
    public = replace(settings, public_base_url="https://hub.example.com")
    return make_service(settings=public)


@pytest.fixture
def notifications(store, clock, plugins, service, reader):
    return Notifications(store, clock, plugins, service, reader)


@pytest.fixture
def send(notifications, service, actor, connection, clock):
    url = service.notification_url(actor, connection.id)

    own = url.rsplit("/", 1)[1]

    def post(body=b"c1", *, key=own, **headers):
        query = ReceiveNotification(
            method="POST",
            headers={"x-signature": "alpha", **headers},
            query={},
            body=body,
            received_at=clock.now(),
        )
        return notifications.receive(key, query)

    return post


def test_notification_starts_a_reading_of_the_customer(send, reader, connection):
    reply = send(b"c1, c2,c1")
    assert (reply.status, reply.body) == (202, b"thanks")
    assert reader.started == [
        (connection.tenant_id, connection.id, "c1", "notification"),
        (connection.tenant_id, connection.id, "c2", "notification"),
    ]


@pytest.mark.parametrize(
    "body", [b"c1, ,c2", ",".join(f"c{n}" for n in range(30)).encode()]
)
def test_notification_without_or_with_many_customers_reads_the_whole(
    send, reader, connection, body
):
    send(body)
    assert reader.started == [
        (connection.tenant_id, connection.id, None, "notification")
    ]


def test_notification_that_only_pings_starts_nothing(send, reader):
    assert send(b"").status == 202
    assert reader.started == []


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        ({"x-signature": "forged"}, 403),
        ({"key": "guessed"}, 404),
        ({"body": b"x" * (MAX_BODY + 1)}, 413),
    ],
)
def test_notification_that_is_not_genuine_changes_nothing(
    send, reader, store, arguments, status
):
    reply = send(**arguments, **{"x-id": "1"})
    assert (reply.status, reply.body) == (status, b"")
    assert reader.started == []
    with store.read(SystemScope("tests")) as session:
        assert session.scalar(select(func.count()).select_from(SeenNotification)) == 0


def test_notification_that_is_repeated_changes_nothing(send, reader):
    assert send(**{"x-id": "1"}).status == 202
    assert send(**{"x-id": "1"}).status == 202
    assert len(reader.started) == 1
    send(**{"x-id": "2"})
    assert len(reader.started) == 2


def test_notification_memory_ends_after_a_while(send, reader, clock, store):
    send(**{"x-id": "1"})
    clock.advance(module.KEPT + timedelta(days=1))
    send(**{"x-id": "2"})
    with store.read(SystemScope("tests")) as session:
        assert session.scalar(select(func.count()).select_from(SeenNotification)) == 1


def test_notification_for_an_idle_connection_is_taken_and_starts_nothing(
    send, reader, service, actor, connection
):
    service.pause(actor, connection.id)
    assert send().status == 202
    assert reader.started == []


@pytest.mark.parametrize(
    "failure",
    [ConfigInvalid("secret_missing", "x", field="x"), Retryable("http_503", "x")],
)
def test_notification_that_cannot_be_verified_now_is_asked_for_again(
    send, reader, shop, failure
):
    shop.failure = failure
    assert send().status == 503
    assert reader.started == []


def test_notification_of_a_plugin_without_the_hook_is_unknown(send, reader, shop):
    shop.failure = Unsupported("not_supported", "No such hook.")
    assert send().status == 404
    assert reader.started == []


def test_registration_is_renewed_by_itself(
    notifications, service, actor, connection, shop
):
    renew = notifications.register(connection.id)
    assert shop.registered == (service.notification_url(actor, connection.id),)
    state = service.get(actor, connection.id).notifications
    assert (state["registered"], state["detail"]) == (True, "callback 7")
    assert state["renew_before"] == renew.isoformat()
    shop.failure = Rejected("no_right", "The account may not register.")
    with pytest.raises(Rejected):
        notifications.register(connection.id)
    state = service.get(actor, connection.id).notifications
    assert (state["registered"], state["error"]) == (
        False,
        "The account may not register.",
    )
    service.pause(actor, connection.id)
    assert notifications.register(connection.id) is None
    service.remove(actor, connection.id)
    assert notifications.register(connection.id) is None


def test_registration_needs_a_public_address(
    make_service, store, clock, plugins, reader, connection, shop
):
    private = Notifications(store, clock, plugins, make_service(), reader)
    assert private.register(connection.id) is None
    assert shop.registered == ()


def test_upkeep_follows_the_connections(
    store, clock, service, actor, values, plugins, settings
):
    migrate(settings)
    registry = JobRegistry()
    register_jobs(registry)
    jobs = Jobs(store, registry, clock)
    upkeep = ConnectionUpkeep(jobs, plugins, public=True)
    service.observe(added=upkeep.added, removed=upkeep.removed)
    try:
        made = service.add(actor, plugin="shop", name="Kept", values=values)
        rules = {rule.id: rule for rule in jobs.schedules.rules(actor.tenant_id)}
        assert sorted(rules) == [
            f"check_connection:{made.id}",
            f"register_notifications:{made.id}",
        ]
        with store.read(SystemScope("tests")) as session:
            kinds = session.scalars(select(JobRun.kind)).all()
        assert kinds == [REGISTER_NOTIFICATIONS]
        service.remove(actor, made.id)
        assert jobs.schedules.rules(actor.tenant_id) == []
    finally:
        jobs.close()


def test_upkeep_without_a_public_address_only_checks(
    store, clock, make_service, actor, values, plugins
):
    registry = JobRegistry()
    register_jobs(registry)
    jobs = Jobs(store, registry, clock)
    service = make_service()
    upkeep = ConnectionUpkeep(jobs, plugins, public=False)
    service.observe(added=upkeep.added)
    made = service.add(actor, plugin="shop", name="Kept", values=values)
    rules = [rule.id for rule in jobs.schedules.rules(actor.tenant_id)]
    assert rules == [f"check_connection:{made.id}"]
    jobs.close()


def test_renewal_is_submitted_for_half_of_the_time(
    notifications, connection, clock, store, settings
):
    migrate(settings)
    registry = JobRegistry()
    register_jobs(registry)
    jobs = Jobs(store, registry, clock)

    class Context:
        hub = type("Hub", (), {"notifications": notifications, "clock": clock})()
        tenant_id = connection.tenant_id

        def progress(self, **_):
            pass

        def step(self, function, *arguments):
            return function(*arguments)

    Context.jobs = jobs
    job = registry.get(REGISTER_NOTIFICATIONS).function
    renew = (clock.now() + timedelta(days=2)).isoformat()
    try:
        assert job(Context(), connection_id=connection.id) == {"renew_before": renew}
        assert job(Context(), connection_id=connection.id) == {"renew_before": renew}
        with store.read(SystemScope("tests")) as session:
            found = session.scalars(select(JobRun)).all()
            assert [run.id for run in found] == [
                f"register_notifications:{connection.id}:{renew}"
            ]
    finally:
        jobs.close()
