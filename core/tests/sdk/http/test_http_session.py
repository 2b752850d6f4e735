"""What plugin authors use: bound sessions, bodies, signing, ids, tools."""

from __future__ import annotations

import logging
import re
import threading
import time
from decimal import Decimal

import msgspec
import pytest
import responses
from entrepot.sdk.egress import EgressPolicy
from entrepot.sdk.errors import AuthRequired, Retryable
from entrepot.sdk.http import BearerAuth, parse_json, prefetch
from entrepot.sdk.http.trace import traceparent
from entrepot.sdk.recording import Recorder, read_cassette
from entrepot.sdk.redaction import RedactingFilter, RedactingProcessor, Redactor

BASE = "https://api.vendor.test/v1"


@pytest.fixture
def mocked():
    with responses.RequestsMock() as mock:
        yield mock


@pytest.fixture
def session(make_session):
    return make_session(hosts=("api.vendor.test",)).bound(base_url=BASE)


def test_session_works_with_the_responses_library(session, mocked):
    mocked.get(f"{BASE}/things", json={"items": [1]})
    answer = session.get("/things", params={"size": 5, "skip": None, "f": ["a", "b"]})
    assert answer.json() == {"items": [1]}
    assert mocked.calls[0].request.url == f"{BASE}/things?size=5&f=a&f=b"


def test_session_numbers_are_exact_both_ways(session, mocked):
    mocked.post(f"{BASE}/p", body='{"price": 26.5680, "n": 12345678901234.56}')
    answer = session.post("p", json={"amount": Decimal("0.10")}).json()
    assert mocked.calls[0].request.body == b'{"amount":0.10}'
    assert str(answer["price"]) == "26.5680"
    assert answer["n"] == Decimal("12345678901234.56")


def test_session_decodes_into_types_and_reports_unreadable_bodies(session, mocked):
    class Thing(msgspec.Struct):
        price: Decimal

    decoder = msgspec.json.Decoder(Thing)
    mocked.get(f"{BASE}/a", body=b'{"price": 1.10}')
    mocked.get(f"{BASE}/b", body=b'{"price": "secretvalue"}')
    assert session.get("a").decode(decoder).price == Decimal("1.10")
    with pytest.raises(Retryable) as caught:
        session.get("b").decode(decoder)
    assert "secretvalue" not in caught.value.info.detail


@pytest.mark.parametrize("text", [b"{", b"NaN", b'{"a": Infinity}', b"\xff"])
def test_parse_json_refuses_what_is_not_json(text):
    with pytest.raises(ValueError):
        parse_json(text)


def test_parse_json_takes_a_byte_order_mark():
    assert parse_json(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}


def test_session_form_bodies(session, mocked):
    mocked.post(f"{BASE}/token", json={})
    session.post("token", form={"grant_type": "x", "scope": "a b"})
    request = mocked.calls[0].request
    assert request.body == b"grant_type=x&scope=a+b"
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"


def test_session_renews_a_refused_token_once(session, mocked):
    tokens, asked = ["old", "new"], []

    def token(renew):
        asked.append(renew)
        if renew:
            tokens.pop(0)
        return tokens[0]

    mocked.get(f"{BASE}/x", status=401)
    mocked.get(f"{BASE}/x", json={})
    session.bound(auth=BearerAuth(token)).get("x")
    sent = [call.request.headers["Authorization"] for call in mocked.calls]
    assert sent == ["Bearer old", "Bearer new"]


def test_session_gives_up_when_the_new_token_is_refused_too(session, mocked):
    mocked.get(f"{BASE}/x", status=401)
    with pytest.raises(AuthRequired):
        session.bound(auth=BearerAuth(lambda renew: "t")).get("x")
    assert len(mocked.calls) == 2


def test_session_sends_ids_that_find_the_call_again(session, mocked):
    mocked.get(f"{BASE}/x", json={}, headers={"X-Vendor-Id": "v-1"})
    bound = session.bound(
        correlation_id="0b6b6a2e-1111-4222-8333-123456789abc",
        correlation_header="X-Correlation",
        request_id_headers=("X-Vendor-Id",),
    )
    first, second = bound.get("x"), bound.get("x")
    sent = [call.request.headers for call in mocked.calls]
    assert first.correlation_id == sent[0]["X-Correlation"]
    assert first.correlation_id != second.correlation_id
    assert first.request_id == "v-1"
    pattern = r"00-0b6b6a2e111142228333123456789abc-[0-9a-f]{16}-01"
    assert re.fullmatch(pattern, sent[0]["traceparent"])
    assert sent[0]["traceparent"] != sent[1]["traceparent"]


def test_traceparent_of_any_text_is_valid_and_stable():
    first, second = traceparent("run:17"), traceparent("run:17")
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", first)
    assert first.split("-")[1] == second.split("-")[1]
    assert traceparent("0" * 32).split("-")[1] != "0" * 32


def test_session_bound_views_share_pool_and_do_not_leak_defaults(session, mocked):
    mocked.get(f"{BASE}/x", json={})
    a = session.bound(headers={"A": "1"})
    b = a.bound(headers={"B": "2"})
    b.get("x")
    session.get("x")
    assert {"A": "1", "B": "2"}.items() <= dict(mocked.calls[0].request.headers).items()
    assert "A" not in mocked.calls[1].request.headers
    assert a.stats is session.stats


def test_session_bound_base_keeps_its_path(make_session, mocked):
    mocked.get("https://api.vendor.test/base/3.0/x", json={})
    session = make_session(hosts=("api.vendor.test",))
    session.bound(base_url="https://api.vendor.test/base/3.0").get("/x")
    session.bound(base_url="https://api.vendor.test/base/3.0/").get("x")


