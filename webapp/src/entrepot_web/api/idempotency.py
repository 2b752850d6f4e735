"""Idempotency-Key: the same intended write is done once and answered alike.

Follows the IETF draft on the header: scope is reseller, credential and route; the
fingerprint is the digest of the canonical body.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec
from entrepot.hub.users.tables import RememberedAnswer
from entrepot.store.ids import new_id
from flask import Response, request
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from entrepot_web.api.problem import ApiError, bad_request
from entrepot_web.context import actor, hub, scope

_KEY = re.compile(r"[A-Za-z0-9_.:-]{1,200}")
KEPT = timedelta(days=30)
ABANDONED = timedelta(minutes=2)
_KEPT_HEADERS = ("Content-Type", "Location", "ETag", "Link", "Retry-After")


def once(work: Callable[[], Response]) -> Response:
    """Return the answer of ``work``, or the one it gave to an equal request before.

    Raises:
        ApiError: 400 without a valid key, 422 when the key was used for another
            body, 409 while the first request is still running.
    """
    key = request.headers.get("Idempotency-Key", "")
    if not _KEY.fullmatch(key):
        raise bad_request(
            "idempotency_key_missing",
            "Send Idempotency-Key: 1 to 200 letters, digits or _ . : - of your own "
            "choice, new for every write you intend.",
        )
    row_id, known = _claim(key, _fingerprint())
    if known is not None:
        return known
    try:
        answer = work()
    except Exception:
        _forget(row_id)
        raise
    _remember(row_id, answer)
    return answer


def _fingerprint() -> str:
    raw = request.get_data()
    try:
        canonical = msgspec.json.encode(msgspec.json.decode(raw), order="deterministic")
    except msgspec.DecodeError:
        canonical = raw
    text = request.path.encode() + b"?" + request.query_string + b"\n" + canonical
    return hashlib.sha256(text).hexdigest()


def _claim(key: str, fingerprint: str) -> tuple[str, Response | None]:
    """Reserve the key, or return what is known under it."""
    now = hub().clock.now()
    with hub().store.unit(scope()) as session:
        row = _find(session, key)
        if row is not None and _spent(row, now):
            session.delete(row)
            session.flush()
            row = None
        if row is None:
            row = RememberedAnswer(
                id=new_id("idk"),
                tenant_id=actor().tenant_id,
                credential=actor().id,
                route=_route(),
                key=key,
                fingerprint=fingerprint,
                state="running",
                created_at=now,
                expires_at=now + KEPT,
            )
            session.add(row)
            return row.id, None
        return row.id, _replay(row, fingerprint)


def _replay(row: RememberedAnswer, fingerprint: str) -> Response:
    if row.fingerprint != fingerprint:
        raise ApiError(
            status=422,
            code="idempotency_key_reused",
            detail="This Idempotency-Key was used for another request. Use a new one.",
            next_steps=("use_new_key",),
        )
    if row.state == "running":
        raise ApiError(
            status=409,
            code="request_in_progress",
            detail="The first request with this key is still running. Ask again soon.",
            headers={"Retry-After": "2"},
            next_steps=("wait",),
            retryable=True,
        )
    answer = Response(row.body or b"", row.status)
    for name, value in (row.headers or {}).items():
        answer.headers[name] = value
    answer.headers["Idempotent-Replayed"] = "true"
    return answer


def _find(session: Session, key: str) -> RememberedAnswer | None:
    query = select(RememberedAnswer).where(
        RememberedAnswer.credential == actor().id,
        RememberedAnswer.route == _route(),
        RememberedAnswer.key == key,
    )
    return session.scalars(query).one_or_none()


def _spent(row: RememberedAnswer, now: datetime) -> bool:
    abandoned = row.state == "running" and row.created_at + ABANDONED < now
    return abandoned or row.expires_at < now


def _route() -> str:
    return f"{request.method} {request.url_rule.rule if request.url_rule else ''}"[:200]


def _remember(row_id: str, answer: Response) -> None:
    headers = {
        name: answer.headers[name] for name in _KEPT_HEADERS if name in answer.headers
    }
    with hub().store.unit(scope()) as session:
        row = session.get(RememberedAnswer, row_id)
        if row is not None:
            row.state = "done"
            row.status = answer.status_code
            row.headers = headers
            row.body = answer.get_data()


def _forget(row_id: str) -> None:
    with hub().store.unit(scope()) as session:
        session.execute(delete(RememberedAnswer).where(RememberedAnswer.id == row_id))
