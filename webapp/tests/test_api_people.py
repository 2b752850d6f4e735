"""People, customers' own fields, schedules and rules through the API."""

from __future__ import annotations

import pytest
from entrepot.store import operator_actor


def tagged(machine, path: str) -> dict[str, str]:
    return {"If-Match": machine("GET", path).headers["ETag"]}


def test_person_is_added_changed_locked_out_and_removed(web, machine) -> None:
    made = machine(
        "POST",
        "/users",
        json={"email": "Lee@example.com", "name": "Lee", "role": "support"},
    )
    assert made.status_code == 201, made.text
    path = f"/users/{made.json['id']}"
    assert made.headers["Location"].endswith(path)
    assert made.json["email"] == "lee@example.com"
    changed = machine(
        "PATCH", path, json={"role": "viewer"}, headers=tagged(machine, path)
    )
    assert changed.json["role"] == "viewer"
    locked = machine(
        "PATCH", path, json={"active": False}, headers=tagged(machine, path)
    )
    assert locked.json["active"] is False
    assert made.json["id"] in [
        one["id"] for one in machine("GET", "/users").json["data"]
    ]
    assert machine("DELETE", path, headers=tagged(machine, path)).status_code == 204
    assert machine("GET", path).status_code == 404


def test_nobody_gives_a_role_that_permits_more_than_they_hold(web, tenant) -> None:
    weak = web.machine(tenant, ("users:read", "users:write", "customers:read"))
    wish = {"email": "b@example.com", "name": "B", "role": "owner"}
    refused = weak("POST", "/users", json=wish)
    assert refused.status_code == 422
    assert refused.json["errors"][0]["pointer"] == "/role"
    person = web.person(tenant, "viewer")
    path = f"/users/{person.id}"
    raised = weak("PATCH", path, json={"role": "owner"}, headers=tagged(weak, path))
    assert raised.status_code == 422
    assert web.hub.users.find_user(person.id).role_at(tenant) == "viewer"


def test_last_owner_stays_and_nobody_locks_themselves_out(web, tenant) -> None:
    owner = web.person(tenant)
    boss = web.hub.users.actor_for(owner, tenant)
    users = web.hub.users
    with pytest.raises(ValueError, match="last owner"):
        users.grant_role(boss, owner.id, tenant, "viewer")
    with pytest.raises(ValueError, match="lock you out"):
        users.set_active(boss, owner.id, active=False)
    second = web.person(tenant, name="Bo Chen")
    assert (
        users.grant_role(boss, owner.id, tenant, "viewer").role_at(tenant) == "viewer"
    )
    with pytest.raises(ValueError, match="Somebody else"):
        users.revoke_role(users.actor_for(second, tenant), second.id)


def test_person_of_two_resellers_is_not_taken_over_by_one(
    web, tenant, other_tenant
) -> None:
    shared = web.person(tenant, "viewer")
    web.hub.users.grant_role(operator_actor(), shared.id, other_tenant, "owner")
    boss = web.hub.users.actor_for(web.person(tenant), tenant)
    with pytest.raises(ValueError, match="other resellers"):
        web.hub.users.set_password(boss, shared.id, "a phrase of the attacker")
    with pytest.raises(ValueError, match="other resellers"):
        web.hub.users.set_active(boss, shared.id, active=False)
    stranger = web.person(other_tenant, "viewer")
    with pytest.raises(ValueError, match="no user"):
        web.hub.users.grant_role(boss, stranger.id, tenant, "viewer")


def test_roles_say_what_they_permit(machine) -> None:
    found = {one["name"]: one for one in machine("GET", "/roles").json["data"]}
    assert "users:write" in found["owner"]["permissions"]
    assert "users:write" not in found["manager"]["permissions"]


def test_customer_is_renamed_once_per_version_read(machine, books) -> None:
    path = f"/customers/{books.customers[5]}"
    tag = tagged(machine, path)
    renamed = machine("PATCH", path, json={"name": "Contoso Group"}, headers=tag)
    assert renamed.status_code == 200, renamed.text
    assert renamed.json["name"] == "Contoso Group"
    stale = machine("PATCH", path, json={"custom_id": "C-1"}, headers=tag)
    assert stale.status_code == 412
    assert machine("PATCH", path, json={"custom_id": "x"}).status_code == 428
    found = machine("GET", "/customers?q=contoso+group").json["data"]
    assert [one["id"] for one in found] == [books.customers[5]]


def test_customers_are_merged_and_split_again(machine, books) -> None:
    keep, other = books.customers[:2]
    merged = machine(
        "POST", f"/customers/{keep}/merges", json={"other_id": other, "why": "same"}
    )
    assert merged.status_code == 201, merged.text
    assert len(merged.json["accounts"]) == 2
    assert machine("GET", f"/customers/{other}").json["merged_into"] == keep
    account = merged.json["accounts"][1]["id"]
    path = f"/customer-accounts/{account}/splits"
    split = machine("POST", path, json={"why": "no"})
    assert split.status_code == 201
    assert [one["id"] for one in split.json["accounts"]] == [account]
    assert machine("POST", path, json={"why": "again"}).status_code == 422


def test_schedule_of_a_connection_is_set_and_stopped(machine, books) -> None:
    path = f"/connections/{books.vendor}/schedule"
    assert machine("GET", path).json["every_seconds"] is None
    put = machine(
        "PUT", path, json={"every_seconds": 1800}, headers=tagged(machine, path)
    )
    assert put.json["every_seconds"] == 1800
    for wrong in (10, "1800", 1.5):
        answer = machine(
            "PUT", path, json={"every_seconds": wrong}, headers=tagged(machine, path)
        )
        assert answer.status_code == 422, wrong
    off = machine(
        "PUT", path, json={"every_seconds": None}, headers=tagged(machine, path)
    )
    assert off.json["every_seconds"] is None


def test_rule_is_added_found_and_removed(machine, books) -> None:
    wish = {
        "psa_connection_id": books.psa,
        "kind": "override",
        "company_id": "2471",
        "product_id": "7",
        "body": {"field": "quantity", "value": "88"},
        "reason": "agreed by contract",
    }
    made = machine("POST", "/reconciliation-rules", json=wish)
    assert made.status_code == 201, made.text
    path = f"/reconciliation-rules/{made.json['id']}"
    listed = machine("GET", "/reconciliation-rules?kind=override").json["data"]
    assert [one["reason"] for one in listed] == ["agreed by contract"]
    assert machine("GET", "/reconciliation-rules?kind=price").json["data"] == []
    read = tagged(machine, path)
    patch = {"body": {"field": "quantity", "value": "90"}, "valid_until": "2030-12-31"}
    changed = machine("PATCH", path, json=patch, headers=read)
    assert changed.status_code == 200, changed.text
    assert changed.json == made.json | patch | {
        "version": 2,
        "author": changed.json["author"],
    }
    assert machine("PATCH", path, json=patch, headers=read).status_code == 412
    assert machine("PATCH", path, json=patch).status_code == 428
    bad = machine(
        "PATCH", path, json={"body": {"x": "1"}}, headers=tagged(machine, path)
    )
    assert bad.status_code == 422
    bad = machine("PATCH", path, json={"reason": ""}, headers=tagged(machine, path))
    assert bad.status_code == 422
    wish["kind"] = "price"
    assert machine("POST", "/reconciliation-rules", json=wish).status_code == 422
    assert machine("DELETE", path, headers=tagged(machine, path)).status_code == 204
    assert machine("GET", path).status_code == 404
