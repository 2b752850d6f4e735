"""The client against recorded shapes of answers, without a server."""

from __future__ import annotations

import json

import pytest
import responses
from entrepot.sdk.egress import EgressPolicy
from entrepot.sdk.errors import (
    AuthRequired,
    ConfigInvalid,
    Conflict,
    EntrepotError,
    NotFound,
    RateLimited,
    Rejected,
    Retryable,
)
from entrepot.sdk.http import HttpPolicy, HttpSession, Transport
from entrepot_microsoft.client import Client
from entrepot_microsoft.errors import read_fault
from entrepot_microsoft.settings import HOST_PATTERNS, MicrosoftSettings

API = "https://api.partnercenter.microsoft.com"
CUSTOMER = f"{API}/v1/customers/c1"


class Signed:
    """Stands for a sign-in that always works."""

    def headers(self):
        return {"Authorization": "Bearer t"}

    def refused(self, response):
        return False


@pytest.fixture
def client():
    settings = MicrosoftSettings(
        tenant_id="7d5a1f0e-53a1-4c1e-9a62-3f5b0a0c1d2e",
        client_id="1b730954-1685-4b74-9bfd-dac224a7b894",
    )
    policy = HttpPolicy(attempts=2, backoff_first=0.01, wait_inside=1.0)
    http = HttpSession(Transport(EgressPolicy(hosts=HOST_PATTERNS), policy))
    yield Client(http, settings, Signed(), Signed())
    http.close()


@pytest.fixture
def api():
    with responses.RequestsMock() as mock:
        yield mock


# One body per variant of reference §1.7
A = {"code": "20002", "description": "d", "data": [], "source": "PartnerFD"}
B = {
    "code": 900150,
    "message": "m",
    "description": "d",
    "errorName": "E",
    "isRetryable": False,
    "parameters": {},
    "errorMessageExtended": "InternalErrorCode=900150",
}
D = {"message": "The request is invalid."}


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (403, A, NotFound, "20002"),
        (403, {**A, "code": 20002}, NotFound, "20002"),
        (403, B, AuthRequired, "900150"),
        (403, {"Code": "900329", "Description": "d"}, ConfigInvalid, "900329"),
        (400, D, Rejected, "http_400"),
        (400, {"code": 800090, "description": "d"}, Rejected, "800090"),
        (401, {"code": "800001"}, AuthRequired, "800001"),
        (401, {"code": "10001"}, AuthRequired, "10001"),
        (401, {"code": "900420"}, ConfigInvalid, "900420"),
        (404, {"code": "60003"}, NotFound, "60003"),
        (404, "", NotFound, "http_404"),
        (409, {"code": "800082"}, Conflict, "800082"),
        (500, {"code": "900192"}, Retryable, "http_500"),
        (503, "<html>The service is unavailable.</html>", Retryable, "http_503"),
    ],
)
def test_every_error_shape_has_its_reaction(
    client, api, status, body, kind, code
) -> None:
    text = body if isinstance(body, str) else json.dumps(body)
    api.add(responses.GET, CUSTOMER, body=text, status=status)
    with pytest.raises(EntrepotError) as caught:
        client.customer("c1")
    assert type(caught.value) is kind
    assert caught.value.code == code


def test_gateway_throttling_is_read_from_its_text(client, api) -> None:
    body = {
        "statusCode": 429,
        "message": "Rate limit is exceeded. Try again in 57 seconds.",
    }
    api.add(responses.GET, CUSTOMER, json=body, status=429)
    with pytest.raises(RateLimited) as caught:
        client.customer("c1")
    assert caught.value.after == 57


def test_conflict_of_a_renewal_names_the_wait(client, api) -> None:
    api.add(responses.GET, CUSTOMER, json={"code": "800082"}, status=409)
    with pytest.raises(Conflict) as caught:
        client.customer("c1")
    assert caught.value.after == 120


def test_error_inside_a_success(client, api) -> None:
    body = {"code": "400072", "description": "gone"}
    api.add(responses.GET, f"{API}/v1/products/P/skus", json=body)
    with pytest.raises(NotFound, match="not available any more"):
        client.skus("P")


@pytest.mark.parametrize("body", ['{"id":"c1","comp', "<html></html>", '{"noId":1}'])
def test_unreadable_success_is_a_passing_fault(client, api, body) -> None:
    api.add(responses.GET, CUSTOMER, body=body)
    with pytest.raises(Retryable) as caught:
        client.customer("c1")
    assert caught.value.code == "answer_unreadable"


def test_request_id_stays_for_repeats_and_changes_between_calls(client, api) -> None:
    api.add(responses.GET, CUSTOMER, status=503)
    api.add(responses.GET, CUSTOMER, json={"id": "c1"})
    client.customer("c1")
    client.customer("c1")
    sent = [call.request.headers["MS-RequestId"] for call in api.calls]
    assert sent[0] == sent[1] != sent[2]
    headers = api.calls[0].request.headers
    assert headers["MS-Contract-Version"] == "v1"
    assert headers["X-Locale"] == "en-US"
    assert headers["MS-CorrelationId"]


def test_vendor_ids_reach_the_error_cut_in_two(client, api) -> None:
    api.add(
        responses.GET,
        f"{API}/v1/products/P/skus",
        json={"code": "400013"},
        status=404,
        headers={"MS-RequestId": "aaaa,aaaa"},
    )
    with pytest.raises(NotFound) as caught:
        client.skus("P")
    assert caught.value.info.vendor_request_id == "aaaa"


def test_tokens_are_taken_from_body_or_link(client, api) -> None:
    token = "g,g_a/b+c=,g"
    link = {"next": {"headers": [{"key": "MS-ContinuationToken", "value": token}]}}
    url = f"{API}/v1/auditrecords"
    api.add(responses.GET, url, json={"items": [], "continuationToken": token})
    api.add(responses.GET, url, json={"items": [], "links": link})
    api.add(responses.GET, url, json={"items": []})
    assert client.audit("2026-03-18", "2026-03-18", None).token == token
    assert client.audit("2026-03-18", "2026-03-18", None).token == token
    assert client.audit("2026-03-18", "2026-03-18", token).token is None
    sent = api.calls[2].request
    assert sent.headers["MS-ContinuationToken"] == token
    assert "seekOperation=Next" in sent.url


def test_listing_that_stands_still_is_noticed(client, api) -> None:
    url = f"{API}/v1/auditrecords"
    api.add(responses.GET, url, json={"items": [], "continuationToken": "same"})
    with pytest.raises(Retryable, match="same page twice"):
        client.audit("2026-03-18", "2026-03-18", "same")


def test_damaged_archive_is_a_passing_fault(client, api) -> None:
    url = (
        "https://api.partner.microsoft.com/v1.0/sales/"
        "pricesheets(Market='US',PricesheetView='software')/$value"
    )
    api.add(responses.GET, url, body=b"PK\x03\x04 broken")
    with pytest.raises(Retryable):
        client.price_sheet("US", "software")


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b"<html>", b'"text"', b"{"])
def test_odd_bodies_have_no_code(content) -> None:
    assert read_fault(content).code == ""
