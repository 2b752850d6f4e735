"""Client, hosts, errors and mapping without a server."""

from __future__ import annotations

import base64
import json
from datetime import date
from decimal import Decimal

import msgspec
import pytest
import responses
from entrepot.sdk import queries as ask
from entrepot.sdk.errors import (
    AuthRequired,
    ConfigInvalid,
    Conflict,
    NotFound,
    Rejected,
)
from entrepot.sdk.http import HttpResponse
from entrepot.sdk.model import AgreementStatus, BillCustomer, BillingCycle
from entrepot_connectwise import mapping, wire
from entrepot_connectwise.client import condition_text
from entrepot_connectwise.errors import error_for, right_for
from entrepot_connectwise.hosts import parse_site
from entrepot_connectwise.plugin import plugin
from entrepot_connectwise.simulator.grammar import parse
from hypothesis import given
from hypothesis import strategies as st

BASE = "http://127.0.0.1:8"
INFO = {
    "CompanyName": "Reseller",
    "Codebase": "v2026_4/",
    "VersionCode": "v2026.4",
    "IsCloud": "True",
}
API = f"{BASE}/v2026_4/apis/3.0"


@pytest.fixture
def mocked():
    with responses.RequestsMock() as mock:
        mock.get(f"{BASE}/login/companyinfo/entrepot", json=INFO)
        yield mock


def test_calls_are_signed_pinned_and_identified(mocked, context_for):
    mocked.get(f"{API}/company/contacts", json=[], headers={"Link": ""})
    ctx = context_for(BASE, client_id="the-client", api_version="2025.1")
    assert plugin.list_contacts(ctx, ask.ListContacts()).records() == []
    discovery, call = [one.request for one in mocked.calls]
    assert "Authorization" not in discovery.headers
    user = base64.b64decode(call.headers["Authorization"].split()[1]).decode()
    assert user == "entrepot+entrepotPublic:entrepotPrivate"
    assert call.headers["clientId"] == "the-client"
    assert call.headers["pagination-type"] == "forward-only"
    accept = "application/vnd.connectwise.com+json; version=2025.1"
    assert call.headers["Accept"] == accept


def test_discovery_happens_once_per_connection(mocked, context_for):
    ctx = context_for(BASE)
    link = f'<{API}/company/contacts?pageSize=1000&pageId=5>; rel="next"'
    first = [{"id": 5, "company": {"id": 1}}]
    mocked.get(f"{API}/company/contacts", json=first, headers={"Link": link})
    mocked.get(f"{API}/company/contacts", json=[], headers={"Link": ""})
    mocked.get(f"{API}/company/contacts/count", json={"count": 1})
    page = plugin.list_contacts(ctx, ask.ListContacts())
    assert page.next_cursor == "5.1"
    last = plugin.list_contacts(ctx, ask.ListContacts(cursor=page.next_cursor))
    assert last.next_cursor is None
    assert last.complete
    assert [c.request.url for c in mocked.calls if "companyinfo" in c.request.url] == [
        f"{BASE}/login/companyinfo/entrepot"
    ]


def test_an_unroutable_release_is_asked_for_again(mocked, context_for):
    ctx = context_for(BASE)
    plain = "Cannot route. Codebase/company is invalid"
    mocked.get(f"{API}/company/contacts", body=plain, status=400)
    newer = {**INFO, "Codebase": "v2026_5/"}
    mocked.get(f"{BASE}/login/companyinfo/entrepot", json=newer)
    fresh = f"{BASE}/v2026_5/apis/3.0/company/contacts"
    mocked.get(fresh, json=[], headers={"Link": ""})
    ctx.runtime.codebase.value = "v2026_4/"
    ctx.runtime.codebase.fetched_at = -1000.0
    mocked.remove(responses.GET, f"{BASE}/login/companyinfo/entrepot")
    mocked.get(f"{BASE}/login/companyinfo/entrepot", json=newer)
    assert plugin.list_contacts(ctx, ask.ListContacts()).records() == []


