"""Callbacks: who is told what, signed how, and how often again (connectwise.md §11)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import threading
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import requests

from .rendering import Renderer, encode
from .schema import Row
from .world import Change, World

RETRIED = frozenset({404, 409, 419, 429})
RETRY_AFTER = (2.0, 4.0)
_OWNERS = {"type": "type", "company": "company", "status": "status", "board": "board"}


@dataclass(slots=True)
class Delivery:
    """One message to one registered address."""

    callback_id: int
    url: str
    body: bytes
    signature: str
    statuses: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Spoil:
    """What goes wrong with the next messages: counts of messages each."""

    lose: int = 0
    duplicate: int = 0
    hold: int = 0


class Callbacks:
    """Turns changes into signed messages and sends them.

    Args:
        world: The tenant; its changes are listened to.
        enabled: False in bulk loads and tests that want no traffic.
    """

    def __init__(self, world: World, *, enabled: bool = True) -> None:
        self._world = world
        self.enabled = enabled
        self.signing_key = secrets.token_urlsafe(24)
        self.spoil = Spoil()
        self.sent: deque[Delivery] = deque(maxlen=1000)
        self._held: list[Delivery] = []
        self._pending = 0
        self._idle = threading.Condition()
        world.listeners.append(self.on_change)

    def on_change(self, change: Change) -> None:
        """Queue the messages that a change causes."""
        kind = change.resource.callback_type
        if not kind or not self.enabled:
            return
        for entry in list(self._world.rows("callbacks")):
            if self._wants(entry, kind, change):
                self._queue(self._delivery(entry, kind, change))

    def release_held(self) -> int:
        """Send messages that were held back, latest first; how many they were."""
        held, self._held = self._held, []
        for delivery in reversed(held):
            self._send_later(delivery)
        return len(held)

    def wait(self, seconds: float = 10.0) -> bool:
        """Wait until nothing is under way; False when time ran out."""
        with self._idle:
            return self._idle.wait_for(lambda: self._pending == 0, seconds)

    def sign(self, body: bytes) -> str:
        """`x-content-signature` of a body."""
        key = hashlib.sha256(self.signing_key.encode()).digest()
        digest = hmac.new(key, body, hashlib.sha256).digest()
        return base64.b64encode(digest).decode()

    def _wants(self, entry: Row, kind: str, change: Change) -> bool:
        if entry.get("inactiveFlag") or str(entry["type"]).lower() != kind:
            return False
        own = self._world.row("members", entry.get("memberId") or 0)
        ours = own is not None and own["identifier"] == change.member
        if entry.get("isSelfSuppressedFlag") and ours:
            return False
        level = str(entry["level"]).lower()
        if level == "owner":
            return True
        if level == kind:
            return bool(change.row["id"] == entry["objectId"])
        return bool(change.row.get(_OWNERS.get(level, "")) == entry["objectId"])

    def _delivery(self, entry: Row, kind: str, change: Change) -> Delivery:
        body = encode(self._message(kind, change))
        url = _address(entry["url"], change.row["id"], change.action)
        return Delivery(entry["id"], url, body, self.sign(body))

    def _message(self, kind: str, change: Change) -> dict[str, Any]:
        renderer = Renderer(self._world, change.resource)
        gone = change.action == "deleted"
        entity = "" if gone else encode(renderer.one(change.row)).decode()
        root = f"{self._world.base_url()}/{self._world.knobs.codebase}apis/3.0"
        return {
            "Action": change.action,
            "Type": kind,
            "ID": change.row["id"],
            "CompanyId": self._world.knobs.company,
            "MemberId": change.member,
            "FromUrl": self._world.base_url().partition("://")[2],
            "Entity": entity,
            "Metadata": {"key_url": f"{root}/callbacks/signingkey"},
        }

    def _queue(self, delivery: Delivery) -> None:
        if self.spoil.lose > 0:
            self.spoil.lose -= 1
            return
        if self.spoil.hold > 0:
            self.spoil.hold -= 1
            self._held.append(delivery)
            return
        self._send_later(delivery)
        if self.spoil.duplicate > 0:
            self.spoil.duplicate -= 1
            self._send_later(delivery)

    def _send_later(self, delivery: Delivery) -> None:
        with self._idle:
            self._pending += 1
        threading.Thread(target=self._send, args=(delivery,), daemon=True).start()

    def _send(self, delivery: Delivery) -> None:
        try:
            self._attempts(delivery)
        finally:
            self.sent.append(delivery)
            with self._idle:
                self._pending -= 1
                self._idle.notify_all()

    def _attempts(self, delivery: Delivery) -> None:
        pause = threading.Event()
        for wait in (0.0, *RETRY_AFTER):
            pause.wait(wait * self._world.knobs.callback_retry_unit)
            status = self._post(delivery)
            delivery.statuses.append(status)
            if status not in RETRIED:
                return

    def _post(self, delivery: Delivery) -> int:
        headers = {
            "Content-Type": "application/json",
            "x-content-signature": delivery.signature,
        }
        timeout = self._world.knobs.callback_timeout
        try:
            answer = requests.post(
                delivery.url, data=delivery.body, headers=headers, timeout=timeout
            )
        except requests.RequestException:
            return 0  # Nobody answered; the vendor does not try again.
        answer.close()
        return answer.status_code


def _address(url: str, row_id: int, action: str) -> str:
    """The registered address with record id and action appended."""
    if url.endswith("="):
        return f"{url}{row_id}&action={action}"
    joint = "&" if "?" in url else "?"
    return f"{url}{joint}id={row_id}&action={action}"
