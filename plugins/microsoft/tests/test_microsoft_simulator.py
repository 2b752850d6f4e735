"""The simulator itself: it speaks the documented protocol and refuses what is wrong."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
import requests
from entrepot.sdk.simulator import ControlError, Options, Quota, Throttle
from entrepot_microsoft.simulator import MicrosoftSimulator, build_simulator

CORE = "https://api.partnercenter.microsoft.com"
PRICE = "https://api.partner.microsoft.com"
EPOCH = datetime(2026, 3, 18, 9, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


class Caller:
    """A bare HTTP client of the partner API."""

    def __init__(self, vendor, resource=CORE, *, user=True) -> None:
        self.vendor = vendor
        self.session = requests.Session()
        self.sign_in(resource, user=user)

    def token(self, **changes):
        authority = self.vendor.sim.authority
        form = {
            "grant_type": "refresh_token",
            "refresh_token": next(iter(authority.refresh_tokens), ""),
            "client_id": authority.client_id,
            "client_secret": authority.client_secret,
            **changes,
        }
        path = f"{self.vendor.url}/{authority.tenant_id}/oauth2"
        version = "/v2.0" if "scope" in changes else ""
        return requests.post(f"{path}{version}/token", data=form, timeout=5)

    def sign_in(self, resource=CORE, *, user=True):
        grant = "refresh_token" if user else "client_credentials"
        token = self.token(resource=resource, grant_type=grant).json()["access_token"]
        self.session.headers["Authorization"] = f"Bearer {token}"

    def __call__(self, method, path, **options):
        url = f"{self.vendor.url}{path}"
        return self.session.request(method, url, timeout=5, **options)

    def get(self, path, **options):
        return self("GET", path, **options)

    def sub(self, made):
        path = f"/v1/customers/{made['customer']}/subscriptions/{made['subscription']}"
        return path, self.get(path).json()


@pytest.fixture
def call(vendor):
    caller = Caller(vendor)
    yield caller
    caller.session.close()


# Sign-in (B01 to B05)


def test_both_token_endpoints_answer(call) -> None:
    v1 = call.token(resource=CORE).json()
    assert v1["expires_in"] == "3599"
    v2 = call.token(scope=f"{CORE}/.default", refresh_token=v1["refresh_token"]).json()
    assert v2["refresh_token"] != v1["refresh_token"]


def test_redeemed_refresh_token_is_dead(call) -> None:
    old = call.token(resource=CORE).json()["refresh_token"]
    assert call.token(resource=CORE, refresh_token=old).status_code == 200
    answer = call.token(resource=CORE, refresh_token=old)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert "AADSTS50076" in answer.json()["error_description"]


@pytest.mark.parametrize(
    ("header", "code"), [({}, "800001"), ({"Authorization": "Bearer x"}, "800001")]
)
def test_missing_or_wrong_bearer(call, header, code) -> None:
    call.session.headers.pop("Authorization")
    answer = call.get("/v1/customers", headers=header)
    assert answer.status_code == 401
    assert answer.json()["code"] == code
    assert answer.headers["WWW-Authenticate"].startswith("OAuth realm=")


def test_token_ends_with_its_lifetime(vendor, call) -> None:
    vendor.control.advance(2 * HOUR)
    answer = call.get("/v1/customers")
    assert (answer.status_code, answer.json()["code"]) == (401, "400")


def test_audience_of_the_retired_graph(call) -> None:
    call.sign_in("https://graph.windows.net")
    answer = call.get("/v1/customers")
    assert (answer.status_code, answer.json()["code"]) == (401, "900420")


def test_price_host_answers_core_tokens_with_plain_text(vendor, call) -> None:
    path = (
        "/v1.0/sales/pricesheets(Market='US',PricesheetView='updatedlicensebased')"
        "/$value"
    )
    refused = call.get(path)
    assert (refused.status_code, refused.text) == (401, "Invalid Authorization header")
    call.sign_in(PRICE)
    plain = call.get(path, headers={"Accept-Encoding": "identity"})
    assert plain.text.startswith("\ufeffProductTitle,ProductId")
    packed = call.get(path, headers={"Accept-Encoding": "deflate"})
    assert packed.content[:2] == b"PK"


def test_application_alone_is_refused_where_a_user_is_wanted(vendor) -> None:
    call = Caller(vendor, user=False)
    customer = vendor.control.act("customers", limit=1)["result"][0]["customer"]
    answer = call.get(f"/v1/customers/{customer}/validationStatus?type=account")
    assert (answer.status_code, answer.json()["code"]) == (403, "900329")
    call.session.close()


# Listings (B06 to B11, B18 to B21)


def test_ids_are_echoed_and_doubled_by_the_catalogue(call) -> None:
    sent = {"MS-RequestId": str(uuid.uuid4()), "MS-CorrelationId": str(uuid.uuid4())}
    plain = call.get("/v1/customers?size=1", headers=sent)
    assert plain.headers["MS-RequestId"] == sent["MS-RequestId"]
    path = "/v1/products?country=US&targetView=OnlineServices"
    doubled = call.get(path, headers=sent)
    twice = f"{sent['MS-CorrelationId']},{sent['MS-CorrelationId']}"
    assert doubled.headers["MS-CorrelationId"] == twice


def test_token_in_the_query_or_encoded_is_refused(call) -> None:
    body = call.get("/v1/customers?size=2").json()
    [header] = body["links"]["next"]["headers"]
    token = header["value"]
    assert set(token) & set("/+=,_") == set("/+=,_")
    path = "/v1/customers?size=2&seekOperation=Next"
    good = call.get(path, headers={"MS-ContinuationToken": token})
    assert good.json()["totalCount"] == 2
    for bad in (quote(token, safe=""), token[:-1], token.lower() + " "):
        answer = call.get(path, headers={"MS-ContinuationToken": bad})
        assert answer.status_code == 400, bad
    assert call.get(f"{path}&MS-ContinuationToken={quote(token)}").status_code == 400


def test_filter_knows_starts_with_only(call) -> None:
    name = call.get("/v1/customers").json()["items"][0]["companyProfile"]["companyName"]
    asked = {
        "Field": "CompanyName",
        "Value": name[:6].upper(),
        "Operator": "starts_with",
    }
    found = call.get("/v1/customers", params={"filter": json.dumps(asked)}).json()
    assert name in [i["companyProfile"]["companyName"] for i in found["items"]]
    asked["Operator"] = "substring"
    refused = call.get("/v1/customers", params={"filter": json.dumps(asked)})
    assert (refused.status_code, refused.json()["code"]) == (400, "3000")


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("targetView=OnlineServices", 400, None),
        ("country=US", 403, "400036"),
        ("country=ZZ&targetView=OnlineServices", 400, "800070"),
        ("country=US&targetView=OnlineServices&targetSegment=pets", 403, "400030"),
    ],
)
def test_catalogue_wants_country_view_and_segment(call, query, status, code) -> None:
    answer = call.get(f"/v1/products?{query}")
    assert (answer.status_code, answer.json().get("code")) == (status, code)


def test_availability_ids_rotate_daily(vendor, call) -> None:
    path = "/v1/products/CFQ7TTC0LH18/skus/0001/availabilities?country=US"
    before = call.get(path).json()["items"][0]["id"]
    vendor.control.advance(DAY)
    call.sign_in()
    assert call.get(path).json()["items"][0]["id"] != before


def test_unknown_paths_and_objects(vendor, call) -> None:
    customer = vendor.control.act("customers", limit=1)["result"][0]["customer"]
    assert call.get("/v1/nothing").json()["code"] == "1000"
    path = f"/v1/customers/{customer}/subscriptions/{uuid.uuid4()}"
    assert call.get(path).json()["code"] == "20003"
    path = f"/v1/customers/{customer}/orders/000000000000"
    assert call.get(path).json()["code"] == "20000"


def test_activity_is_kept_for_ninety_days(vendor, call) -> None:
    now = vendor.control.now()
    fine, late = (f"{now - timedelta(days=d):%Y-%m-%d}" for d in (90, 91))
    assert call.get(f"/v1/auditrecords?startDate={fine}").status_code == 200
    assert call.get(f"/v1/auditrecords?startDate={late}").status_code == 400
    other = f"{now - timedelta(days=3):%m/%d/%Y} 12:00:00 AM"
    answer = call.get("/v1/auditrecords", params={"startDate": other})
    assert answer.status_code == 200


# Changes (B07, B32 to B39)


def test_partial_patch_silently_drops_renewal_and_schedule(vendor, call) -> None:
    made = vendor.control.act("new_subscription", quantity=5)
    vendor.control.act(
        "schedule_next_term", subscription=made["subscription"], quantity=3
    )
    path, before = call.sub(made)
    assert before["scheduledNextTermInstructions"]["quantity"] == 3
    answer = call("PATCH", path, json={"friendlyName": "Mail"})
    assert answer.status_code == 200
    after = answer.json()
    assert after["autoRenewEnabled"] is False
    assert "scheduledNextTermInstructions" not in after


def test_seats_go_back_inside_their_week_only(vendor, call) -> None:
    made = vendor.control.act("new_subscription", quantity=5)
    vendor.control.advance(5 * DAY)
    call.sign_in()
    path, body = call.sub(made)
    assert call("PATCH", path, json={**body, "quantity": 8}).status_code == 200
    vendor.control.advance(3 * DAY)
    call.sign_in()
    _, body = call.sub(made)
    assert body["refundableQuantity"]["totalQuantity"] == 3
    assert call("PATCH", path, json={**body, "quantity": 6}).status_code == 200
    refused = call("PATCH", path, json={**body, "quantity": 4})
    assert refused.status_code == 400
    assert refused.json()["code"] == 800090, "a number here, text elsewhere"
    assert refused.json()["source"] == "PartnerFD"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"quantity": 0}, "900275"),
        ({"quantity": 301}, "900275"),
        ({"billingCycle": "annual"}, "800097"),
        ({"status": "expired"}, "800096"),
    ],
)
def test_forbidden_changes_of_new_commerce(vendor, call, change, code) -> None:
    made = vendor.control.act("new_subscription", quantity=5)
    path, body = call.sub(made)
    refused = call("PATCH", path, json={**body, **change})
    assert (refused.status_code, str(refused.json()["code"])) == (400, code)
    assert call.sub(made)[1] == body


def test_legacy_rules_and_etags(vendor, call) -> None:
    made = vendor.control.act("new_legacy", quantity=5)
    path, body = call.sub(made)
    stale = body["attributes"]["etag"]
    answer = call("PATCH", path, json={**body, "quantity": 2})
    assert answer.json()["Quantity"] == 2, "legacy answers come in PascalCase"
    refused = call("PATCH", path, json={**body, "quantity": 9})
    assert refused.json()["code"] == "2055"
    _, body = call.sub(made)
    assert body["attributes"]["etag"] != stale
    refused = call("PATCH", path, json={**body, "billingCycle": "annual"})
    assert refused.json()["code"] == "2054"
    refused = call("PATCH", path, json={**body, "status": "deleted"})
    assert refused.json()["code"] == "800040"


def test_suspend_resume_and_cancel(vendor, call) -> None:
    made = vendor.control.act("new_subscription", quantity=5)
    path, body = call.sub(made)
    suspended = call("PATCH", path, json={**body, "status": "suspended"}).json()
    assert (suspended["status"], suspended["autoRenewEnabled"]) == ("suspended", False)
    assert "refundableQuantity" not in suspended
    refused = call("PATCH", path, json={**suspended, "quantity": 6})
    assert refused.json()["code"] == "800091"
    resumed = call("PATCH", path, json={**suspended, "status": "active"}).json()
    assert resumed["autoRenewEnabled"] is False, "resuming restores nothing"
    gone = call("PATCH", path, json={**resumed, "status": "deleted"}).json()
    assert gone["status"] == "deleted"
    refused = call("PATCH", path, json={**gone, "quantity": 6})
    assert refused.json()["code"] == "2011"


def test_cancel_window_closes_after_seven_days(vendor, call) -> None:
    made = vendor.control.act("new_subscription", quantity=5)
    vendor.control.advance(8 * DAY)
    call.sign_in()
    path, body = call.sub(made)
    assert "cancellationAllowedUntilDate" not in body
    refused = call("PATCH", path, json={**body, "status": "deleted"})
    assert refused.json()["code"] == "900117"


def test_request_id_makes_a_repeat_harmless(vendor, call) -> None:
    made = vendor.control.act("new_subscription", quantity=5)
    path, body = call.sub(made)
    header = {"MS-RequestId": str(uuid.uuid4())}
    first = call("PATCH", path, json={**body, "quantity": 6}, headers=header)
    again = call("PATCH", path, json={**body, "quantity": 6}, headers=header)
    assert again.json() == first.json()
    other = call("PATCH", path, json={**body, "quantity": 7}, headers=header)
    assert other.json()["code"] == "800002"
    assert call.sub(made)[1]["quantity"] == 6


def test_renewal_night_refuses_changes(vendor, call) -> None:
    made = vendor.control.act("new_subscription", quantity=5, term="P1M")
    sub = vendor.sim.book.customer(made["customer"], vendor.control.now()).subs[
        made["subscription"]
    ]
    vendor.control.set_clock(sub.term_end)
    call.sign_in()
    path, body = call.sub(made)
    refused = call("PATCH", path, json={**body, "quantity": 6})
    assert (refused.status_code, refused.json()["code"]) == (409, "800082")
    vendor.control.advance(DAY)
    call.sign_in()
    _, after = call.sub(made)
    assert after["effectiveStartDate"] > body["effectiveStartDate"]
    assert call("PATCH", path, json={**after, "quantity": 6}).status_code == 200


# Throttling (B49), scale, determinism


def test_documented_quota_is_the_real_profile() -> None:
    quota = MicrosoftSimulator.quotas["real"]["tenant"]
    assert (quota.limit, quota.window, quota.count_refused) == (500, 60.0, True)


def test_throttling_counts_every_call_of_the_tenant(vendor) -> None:
    quota = Quota(limit=5, window=60.0, count_refused=True)
    vendor.sim.throttle = Throttle({"tenant": quota})
    call = Caller(vendor)
    answers = [call.get("/v1/customers?size=1") for _ in range(8)]
    assert [a.status_code for a in answers] == [200] * 5 + [429] * 3
    assert answers[5].json()["statusCode"] == 429
    wait = int(answers[5].headers["Retry-After"])
    assert 1 <= wait <= 60
    assert f"Try again in {wait} seconds" in answers[5].json()["message"]
    path = "/v1/products?country=US&targetView=OnlineServices"
    assert call.get(path).status_code == 200, "the catalogue has no such quota"
    call.session.close()


def test_validation_events_are_two_a_minute(start) -> None:
    vendor = start(quota="real")
    call = Caller(vendor)
    body = {"WebhookUrl": "https://hub.example/x", "WebhookEvents": ["test-created"]}
    assert call("POST", "/webhooks/v1/registration", json=body).status_code == 200
    assert call("POST", "/webhooks/v1/registration", json=body).status_code == 409
    path = "/webhooks/v1/registration/validationEvents"
    codes = [call("POST", path).status_code for _ in range(3)]
    assert codes == [200, 200, 429]
    call.session.close()


def test_same_seed_same_tenant() -> None:
    options = {"start": EPOCH, "frozen": True, "customers": 20}
    one, same, other = (
        build_simulator(Options(seed=seed, **options)).export_seed()
        for seed in (4, 4, 5)
    )
    assert one == same
    assert one.customers != other.customers


def test_scale_is_exact_and_lazy() -> None:
    options = Options(start=EPOCH, customers=100_000, subscriptions=1_000_000)
    book = build_simulator(options).book
    assert book.generator.total == 1_000_000
    assert sum(book.generator.size_of(n) for n in range(1000)) == 10_000
    for index in (0, 54_321, 99_999):
        customer_id = book.generator.customer_id(index)
        assert book.generator.index_of(customer_id) == index
        assert len(book.customer(customer_id, EPOCH).subs) == book.generator.size_of(
            index
        )
    assert book.generator.index_of(str(uuid.uuid4())) is None


def test_generated_mix_is_plausible() -> None:
    seed = build_simulator(Options(start=EPOCH, frozen=True)).export_seed()
    subs = seed.subscriptions
    assert len(seed.customers) == 200
    assert len(subs) == 1500
    share = {
        "legacy": sum(":" not in s.sku for s in subs),
        "trial": sum(s.status == "trial" for s in subs),
        "suspended": sum(s.status == "suspended" for s in subs),
        "child": sum(bool(s.parent_vendor_id) for s in subs),
        "upfront": sum(s.billing_cycle == "annual" for s in subs),
        "monthly": sum(s.term == "P1M" for s in subs),
    }
    assert all(15 <= count <= 700 for count in share.values()), share
    ids = {c.vendor_id for c in seed.customers}
    assert {s.customer_vendor_id for s in subs} <= ids
    priced = {(o.sku, o.term, o.billing_cycle) for o in seed.offers}
    paid = [s for s in subs if s.billed and s.term]
    assert {(s.sku, s.term, s.billing_cycle) for s in paid} <= priced


def test_actions_that_cannot_be_say_why(vendor) -> None:
    with pytest.raises(ControlError, match="has no plan P5Y/monthly"):
        vendor.control.act("new_subscription", term="P5Y")
    made = vendor.control.act("new_subscription")
    with pytest.raises(ControlError, match="must be between 1 and 300"):
        vendor.control.act(
            "set_quantity", subscription=made["subscription"], quantity=999
        )
    with pytest.raises(ControlError, match="no subscription nope"):
        vendor.control.act("suspend", subscription="nope")


def test_renamed_customer_shows_everywhere(vendor, call) -> None:
    done = vendor.control.act("rename_customer", name="Fresh Name Ltd")
    listed = call.get("/v1/customers").json()["items"]
    assert "Fresh Name Ltd" in [i["companyProfile"]["companyName"] for i in listed]
    path = f"/v1/customers/{done['customer']}"
    assert call.get(path).json()["companyProfile"]["companyName"] == "Fresh Name Ltd"
