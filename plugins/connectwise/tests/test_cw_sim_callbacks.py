"""Callbacks that the emulated PSA sends."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests


def get(url, **options):
    with requests.Session() as http:
        return http.get(url, timeout=5, **options)


class Receiver:
    """A web server that keeps what it was sent."""

    def __init__(self, statuses=()):
        received, answers = [], list(statuses)

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                received.append((self.path, dict(self.headers), body))
                self.send_response(answers.pop(0) if answers else 204)
                self.end_headers()

            def log_message(self, *args):
                pass

        self.received = received
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def receiver():
    made = []

    def make(statuses=()):
        made.append(Receiver(statuses))
        return made[-1]

    yield make
    for one in made:
        one.close()


def subscribe(scene, url, kind="agreement", **values):
    body = {
        "url": url,
        "objectId": 1,
        "type": kind,
        "level": "owner",
        "description": "test",
        **values,
    }
    return scene.request("POST", "system/callbacks", json=body)


def test_callbacks_are_signed_and_name_their_key(scene, receiver):
    target = receiver()
    subscribe(scene, f"{target.url}?x=1&recordId=")
    scene.control.act(
        "edit", table="agreements", id=scene.agreement, fields={"name": "Renamed"}
    )
    assert scene.simulator.callbacks.wait()
    path, headers, body = target.received[0]
    assert path == f"/hook?x=1&recordId={scene.agreement}&action=updated"
    message = json.loads(body)
    assert json.loads(message["Entity"])["name"] == "Renamed"
    key = get(message["Metadata"]["key_url"]).json()["signing_key"]
    secret = hashlib.sha256(key.encode()).digest()
    digest = hmac.new(secret, body, hashlib.sha256).digest()
    assert headers["x-content-signature"] == base64.b64encode(digest).decode()


def test_callbacks_are_retried_as_the_vendor_does(scene, receiver):
    scene.control.act("configure", callback_retry_unit=0.01)
    target = receiver([429, 404, 200])
    subscribe(scene, target.url)
    scene.control.act(
        "edit", table="agreements", id=scene.agreement, fields={"name": "A"}
    )
    assert scene.simulator.callbacks.wait()
    assert scene.simulator.callbacks.sent[-1].statuses == [429, 404, 200]
    broken = receiver([500])
    subscribe(scene, broken.url, kind="company")
    scene.control.act(
        "edit", table="companies", id=scene.company, fields={"city": "Austin"}
    )
    assert scene.simulator.callbacks.wait()
    assert scene.simulator.callbacks.sent[-1].statuses == [500]


def test_callbacks_can_be_lost_doubled_and_out_of_order(scene, receiver):
    target = receiver()
    subscribe(scene, target.url)

    def rename(name):
        scene.control.act(
            "edit", table="agreements", id=scene.agreement, fields={"name": name}
        )

    scene.control.act("spoil_callbacks", lose=1)
    rename("lost")
    scene.control.act("spoil_callbacks", hold=1)
    rename("first")
    rename("second")
    assert scene.simulator.callbacks.wait()
    assert scene.control.act("release_callbacks") == {"released": 1}
    assert scene.simulator.callbacks.wait()
    scene.control.act("spoil_callbacks", duplicate=1)
    rename("twice")
    assert scene.simulator.callbacks.wait()
    entities = [json.loads(body)["Entity"] for _, _, body in target.received]
    assert [json.loads(one)["name"] for one in entities] == [
        "second",
        "first",
        "twice",
        "twice",
    ]


def test_callbacks_know_levels_and_silence(scene, receiver):
    target = receiver()
    subscribe(scene, target.url, level="company", objectId=scene.company)
    subscribe(scene, target.url, level="agreement", objectId=99)
    subscribe(scene, target.url, inactiveFlag=True)
    subscribe(scene, target.url, isSelfSuppressedFlag=True)
    change = [{"op": "replace", "path": "name", "value": "Mine"}]
    scene.request("PATCH", f"finance/agreements/{scene.agreement}", json=change)
    assert scene.simulator.callbacks.wait()
    assert len(target.received) == 1
