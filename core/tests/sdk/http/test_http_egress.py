"""The guard: hosts, addresses, rebinding, schemes."""

from __future__ import annotations

import socket

import pytest
from entrepot.sdk.egress import EgressPolicy, EgressRefused, host_matches
from entrepot.sdk.errors import ConfigInvalid, Retryable
from entrepot.sdk.http import HttpPolicy


def policy(*addresses, hosts=("api.vendor.test",), **extra):
    return EgressPolicy(hosts=hosts, resolver=lambda *_: list(addresses), **extra)


@pytest.mark.parametrize(
    ("host", "pattern", "fits"),
    [
        ("api.vendor.test", "api.vendor.test", True),
        ("API.vendor.test.", "api.vendor.test", True),
        ("a.vendor.test", "*.vendor.test", True),
        ("a.b.vendor.test", "*.vendor.test", True),
        ("vendor.test", "*.vendor.test", False),
        ("evilvendor.test", "*.vendor.test", False),
        ("api.vendor.test.evil.test", "api.vendor.test", False),
        ("anything.test", "*", True),
    ],
)
def test_egress_host_patterns(host, pattern, fits):
    assert host_matches(host, pattern) is fits


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("https://other.test/", "target_not_declared"),
        ("http://api.vendor.test/", "target_insecure"),
        ("ftp://api.vendor.test/", "target_invalid"),
        ("https:///x", "target_invalid"),
        ("https://user:pw@api.vendor.test/", "target_invalid"),
        ("https://api.vendor.test@evil.test/", "target_invalid"),
        ("https://127.0.0.1/", "target_not_declared"),
    ],
)
def test_egress_refuses_addresses_by_form(url, code):
    with pytest.raises(EgressRefused) as caught:
        policy().check_url(url)
    assert caught.value.code == code
    assert caught.value.info.remedy
    assert isinstance(caught.value, ConfigInvalid)


PRIVATE = [
    "10.0.0.1",
    "192.168.1.1",
    "172.16.0.9",
    "127.0.0.1",
    "169.254.169.254",
    "0.0.0.0",
    "100.64.0.1",
    "100.100.100.200",
    "224.0.0.1",
    "::1",
    "fe80::1%eth0",
    "fc00::1",
    "fd00:ec2::254",
    "::ffff:10.0.0.1",
    "2002:7f00:0001::",
    "64:ff9b::7f00:1",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_egress_refuses_private_addresses(address):
    with pytest.raises(EgressRefused) as caught:
        policy(address).addresses("api.vendor.test", 443, encrypted=True)
    assert caught.value.code == "target_private"


def test_egress_refuses_names_that_mix_public_and_private():
    with pytest.raises(EgressRefused):
        policy("8.8.8.8", "10.0.0.1").addresses("api.vendor.test", 443, encrypted=True)


@pytest.mark.parametrize("address", ["169.254.169.254", "fe80::1", "224.0.0.1"])
def test_egress_never_allows_metadata_and_link_local(address):
    with pytest.raises(EgressRefused):
        policy(address, allow_private=True).addresses("x", 80, encrypted=False)


def test_egress_allows_private_targets_when_the_operator_says_so():
    guard = policy("127.0.0.1", allow_private=True)
    guard.check_url("http://127.0.0.1:8080/x")
    guard.check_url("http://10.1.2.3/x")
    assert guard.addresses("127.0.0.1", 8080, encrypted=False) == ["127.0.0.1"]


def test_egress_private_permission_does_not_open_plain_http_to_the_world():
    guard = policy("8.8.8.8", allow_private=True)
    with pytest.raises(EgressRefused) as caught:
        guard.addresses("api.vendor.test", 80, encrypted=False)
    assert caught.value.code == "target_insecure"
    with pytest.raises(EgressRefused):
        guard.check_url("https://other.test/")


def test_egress_connects_to_the_address_it_checked(server, make_session):
    """The name exists nowhere; only the resolver's answer is ever used."""
    guard = policy("127.0.0.1", allow_private=True)
    session = make_session(egress=guard)
    response = session.get(f"http://api.vendor.test:{server.server_port}/x")
    assert response.status == 200
    assert server.seen[0][2]["Host"] == f"api.vendor.test:{server.server_port}"


@pytest.mark.parametrize("way", ["get", "raw_get"])
def test_egress_rebinding_name_is_refused_when_it_turns_private(
    server, make_session, monkeypatch, way
):
    answers = iter([["8.8.8.8"], ["127.0.0.1"]])
    guard = EgressPolicy(hosts=("api.vendor.test",), resolver=lambda *_: next(answers))
    dialled = []

    def refuse(address, *_, **__):
        dialled.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr("entrepot.sdk.http.transport.create_connection", refuse)
    session = make_session(egress=guard, policy=HttpPolicy(attempts=2))
    with pytest.raises(EgressRefused) as caught:
        getattr(session, way)(f"https://api.vendor.test:{server.server_port}/")
    assert caught.value.code == "target_private"
    assert dialled == [("8.8.8.8", server.server_port)]
    assert server.seen == []


@pytest.mark.parametrize("way", ["get", "raw_get"])
def test_egress_unknown_name_is_a_passing_fault_with_its_own_code(make_session, way):
    def unknown(*_):
        raise socket.gaierror(-2, "unknown")

    guard = EgressPolicy(hosts=("api.vendor.test",), resolver=unknown)
    session = make_session(egress=guard, policy=HttpPolicy(attempts=1))
    with pytest.raises(Retryable) as caught:
        getattr(session, way)("https://api.vendor.test/")
    assert caught.value.code == "host_unknown"


def test_egress_ignores_proxies_of_the_environment(server, make_session, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    assert make_session().get(server.url).status == 200
