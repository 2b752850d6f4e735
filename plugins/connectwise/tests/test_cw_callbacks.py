"""Registering callbacks, and judging what arrives."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime

import pytest
from entrepot.sdk import queries as ask
from entrepot.sdk.errors import Rejected, Retryable
from entrepot.sdk.model import ChangedKind
from entrepot_connectwise.plugin import plugin

URL = "https://hub.example/in/abc?x=1"


def register(ctx, url=URL):
    return plugin.register_notifications(ctx, ask.RegisterNotifications(url=url))


def entries(scene):
    return scene.request("GET", "system/callbacks").json()


def test_callbacks_are_created_once_and_renewed_daily(scene, ctx):
    first = register(ctx)
    assert first.registered
    assert first.renew_before > datetime.now(UTC)
    made = entries(scene)
    assert sorted(one["type"] for one in made) == [
        "agreement",
        "company",
        "contact",
        "invoice",
        "productcatalog",
    ]
    assert {one["url"] for one in made} == {f"{URL}&recordId="}
    assert {(one["level"], one["objectId"]) for one in made} == {("owner", 1)}
    assert "created now: none" in register(ctx).detail
    assert entries(scene) == made


def test_lost_switched_off_and_doubled_callbacks_are_repaired(scene, ctx):
    register(ctx)
    gone, off, *_ = entries(scene)
    scene.request("DELETE", f"system/callbacks/{gone['id']}")
    change = [{"op": "replace", "path": "inactiveFlag", "value": True}]
    scene.request("PATCH", f"system/callbacks/{off['id']}", json=change)
    twin = {name: value for name, value in off.items() if name not in {"id", "_info"}}
    scene.request("POST", "system/callbacks", json=twin)
    foreign = {**twin, "url": "https://other.example/hook"}
    scene.request("POST", "system/callbacks", json=foreign)
    register(ctx)
    ours = [one for one in entries(scene) if one["url"].startswith(URL)]
    assert sorted(one["type"] for one in ours) == sorted(
        {"agreement", "company", "contact", "invoice", "productcatalog"}
    )
    assert not any(one["inactiveFlag"] for one in ours)
    assert len(entries(scene)) == 6


def message(scene, **values):
    """A callback as the PSA would post it, and its signature."""
    body = {
        "Action": "updated",
        "Type": "agreement",
        "ID": scene.agreement,
        "CompanyId": "entrepot",
        "MemberId": "jdoe",
        "FromUrl": "na.myconnectwise.net",
        "Entity": json.dumps({"id": scene.agreement, "company": {"id": scene.company}}),
        "Metadata": {"key_url": f"{scene.api}/callbacks/signingkey"},
        **values,
    }
    data = json.dumps(body).encode()
    return data, scene.simulator.callbacks.sign(data)


def receive(ctx, body, signature, method="POST"):
    headers = {} if signature is None else {"x-content-signature": signature}
    return plugin.receive_notification(
        ctx,
        ask.ReceiveNotification(
            method=method,
            headers=headers,
            query={},
            body=body,
            received_at=datetime(2026, 6, 20, tzinfo=UTC),
        ),
    )


def test_a_signed_callback_tells_what_to_read_again(scene, ctx):
    notification = receive(ctx, *message(scene))
    (event,) = notification.events
    assert event.kind is ChangedKind.AGREEMENT
    assert event.object_id == str(scene.agreement)
    assert event.customer_id == str(scene.company)
    assert event.actor == "jdoe"
    assert notification.reply_status == 204


@pytest.mark.parametrize(
    ("values", "kind", "object_id", "customer_id"),
    [
        ({"Type": "company", "ID": 7, "Entity": ""}, ChangedKind.COMPANY, "7", "7"),
        (
            {"Type": "contact", "ID": 3, "Entity": '{"company": {"id": 7}}'},
            ChangedKind.COMPANY,
            "7",
            "7",
        ),
        (
            {"Type": "invoice", "Entity": '{"applyToId": 9, "company": {"id": 7}}'},
            ChangedKind.AGREEMENT,
            "9",
            "7",
        ),
        (
            {"Type": "productcatalog", "ID": 4, "Entity": "{"},
            ChangedKind.PRODUCT,
            "4",
            "",
        ),
        ({"Type": "ticket", "ID": 5, "Entity": None}, ChangedKind.OTHER, "5", ""),
    ],
)
def test_events_by_type(scene, ctx, values, kind, object_id, customer_id):
    (event,) = receive(ctx, *message(scene, **values)).events
    assert (event.kind, event.object_id) == (kind, object_id)
    assert event.customer_id == customer_id


def test_equal_deliveries_have_equal_replay_keys(scene, ctx):
    body, signature = message(scene)
    first, second = receive(ctx, body, signature), receive(ctx, body, signature)
    assert first.replay_key == second.replay_key
    other = receive(ctx, *message(scene, Action="deleted"))
    assert other.replay_key != first.replay_key


def forged(body, key="guessed"):
    secret = hashlib.sha256(key.encode()).digest()
    return base64.b64encode(hmac.digest(secret, body, "sha256")).decode()


@pytest.mark.parametrize("signature", [None, "", "not base64!", "aGVsbG8="])
def test_unsigned_callbacks_are_refused(scene, ctx, signature):
    body, _ = message(scene)
    with pytest.raises(Rejected):
        receive(ctx, body, signature)


def test_forged_and_altered_callbacks_are_refused(scene, ctx):
    body, signature = message(scene)
    with pytest.raises(Rejected):
        receive(ctx, body, forged(body))
    with pytest.raises(Rejected):
        receive(ctx, body.replace(b"updated", b"deleted"), signature)
    assert ctx.runtime.signing_keys == {}


@pytest.mark.parametrize(
    "key_url",
    [
        "https://evil.example/key",
        "http://127.0.0.1:1/key",
        "https://na.myconnectwise.net.evil.example/key",
        "https://user:pw@na.myconnectwise.net/key",
        "file:///etc/passwd",
        "",
    ],
)
def test_keys_of_other_hosts_are_never_fetched(scene, ctx, key_url):
    body, signature = message(scene, Metadata={"key_url": key_url})
    before = ctx.http.stats.sent
    with pytest.raises(Rejected) as caught:
        receive(ctx, body, signature)
    assert caught.value.code == "callback_key_host"
    assert ctx.http.stats.sent == before


def test_callbacks_for_others_and_nonsense_are_refused(scene, ctx):
    with pytest.raises(Rejected):
        receive(ctx, *message(scene, CompanyId="acme"))
    with pytest.raises(Rejected):
        receive(ctx, *message(scene), method="GET")
    for body in (b"", b"[]", b"{", b'{"ID": "x"}', b"\xff" * 50):
        with pytest.raises(Rejected):
            receive(ctx, body, forged(body))


def test_a_replaced_key_is_fetched_again(scene, ctx):
    receive(ctx, *message(scene))
    scene.simulator.callbacks.signing_key = "another"
    receive(ctx, *message(scene))
    assert list(ctx.runtime.signing_keys.values()) == ["another"]


def test_known_keys_cost_no_request(scene, ctx):
    receive(ctx, *message(scene))
    before = ctx.http.stats.sent
    receive(ctx, *message(scene))
    assert ctx.http.stats.sent == before


def test_an_unreachable_key_can_be_tried_later(scene, ctx):
    scene.control.add_fault("status", status=503, path="signingkey", count=0)
    with pytest.raises(Retryable):
        receive(ctx, *message(scene))


def test_real_callbacks_pass_the_check(scene, ctx):
    """What the emulated PSA really posts is what the plugin accepts."""
    sent = scene.simulator.callbacks
    register(ctx, "http://127.0.0.1:9/in")
    scene.control.act(
        "edit", table="companies", id=scene.company, fields={"city": "Austin"}
    )
    assert sent.wait()
    (delivery,) = sent.sent
    assert delivery.statuses == [0]
    (event,) = receive(ctx, delivery.body, delivery.signature).events
    assert event.kind is ChangedKind.COMPANY
    assert event.customer_id == str(scene.company)
