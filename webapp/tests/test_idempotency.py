"""Idempotency-Key: one intended write, one effect, one answer."""

from __future__ import annotations

import pytest
from entrepot.hub.users.tables import RememberedAnswer
from entrepot.store import TenantScope
from sqlalchemy import func, select

BODY = {"plugin": "absent", "name": "x", "values": {}}


def remembered(web, tenant) -> int:
    with web.hub.store.read(TenantScope(tenant)) as session:
        query = select(func.count()).select_from(RememberedAnswer)
        return session.scalar(query) or 0


def test_repeated_request_gets_the_first_answer(web, tenant, machine) -> None:
    key = {"Idempotency-Key": "order-1"}
    first = machine("POST", "/connections", json=BODY, headers=key)
    assert "Idempotent-Replayed" not in first.headers
    again = machine("POST", "/connections", json=BODY, headers=key)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (again.status_code, again.data) == (first.status_code, first.data)
    assert again.content_type == first.content_type
    assert remembered(web, tenant) == 1


def test_same_body_in_other_writing_is_the_same_request(machine) -> None:
    key = {"Idempotency-Key": "k", "Content-Type": "application/json"}
    machine(
        "POST",
        "/connections",
        data='{"plugin":"a","name":"x","values":{}}',
        headers=key,
    )
    again = machine(
        "POST",
        "/connections",
        data='{ "values": {}, "name": "x", "plugin": "a" }',
        headers=key,
    )
    assert again.headers["Idempotent-Replayed"] == "true"


def test_key_with_another_body_is_refused(machine) -> None:
    key = {"Idempotency-Key": "k"}
    machine("POST", "/connections", json=BODY, headers=key)
    other = machine("POST", "/connections", json=BODY | {"name": "y"}, headers=key)
    assert other.status_code == 422
    assert other.json["code"] == "idempotency_key_reused"


def test_key_is_scoped_to_credential_and_route(web, tenant, machine) -> None:
    key = {"Idempotency-Key": "k"}
    machine("POST", "/connections", json=BODY, headers=key)
    other = web.machine(tenant)
    fresh = other("POST", "/connections", json=BODY, headers=key)
    assert "Idempotent-Replayed" not in fresh.headers
    assert remembered(web, tenant) == 2


def test_running_request_answers_409_and_an_abandoned_one_is_taken_over(
    web, tenant, machine, clock
) -> None:
    key = {"Idempotency-Key": "k"}
    machine("POST", "/connections", json=BODY, headers=key)
    with web.hub.store.unit(TenantScope(tenant)) as session:
        session.scalars(select(RememberedAnswer)).one().state = "running"
    waiting = machine("POST", "/connections", json=BODY, headers=key)
    assert waiting.status_code == 409
    assert waiting.headers["Retry-After"] == "2"
    from datetime import timedelta

    clock.advance(timedelta(minutes=3))
    done = machine("POST", "/connections", json=BODY, headers=key)
    assert "Idempotent-Replayed" not in done.headers
    assert done.status_code == 422


@pytest.mark.parametrize("key", ["", "with space", "x" * 201])
def test_writes_to_other_systems_need_a_key(machine, key) -> None:
    headers = {"Idempotency-Key": key} if key else {}
    answer = machine(
        "POST", "/reconciliation-plans/pln_0/applications", headers=headers
    )
    assert answer.status_code == 400
    assert answer.json["code"] == "idempotency_key_missing"


def test_server_fault_is_not_remembered(web, tenant, machine, monkeypatch) -> None:
    def broken(*_args, **_more):
        raise RuntimeError("disk on fire")

    monkeypatch.setattr(type(web.hub.connections), "add", broken)
    key = {"Idempotency-Key": "k"}
    failed = machine("POST", "/connections", json=BODY, headers=key)
    assert failed.status_code == 500
    assert "fire" not in failed.text
    assert remembered(web, tenant) == 0
