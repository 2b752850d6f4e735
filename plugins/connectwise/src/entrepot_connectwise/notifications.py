"""Callbacks: registering them, and judging what arrives (connectwise.md §11).

A callback is a hint that triggers a read. It is believed only when it is signed with
the key that the PSA itself publishes; the address of that key comes from the message,
so it is fetched only from this installation or the vendor's cloud.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from datetime import timedelta

import msgspec
from entrepot.sdk import queries as ask
from entrepot.sdk.errors import EntrepotError, Rejected, Retryable
from entrepot.sdk.model import (
    ChangedKind,
    ChangeEvent,
    Notification,
    NotificationRegistration,
)

from . import wire
from .client import condition_text
from .runtime import Session

CALLBACKS = "system/callbacks"
WANTED = ("agreement", "company", "contact", "productcatalog", "invoice")
OWNER_LEVEL = "owner"
OWNER_OBJECT = 1
"""`objectId` of the level `owner`."""
RENEW_EVERY = timedelta(days=1)
KEYS_KEPT = 16
_MESSAGE = msgspec.json.Decoder(wire.CallbackMessage)
_ENTITY = msgspec.json.Decoder(wire.CallbackEntity)
_KINDS = {
    "agreement": ChangedKind.AGREEMENT,
    "company": ChangedKind.COMPANY,
    "contact": ChangedKind.COMPANY,
    "invoice": ChangedKind.AGREEMENT,
    "productcatalog": ChangedKind.PRODUCT,
}


def register(session: Session, url: str) -> NotificationRegistration:
    """Make our callbacks exist and be active, each exactly once.

    The PSA switches callbacks off after three failing days, so this runs daily.
    """
    present = session.client.everything(
        CALLBACKS, wire.Callback, f"url contains {condition_text(url)}"
    )
    made = [kind for kind in WANTED if _ensure(session, url, kind, present)]
    wanted = f"{len(WANTED)} callbacks to {url}"
    return NotificationRegistration(
        registered=True,
        renew_before=session.ctx.clock.now() + RENEW_EVERY,
        detail=f"{wanted}; created now: {', '.join(made) or 'none'}",
    )


def _ensure(
    session: Session, url: str, kind: str, present: list[wire.Callback]
) -> bool:
    """Keep one active callback of a type; True when it had to be created."""
    ours = [one for one in present if (one.type or "").lower() == kind]
    for spare in ours[1:]:
        session.client.delete(f"{CALLBACKS}/{spare.id}")
    if ours:
        if ours[0].inactive_flag:
            change = [{"op": "replace", "path": "inactiveFlag", "value": False}]
            path = f"{CALLBACKS}/{ours[0].id}"
            session.client.write("PATCH", path, change, wire.Callback)
        return False
    body = {
        "description": f"Entrepot {kind}",
        "url": f"{url}{'&' if '?' in url else '?'}recordId=",
        "objectId": OWNER_OBJECT,
        "type": kind,
        "level": OWNER_LEVEL,
        "inactiveFlag": False,
    }
    session.client.write("POST", CALLBACKS, body, wire.Callback)
    return True


def receive(session: Session, query: ask.ReceiveNotification) -> Notification:
    """Verify a callback and tell what to read again.

    Raises:
        Rejected: It is forged, malformed, or for another company.
        Retryable: The signing key cannot be fetched now.
    """
    message = _decoded(query)
    _verify(session, query, message)
    return Notification(
        events=(_event(session, message, query.body),),
        reply_status=204,
        replay_key=hashlib.sha256(query.body).hexdigest(),
    )


def _decoded(query: ask.ReceiveNotification) -> wire.CallbackMessage:
    if query.method != "POST":
        raise _refused("method", "Callbacks are posted.")
    try:
        return _MESSAGE.decode(query.body)
    except msgspec.MsgspecError as error:
        raise _refused("malformed", "The callback cannot be read.") from error


def _verify(
    session: Session, query: ask.ReceiveNotification, message: wire.CallbackMessage
) -> None:
    company = session.settings.company.strip().lower()
    if (message.company_id or "").lower() != company:
        raise _refused("other_company", "The callback is for another company.")
    signature = _signature(query)
    key_url = (message.metadata or wire.CallbackMetadata()).key_url or ""
    if not session.runtime.site.owns(key_url):
        raise _refused("key_host", "The callback names a key of another host.")
    known = session.runtime.signing_keys.get(key_url)
    if known is not None and _fits(known, query.body, signature):
        return
    # The key may have been replaced; asked for once per message.
    fresh = _fetch_key(session, key_url)
    if not _fits(fresh, query.body, signature):
        raise _refused("signature", "The callback's signature is wrong.")
    with session.runtime.lock:
        if len(session.runtime.signing_keys) >= KEYS_KEPT:
            session.runtime.signing_keys.clear()
        session.runtime.signing_keys[key_url] = fresh


def _signature(query: ask.ReceiveNotification) -> bytes:
    try:
        found = base64.b64decode(
            query.headers.get("x-content-signature", ""), validate=True
        )
    except binascii.Error as error:
        raise _refused("signature", "The callback's signature is malformed.") from error
    if not found:
        raise _refused("signature", "The callback is not signed.")
    return found


def _fits(key: str, body: bytes, signature: bytes) -> bool:
    secret = hashlib.sha256(key.encode()).digest()
    return hmac.compare_digest(hmac.digest(secret, body, "sha256"), signature)


def _fetch_key(session: Session, url: str) -> str:
    try:
        response = session.ctx.http.get(url, headers={"Accept": "application/json"})
        return response.decode(msgspec.json.Decoder(wire.SigningKey)).signing_key
    except Retryable:
        raise
    except EntrepotError as error:
        raise _refused("key", "The callback's key cannot be fetched.") from error


def _event(session: Session, message: wire.CallbackMessage, body: bytes) -> ChangeEvent:
    kind = message.type.lower()
    entity = _entity(message)
    object_id, company = str(message.id), entity.company or wire.Reference()
    if kind == "invoice":
        object_id = str(entity.apply_to_id or "")
    if kind == "contact":
        object_id = str(company.id or "")
    concerned = company.id if kind != "company" else message.id
    return ChangeEvent(
        event_id=hashlib.sha256(body).hexdigest()[:32],
        kind=_KINDS.get(kind, ChangedKind.OTHER),
        object_id=object_id,
        customer_id=str(concerned or ""),
        at=session.ctx.clock.now(),
        action=message.action,
        actor=message.member_id or "",
    )


def _entity(message: wire.CallbackMessage) -> wire.CallbackEntity:
    """The record inside the message; empty on deletion, or when it is unreadable."""
    if not message.entity:
        return wire.CallbackEntity()
    try:
        return _ENTITY.decode(message.entity)
    except msgspec.MsgspecError:
        return wire.CallbackEntity()  # A hint without details is still a hint.


def _refused(code: str, text: str) -> Rejected:
    return Rejected(f"callback_{code}", text)