def test_amounts_keep_all_their_digits(mocked, context_for):
    text = b'[{"id":1,"identifier":"X","price":26.5680,"cost":12345678901234.5678}]'
    mocked.get(f"{API}/procurement/catalog", body=text, headers={"Link": ""})
    ctx = context_for(BASE)
    (product,) = plugin.list_products(ctx, ask.ListProducts()).records()
    assert product.price == Decimal("26.5680")
    assert product.cost == Decimal("12345678901234.5678")


CLOUD = ".myconnectwise.net"


@pytest.mark.parametrize(
    ("text", "api", "ui", "cloud"),
    [
        (f"na{CLOUD}", f"https://api-na{CLOUD}", f"https://na{CLOUD}", True),
        (f"https://EU{CLOUD}/x/", f"https://api-eu{CLOUD}", f"https://eu{CLOUD}", True),
        (
            f"api-au{CLOUD}/v1/apis",
            f"https://api-au{CLOUD}",
            f"https://au{CLOUD}",
            True,
        ),
        (
            "staging.connectwisedev.com",
            "https://api-staging.connectwisedev.com",
            "https://staging.connectwisedev.com",
            True,
        ),
        (" psa.x.example/ ", "https://psa.x.example", "https://psa.x.example", False),
        ("http://127.0.0.1:80", "http://127.0.0.1:80", "http://127.0.0.1:80", False),
    ],
)
def test_sites_are_read_however_they_are_pasted(text, api, ui, cloud):
    site = parse_site(text)
    assert (site.api_root, site.ui_root, site.cloud) == (api, ui, cloud)


@pytest.mark.parametrize("text", ["", "   ", "https://", "ftp://x", "two words"])
def test_sites_that_are_none_are_refused(text, context_for):
    with pytest.raises(ConfigInvalid) as caught:
        context_for(text)
    assert caught.value.info.field == "site"


def test_the_company_is_required(context_for):
    with pytest.raises(ConfigInvalid) as caught:
        context_for(BASE, company=" ")
    assert caught.value.info.field == "company"


@given(st.text(max_size=40))
def test_condition_texts_are_read_back_exactly(text):
    assert parse(f"name={condition_text(text)}").values == (text,)


def answer(status, body, method="GET", path="company/companies"):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return HttpResponse(
        status=status, headers={}, content=data, url=f"{API}/{path}", method=method
    )


def invalid(code, field):
    return {"code": "InvalidObject", "errors": [{"code": code, "field": field}]}


SSL = {"code": "Security", "message": "SSL is required.", "errors": None}
UNKNOWN_NAME = {"code": "ApiFindCondition", "message": "x is not a recognized name."}


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (
            400,
            b"Cannot route. Codebase/company is invalid",
            ConfigInvalid,
            "cannot_route",
        ),
        (400, UNKNOWN_NAME, Rejected, "ApiFindCondition"),
        (400, b"<html>nonsense", Rejected, "bad_request"),
        (400, invalid("OutOfRange", "yearEstablished"), Rejected, "OutOfRange"),
        (400, invalid("ObjectExists", "identifier"), Conflict, "ObjectExists"),
        (401, {"code": "Unauthorized"}, AuthRequired, "credentials_refused"),
        (401, b"", AuthRequired, "credentials_refused"),
        (403, SSL, ConfigInvalid, "wrong_host"),
        (403, {"message": "clientId missing"}, ConfigInvalid, "client_id_refused"),
        (403, {"message": "no"}, ConfigInvalid, "role_missing"),
        (404, b"", NotFound, "not_found"),
        (409, {"code": "Conflict", "message": "in use"}, Conflict, "Conflict"),
    ],
)
def test_every_shape_of_refusal_is_understood(status, body, kind, code):
    error = error_for(answer(status, body))
    assert isinstance(error, kind)
    assert error.code == code
    assert error.user_message.endswith(".")


def test_a_forbidden_change_parks_nothing():
    error = error_for(answer(403, {"message": "no"}, method="PATCH"))
    assert isinstance(error, Rejected)
    assert error.code == "role_missing"


