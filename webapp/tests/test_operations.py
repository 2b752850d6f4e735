"""Long work over the API: 202, follow, wait, join, cancel; plans need approval."""

from __future__ import annotations

import time


def start(machine, books, scope="company:2471", **headers):
    return machine(
        "POST",
        "/reconciliations",
        json={"psa_connection_id": books.psa, "scope": scope},
        headers=headers,
    )


def test_psa_starts_a_comparison_of_one_company_and_follows_it(machine, books) -> None:
    answer = start(machine, books)
    assert answer.status_code == 202, answer.text
    location = answer.headers["Location"].removeprefix("/api/v1")
    followed = machine("GET", location)
    assert followed.status_code == 200
    assert followed.json["id"] == answer.json["id"]
    assert followed.json["state"] == "queued"
    listed = machine("GET", "/operations?filter[state]=queued").json["data"]
    assert answer.json["id"] in {item["id"] for item in listed}
    run = machine("GET", f"/reconciliations/{answer.json['id']}")
    assert run.json["scope"] == "company:2471"
    other = start(machine, books, scope="all")
    assert other.json["id"] != answer.json["id"]


def test_second_start_of_the_same_scope_joins_the_first(machine, books) -> None:
    first = start(machine, books)
    assert start(machine, books).json["id"] == first.json["id"]


def test_cancelling_is_asked_for_and_told(machine, books) -> None:
    made = start(machine, books).json
    path = f"/operations/{made['id']}"
    stopped = machine("POST", path + "/cancellations")
    assert stopped.status_code == 202
    assert machine("GET", path).json["state"] in ("cancelled", "queued")
    again = machine("POST", path + "/cancellations")
    assert again.status_code in (202, 409)


def test_waiting_ends_after_the_seconds_asked_for(machine, books) -> None:
    begun = time.monotonic()
    answer = start(machine, books, Prefer="respond-async, wait=1")
    assert answer.headers["Preference-Applied"] == "wait"
    assert time.monotonic() - begun >= 0.9


def test_unknown_scope_and_foreign_connection_are_refused(machine, books) -> None:
    wrong = start(machine, books, scope="everything")
    assert wrong.status_code == 422
    assert wrong.json["errors"][0]["pointer"] == "/scope"
    missing = machine("POST", "/reconciliations", json={"psa_connection_id": "con_0"})
    assert missing.status_code == 404


def test_sync_body_names_one_way_only(machine, books) -> None:
    for body in ({}, {"connection_id": books.vendor, "customer_id": "x"}):
        assert machine("POST", "/sync-runs", json=body).status_code == 422
    assert (
        machine("POST", "/sync-runs", json={"customer_id": "cus_0"}).status_code == 404
    )


def test_approving_takes_more_than_writing(web, tenant, books) -> None:
    writer = web.machine(tenant, ("reconciliations:read", "reconciliations:write"))
    answer = writer(
        "POST",
        "/reconciliation-plans/pln_0/approvals",
        json={"plan_digest": "x"},
        headers={"If-Match": '"x"'},
    )
    assert answer.status_code == 403
    assert "reconciliations:approve" in answer.json["detail"]


def test_mapping_is_suggested_decided_and_undone(web, tenant, books, machine) -> None:
    owner = web.hub.users.actor_for(web.person(tenant), tenant)
    web.hub.mapping.refresh_suggestions(owner, books.psa)
    rows = machine("GET", "/mappings/customers?limit=200").json["data"]
    contoso = next(row for row in rows if row["name"] == "Contoso Ltd")
    body = {
        "psa_connection_id": books.psa,
        "action": "confirm",
        "decisions": [
            {"account_id": contoso["account_id"], "companies": [{"company_id": "2471"}]}
        ],
    }
    preview = machine("POST", "/mappings/customers/previews", json=body)
    assert preview.json["subscriptions"] >= 1
    made = machine("POST", "/mappings/customers/decisions", json=body)
    assert made.status_code == 201, made.text
    done = machine("GET", "/mappings/customers?status=confirmed").json["data"]
    assert [row["name"] for row in done] == ["Contoso Ltd"]
    exported = machine("GET", "/mappings/customers/export")
    assert exported.content_type.startswith("text/csv")
    assert "2471" in exported.text
    checked = machine(
        "POST",
        "/mappings/customers/imports",
        json={"psa_connection_id": books.psa, "csv": exported.text},
    )
    assert checked.status_code == 200, checked.text
    assert checked.json["saved"] is False
    undone = machine("POST", f"/mappings/batches/{made.json['id']}/undos")
    assert undone.status_code == 201, undone.text
    assert machine("GET", "/mappings/customers?status=confirmed").json["data"] == []
