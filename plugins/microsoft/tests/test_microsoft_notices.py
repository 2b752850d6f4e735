"""Activity feed, webhook registration and signed notifications."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from entrepot.sdk import queries as ask
from entrepot.sdk.errors import Rejected
from entrepot.sdk.model import ChangedKind
from entrepot_microsoft.plugin import plugin
from entrepot_microsoft.simulator.signing import Signer


class Inbox(ThreadingHTTPServer):
    """Receives notifications as the hub's endpoint would."""

    daemon_threads = True

    def __init__(self):
        self.received = []
        super().__init__(("127.0.0.1", 0), _Receiver)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/in/secret-path"


class _Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {k.lower(): v for k, v in self.headers.items()}
        self.server.received.append((headers, body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture
def inbox():
    server = Inbox()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def connected(vendor, inbox):
    pem = vendor.control.act("webhook_root")["pem"]
    ctx = vendor.connect(certificate_authority=pem)
    command = ask.RegisterNotifications(url=inbox.url)
    assert plugin.register_notifications(ctx, command).registered
    return ctx


def received(ctx, delivery, at=None):
    headers, body = delivery
    query = ask.ReceiveNotification(
        method="POST",
        headers=headers,
        query={},
        body=body,
        received_at=at or ctx.clock.now(),
    )
    return plugin.receive_notification(ctx, query)


def test_foreign_change_arrives_as_a_hint(vendor, inbox, connected) -> None:
    made = vendor.control.act("new_subscription", quantity=9)
    vendor.control.act("deliver_webhooks")
    [delivery] = inbox.received
    note = received(connected, delivery)
    [event] = note.events
    assert (event.kind, event.object_id) == (
        ChangedKind.SUBSCRIPTION,
        made["subscription"],
    )
    assert event.customer_id == made["customer"]
    assert b"quantity" not in delivery[1], "a notification is a hint, not a fact"


def test_repeated_delivery_has_the_same_replay_key(vendor, inbox, connected) -> None:
    vendor.control.act("set_quantity", quantity=3, force=True)
    vendor.control.act("deliver_webhooks", times=2)
    keys = {received(connected, each).replay_key for each in inbox.received}
    assert len(inbox.received) == 2
    assert len(keys) == 1


@pytest.mark.parametrize(
    ("forge", "code"),
    [
        ("signature", "signature_wrong"),
        ("body", "signature_wrong"),
        ("certificate", "certificate_host"),
    ],
)
def test_forged_delivery_is_refused(vendor, inbox, connected, forge, code) -> None:
    vendor.control.act("set_quantity", quantity=3, force=True)
    vendor.control.act("deliver_webhooks", forge=forge)
    with pytest.raises(Rejected) as refused:
        received(connected, inbox.received[0])
    assert refused.value.code == code


def test_delivery_of_another_authority_is_refused(vendor, inbox) -> None:
    other = vendor.connect()
    command = ask.RegisterNotifications(url=inbox.url)
    plugin.register_notifications(other, command)
    vendor.control.act("set_quantity", quantity=3, force=True)
    vendor.control.act("deliver_webhooks")
    with pytest.raises(Rejected) as refused:
        received(other, inbox.received[0])
    assert refused.value.code == "certificate_untrusted"


def test_certificate_of_another_owner_is_refused(vendor, inbox, connected) -> None:
    signer = Signer("Contoso Corporation")
    vendor.sim.webhooks._signer = signer
    ctx = vendor.connect(certificate_authority=signer.root_pem)
    vendor.control.act("set_quantity", quantity=3, force=True)
    vendor.control.act("deliver_webhooks")
    with pytest.raises(Rejected) as refused:
        received(ctx, inbox.received[0])
    assert refused.value.code == "certificate_owner"


@pytest.mark.parametrize(
    "change",
    [
        {"authorization": "Bearer abc"},
        {"authorization": "Signature"},
        {"authorization": "Signature !!!"},
    ],
)
def test_delivery_without_signature_is_refused(
    vendor, inbox, connected, change
) -> None:
    vendor.control.act("set_quantity", quantity=3, force=True)
    vendor.control.act("deliver_webhooks")
    headers, body = inbox.received[0]
    with pytest.raises(Rejected) as refused:
        received(connected, ({**headers, **change}, body))
    assert refused.value.code == "signature_missing"


def test_unknown_algorithm_is_refused(vendor, inbox, connected) -> None:
    vendor.control.act("set_quantity", quantity=3, force=True)
    vendor.control.act("deliver_webhooks")
    headers, body = inbox.received[0]
    headers = {**headers, "x-ms-signature-algorithm": "rsa-sha1"}
    with pytest.raises(Rejected) as refused:
        received(connected, (headers, body))
    assert refused.value.code == "signature_algorithm"


def test_old_delivery_is_refused_late_one_is_not(vendor, inbox, connected) -> None:
    vendor.control.act("set_quantity", quantity=3, force=True)
    vendor.control.act("deliver_webhooks")
    now = connected.clock.now()
    late = received(connected, inbox.received[0], now + timedelta(hours=49))
    assert late.events
    with pytest.raises(Rejected) as refused:
        received(connected, inbox.received[0], now + timedelta(days=8))
    assert refused.value.code == "notification_stale"


def test_delivery_may_wait_for_its_hour(start, inbox) -> None:
    vendor = start(extra={"webhook_delay": "48"})
    ctx = vendor.connect()
    plugin.register_notifications(ctx, ask.RegisterNotifications(url=inbox.url))
    vendor.control.act("set_quantity", quantity=3, force=True)
    vendor.control.act("deliver_webhooks")
    assert inbox.received == []
    vendor.control.advance(timedelta(hours=49))
    vendor.control.act("deliver_webhooks")
    assert len(inbox.received) == 1


def test_vendor_delivers_by_itself(start, inbox) -> None:
    vendor = start(extra={"deliver": "auto"})
    ctx = vendor.connect()
    plugin.register_notifications(ctx, ask.RegisterNotifications(url=inbox.url))
    vendor.control.act("set_quantity", quantity=3, force=True)
    deadline = time.monotonic() + 10
    while not inbox.received and time.monotonic() < deadline:
        time.sleep(0.02)
    assert len(inbox.received) == 1


def test_undelivered_notification_is_tried_ten_times(vendor, inbox) -> None:
    ctx = vendor.connect()
    dead = "http://127.0.0.1:9/in"
    plugin.register_notifications(ctx, ask.RegisterNotifications(url=dead))
    vendor.control.act("set_quantity", quantity=3, force=True)
    tries = [vendor.control.act("deliver_webhooks")["result"] for _ in range(12)]
    assert [len(attempts) for attempts in tries] == [1] * 10 + [0, 0]


def test_registration_is_created_replaced_and_left_alone(vendor) -> None:
    ctx = vendor.connect()
    for url in ("https://hub.example/a", "https://hub.example/b"):
        for _ in range(2):
            command = ask.RegisterNotifications(url=url)
            plugin.register_notifications(ctx, command)
    routes = vendor.control.counters()["routes"]
    assert routes["POST /webhooks/v1/registration"] == 1
    assert routes["PUT /webhooks/v1/registration"] == 1
    assert vendor.sim.webhooks.registration["WebhookUrl"] == "https://hub.example/b"


# Activity feed


def feed(ctx, since, most=100):
    events, cursor, pages = [], None, []
    for _ in range(most):
        page = plugin.list_changes(ctx, ask.ListChanges(cursor=cursor, since=since))
        pages.append(page)
        events += page.items
        cursor = page.next_cursor
        if cursor is None:
            return events, pages
    raise AssertionError("the feed does not end")


def test_feed_tells_changes_oldest_first(vendor) -> None:
    ctx = vendor.connect()
    since = ctx.clock.now()
    vendor.control.advance(timedelta(hours=1))
    made = vendor.control.act("new_subscription", quantity=2)
    vendor.control.advance(timedelta(days=2))
    vendor.control.act("set_quantity", subscription=made["subscription"], quantity=5)
    gone = vendor.control.act("add_customer")["customer"]
    vendor.control.act("remove_customer", customer=gone)
    events, pages = feed(ctx, since)
    assert [e.kind for e in events] == [
        ChangedKind.ORDER,
        ChangedKind.SUBSCRIPTION,
        ChangedKind.CUSTOMER,
        ChangedKind.CUSTOMER,
    ]
    assert events[1].object_id == made["subscription"]
    assert events[1].customer_id == made["customer"]
    assert sorted(e.at for e in events) == [e.at for e in events]
    assert all(page.complete for page in pages)


def test_feed_of_a_busy_day_is_read_to_its_end(vendor) -> None:
    ctx = vendor.connect()
    for number in range(1203):
        vendor.sim.audit.note(
            ctx.clock.now(), f"c{number}", "n", "subscription", "update", "x"
        )
    events, _ = feed(ctx, ctx.clock.now())
    assert len({e.event_id for e in events}) == 1203


def test_feed_says_when_it_does_not_reach_back_far_enough(vendor) -> None:
    ctx = vendor.connect()
    _, pages = feed(ctx, ctx.clock.now() - timedelta(days=200))
    assert not pages[0].complete
    assert "90 days" in pages[0].incomplete_reason


def test_feed_without_start_covers_yesterday_and_today(vendor) -> None:
    ctx = vendor.connect()
    _, pages = feed(ctx, None)
    assert len(pages) == 2
    spans = [r["path"] for r in vendor.control.requests() if "audit" in r["path"]]
    today = ctx.clock.now().date()
    assert f"startDate={today - timedelta(days=1)}" in spans[0]
    assert f"startDate={today}" in spans[1]


def test_console_links_point_to_the_portal() -> None:
    link = plugin.get_console_link
    customer = ask.GetConsoleLink(kind="customer", object_id="c1")
    assert link(None, customer) == (
        "https://partner.microsoft.com/commerce/customers/c1/overview"
    )
    sub = ask.GetConsoleLink(kind="subscription", object_id="s1", parent_id="c1")
    assert link(None, sub).endswith("/c1/subscriptions/s1")
    assert link(None, ask.GetConsoleLink(kind="line", object_id="1")) is None
