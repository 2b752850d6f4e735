"""Change feed and pushed events: pull, estate check, rotation, forgery."""

from __future__ import annotations

import base64
import json
from datetime import timedelta

import pytest
from entrepot.sdk import queries as ask
from entrepot.sdk.errors import Rejected
from entrepot.sdk.model import ChangedKind
from entrepot_google.plugin import plugin

SUBSCRIPTION = "projects/reseller-hub/subscriptions/hub"
HUB = "https://hub.example.com/notifications/con_1"


def feed(ctx):
    """All events of one look, and whether it was whole."""
    found, cursor, whole = [], None, True
    while True:
        query = ask.ListChanges(since=ctx.clock.now(), cursor=cursor)
        page = plugin.list_changes(ctx, query)
        found, whole = [*found, *page.records()], whole and page.complete
        cursor = page.next_cursor
        if cursor is None:
            return found, whole


def listen(vendor, **settings):
    ctx = vendor.connect(subscription=SUBSCRIPTION, stalest=0, **settings)
    command = ask.RegisterNotifications(url=HUB)
    assert plugin.register_notifications(ctx, command).registered
    return ctx


def test_google_without_a_feed_everything_is_read(vendor) -> None:
    found, whole = feed(vendor.connect())
    assert (found, whole) == ([], False)


def test_google_pulled_events_are_hints(vendor) -> None:
    ctx = listen(vendor)
    bought = vendor.control.act("buy", seats=3)
    names = {"customer": bought["customer"], "entitlement": bought["entitlement"]}
    vendor.control.act("change_seats", seats=4, **names)
    found, whole = feed(ctx)
    assert whole
    assert [(e.kind, e.action) for e in found] == [
        (ChangedKind.SUBSCRIPTION, "CREATED"),
        (ChangedKind.SUBSCRIPTION, "COMMITMENT_CHANGED"),
    ]
    assert {e.object_id for e in found} == {bought["subscription_id"]}
    assert {e.customer_id for e in found} == {bought["customer"]}
    assert feed(ctx) == ([], True)


def test_google_events_of_a_lost_page_come_again(vendor) -> None:
    ctx = listen(vendor)
    vendor.control.act("buy", seats=3)
    query = ask.ListChanges(since=ctx.clock.now())
    first = plugin.list_changes(ctx, query).records()
    # Its cursor is never used: the reader died, nothing was acknowledged.
    vendor.control.advance(timedelta(seconds=61))
    again, _ = feed(ctx)
    assert [e.event_id for e in again] == [e.event_id for e in first]


def test_google_longest_unread_customers_take_their_turn(vendor) -> None:
    ctx = vendor.connect(subscription=SUBSCRIPTION, stalest=2)
    plugin.register_notifications(ctx, ask.RegisterNotifications(url=HUB))
    seen = []
    for _ in range(3):
        found, _ = feed(ctx)
        assert [e.action for e in found] == ["longest unread"] * 2
        for event in found:
            seen.append(event.customer_id)
            query = ask.ListSubscriptions(customer_id=event.customer_id)
            plugin.list_subscriptions(ctx, query)
    assert sorted(seen) == sorted(vendor.sim.book.ids)


def test_google_estate_check_names_who_differs(vendor) -> None:
    ctx = vendor.connect(estate_check="on", stalest=0)
    assert feed(ctx) == ([], False)
    assert feed(ctx) == ([], True)
    customer = vendor.sim.book.ids[3]
    bought = vendor.control.act("buy", customer=customer, seats=3)
    names = {"customer": customer, "entitlement": bought["entitlement"]}
    for change in (
        {},
        {"name": "change_seats", "seats": 5},
        {"name": "set_renewal", "enable": False},
        {"name": "suspend"},
        {"name": "vanish"},
    ):
        name = change.pop("name", "")
        if name == "vanish":
            vendor.control.act(
                "vanish_subscription",
                customer_id=customer,
                subscription_id=bought["subscription_id"],
            )
        elif name:
            vendor.control.act(name, **names, **change)
        found, whole = feed(ctx)
        assert whole
        assert [e.customer_id for e in found] == [customer], name
    added = vendor.control.act("add_customer")
    vendor.control.act("buy", customer=added["customer"], seats=2)
    found, _ = feed(ctx)
    assert [e.customer_id for e in found] == [added["customer"]]