@pytest.mark.parametrize("status", [500, 502, 405, 415])
def test_other_statuses_get_the_usual_reading(status):
    assert error_for(answer(status, b"<html>Timeout</html>")) is None


def test_rights_are_named_as_on_their_screens():
    assert right_for(f"{API}/finance/agreements/1/additions") == "Finance > Agreements"
    assert right_for("procurement/catalog") == "Procurement > Product Catalog"
    assert right_for("elsewhere") == "this part"


# Mapping

RULES = mapping.CompanyRules(
    inactive_statuses=frozenset({2}), other_types=frozenset({3}), reference_field="Ref"
)


def company(**values):
    data = json.dumps({"id": 1, "name": "X", **values}).encode()
    return mapping.company(msgspec.json.decode(data, type=wire.Company), RULES)


@pytest.mark.parametrize(
    ("values", "active", "customer"),
    [
        ({}, True, True),
        ({"status": {"id": 2, "name": "Closed"}}, False, True),
        ({"deletedFlag": True}, False, True),
        ({"types": [{"id": 3}]}, True, False),
        ({"types": [{"id": 3}, {"id": 4}]}, True, True),
        ({"isVendorFlag": True}, True, False),
    ],
)
def test_company_states(values, active, customer):
    found = company(**values)
    assert (found.active, found.is_customer) == (active, customer)


@pytest.mark.parametrize(
    ("website", "mail", "domains"),
    [
        ("https://www.Contoso.com/x?y", "", ("contoso.com",)),
        ("contoso.com", "ap@contoso.com", ("contoso.com",)),
        ("n/a", "owner@gmail.com", ()),
        ("http://[broken", "x@contoso.com", ("contoso.com",)),
        (None, None, ()),
    ],
)
def test_domains_without_free_mail(website, mail, domains):
    found = company(website=website, invoiceToEmailAddress=mail)
    assert found.domains == domains


def test_references_survive_pasted_zero_width_characters():
    field = {"id": 9, "caption": "REF", "value": "\u200bcloud:a:b ,Other:2"}
    found = company(customFields=[field])
    assert found.external_ids == (("cloud", "a:b"), ("other", "2"))


def test_unknown_words_of_the_vendor_stay_visible():
    record = wire.Agreement(id=1, agreement_status="Paused", period_type="Sometimes")
    found = mapping.agreement(record, mapping.Setup(), "derive")
    assert found.status is AgreementStatus.UNKNOWN
    assert found.vendor_status == "Paused"
    assert found.billing_cycle is BillingCycle.UNKNOWN
    line = mapping.line(
        wire.Addition(id=1, bill_customer="Perhaps"),
        mapping.LineOwner(agreement_id="1", company_id="2", currency="EUR"),
        "",
    )
    assert line.bill is BillCustomer.UNKNOWN
    assert line.attributes["bill_customer"] == "Perhaps"
    assert line.unit_price is None
    with pytest.raises(ValueError, match="unknown"):
        mapping.bill_word(BillCustomer.UNKNOWN)


def test_cancelled_agreements_end_on_their_day():
    record = wire.Agreement(
        id=1,
        no_ending_date_flag=True,
        cancelled_flag=True,
        date_cancelled="2026-05-31T00:00:00Z",
    )
    found = mapping.agreement(record, mapping.Setup(), "derive")
    assert found.end == date(2026, 5, 31)


def test_tokens_move_with_any_mapped_change():
    info = wire.Info(last_updated="2026-06-20T00:00:00Z")
    first = mapping.change_token(wire.Addition(id=1, quantity=Decimal(1), info=info))
    second = mapping.change_token(wire.Addition(id=1, quantity=Decimal(2), info=info))
    assert first != second


def test_bundles_and_self_changing_products_are_marked():
    bundle = mapping.product(wire.CatalogItem(id=1, product_class="Bundle"))
    assert not bundle.usable_on_lines
    moving = mapping.product(
        wire.CatalogItem(id=2, auto_update_unit_price_flag=True, inactive_flag=True)
    )
    assert moving.attributes["rewrites_lines"] == "True"
    assert not moving.active