def test_session_hides_secrets_in_repr(session):
    bound = session.bound(headers={"Authorization": "Bearer abcdef"})
    call = bound._call("POST", "x", {"body": b"pw=hunter22"})
    assert "hunter22" not in repr(call)
    assert "abcdef" not in repr(bound)


def test_recording_holds_no_secret(make_session, mocked, tmp_path):
    redactor = Redactor(["tenant-secret-1"])
    cassette = tmp_path / "c" / "one.json"
    session = make_session(
        hosts=("api.vendor.test",), recorder=Recorder(cassette, redactor)
    )
    mocked.post(
        f"{BASE}/token",
        body='{"access_token": "eyJ.very.secret", "price": 1.10,'
        ' "note": "tenant-secret-1"}',
        content_type="application/json",
    )
    session.post(
        f"{BASE}/token?api_key=planted-one&page=2",
        form={"client_secret": "planted-two", "user": "u"},
        headers={"Authorization": "Basic cGxhbnRlZC10aHJlZQ=="},
    )
    text = cassette.read_text()
    for planted in (
        "eyJ.very",
        "tenant-secret",
        "planted-one",
        "planted-two",
        "cGxhbnRlZ",
    ):
        assert planted not in text
    exchange = read_cassette(cassette)[0]
    assert exchange["response"]["body"]["price"] == "1.10"
    assert "page=2" in exchange["request"]["url"]
    assert exchange["request"]["body"]["user"] == "u"


def test_read_cassette_refuses_other_files(tmp_path):
    path = tmp_path / "x.json"
    path.write_text("[]")
    with pytest.raises(ValueError):
        read_cassette(path)


def test_prefetch_runs_ahead_but_not_further_than_asked():
    fetched = []

    def pages():
        for number in range(20):
            fetched.append(number)
            yield number

    with prefetch(pages(), depth=3) as ahead:
        assert next(ahead) == 0
        deadline = time.monotonic() + 2
        while len(fetched) < 5 and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.05)
        assert len(fetched) == 5  # one taken, three waiting, one in hand
        assert list(ahead) == list(range(1, 20))


def test_prefetch_raises_where_the_page_would_have_come():
    def pages():
        yield 1
        raise Retryable("x", "broken")

    with prefetch(pages()) as ahead:
        assert next(ahead) == 1
        with pytest.raises(Retryable):
            next(ahead)


def test_prefetch_stops_its_thread_when_left_early():
    def pages():
        number = 0
        while True:
            number += 1
            yield number

    with prefetch(pages(), depth=1) as ahead:
        next(ahead)
    assert not [t for t in threading.enumerate() if t.name == "prefetch"]


def test_redactor_knows_values_in_all_their_spellings():
    redactor = Redactor(["p@ss wörd/1"])
    for text in (
        "p@ss wörd/1",
        "p%40ss%20w%C3%B6rd%2F1",
        "p%40ss+w%C3%B6rd%2F1",
        "cEBzcyB3w7ZyZC8x",
    ):
        assert redactor.text(f"a {text} b") == "a [redacted] b"


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer planted.secret.value",
        "client_secret=planted-secret&x=1",
        '{"refresh_token": "planted-secret"}',
        "password: planted-secret",
        "{'private_key': 'planted-secret'}",
    ],
)
def test_redactor_cleans_unknown_secrets_by_name(text):
    assert "planted" not in Redactor().text(text)


def test_redactor_leaves_harmless_text_alone():
    redactor = Redactor(["abc", "longsecret"])
    for text in (
        "abc",
        "token_type=Bearer",
        "Retry-After: 30",
        "5 tokens left",
        "nextToken=aGVsbG8",
    ):
        assert redactor.text(text) == text
    data = {"token_type": "x", "n": 1, "ok": True, "nested": [{"password": "geheim"}]}
    assert redactor.data(data) == {
        "token_type": "x",
        "n": 1,
        "ok": True,
        "nested": [{"password": "[redacted]"}],
    }


def test_logging_filter_cleans_messages_and_tracebacks(caplog):
    redactor = Redactor(["planted-secret"])
    logger = logging.getLogger("entrepot.test.redaction")
    logger.addFilter(RedactingFilter(redactor))
    try:
        raise ValueError("planted-secret in error")
    except ValueError:
        logger.exception("failed with %s", "planted-secret")
    assert "planted-secret" not in caplog.text
    assert "ValueError" in caplog.text


def test_structlog_processor_cleans_values():
    processor = RedactingProcessor(Redactor(["planted-secret"]))
    event = processor(None, "info", {"event": "x planted-secret", "password": "pw12"})
    assert event == {"event": "x [redacted]", "password": "[redacted]"}


def test_session_log_holds_no_query(make_session, server, caplog):
    server.script = [("reset",), ("answer",)]
    with caplog.at_level(logging.INFO, "entrepot.http"):
        make_session().get(server.url + "/x?key=planted-secret")
    assert "connection_lost" in caplog.text
    assert "planted-secret" not in "".join(
        r.getMessage() for r in caplog.records if r.name.startswith("entrepot")
    )


def test_errors_carry_no_query_even_in_their_context(make_session):
    guard = EgressPolicy(hosts=("x.test",), resolver=lambda *_: ["10.0.0.1"])
    session = make_session(egress=guard)
    with pytest.raises(Exception) as caught:
        session.get("https://x.test/a?key=planted-secret")
    assert "planted-secret" not in str(caught.value)
