"""Both token flows, rotation, revoked consent, wrong credentials."""

from __future__ import annotations

import threading

import pytest
from entrepot.sdk import queries as ask
from entrepot.sdk.errors import AuthRequired, ConfigInvalid, Retryable
from entrepot_microsoft.plugin import plugin


def secrets_of(vendor):
    return vendor.connect().secrets


def test_user_sign_in_stores_the_new_token_before_use(vendor) -> None:
    ctx = vendor.connect()
    old = ctx.secrets.get("refresh_token")
    seen_at_first_call = []
    handler = vendor.sim.book.listing

    def listing(*args):
        seen_at_first_call.append(ctx.secrets.get("refresh_token"))
        return handler(*args)

    vendor.sim.book.listing = listing
    plugin.check_connection(ctx)
    [(name, before, after)] = ctx.secrets.replaced
    assert (name, before) == ("refresh_token", old)
    assert seen_at_first_call == [after]
    assert after in vendor.sim.authority.refresh_tokens
    assert old not in vendor.sim.authority.refresh_tokens


def test_one_sign_in_serves_many_calls(vendor) -> None:
    ctx = vendor.connect()
    for _ in range(5):
        plugin.check_connection(ctx)
    assert vendor.control.state()["rotations"] == 1


def test_threads_of_one_connection_sign_in_once(vendor) -> None:
    ctx = vendor.connect()
    threads = [
        threading.Thread(target=plugin.check_connection, args=(ctx,)) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert vendor.control.state()["rotations"] == 1


def test_expired_token_is_renewed_in_mid_run(vendor) -> None:
    ctx = vendor.connect()
    plugin.check_connection(ctx)
    vendor.sim.expire_tokens()
    plugin.check_connection(ctx)
    assert vendor.control.state()["rotations"] == 2
    assert len(ctx.secrets.replaced) == 2


def test_token_another_process_rotated_is_taken_over(vendor) -> None:
    secrets = secrets_of(vendor)
    first, second = vendor.connect(secrets=secrets), vendor.connect(secrets=secrets)
    old = secrets.get("refresh_token")
    plugin.check_connection(first)
    reads = iter([old])
    fresh = secrets.get
    secrets.get = lambda name: (
        next(reads, None) or fresh(name) if name == "refresh_token" else fresh(name)
    )
    plugin.check_connection(second)
    assert vendor.control.state()["rotations"] == 2


def test_application_alone_reads_but_has_no_prices(vendor) -> None:
    ctx = vendor.connect(sign_in="app_only")
    result = plugin.check_connection(ctx)
    assert "price lists cannot be read" in result.warnings[0]
    assert plugin.list_customers(ctx, ask.ListCustomers()).records()
    assert plugin.list_offers(ctx, ask.ListOffers()).records() == []
    assert vendor.control.state()["rotations"] == 0


def test_revoked_consent_parks_with_one_remedy(vendor) -> None:
    ctx = vendor.connect()
    plugin.check_connection(ctx)
    vendor.control.act("revoke_consent")
    with pytest.raises(AuthRequired, match="no longer valid") as refused:
        plugin.check_connection(ctx)
    assert "consent" in refused.value.info.remedy
    asked = vendor.control.counters()["routes"]
    assert asked["POST /<tenant>/oauth2/token"] == 2, "a dead token is not retried"


def test_new_consent_brings_it_back(vendor) -> None:
    ctx = vendor.connect()
    vendor.control.act("revoke_consent")
    with pytest.raises(AuthRequired):
        plugin.check_connection(ctx)
    ctx.secrets.values["refresh_token"] = vendor.control.act("consent")["refresh_token"]
    plugin.check_connection(ctx)


@pytest.mark.parametrize(
    ("settings", "secret", "field"),
    [
        ({"tenant_id": "00000000-0000-4000-8000-000000000009"}, None, "tenant_id"),
        ({"client_id": "00000000-0000-4000-8000-000000000009"}, None, "client_id"),
        ({}, "wrong~secret", "client_secret"),
    ],
)
def test_wrong_credentials_name_the_field(vendor, settings, secret, field) -> None:
    secrets = secrets_of(vendor)
    if secret:
        secrets.values["client_secret"] = secret
    ctx = vendor.connect(secrets=secrets, **settings)
    with pytest.raises(ConfigInvalid) as refused:
        plugin.check_connection(ctx)
    info = refused.value.info
    assert info.field == field
    assert info.remedy
    assert "wrong~secret" not in str(info)


def test_unreachable_host_is_a_passing_fault(start) -> None:
    vendor = start()
    ctx = vendor.connect(attempts=1, api_url="http://127.0.0.1:9")
    with pytest.raises(Retryable, match="cannot be reached"):
        plugin.check_connection(ctx)


def test_host_outside_the_patterns_is_refused(vendor) -> None:
    ctx = vendor.connect(api_url="https://partner.example.org")
    with pytest.raises(ConfigInvalid, match="not among the hosts"):
        plugin.check_connection(ctx)


def test_secrets_stay_out_of_what_is_shown(vendor) -> None:
    ctx = vendor.connect()
    plugin.check_connection(ctx)
    shown = repr(ctx.settings) + repr(ctx.runtime)
    held = [token for token, _ in ctx.runtime.tokens.held.values()]
    for value in (*ctx.secrets.values.values(), *held):
        assert value not in shown
