"""Nothing of one reseller is visible to another, on any route."""

from __future__ import annotations

import re

import pytest
from entrepot.hub.users.rules import ROLES
from entrepot_web.api.registry import RESOURCES

PARAMETER = r"<(?:\w+(?:\([^)]*\))?:)?(\w+)>"


def known_ids(books) -> dict[str, str]:
    return {
        "customer_id": books.customers[0],
        "subscription_id": books.subscriptions[0],
        "connection_id": books.vendor,
        "run_id": books.run,
        "company_id": books.ids["company"],
        "agreement_id": books.ids["agreement"],
        "line_id": books.ids["line"],
        "what": "customers",
        **books.ids,
    }


def routes(prefix: str, app):
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith(prefix) and rule.arguments - {"what"}:
            yield rule


def filled(rule, ids: dict[str, str]) -> str:
    return re.sub(PARAMETER, lambda match: ids.get(match.group(1), "x_0"), rule.rule)


def test_foreign_ids_are_404_on_every_api_route(
    web, tenant, books, other_tenant
) -> None:
    stranger = web.machine(other_tenant)
    checked = 0
    for rule in routes("/api/v1/", web.app):
        for method in rule.methods - {"HEAD", "OPTIONS"}:
            path = filled(rule, known_ids(books)).removeprefix("/api/v1")
            answer = stranger(
                method,
                path,
                json={} if method in ("POST", "PATCH") else None,
                headers={"Idempotency-Key": f"k{checked}"}
                | ({"If-Match": '"x"'} if method != "GET" else {}),
            )
            allowed = {404, 422}
            if rule.rule.endswith(("/sync-runs", "/state", "/history")):
                allowed |= {200}
                if answer.status_code == 200:
                    assert answer.json["data"] == [], rule.rule
            if "plugin>" in rule.rule:
                continue
            if rule.rule.startswith("/api/v1/tenants/"):
                allowed = {403}
            assert answer.status_code in allowed, (method, path, answer.text)
            checked += 1
    assert checked >= 20


def test_lists_of_another_reseller_are_empty(web, tenant, books, other_tenant) -> None:
    stranger = web.machine(other_tenant)
    for resource in RESOURCES:
        for method, rule, declared in resource.operations:
            if method == "GET" and "<" not in rule and declared.permission:
                answer = stranger(method, rule)
                if declared.permission.startswith("tenants:"):
                    assert answer.status_code == 403
                    continue
                assert answer.status_code in (200, 400), rule
                text = answer.text
                own = known_ids(books) | {"what": tenant}
                for identifier in own.values():
                    assert identifier not in text, rule


def test_foreign_pages_are_404(web, tenant, books, other_tenant) -> None:
    client = web.browser(web.person(other_tenant))
    checked = 0
    for rule in web.app.url_map.iter_rules():
        if rule.endpoint.startswith("console_account."):
            continue  # about the person who asks; a link of a mail names no record
        if rule.endpoint.startswith("console_") and rule.arguments - {"what"}:
            path = filled(rule, known_ids(books))
            if path.startswith("/resellers/"):
                # Only an operator has these pages, whoever's the id is.
                assert client.get(path).status_code == 403, path
                continue
            if "GET" in rule.methods:
                assert client.get(path).status_code == 404, path
                checked += 1
            if "POST" in rule.methods:
                token = web.csrf_token(client.get("/").text)
                answer = client.post(path, data={"csrf_token": token})
                assert answer.status_code == 404, path
                checked += 1
    assert checked >= 8
    for path in ("/", "/customers", "/subscriptions", "/connections", "/sync-runs"):
        text = client.get(path).text
        assert "Contoso" not in text, path
        assert "Cloud EU" not in text, path


@pytest.mark.parametrize("role", [*ROLES, "none"])
def test_every_operation_obeys_its_permission(web, tenant, books, role) -> None:
    held = ROLES.get(role, frozenset({"offers:read"}))
    scopes = tuple(sorted(held & set(web.scopes)))
    machine = web.machine(tenant, scopes)
    ids = known_ids(books)
    for resource in RESOURCES:
        for method, rule, declared in resource.operations:
            if declared.permission is None or declared.permission in scopes:
                continue
            path = re.sub(PARAMETER, lambda m: ids.get(m.group(1), "x_0"), rule)
            answer = machine(method, path, json={})
            assert answer.status_code == 403, (role, method, rule)
            assert answer.json["code"] == "permission_missing"


def test_every_operation_but_the_token_declares_a_permission() -> None:
    open_ones = [
        rule
        for resource in RESOURCES
        for _, rule, declared in resource.operations
        if declared.permission is None
    ]
    assert open_ones == ["/oauth/token"]


def test_writing_operations_need_more_than_reading() -> None:
    for resource in RESOURCES:
        for method, rule, declared in resource.operations:
            # A preview takes a body and changes nothing.
            writes = method != "GET" and not rule.endswith("/previews")
            if writes and declared.permission is not None:
                verb = declared.permission.partition(":")[2]
                assert verb in ("write", "approve"), rule


def test_suspended_reseller_is_locked_out_and_comes_back(
    web, tenant, monkeypatch
) -> None:
    monkeypatch.setattr("entrepot_web.auth.tokens._REVOCATION_SECONDS", 0.0)
    operator = web.operator(tenant)
    machine = web.machine(tenant)
    client = web.browser(web.person(tenant))
    assert machine("GET", "/customers").status_code == 200
    web.hub.tenants.suspend(web.above(), tenant, "unpaid")
    assert machine("GET", "/customers").status_code == 401
    assert client.get("/customers").status_code == 403
    web.hub.tenants.resume(web.above(), tenant, "paid")
    assert machine("GET", "/customers").status_code == 200
    assert client.get("/customers").status_code == 200
    assert operator("GET", "/tenants").status_code == 200


def test_operator_manages_resellers_and_others_see_their_own(web, tenant) -> None:
    operator = web.operator(tenant)
    made = operator("POST", "/tenants", json={"name": "Northpeak"})
    assert made.status_code == 201, made.text
    path = f"/tenants/{made.json['id']}"
    assert operator("GET", path).json["name"] == "Northpeak"
    done = operator("POST", path + "/suspensions", json={"why": "test"})
    assert done.json["status"] == "suspended"
    back = operator("POST", path + "/resumptions", json={"why": "test"})
    assert back.json["status"] == "active"
    plain = web.machine(tenant)
    assert plain("GET", "/tenants/current").json["id"] == tenant
    assert plain("GET", "/tenants").status_code == 403
