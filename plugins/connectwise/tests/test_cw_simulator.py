"""The emulated PSA over real HTTP: what it serves and what it refuses."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest
import requests
from entrepot.sdk.simulator import Options
from entrepot_connectwise.simulator import ConnectWiseSimulator
from entrepot_connectwise.simulator.setup import PRIVATE_KEY, PUBLIC_KEY


def get(url, **options):
    with requests.Session() as http:
        return http.get(url, timeout=5, **options)


def basic(user, password):
    return {
        "Authorization": "Basic "
        + base64.b64encode(f"{user}:{password}".encode()).decode()
    }


def test_companyinfo_names_the_codebase_without_credentials(scene):
    answer = get(f"{scene.base_url}/login/companyinfo/entrepot").json()
    assert answer["Codebase"] == "v2026_4/"
    assert answer["IsCloud"] == "True"
    unknown = get(f"{scene.base_url}/login/companyinfo/nobody")
    assert (unknown.status_code, unknown.text) == (200, "null")


def test_the_router_path_works_as_well_as_the_release(scene):
    url = f"{scene.base_url}/v4_6_release/apis/3.0/system/info"
    headers = {**basic(f"entrepot+{PUBLIC_KEY}", PRIVATE_KEY), "clientId": "x"}
    assert get(url, headers=headers).json()["version"] == "v2026.4"


@pytest.mark.parametrize("path", ["v2022_1/apis/3.0/system/info", "apis/3.0/x", "x"])
def test_wrong_codebases_get_plain_text(scene, path):
    answer = get(f"{scene.base_url}/{path}", headers={"clientId": "x"})
    assert answer.status_code == 400
    assert answer.text == "Cannot route. Codebase/company is invalid"
    assert answer.headers["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 401, "Security"),
        ({"clientId": "x"}, 401, "ConnectWiseApi"),
        ({"clientId": "x", "Authorization": "Basic ???"}, 401, "ConnectWiseApi"),
        (
            {"clientId": "x", **basic(f"entrepot+{PUBLIC_KEY}", "wrong")},
            401,
            "ConnectWiseApi",
        ),
        (
            {"clientId": "x", **basic(f"other+{PUBLIC_KEY}", PRIVATE_KEY)},
            401,
            "ConnectWiseApi",
        ),
        ({"clientId": "x", **basic(PUBLIC_KEY, PRIVATE_KEY)}, 401, "ConnectWiseApi"),
    ],
)
def test_bad_credentials_are_refused(scene, headers, status, code):
    answer = get(f"{scene.api}/company/companies", headers=headers)
    assert answer.status_code == status
    assert answer.json()["code"] == code


def test_auth_answers_can_be_those_of_the_cloud(scene):
    scene.control.act(
        "configure",
        auth_failure_status=404,
        missing_client_id_status=403,
        require_api_host=True,
    )
    ssl = get(f"{scene.api}/company/companies", headers={"clientId": "x"})
    assert ssl.json()["message"] == "SSL is required."
    scene.control.act("configure", require_api_host=False)
    assert get(f"{scene.api}/company/companies").status_code == 403
    keys = {"clientId": "x", **basic(f"entrepot+{PUBLIC_KEY}", "wrong")}
    assert get(f"{scene.api}/company/companies", headers=keys).status_code == 404


def test_version_and_request_id_are_echoed(scene):
    answer = scene.request("GET", "system/info")
    assert answer.headers["api-current-version"] == "2026.4"
    assert answer.headers["x-cw-request-id"]
    assert "version=2026.4" in answer.headers["Content-Type"]


def test_unknown_paths_are_404_in_json(scene):
    answer = scene.request("GET", "finance/nothing")
    assert answer.status_code == 404
    assert answer.json()["errors"] is None
    assert (
        scene.request("DELETE", "system/connectWiseHostedScreens/1").status_code == 405
    )


def test_forward_only_pages_end_with_an_empty_link(scene):
    headers = {"pagination-type": "forward-only"}
    for name in ("a", "b", "c", "d"):
        scene.request("POST", "procurement/manufacturers", json={"name": name})
    seen, last = [], 0
    while True:
        answer = scene.request(
            "GET",
            "procurement/manufacturers",
            headers=headers,
            params={"pageSize": 2, "pageId": last},
        )
        seen += [row["id"] for row in answer.json()]
        assert "Link" in answer.headers
        if not answer.headers["Link"]:
            break
        last = seen[-1]
        assert f"pageId={last}" in answer.headers["Link"]
    assert seen == sorted(set(seen))
    assert len(seen) == 6
    refused = scene.request(
        "GET", "procurement/manufacturers", headers=headers, params={"orderBy": "name"}
    )
    assert refused.status_code == 400


def test_navigable_pages_link_both_ways_and_end_empty(scene):
    params = {"pageSize": 2, "page": 2, "orderBy": "id"}
    answer = scene.request("GET", "finance/billingCycles", params=params)
    for rel in ("next", "prev", "first", "last"):
        assert f'rel="{rel}"' in answer.headers["Link"]
    beyond = scene.request("GET", "finance/billingCycles", params={"page": 99})
    assert beyond.json() == []


def test_page_size_is_capped_silently(scene):
    scene.control.act("configure", page_size_cap=3)
    answer = scene.request("GET", "finance/billingCycles", params={"pageSize": 5000})
    assert len(answer.json()) == 3


def test_fields_leave_info_out_unless_asked(scene):
    path = f"company/companies/{scene.company}"
    short = scene.request("GET", path, params={"fields": "id,name,nonsense"}).json()
    assert short == {"id": scene.company, "name": "Contoso Inc."}
    with_info = scene.request("GET", path, params={"fields": "id,_info"}).json()
    assert set(with_info) == {"id", "_info"}


def test_strict_tenants_refuse_unknown_fields(scene):
    scene.control.act("configure", strict_fields=True)
    answer = scene.request("GET", "company/companies", params={"fields": "nonsense"})
    assert answer.status_code == 400


def test_child_and_custom_field_conditions(scene):
    def ids(**params):
        answer = scene.request("GET", params.pop("path"), params=params)
        return [row["id"] for row in answer.json()]

    mail = 'communicationItems/value="ada@contoso.example"'
    assert ids(path="company/contacts", childConditions=mail) == [scene.contact]
    assert ids(path="company/companies", childConditions="types/id=1") == [
        scene.company
    ]
    assert ids(path="company/companies", childConditions='types/name="Vendor"') == []
    custom = 'caption="Entrepot Ref" and value contains "tenant-1"'
    assert ids(path="company/companies", customFieldConditions=custom) == [
        scene.company
    ]
    refused = scene.request(
        "GET", "company/companies", params={"childConditions": "types/id in (1)"}
    )
    assert refused.json()["code"] == "ApiFindCondition"


def test_counts_use_the_same_conditions(scene):
    answer = scene.request(
        "GET", "company/companies/count", params={"conditions": "deletedFlag=true"}
    )
    assert answer.json() == {"count": 0}


def test_creation_defaults_validates_and_refuses_duplicates(scene):
    body = {"identifier": "Fabrikam", "name": "Fabrikam"}
    made = scene.request("POST", "company/companies", json=body)
    assert made.status_code == 201
    assert made.json()["deletedFlag"] is False
    again = scene.request("POST", "company/companies", json=body)
    assert again.json()["errors"][0]["code"] == "ObjectExists"
    missing = scene.request("POST", "company/companies", json={"name": "x"})
    assert missing.json()["errors"][0]["field"] == "identifier"


def test_length_limits_follow_the_release(scene):
    body = {"identifier": "F" * 40, "name": "F"}
    assert scene.request("POST", "company/companies", json=body).status_code == 201
    scene.control.act("configure", version="2025.1")
    body["identifier"] = "G" * 40
    answer = scene.request("POST", "company/companies", json=body)
    assert answer.json()["errors"][0]["code"] == "OutOfRange"


def test_references_may_be_written_by_any_unique_key(scene):
    body = {
        "name": "Second",
        "type": {"name": "Managed Services"},
        "company": {"identifier": "contoso"},
        "contact": {"id": scene.contact},
        "startDate": "2026-07-15T00:00:00Z",
        "billingCycle": {"identifier": "M"},
    }
    made = scene.request("POST", "finance/agreements", json=body).json()
    assert made["company"]["id"] == scene.company
    assert made["agreementStatus"] == "Inactive"
    body["company"] = {"identifier": "nobody"}
    refused = scene.request("POST", "finance/agreements", json=body)
    assert refused.json()["errors"][0]["code"] == "InvalidReference"


def test_bundles_and_invoiced_lines_are_refused(scene):
    bundle = scene.request(
        "PATCH",
        f"procurement/catalog/{scene.product}",
        json=[{"op": "replace", "path": "productClass", "value": "Bundle"}],
    )
    assert bundle.status_code == 200
    path = f"finance/agreements/{scene.agreement}/additions"
    body = {"product": {"id": scene.product}, "billCustomer": "Billable"}
    assert scene.request("POST", path, json=body).status_code == 400
    assert scene.request("DELETE", f"{path}/{scene.line}").status_code == 409
    assert len(scene.lines()) == 1


def test_invoicing_advances_and_deleting_returns_the_period(scene):
    made = scene.request("POST", f"finance/agreements/{scene.agreement}/invoice")
    assert made.status_code == 201
    invoice = made.json()
    recap = scene.request("GET", f"finance/agreementrecap/{scene.agreement}").json()
    assert recap["nextInvoiceDate"] == "2026-08-01T00:00:00Z"
    assert recap["lastInvoiceAmount"] == 264.0
    listed = scene.request(
        "GET",
        "finance/invoices",
        params={
            "conditions": f'applyToType="Agreement" and applyToId={scene.agreement}',
            "orderBy": "date desc",
        },
    ).json()
    assert listed[0]["id"] == invoice
    assert len(listed) == 6
    assert (
        scene.request("DELETE", f"finance/invoices/{listed[1]['id']}").status_code
        == 409
    )
    assert scene.request("DELETE", f"finance/invoices/{invoice}").status_code == 204
    agreement = scene.request("GET", f"finance/agreements/{scene.agreement}").json()
    assert agreement["nextInvoiceDate"] == "2026-07-01T00:00:00Z"


def test_r02_over_http_the_invoice_of_july(scene):
    path = f"finance/agreements/{scene.agreement}/additions"
    change = [{"op": "replace", "path": "quantity", "value": 12}]
    scene.request("PATCH", f"{path}/{scene.line}", json=change)
    body = {
        "product": {"id": scene.product},
        "quantity": 1,
        "unitPrice": 26.40,
        "billCustomer": "Billable",
        "effectiveDate": "2026-07-01T00:00:00Z",
        "cancelledDate": "2026-07-31T00:00:00Z",
    }
    assert scene.request("POST", path, json=body).status_code == 201
    assert str(scene.invoice()) == "343.20"


def test_immediate_billing_of_prorated_additions(make_scene):
    scene = make_scene(invoiceProratedAdditionsFlag=True)
    body = {
        "product": {"id": scene.product},
        "quantity": 2,
        "unitPrice": 26.40,
        "billCustomer": "Billable",
        "effectiveDate": "2026-06-16T00:00:00Z",
    }
    scene.request("POST", f"finance/agreements/{scene.agreement}/additions", json=body)
    recap = scene.request("GET", f"finance/agreementrecap/{scene.agreement}").json()
    assert recap["lastInvoiceAmount"] == 26.4
    assert str(scene.invoice()) == "316.80"


def test_merging_moves_everything_and_the_old_id_disappears(scene):
    other = scene.request(
        "POST", "company/companies", json={"identifier": "New", "name": "New"}
    ).json()["id"]
    path = f"company/companies/{scene.company}/merge"
    assert scene.request("POST", path, json={"toCompanyId": other}).status_code == 200
    assert scene.request("GET", f"company/companies/{scene.company}").status_code == 404
    agreement = scene.request("GET", f"finance/agreements/{scene.agreement}").json()
    assert agreement["company"]["id"] == other


def test_deleted_companies_stay_in_the_recycle_bin(scene):
    assert (
        scene.request("DELETE", f"company/companies/{scene.company}").status_code == 204
    )
    row = scene.request("GET", f"company/companies/{scene.company}").json()
    assert row["deletedFlag"] is True
    assert row["deletedBy"] == "entrepot"


def test_a_member_without_cost_rights_never_sees_a_zero(scene):
    headers = {**basic("entrepot+blindPublic", "blindPrivate"), "clientId": "x"}
    path = f"{scene.api}/finance/agreements/{scene.agreement}/additions/{scene.line}"
    row = get(path, headers=headers).json()
    assert "unitCost" not in row
    assert row["unitPrice"] == 26.4


def test_rights_can_be_taken_away(scene):
    scene.control.act("deny", member="entrepot", rules=["finance/agreements write"])
    path = f"finance/agreements/{scene.agreement}/additions/{scene.line}"
    assert scene.request("GET", path).status_code == 200
    assert scene.request("PATCH", path, json=[]).status_code == 403


def test_impersonation_keys_end(scene):
    answer = scene.request(
        "POST", "system/members/jdoe/tokens", headers={"x-cw-usertype": "member"}
    ).json()
    headers = {
        **basic(f"entrepot+{answer['publicKey']}", answer["privateKey"]),
        "clientId": "x",
    }
    url = f"{scene.api}/system/myMembers/info"
    assert get(url, headers=headers).json()["identifier"] == "jdoe"
    scene.simulator.clock.set(datetime(2026, 6, 20, 9, tzinfo=UTC))
    assert get(url, headers=headers).status_code == 401


def test_the_audit_trail_tells_who_changed_a_line(scene):
    scene.control.act("edit_line", id=scene.line, quantity=12, member="jdoe")
    params = {"type": "AgreementAddition", "id": scene.line}
    trail = scene.request("GET", "system/audittrail", params=params).json()
    assert trail[-1]["enteredBy"] == "jdoe"


def test_throttling_answers_in_the_vendors_shape(scene):
    scene.control.add_fault("rate_limited", retry_after="7")
    answer = scene.request("GET", "system/info")
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "7"
    assert answer.json()["error"] == "ConnectWiseAPI"
    assert "7 seconds" in answer.json()["message"]


def test_quota_profile_limits_requests():
    simulator = ConnectWiseSimulator(Options(quota="test"))
    with simulator.running() as run:
        url = f"{run.base_url}/v2026_4/apis/3.0/system/info"
        headers = {**basic(f"entrepot+{PUBLIC_KEY}", PRIVATE_KEY), "clientId": "x"}
        with requests.Session() as http:
            statuses = {http.get(url, headers=headers).status_code for _ in range(60)}
    assert statuses == {200, 429}


def test_a_frozen_clock_still_tells_edits_apart(scene):
    first = scene.control.act("edit_line", id=scene.line, quantity=11)["lastUpdated"]
    second = scene.control.act("edit_line", id=scene.line, quantity=12)["lastUpdated"]
    assert second > first