def delivery(vendor, *, forge="", subscription=SUBSCRIPTION, data=None, audience=HUB):
    email = vendor.sim.authority.email
    token = vendor.sim.events.push_token(audience, email, forge)["token"]
    sent = data or {
        "entitlement_event": {
            "event_type": "RENEWED",
            "entitlement": "accounts/C0res0001/customers/Sa/entitlements/Sb",
        },
        "channel_partner_event": {"something": "new"},
    }
    message = {
        "data": base64.b64encode(json.dumps(sent).encode()).decode(),
        "messageId": "42",
        "message_id": "42",
        "publishTime": "2026-10-14T09:29:59.5Z",
    }
    return ask.ReceiveNotification(
        method="POST",
        headers={"authorization": f"Bearer {token}"},
        query={},
        body=json.dumps({"message": message, "subscription": subscription}).encode(),
        received_at=vendor.sim.clock.now(),
    )


def test_google_push_is_verified_and_replay_safe(vendor) -> None:
    ctx = vendor.connect(subscription=SUBSCRIPTION, delivery="push")
    found = plugin.receive_notification(ctx, delivery(vendor))
    again = plugin.receive_notification(ctx, delivery(vendor))
    assert found.replay_key == again.replay_key == "42"
    assert found.reply_status == 204
    (event,) = found.events
    assert (event.customer_id, event.object_id) == ("Sa", "Sa/Sb")
    asked = [r["path"] for r in vendor.control.requests()]
    assert sum("certs" in path for path in asked) == 1


@pytest.mark.parametrize(
    ("forge", "code"),
    [
        ("signature", "signature_wrong"),
        ("audience", "token_audience"),
        ("account", "token_account"),
        ("expired", "token_expired"),
    ],
)
def test_google_forged_push_is_refused(vendor, forge, code) -> None:
    ctx = vendor.connect(subscription=SUBSCRIPTION, delivery="push")
    with pytest.raises(Rejected) as caught:
        plugin.receive_notification(ctx, delivery(vendor, forge=forge))
    assert caught.value.code == code


def test_google_push_without_token_or_of_strangers(vendor) -> None:
    ctx = vendor.connect(subscription=SUBSCRIPTION, delivery="push")
    good = delivery(vendor)
    for headers in ({}, {"authorization": "Bearer a.b"}, {"authorization": "Basic x"}):
        bare = ask.ReceiveNotification(
            method="POST",
            headers=headers,
            query={},
            body=good.body,
            received_at=good.received_at,
        )
        with pytest.raises(Rejected):
            plugin.receive_notification(ctx, bare)
    foreign = delivery(vendor, subscription="projects/else/subscriptions/hub")
    with pytest.raises(Rejected) as caught:
        plugin.receive_notification(ctx, foreign)
    assert caught.value.code == "subscription_foreign"


def test_google_reseller_event_finds_its_customer(vendor) -> None:
    ctx = vendor.connect(subscription=SUBSCRIPTION, delivery="push")
    customer = vendor.sim.book.find(vendor.sim.book.ids[2])
    data = {
        "customer_id": customer.identity,
        "event_type": "SUBSCRIPTION_RENEWED",
        "subscription_id": "4711",
    }
    (event,) = plugin.receive_notification(ctx, delivery(vendor, data=data)).events
    assert (event.kind, event.object_id) == (ChangedKind.CUSTOMER, customer.id)
    data["customer_id"] = "C0nobody"
    assert plugin.receive_notification(ctx, delivery(vendor, data=data)).events == ()


def test_google_registration_is_idempotent_and_moves(vendor) -> None:
    ctx = listen(vendor, delivery="push")
    made = vendor.sim.events.subscriptions[SUBSCRIPTION]
    assert made.push["pushEndpoint"] == HUB
    assert made.push["oidcToken"]["audience"] == HUB
    vendor.control.reset_requests()
    plugin.register_notifications(ctx, ask.RegisterNotifications(url=HUB))
    assert not [r for r in vendor.control.requests() if r["method"] == "PUT"]
    moved = f"{HUB}-moved"
    plugin.register_notifications(ctx, ask.RegisterNotifications(url=moved))
    assert made.push["pushEndpoint"] == moved
    bare = vendor.connect()
    command = ask.RegisterNotifications(url=HUB)
    assert not plugin.register_notifications(bare, command).registered


def test_google_pull_needs_no_public_address(vendor) -> None:
    ctx = vendor.connect(subscription=SUBSCRIPTION, stalest=0)
    assert feed(ctx) == ([], False)  # made just now: everything must be read
    vendor.control.act("buy", seats=3)
    found, whole = feed(ctx)
    assert ([e.action for e in found], whole) == (["CREATED"], True)
