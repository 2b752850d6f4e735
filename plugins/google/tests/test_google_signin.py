"""Sign-in by service account: tokens, delegation, expiry, and what goes wrong."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from entrepot.sdk import queries as ask
from entrepot.sdk.errors import AuthRequired, ConfigInvalid, RateLimited, Unsupported
from entrepot_google.errors import error_for, read_fault, sign_in_error
from entrepot_google.plugin import plugin


def tokens(vendor) -> int:
    return sum(r["path"].startswith("/token") for r in vendor.control.requests())


def test_google_one_token_serves_many_calls(vendor) -> None:
    ctx = vendor.connect()
    assert plugin.check_connection(ctx).account_name == "C0res0001"
    plugin.list_customers(ctx, ask.ListCustomers())
    assert tokens(vendor) == 1


def test_google_token_is_renewed_before_its_end(vendor) -> None:
    ctx = vendor.connect()
    plugin.check_connection(ctx)
    ctx.clock.slept += 3599 - 230
    plugin.check_connection(ctx)
    assert tokens(vendor) == 1
    ctx.clock.slept += 10
    plugin.check_connection(ctx)
    assert tokens(vendor) == 2


def test_google_token_dies_in_mid_listing(start) -> None:
    vendor = start(customers=14)
    ctx = vendor.connect()
    first = plugin.list_customers(ctx, ask.ListCustomers(page_size=5))
    vendor.sim.expire_tokens()
    rest = plugin.list_customers(
        ctx, ask.ListCustomers(page_size=5, cursor=first.next_cursor)
    )
    assert len(first.records()) == len(rest.records()) == 5
    assert tokens(vendor) == 2


@pytest.mark.parametrize(
    ("change", "kind", "field"),
    [
        ({"admin_email": "nobody@reseller.example"}, AuthRequired, "admin_email"),
        ({"account_id": "C0other"}, ConfigInvalid, "account_id"),
    ],
)
def test_google_wrong_settings_are_told_apart(vendor, change, kind, field) -> None:
    with pytest.raises(kind) as caught:
        plugin.check_connection(vendor.connect(**change))
    assert caught.value.info.field == field
    assert caught.value.info.remedy


def test_google_missing_delegation_and_deleted_key(vendor) -> None:
    vendor.control.act("set_switch", delegated=[])
    with pytest.raises(ConfigInvalid) as caught:
        plugin.check_connection(vendor.connect())
    assert "authorise" in caught.value.info.remedy
    vendor.control.act("delete_key")
    with pytest.raises(AuthRequired):
        plugin.check_connection(vendor.connect())


def test_google_clock_of_the_hub_must_be_right(start) -> None:
    vendor = start(extra={"skew": "300"})
    ctx = vendor.connect()
    slow = replace(ctx, clock=QuickLater(ctx.clock))
    with pytest.raises(AuthRequired):
        plugin.check_connection(slow)
    assert plugin.check_connection(ctx).account_name


class QuickLater:
    """A clock that is ten minutes slow."""

    def __init__(self, clock):
        self._clock = clock

    def now(self):
        return self._clock.now() - timedelta(minutes=10)

    def monotonic(self):
        return self._clock.monotonic()

    def sleep(self, seconds):
        self._clock.sleep(seconds)


@pytest.mark.parametrize(
    "key",
    [
        "no json",
        "{}",
        json.dumps({"client_email": "a@b.example", "private_key": "no key"}),
    ],
)
def test_google_damaged_key_is_never_repeated(vendor, key) -> None:
    ctx = vendor.connect()
    ctx.secrets.values["service_account_key"] = key
    with pytest.raises(ConfigInvalid) as caught:
        plugin.check_connection(ctx)
    assert caught.value.info.field == "service_account_key"
    assert key not in repr(caught.value.info)


class Answer:
    """An answer as errors see it."""

    def __init__(self, status, error, path="/v1/accounts/C1/customers/S1"):
        self.status, self.content = status, json.dumps({"error": error}).encode()
        self.method, self.url = "GET", f"https://x.googleapis.com{path}"
        self.request_id = None


@pytest.mark.parametrize(
    ("status", "error", "kind", "code"),
    [
        (
            403,
            {"errors": [{"reason": "rateLimitExceeded"}]},
            RateLimited,
            "rateLimitExceeded",
        ),
        (
            403,
            {"errors": [{"reason": "accessNotConfigured"}]},
            ConfigInvalid,
            "accessNotConfigured",
        ),
        (
            403,
            {"errors": [{"reason": "dailyLimitExceeded"}]},
            RateLimited,
            "dailyLimitExceeded",
        ),
        (
            400,
            {"status": "FAILED_PRECONDITION", "message": "NOT_ACTIVE: it sleeps"},
            None,
            "NOT_ACTIVE",
        ),
        (501, {"status": "UNIMPLEMENTED"}, Unsupported, "UNIMPLEMENTED"),
    ],
)
def test_google_errors_by_what_to_do_next(status, error, kind, code) -> None:
    found = error_for(Answer(status, error))
    assert found is not None
    assert found.code == code
    if kind is not None:
        assert isinstance(found, kind)
    if isinstance(found, RateLimited):
        assert found.after


def test_google_error_bodies_of_all_shapes() -> None:
    assert read_fault(b"<html>").code == ""
    assert read_fault(b'{"error":"invalid_grant"}').reason == "invalid_grant"
    found = sign_in_error(Answer(400, "invalid_scope"))
    assert isinstance(found, ConfigInvalid)
    assert error_for(Answer(503, {"status": "UNAVAILABLE"})) is None
