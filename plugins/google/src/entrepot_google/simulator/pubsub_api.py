"""Topics of both APIs, Pub/Sub subscriptions on them, pull and push (§9)."""

from __future__ import annotations

import base64
import threading
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import requests
from entrepot.sdk.simulator import json_response
from werkzeug.wrappers import Request, Response

from entrepot_google.simulator import keys, render
from entrepot_google.simulator.model import Customer, Entitlement, Wire
from entrepot_google.simulator.refusals import legacy, refuse

if TYPE_CHECKING:
    from entrepot_google.simulator.app import GoogleSimulator

PUSH_KEY = "identity tokens"
PUSH_KEY_ID = "simulated-push-key"
_ACCOUNT = "/v1/accounts/<account>"
_SUBSCRIPTION = "/v1/projects/<project>/subscriptions/<name>"
_NOTIFY = "/apps/reseller/v1/resellernotify"
_ACK_SECONDS = 60
_TRIES = 10
_EVENTS = {"PAID_SUBSCRIPTION_STARTED": "PAID_SERVICE_STARTED"}
_RESELLER_EVENTS = {
    "CREATED": "NEW_SUBSCRIPTION_CREATED",
    "RENEWED": "SUBSCRIPTION_RENEWED",
    "SUSPENDED": "SUBSCRIPTION_SUSPENDED",
    "ACTIVATED": "SUBSCRIPTION_SUSPENSION_REVOKED",
    "CANCELLED": "SUBSCRIPTION_CANCELLED",
    "SKU_CHANGED": "SUBSCRIPTION_UPGRADE",
    "PAID_SUBSCRIPTION_STARTED": "SUBSCRIPTION_CONVERTED",
}


@dataclass(slots=True)
class Message:
    """A message on its way."""

    id: str
    data: str
    attributes: dict[str, str]
    at: datetime
    tries: int = 0

    def as_json(self, *, pushed: bool = False) -> Wire:
        """As Pub/Sub sends it; pushes carry the id in two spellings."""
        made: Wire = {
            "data": self.data,
            "messageId": self.id,
            "publishTime": render.moment(self.at),
        }
        if self.attributes:
            made["attributes"] = self.attributes
        if pushed:
            made["message_id"] = self.id
            made["publish_time"] = made["publishTime"]
        return made


@dataclass(slots=True)
class Subscription:
    """A Pub/Sub subscription."""

    name: str
    topic: str
    push: Wire = field(default_factory=dict)
    waiting: deque[Message] = field(default_factory=deque)
    taken: dict[str, tuple[Message, datetime]] = field(default_factory=dict)

    def as_json(self) -> Wire:
        """The resource."""
        return {
            "name": self.name,
            "topic": self.topic,
            "pushConfig": self.push,
            "ackDeadlineSeconds": _ACK_SECONDS,
            "state": "ACTIVE",
        }


