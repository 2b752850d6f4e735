"""Faults of a real server over real sockets."""

from __future__ import annotations

import gzip
import socket
import time

import pytest
from entrepot.sdk.egress import EgressRefused
from entrepot.sdk.errors import (
    AuthRequired,
    Conflict,
    NotFound,
    OutcomeUnknown,
    Rejected,
    Retryable,
)
from entrepot.sdk.http import HttpPolicy

OK = ("answer",)
BUSY = ("answer", 503, b"{}")


@pytest.mark.parametrize(
    "fault",
    [("reset",), ("cut",), BUSY, ("answer", 200, b'{"items": [{"id":')],
    ids=["reset", "cut", "503", "broken json"],
)
@pytest.mark.parametrize("way", ["get", "raw_get"])
def test_http_read_survives_a_passing_fault(server, make_session, fault, way):
    server.script = [fault, fault, OK]
    session = make_session()
    assert getattr(session, way)(server.url + "/x").json() == {"ok": True}
    assert len(server.seen) == 3
    assert session.stats.repeated == 2


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (("reset",), "connection_lost"),
        (("cut",), "answer_truncated"),
        (BUSY, "http_503"),
        (("answer", 200, b'{"items": [{"id":'), "answer_unreadable"),
    ],
)
def test_http_read_gives_up_after_the_allowed_attempts(
    server, make_session, fault, code
):
    server.script = [fault]
    with pytest.raises(Retryable) as caught:
        make_session().get(server.url + "/x")
    assert caught.value.code == code
    assert len(server.seen) == HttpPolicy().attempts


@pytest.mark.parametrize("fault", [("reset",), ("cut",), BUSY, ("silence", 0.5)])
def test_http_write_without_key_is_sent_once_and_unknown(server, make_session, fault):
    server.script = [fault, OK]
    session = make_session(policy=HttpPolicy(read_timeout=0.2, backoff_first=0.01))
    with pytest.raises(OutcomeUnknown):
        session.post(server.url + "/orders", json={"n": 1})
    assert len(server.seen) == 1


@pytest.mark.parametrize("fault", [("reset",), ("cut",), BUSY])
def test_http_write_with_key_is_repeated_with_the_same_key(server, make_session, fault):
    server.script = [fault, OK]
    make_session().post(
        server.url + "/orders", json={"n": 1}, idempotency=("X-Key", "k-1")
    )
    assert [seen[2]["X-Key"] for seen in server.seen] == ["k-1", "k-1"]
    assert server.seen[0][3] == server.seen[1][3]


def test_http_write_with_key_ends_unknown_when_nothing_answers(server, make_session):
    server.script = [BUSY]
    with pytest.raises(OutcomeUnknown):
        make_session().post(server.url, json={}, idempotency=("X-Key", "k-1"))
    assert len(server.seen) == HttpPolicy().attempts


def test_http_write_that_never_left_is_retryable(make_session, free_port):
    with pytest.raises(Retryable) as caught:
        make_session().post(f"http://127.0.0.1:{free_port}/orders", json={})
    assert caught.value.code == "host_unreachable"


@pytest.fixture
def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.parametrize("way", ["get", "raw_get"])
def test_http_body_that_drips_is_given_up(server, make_session, way):
    server.script = [("drip", 50, 0.05)]
    policy = HttpPolicy(total_timeout=0.3, attempts=1)
    session, started = make_session(policy=policy), time.monotonic()
    with pytest.raises(Retryable) as caught:
        getattr(session, way)(server.url)
    assert caught.value.code == "read_timeout"
    assert time.monotonic() - started < 1.5


def test_http_deadline_bounds_the_call(server, make_session):
    server.script = [("silence", 2)]
    session = make_session()
    clock = session._sender.clock
    started = clock.monotonic()
    with pytest.raises(Retryable):
        session.bound(deadline=started + 0.3).get(server.url)
    assert clock.monotonic() - started < 1.0


def test_http_deadline_that_has_passed_sends_nothing(server, make_session, clock):
    session = make_session(clock=clock).bound(deadline=clock.monotonic() - 1)
    with pytest.raises(Retryable):
        session.get(server.url)
    assert server.seen == []


@pytest.mark.parametrize("way", ["get", "raw_get"])
def test_http_body_above_the_limit_is_refused(server, make_session, way):
    server.script = [("answer", 200, b"1" * 5000)]
    session = make_session(policy=HttpPolicy(max_body=1000))
    with pytest.raises(Rejected) as caught:
        getattr(session, way)(server.url)
    assert caught.value.code == "answer_too_large"


def test_http_stream_hands_out_pieces_above_the_limit(server, make_session):
    server.script = [("answer", 200, b"1" * 200_000)]
    session = make_session(policy=HttpPolicy(max_body=1000))
    with session.stream(server.url) as pieces:
        assert sum(map(len, pieces)) == 200_000


@pytest.mark.parametrize("fault", [("cut",), BUSY])
def test_http_stream_fails_with_our_errors(server, make_session, fault):
    server.script = [fault]
    with (
        pytest.raises(Retryable),
        make_session().stream(server.url) as pieces,
    ):
        b"".join(pieces)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Rejected),
        (401, AuthRequired),
        (403, Rejected),
        (404, NotFound),
        (409, Conflict),
        (412, Conflict),
        (501, Rejected),
    ],
)
def test_http_status_becomes_an_error_by_recovery(server, make_session, status, kind):
    server.script = [("answer", status, b"{}", {"X-Request-Id": "r-9"})]
    session = make_session().bound(request_id_headers=("X-Other", "X-Request-Id"))
    with pytest.raises(kind) as caught:
        session.get(server.url + "/x?key=hidden")
    assert caught.value.info.vendor_request_id == "r-9"
    assert "hidden" not in repr(caught.value.info)
    assert len(server.seen) == 1


def test_http_accepted_status_is_an_answer(server, make_session):
    server.script = [("answer", 404, b"{}")]
    assert make_session().get(server.url, accept={404}).status == 404


def test_http_error_table_of_the_plugin_comes_first(server, make_session):
    server.script = [("answer", 500, b'{"code": "full"}')]

    def table(response):
        if response.json()["code"] == "full":
            return Rejected("full", "The cart is full.")
        return None

    with pytest.raises(Rejected) as caught:
        make_session().bound(errors=table).post(server.url, json={})
    assert caught.value.code == "full"


@pytest.mark.parametrize("target", ["http://169.254.169.254/", "/other", "//evil/"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_http_redirects_are_refused(server, make_session, target, method):
    server.script = [("answer", 302, b"", {"Location": target}), OK]
    with pytest.raises(EgressRefused) as caught:
        make_session().request(method, server.url)
    assert caught.value.code == "redirect_refused"
    assert len(server.seen) == 1


def test_http_not_modified_can_be_accepted(server, make_session):
    server.script = [("answer", 304, b"")]
    assert make_session().get(server.url, accept={304}).status == 304


@pytest.mark.parametrize("way", ["get", "raw_get"])
def test_http_compressed_bodies_are_read_and_limited(server, make_session, way):
    bomb = gzip.compress(b"1" * 5_000_000)
    server.script = [
        ("answer", 200, gzip.compress(b'{"a": 1}'), {"Content-Encoding": "gzip"}),
        ("answer", 200, bomb, {"Content-Encoding": "gzip"}),
    ]
    session = make_session(policy=HttpPolicy(max_body=100_000))
    assert getattr(session, way)(server.url).json() == {"a": 1}
    with pytest.raises(Rejected):
        getattr(session, way)(server.url)
