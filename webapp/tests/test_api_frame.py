"""The frame of the API: tokens, errors, cursors, tags, keys, the document."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from openapi_spec_validator import validate

PROBLEM = "application/problem+json"


def concrete(path: str, books) -> str:
    return re.sub(r"\{[^}]+\}", lambda _: "cus_0", path).removeprefix("/api/v1")


def test_document_is_valid_and_describes_every_operation(web) -> None:
    document = web.app.test_client().get("/api/v1/openapi.json").json
    validate(document)
    assert document["openapi"].startswith("3.1")
    described = {
        (method.upper(), path)
        for path, operations in document["paths"].items()
        for method in operations
        if method in ("get", "post", "put", "patch", "delete")
    }
    routed = {
        (method, re.sub(r"<(?:\w+(?:\([^)]*\))?:)?(\w+)>", r"{\1}", rule.rule))
        for rule in web.app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1") and not rule.rule.endswith("openapi.json")
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    assert described == routed


def test_every_operation_documents_its_refusals_as_problems(web) -> None:
    document = web.app.test_client().get("/api/v1/openapi.json").json
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if method == "parameters":
                continue
            for status, answer in operation["responses"].items():
                if int(status) >= 400:
                    assert list(answer["content"]) == [PROBLEM], (path, method, status)


def test_amounts_are_text_in_the_document(web) -> None:
    schemas = web.app.test_client().get("/api/v1/openapi.json").json["components"]
    money = schemas["schemas"]["MoneyShape"]["properties"]
    assert money["amount"]["type"] == "string"
    assert "number" not in json.dumps(schemas["schemas"]["SubscriptionView"])


def test_no_token_forged_token_and_expired_token_are_401(web, tenant, clock) -> None:
    client = web.app.test_client()
    token = web.token(tenant)
    head, body, signature = token.split(".")
    for given in ("", "Bearer", "Bearer x.y.z", f"Bearer {head}.{body}.AAAA"):
        answer = client.get("/api/v1/customers", headers={"Authorization": given})
        assert answer.status_code == 401, given
        assert answer.content_type == PROBLEM
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    good = {"Authorization": f"Bearer {token}"}
    assert client.get("/api/v1/customers", headers=good).status_code == 200
    clock.advance(timedelta(minutes=16))
    assert client.get("/api/v1/customers", headers=good).status_code == 401
    assert signature


def test_session_cookie_is_no_way_into_the_api(browser) -> None:
    assert browser.get("/api/v1/customers").status_code == 401


def test_revoked_credential_ends_its_tokens(web, tenant, monkeypatch) -> None:
    monkeypatch.setattr("entrepot_web.auth.tokens._REVOCATION_SECONDS", 0.0)
    owner = web.machine(tenant)
    made = owner(
        "POST", "/credentials", json={"name": "bot", "scopes": ["customers:read"]}
    ).json
    issued = web.app.test_client().post(
        "/api/v1/oauth/token",
        data={
            "grant_type": "client_credentials",
            "client_id": made["client_id"],
            "client_secret": made["client_secret"],
        },
    )
    bearer = {"Authorization": f"Bearer {issued.json['access_token']}"}
    client = web.app.test_client()
    assert client.get("/api/v1/customers", headers=bearer).status_code == 200
    path = f"/credentials/{made['client_id']}"
    assert owner("DELETE", path).status_code == 428
    stale = owner("DELETE", path, headers={"If-Match": '"x"'})
    assert stale.status_code == 412
    tag = owner("GET", path).headers["ETag"]
    assert owner("DELETE", path, headers={"If-Match": tag}).status_code == 204
    assert client.get("/api/v1/customers", headers=bearer).status_code == 401


def test_rotated_secret_works_and_the_old_one_ends_after_a_week(
    web, tenant, clock
) -> None:
    owner = web.machine(tenant)
    made = owner(
        "POST", "/credentials", json={"name": "bot", "scopes": ["customers:read"]}
    ).json
    path = f"/credentials/{made['client_id']}"
    tag = owner("GET", path).headers["ETag"]
    fresh = owner("POST", path + "/rotations", headers={"If-Match": tag}).json
    valid = web.hub.credentials.authenticate
    assert valid(made["client_id"], made["client_secret"])
    assert valid(made["client_id"], fresh["client_secret"])
    clock.advance(timedelta(days=8))
    assert valid(made["client_id"], made["client_secret"]) is None
    assert valid(made["client_id"], fresh["client_secret"])


def test_token_carries_only_what_was_asked_and_held(web, tenant) -> None:
    machine = web.machine(tenant, ("customers:read",))
    assert machine("GET", "/customers").status_code == 200
    refused = machine("GET", "/subscriptions")
    assert refused.status_code == 403
    assert refused.json["code"] == "permission_missing"
    assert "subscriptions:read" in refused.json["detail"]


def test_nobody_hands_out_more_than_they_hold(web, tenant) -> None:
    weak = web.machine(tenant, ("credentials:write", "credentials:read"))
    answer = weak("POST", "/credentials", json={"name": "x", "scopes": ["sync:write"]})
    assert answer.status_code == 422
    assert answer.json["errors"][0]["pointer"] == "/scopes"


def test_problem_has_every_member_and_continues_the_trace(machine) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    answer = machine(
        "GET",
        "/customers/cus_0",
        headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"},
    )
    assert answer.status_code == 404
    assert answer.content_type == PROBLEM
    problem = answer.json
    assert problem["trace_id"] == trace
    assert trace in answer.headers["traceparent"]
    assert set(problem) == {
        "type", "title", "status", "detail", "instance", "code", "trace_id",
        "retryable", "errors", "next_steps",
    }  # fmt: skip
    assert problem["instance"] == "/api/v1/customers/cus_0"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("limit=0", "limit_invalid"),
        ("limit=201", "limit_invalid"),
        ("limit=x", "limit_invalid"),
        ("sort=shoe_size", "sort_invalid"),
        ("cursor=AAAA", "cursor_invalid"),
        ("filter[shoe]=1", "filter_invalid"),
        ("filter[name][near]=1", "filter_invalid"),
        ("filter[state]=gone", "filter_invalid"),
        ("filter[created_at][gte]=yesterday", "filter_invalid"),
        ("include=everything", "include_invalid"),
        ("colour=red", "unknown_parameter"),
    ],
)
def test_wrong_list_parameters_are_400_and_say_what_works(machine, query, code) -> None:
    answer = machine("GET", f"/customers?{query}")
    assert answer.status_code == 400
    assert answer.json["code"] == code
    assert len(answer.json["detail"]) > 15


def test_malformed_body_is_400_and_wrong_fields_are_422_with_pointers(machine) -> None:
    broken = machine(
        "POST", "/credentials", data="{", headers={"Content-Type": "application/json"}
    )
    assert broken.status_code == 400
    wrong = machine("POST", "/credentials", json={"name": "", "size": 1})
    assert wrong.status_code == 422
    pointers = {error["pointer"] for error in wrong.json["errors"]}
    assert pointers == {"/name", "/scopes", "/size"}


def test_unknown_path_and_method_below_the_api_are_problems(machine) -> None:
    assert machine("GET", "/nothing").content_type == PROBLEM
    answer = machine("DELETE", "/customers")
    assert answer.status_code == 405
    assert answer.content_type == PROBLEM


def test_lists_page_through_everything_once_in_order(machine, books) -> None:
    for sort in ("name", "-name", "created_at"):
        seen, cursor = [], ""
        while True:
            page = machine("GET", f"/customers?limit=4&sort={sort}{cursor}").json
            seen += [row["id"] for row in page["data"]]
            if not page["page"]["has_more"]:
                break
            cursor = f"&cursor={page['page']['next_cursor']}"
        assert sorted(seen) == sorted(books.customers), sort
        assert len(seen) == len(set(seen))
        back = machine(
            "GET",
            f"/customers?limit=4&sort={sort}&cursor={page['page']['prev_cursor']}",
        ).json
        assert [row["id"] for row in back["data"]] == seen[-7:-3]


def test_cursor_is_bound_to_filter_order_and_reseller(
    web, machine, books, other_tenant, filling
) -> None:
    cursor = machine("GET", "/customers?limit=2").json["page"]["next_cursor"]
    other = web.machine(other_tenant)
    filling(other_tenant)
    assert other("GET", f"/customers?limit=2&cursor={cursor}").status_code == 400
    for query in ("sort=-name", "q=con", "filter[state]=active"):
        answer = machine("GET", f"/customers?limit=2&{query}&cursor={cursor}")
        assert answer.json["code"] == "cursor_invalid", query


def test_cursor_stays_stable_while_rows_are_added(machine, books, web, filling, tenant):
    first = machine("GET", "/customers?limit=5").json
    before = [row["id"] for row in machine("GET", "/customers").json["data"]]
    from entrepot.hub.customers.tables import Customer
    from entrepot.store import TenantScope, new_id

    now = web.hub.clock.now()
    with web.hub.store.unit(TenantScope(tenant)) as session:
        for name in ("aaa", "zzz"):
            session.add(
                Customer(
                    id=new_id("cus"),
                    tenant_id=tenant,
                    name=name,
                    sort_name=name,
                    search_text=name,
                    created_at=now,
                    updated_at=now,
                )
            )
    cursor = first["page"]["next_cursor"]
    rest = machine("GET", f"/customers?limit=200&cursor={cursor}").json["data"]
    assert [row["id"] for row in rest][:-1] == before[5:]


def test_link_header_leads_on_and_total_is_counted_on_demand(machine, books) -> None:
    answer = machine("GET", "/customers?limit=4&include=total")
    assert 'rel="next"' in answer.headers["Link"]
    assert 'rel="first"' in answer.headers["Link"]
    assert answer.json["meta"]["total"] == 15
    assert answer.json["meta"]["total_is_exact"] is True
    assert answer.json["meta"]["complete"] is True
    assert machine("GET", "/customers").json["meta"]["total"] is None


def test_filters_narrow_and_combine(machine, books) -> None:
    by_name = machine("GET", "/customers?filter[name][starts]=co").json["data"]
    assert {row["name"] for row in by_name} == {"Coho Winery", "Contoso Ltd"}
    found = machine(
        "GET", "/subscriptions?filter[status]=active,suspended&filter[quantity][gte]=90"
    ).json["data"]
    assert found
    assert all(float(row["quantity"]) >= 90 for row in found)
    assert (
        machine("GET", "/customers?q=winery").json["data"][0]["name"] == "Coho Winery"
    )


def test_unchanged_list_is_304(machine, books) -> None:
    first = machine("GET", "/customers?limit=2")
    again = machine(
        "GET", "/customers?limit=2", headers={"If-None-Match": first.headers["ETag"]}
    )
    assert again.status_code == 304


def test_amounts_travel_as_text_with_their_currency(machine, books) -> None:
    path = f"/subscriptions/{books.subscriptions[0]}"
    answer = machine("GET", path)
    assert answer.json["unit_cost"] == {"amount": "19.8", "currency": "USD"}
    assert answer.json["quantity"] == "5"
    assert '"amount":19' not in answer.text
    assert answer.json["known_at"].endswith("Z")


def test_facts_answer_as_of_and_as_known(machine, books, web) -> None:
    path = f"/subscriptions/{books.subscriptions[0]}"
    assert [s["change"] for s in machine("GET", path + "/history").json["data"]] == [
        "changed",
        "new",
    ]
    earlier = (web.hub.clock.now() - timedelta(days=100)).isoformat()
    then = machine("GET", path + "/state", query_string={"as_of": earlier}).json
    assert then["quantity"] == "2"
    assert machine("GET", path + "/state").json["quantity"] == "5"
    ancient = machine(
        "GET", path + "/state", query_string={"as_of": "2001-01-01T00:00:00Z"}
    )
    assert ancient.status_code == 404
    assert machine("GET", path + "/state?as_of=monday").status_code == 400


def test_hub_keeps_counting_calls_and_then_refuses(web, tenant) -> None:
    client = web.app.test_client()
    for _ in range(60):
        answer = client.post("/api/v1/oauth/token", data={"grant_type": "x"})
        assert answer.status_code == 400
    refused = client.post("/api/v1/oauth/token", data={"grant_type": "x"})
    assert refused.status_code == 429
    assert refused.content_type == PROBLEM
    assert "Retry-After" in refused.headers


def test_credential_that_calls_too_often_is_asked_to_wait(
    machine, monkeypatch, clock
) -> None:
    monkeypatch.setattr("entrepot_web.api.access.CALLS", 20)
    statuses = [machine("GET", "/customers").status_code for _ in range(25)]
    assert statuses[:16] == [200] * 16
    assert statuses[-1] == 429
    refused = machine("GET", "/customers")
    assert refused.content_type == PROBLEM
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    clock.advance(timedelta(seconds=61))
    assert machine("GET", "/customers").status_code == 200


def test_nobody_is_asked_to_wait_without_a_reason(web, machine) -> None:
    unknown = machine("GET", "/customers/cus_nobody")
    assert unknown.status_code == 404
    assert "Retry-After" not in unknown.headers
    assert "Retry-After" not in machine("GET", "/customers").headers
    stranger = web.app.test_client().get("/api/v1/no/such/address")
    assert stranger.status_code in (401, 404)
    assert "Retry-After" not in stranger.headers
    # A counted route's answers carry the counter's headers, but not that one.
    wrong = web.app.test_client().post("/api/v1/oauth/token", data={"grant_type": "x"})
    assert wrong.status_code == 400
    assert "Retry-After" not in wrong.headers