class PubsubApi:
    """Registration at both APIs, subscriptions, and the courier."""

    def __init__(self, vendor: GoogleSimulator) -> None:
        self._vendor = vendor
        number = vendor.account.removeprefix("accounts/")
        self._topics = {
            "channel": f"projects/cloud-channel-pubsub/topics/{number}-notify",
            "reseller": f"projects/partner-watch/topics/{number}",
        }
        self.listeners: dict[str, list[str]] = {"channel": [], "reseller": []}
        self.subscriptions: dict[str, Subscription] = {}
        self._count = 0
        self._lock = threading.Lock()
        vendor.route("POST", f"{_ACCOUNT}:register", self.register)
        vendor.route("POST", f"{_ACCOUNT}:unregister", self.unregister)
        vendor.route("GET", f"{_ACCOUNT}:listSubscribers", self.subscribers)
        vendor.route("POST", f"{_NOTIFY}/register", self.watch)
        vendor.route("POST", f"{_NOTIFY}/unregister", self.unwatch)
        vendor.route("GET", f"{_NOTIFY}/getwatchdetails", self.watched)
        vendor.route("GET", _SUBSCRIPTION, self.show)
        vendor.route("PUT", _SUBSCRIPTION, self.create)
        vendor.route("POST", f"{_SUBSCRIPTION}:modifyPushConfig", self.change)
        vendor.route("POST", f"{_SUBSCRIPTION}:pull", self.pull)
        vendor.route("POST", f"{_SUBSCRIPTION}:acknowledge", self.acknowledge)
        vendor.route("GET", "/oauth2/v3/certs", self.certificates)
        vendor.action("deliver_events", self.deliver)
        vendor.action("push_token", self.push_token)

    # Registration

    def register(self, request: Request, account: str) -> Response:
        """``:register`` of the Cloud Channel API; again changes nothing."""
        self._vendor.own(account)
        email = self._service_account(request)
        with self._vendor.lock:
            if email not in self.listeners["channel"]:
                self.listeners["channel"].append(email)
        return json_response({"topic": self._topics["channel"]})

    def unregister(self, request: Request, account: str) -> Response:
        """``:unregister``; an unknown account is a success."""
        self._vendor.own(account)
        email = self._service_account(request)
        with self._vendor.lock:
            known = self.listeners["channel"]
            if not known:
                raise refuse("NOT_FOUND", "The topic doesn't exist.")
            if email in known:
                known.remove(email)
        return json_response({"topic": self._topics["channel"]})

    def subscribers(self, request: Request, account: str) -> Response:
        """``:listSubscribers``."""
        self._vendor.own(account)
        found, rest = self._vendor.pager.page(
            request, self.listeners["channel"], 100, 1000
        )
        made: Wire = {"topic": self._topics["channel"], **rest}
        return json_response(render.lean({**made, "serviceAccounts": list(found)}))

    def watch(self, request: Request) -> Response:
        """``resellernotify.register``; the address comes in the query."""
        email = request.args.get("serviceAccountEmailAddress", "")
        if "@" not in email:
            raise legacy(400, "invalid", "serviceAccountEmailAddress")
        with self._vendor.lock:
            if email not in self.listeners["reseller"]:
                self.listeners["reseller"].append(email)
        return json_response({"topicName": self._topics["reseller"]})

    def unwatch(self, request: Request) -> Response:
        """``resellernotify.unregister``."""
        email = request.args.get("serviceAccountEmailAddress", "")
        with self._vendor.lock:
            if email in self.listeners["reseller"]:
                self.listeners["reseller"].remove(email)
        return json_response({"topicName": self._topics["reseller"]})

    def watched(self, request: Request) -> Response:
        """``resellernotify.getwatchdetails``."""
        del request
        known = self.listeners["reseller"]
        made: Wire = {"topicName": self._topics["reseller"]}
        return json_response(
            {**made, "serviceAccountEmailAddresses": known} if known else made
        )

    def _service_account(self, request: Request) -> str:
        body = _body(request)
        email = str(body.get("serviceAccount", ""))
        if "@" not in email:
            raise refuse("INVALID_ARGUMENT", "service_account is required.")
        return email

    # Subscriptions

    def show(self, request: Request, project: str, name: str) -> Response:
        """``subscriptions.get``."""
        del request
        return json_response(self._own(project, name).as_json())

    def create(self, request: Request, project: str, name: str) -> Response:
        """``subscriptions.create``; the topic wants a registered service account."""
        full, body = _full(project, name), _body(request)
        if full in self.subscriptions:
            raise refuse("ALREADY_EXISTS", f"Resource already exists ({name}).")
        topic = str(body.get("topic", ""))
        kind = next((k for k, t in self._topics.items() if t == topic), "")
        if not kind or self._vendor.authority.email not in self.listeners[kind]:
            raise refuse("PERMISSION_DENIED", "User not authorized on the topic.")
        made = Subscription(full, topic, dict(body.get("pushConfig") or {}))
        with self._lock:
            self.subscriptions[full] = made
        return json_response(made.as_json())

    def change(self, request: Request, project: str, name: str) -> Response:
        """``subscriptions.modifyPushConfig``."""
        found = self._own(project, name)
        found.push = dict(_body(request).get("pushConfig") or {})
        return json_response({})

    def pull(self, request: Request, project: str, name: str) -> Response:
        """``subscriptions.pull``: what is not acknowledged comes again."""
        found, now = self._own(project, name), self._vendor.clock.now()
        most = int(_body(request).get("maxMessages") or 0)
        if most <= 0:
            raise refuse("INVALID_ARGUMENT", "max_messages must be positive.")
        with self._lock:
            for ack, (message, until) in list(found.taken.items()):
                if until <= now:
                    del found.taken[ack]
                    found.waiting.appendleft(message)
            received = [
                self._take(found, now) for _ in range(min(most, len(found.waiting)))
            ]
        return json_response({"receivedMessages": received} if received else {})

    def _take(self, found: Subscription, now: datetime) -> Wire:
        message = found.waiting.popleft()
        message.tries += 1
        ack = f"ack-{message.id}-{message.tries}"
        found.taken[ack] = (message, now + timedelta(seconds=_ACK_SECONDS))
        return {"ackId": ack, "message": message.as_json()}

    def acknowledge(self, request: Request, project: str, name: str) -> Response:
        """``subscriptions.acknowledge``."""
        found = self._own(project, name)
        ids = _body(request).get("ackIds")
        if not ids:
            raise refuse("INVALID_ARGUMENT", "No ack ids specified.")
        with self._lock:
            for ack in ids:
                found.taken.pop(ack, None)
        return json_response({})

    def certificates(self, request: Request) -> Response:
        """The public keys of identity tokens."""
        del request
        return json_response({"keys": [keys.json_key(PUSH_KEY, PUSH_KEY_ID)]})

    def _own(self, project: str, name: str) -> Subscription:
        found = self.subscriptions.get(_full(project, name))
        if found is None:
            raise refuse("NOT_FOUND", f"Resource not found (resource={name}).")
        return found

    # Events

    def entitlement(self, customer: Customer, held: Entitlement, kind: str) -> None:
        """Publish what happened to an entitlement, where anybody listens."""
        name = render.name_of(self._vendor.account, customer.id, held.id)
        event = _EVENTS.get(kind, kind)
        self._publish(
            "channel",
            {"entitlement_event": {"event_type": event, "entitlement": name}},
            {"event_type": event, "subscriber_event_type": "ENTITLEMENT_EVENT"},
        )
        data = {
            "customer_id": customer.identity,
            "customer_domain_name": customer.facts.domain,
            "event_type": _RESELLER_EVENTS.get(kind, kind),
            "sku_id": held.offer.sku.code,
            "subscription_id": held.provisioning_id,
            "subscription_suspension_reasons": list(held.reasons),
        }
        self._publish("reseller", data, {})

    def customer(self, customer: Customer, kind: str) -> None:
        """Publish what happened to a customer."""
        name = f"{self._vendor.account}/customers/{customer.id}"
        self._publish(
            "channel",
            {"customer_event": {"event_type": kind, "customer": name}},
            {"event_type": kind, "subscriber_event_type": "CUSTOMER_EVENT"},
        )

    def _publish(self, kind: str, data: Wire, attributes: dict[str, str]) -> None:
        if not self.listeners[kind]:
            return
        with self._lock:
            self._count += 1
            encoded = base64.b64encode(msgspec.json.encode(data)).decode()
            number = f"{1_000_000_000_000_000 + self._count}"
            pushes = False
            for found in self.subscriptions.values():
                if found.topic != self._topics[kind]:
                    continue
                made = Message(number, encoded, attributes, self._vendor.clock.now())
                found.waiting.append(made)
                pushes = pushes or bool(found.push.get("pushEndpoint"))
        if pushes and self._vendor.options.extra.get("deliver", "auto") == "auto":
            threading.Thread(target=self.deliver, daemon=True).start()

    def deliver(self, times: int = 1, forge: str = "") -> list[Wire]:
        """Push what waits, each ``times`` times; ``forge`` spoils the token.

        ``forge`` is ``signature``, ``audience``, ``account``, ``expired`` or ``none``
        (no token at all).
        """
        attempts = []
        for found in list(self.subscriptions.values()):
            if not found.push.get("pushEndpoint"):
                continue
            with self._lock:
                due = list(found.waiting)
                found.waiting.clear()
            for message in due:
                results = [self._send(found, message, forge) for _ in range(times)]
                attempts += results
                message.tries += 1
                if results[-1]["status"] >= 300 and message.tries < _TRIES:
                    with self._lock:
                        found.waiting.append(message)
        return attempts

    def _send(self, found: Subscription, message: Message, forge: str) -> Wire:
        url = str(found.push["pushEndpoint"])
        body = {"message": message.as_json(pushed=True), "subscription": found.name}
        headers = {"Content-Type": "application/json"}
        token = found.push.get("oidcToken") or {}
        if token and forge != "none":
            audience = str(token.get("audience") or url)
            made = self.push_token(
                audience, str(token.get("serviceAccountEmail")), forge
            )
            headers["Authorization"] = f"Bearer {made['token']}"
        data = msgspec.json.encode(body)
        try:
            answer = requests.post(url, data=data, headers=headers, timeout=10)
            status = answer.status_code
        except requests.RequestException:
            status = 599
        return {"message": message.id, "status": status}

    def push_token(self, audience: str, email: str, forge: str = "") -> Wire:
        """An identity token of a service account, or a forged one."""
        now = self._vendor.clock.now()
        if forge == "expired":
            now -= timedelta(hours=3)
        claims: dict[str, object] = {
            "iss": "https://accounts.google.com",
            "aud": "https://elsewhere.example" if forge == "audience" else audience,
            "email": "mallory@else.example" if forge == "account" else email,
            "email_verified": True,
            "iat": int(now.timestamp()),
            "exp": int(now.timestamp()) + 3600,
        }
        made = keys.web_token(PUSH_KEY, PUSH_KEY_ID, claims)
        if forge == "signature":
            head, _, signature = made.rpartition(".")
            made = f"{head}.{signature[:-6]}AAAAAA"
        return {"token": made}


def _full(project: str, name: str) -> str:
    return f"projects/{project}/subscriptions/{name}"


def _body(request: Request) -> dict[str, Any]:
    try:
        return msgspec.json.decode(request.get_data() or b"{}", type=dict[str, Any])
    except msgspec.MsgspecError:
        raise refuse("INVALID_ARGUMENT", "Invalid JSON payload received.") from None
