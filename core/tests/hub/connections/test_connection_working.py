"""Opening, checking, parking: the working life of a connection."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from entrepot.hub.connections.failures import Parking
from entrepot.hub.connections.jobs import register_jobs, submit_check
from entrepot.jobs.engine import migrate
from entrepot.jobs.facade import Jobs
from entrepot.jobs.registry import JobRegistry
from entrepot.sdk.egress import EgressRefused
from entrepot.sdk.errors import (
    AuthRequired,
    ConfigInvalid,
    Conflict,
    NotFound,
    PluginBug,
    RateLimited,
    Retryable,
)
from entrepot.sdk.queries import ListCustomers
from entrepot.store import Actor, PermissionDenied

BUSY = Retryable("http_503", "The other side has a passing problem.")


def test_open_gives_a_context_that_works(service, connection, plugins, shop_server):
    ctx = service.open(connection.id, correlation_id="run-1", deadline=None)
    assert (ctx.plugin, ctx.tenant_id) == ("shop", connection.tenant_id)
    assert ctx.settings.account == "alpha"
    assert ctx.settings.api_key == "", "secrets never reach the settings object"
    assert ctx.correlation_id == "run-1"
    assert ctx.billing_zone == "UTC"
    page = plugins.list_customers(ctx, ListCustomers())
    assert [customer.name for customer in page.items] == ["c1", "c2"]
    assert shop_server.seen[-1] == ("/customers", "Bearer planted-key-1")


def test_open_keeps_the_runtime_until_the_configuration_changes(
    service, actor, connection, shop
):
    shop.opened.clear()
    first = service.open(connection.id)
    assert service.open(connection.id).runtime is first.runtime
    first.secrets.replace("refresh", "planted-refresh+", "planted-refresh-rotated")
    assert service.open(connection.id).runtime is first.runtime
    service.update(actor, connection.id, name="Renamed")
    service.update(actor, connection.id, values={"page_size": 20}, check=False)
    second = service.open(connection.id)
    assert second.runtime is not first.runtime
    assert first.runtime.closed
    assert second.settings.page_size == 20


def test_open_notices_changes_of_another_process(
    service, make_service, actor, connection
):
    first = service.open(connection.id)
    make_service().update(actor, connection.id, values={"page_size": 30}, check=False)
    second = service.open(connection.id)
    assert second.settings.page_size == 30
    assert first.runtime.closed
    assert not second.runtime.closed


def test_open_makes_one_runtime_for_many_threads(service, connection, shop):
    shop.opened.clear()
    shop.delay, found = 0.05, []

    threads = [
        threading.Thread(
            target=lambda: found.append(service.open(connection.id).runtime)
        )
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6
    assert len(shop.opened) == 1
    assert len({id(runtime) for runtime in found}) == 1


def test_open_two_connections_keeps_them_apart(
    service, actor, connection, values, shop_server
):
    other = service.add(
        actor, plugin="shop", name="Other", values={**values, "account": "beta"}
    )
    first, second = service.open(connection.id), service.open(other.id)
    assert first.runtime is not second.runtime
    assert (first.settings.account, second.settings.account) == ("alpha", "beta")


@pytest.mark.parametrize("state", ["paused", "parked"])
def test_open_refuses_a_connection_that_stands_still(service, actor, connection, state):
    if state == "paused":
        service.pause(actor, connection.id)
    else:
        service.authorize_failure(connection.id, AuthRequired("x", "Sign in."))
    with pytest.raises(Conflict) as caught:
        service.open(connection.id)
    assert caught.value.code == f"connection_{state}"
    assert service.open(connection.id, idle=True).connection_id == connection.id
    assert service.resume(actor, connection.id).state == "active"
    assert service.open(connection.id).connection_id == connection.id


def test_secrets_rotate_by_compare_and_set(service, connection, redactor):
    first, second = service.open(connection.id), service.open(connection.id)
    assert first.secrets.replace("refresh", "planted-refresh+", "new-token-a") == (
        "new-token-a"
    )
    lost = second.secrets.replace("refresh", "planted-refresh+", "new-token-b")
    assert lost == "new-token-a"
    assert second.secrets.get("refresh") == "new-token-a"
    assert redactor.text("new-token-a new-token-b") == "[redacted] [redacted]"
    with pytest.raises(ConfigInvalid) as caught:
        first.secrets.get("nothing")
    assert caught.value.info.field == "nothing"


CASES = {
    "wrong credentials": ({"key": "other"}, "http_401"),
    "revoked consent": ({"status": 403}, "consent_revoked"),
    "wrong codebase": ({"status": 404}, "wrong_codebase"),
}


@pytest.mark.parametrize("case", CASES)
def test_check_parks_with_a_sentence_and_one_remedy(
    service, actor, connection, shop_server, case
):
    changes, code = CASES[case]
    for name, value in changes.items():
        setattr(shop_server, name, value)
    report = service.check(actor, connection.id)
    parked = report.connection.parked
    assert report.connection.state == "parked"
    assert parked.code == code == report.error.code
    assert parked.message.endswith(".")
    assert parked.remedy
    assert report.connection.last_error["code"] == code
    shop_server.key, shop_server.status = "planted-key-1", 200
    mended = service.check(actor, connection.id)
    assert (mended.connection.state, mended.error) == ("active", None)
    assert mended.connection.last_ok_at is not None


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("http://127.0.0.1:1", "host_unreachable"),
        ("https://gone.shop.test", "host_unknown"),
        ("https://127.0.0.1:{port}", "tls_failed"),
    ],
)
def test_check_parks_an_unreachable_host(
    make_service, actor, values, shop_server, address, code
):
    import socket

    def resolver(host, port):
        if host.endswith(".test"):
            raise socket.gaierror(-2, "unknown")
        return [host]

    service = make_service(resolver=resolver, quota=None)
    connection = service.add(
        actor,
        plugin="shop",
        name="Main",
        values={**values, "base_url": address.format(port=shop_server.server_port)},
        check=False,
    )
    report = service.check(actor, connection.id)
    assert report.connection.state == "parked"
    assert report.connection.parked.code == code
    assert "address" in report.connection.parked.message
    assert report.connection.parked.remedy


@pytest.mark.parametrize("status", [500, 503])
def test_check_does_not_park_for_a_passing_fault(
    service, actor, connection, shop_server, status
):
    shop_server.status = status
    report = service.check(actor, connection.id)
    assert report.connection.state == "active"
    assert report.error.code == f"http_{status}"
    assert report.connection.last_error["code"] == f"http_{status}"


def test_check_leaves_a_pause_alone(service, actor, connection, shop_server):
    service.pause(actor, connection.id)
    shop_server.key = "other"
    assert service.check(actor, connection.id).connection.state == "paused"
    shop_server.key = "planted-key-1"
    assert service.check(actor, connection.id).connection.state == "paused"


def test_check_reports_a_missing_secret_by_field(service, actor, values):
    values.pop("refresh")
    connection = service.add(
        actor, plugin="shop", name="Main", values=values, check=False
    )
    parked = service.check(actor, connection.id).connection.parked
    assert (parked.code, parked.field) == ("secret_missing", "refresh")


def test_check_reports_a_refusal_to_open(service, actor, values):
    values["account"] = "explode"
    connection = service.add(
        actor, plugin="shop", name="Main", values=values, check=False
    )
    assert service.check(actor, connection.id).connection.parked.field == "account"


@pytest.mark.parametrize(
    ("error", "parks"),
    [
        (AuthRequired("revoked", "Consent was withdrawn."), True),
        (ConfigInvalid("site", "The site is wrong.", field="site"), True),
        (EgressRefused("target_private", "x leads to a private address."), True),
        (BUSY, False),
        (RateLimited("rate_limited", "Slow down.", after=5), False),
        (NotFound("gone", "No such customer."), False),
        (PluginBug("plugin_bug", "Internal error."), False),
    ],
)
def test_failures_of_jobs_park_where_a_person_must_act(
    service, actor, connection, error, parks
):
    assert service.authorize_failure(connection.id, error) is parks
    found = service.get(actor, connection.id)
    assert (found.state == "parked") is parks
    assert found.last_error["code"] == error.code
    if parks:
        assert found.parked.message == error.user_message
        assert found.parked.remedy
        first = found.parked.at
        service.authorize_failure(connection.id, error)
        assert service.get(actor, connection.id).parked.at == first
    else:
        service.note_success(connection.id)
        assert service.get(actor, connection.id).last_error is None


def test_park_by_hand(service, actor, connection):
    parking = Parking(code="manual", message="Being moved.", remedy="Wait.")
    assert service.park(actor, connection.id, parking).parked.code == "manual"
    assert service.check(actor, connection.id).connection.state == "active"


def test_egress_of_a_connection_is_the_plugins_and_the_settings_hosts(
    service, connection, shop_server
):
    http = service.open(connection.id).http
    with pytest.raises(EgressRefused):
        http.get("https://elsewhere.example/")
    assert http.get(
        f"{shop_server.url}/customers",
        headers={"Authorization": "Bearer planted-key-1"},
    ).ok


def test_production_refuses_private_targets(
    make_service, actor, values, settings, shop_server
):
    service = make_service(settings=replace(settings, allow_private_targets=False))
    with pytest.raises(EgressRefused):
        service.add(actor, plugin="shop", name="Main", values=values)
    values["base_url"] = f"https://127.0.0.1:{shop_server.server_port}"
    with pytest.raises(EgressRefused) as caught:
        service.add(actor, plugin="shop", name="Main", values=values)
    assert caught.value.code == "target_private"
    assert shop_server.seen == []


def test_wildcard_in_settings_does_not_open_the_guard(service, actor, values):
    values["base_url"] = "https://*"
    connection = service.add(
        actor, plugin="shop", name="Main", values=values, check=False
    )
    with pytest.raises(EgressRefused):
        service.open(connection.id).http.get("https://elsewhere.example/")


def test_quota_is_shared_by_all_processes(make_service, actor, connection):
    first, second = make_service(), make_service()
    first.open(connection.id).http.get(
        connection.settings["base_url"] + "/customers",
        headers={"Authorization": "Bearer planted-key-1"},
    )
    (budget,) = second.budgets(actor, connection.id)
    assert (budget.name, budget.requests, budget.documented) == ("api", 50, True)
    assert budget.taken > 0
    assert budget.used >= 0
    assert budget.paused_until is None
    first.open(connection.id).http._sender.budget.pause("api", 300)
    ctx = second.open(connection.id)
    with pytest.raises(RateLimited) as caught:
        ctx.http.get(ctx.settings.base_url + "/customers")
    assert caught.value.after == pytest.approx(300, abs=2)
    (budget,) = first.budgets(actor, connection.id)
    assert budget.paused_until is not None


def test_quota_override_removes_or_replaces_the_limit(
    service, actor, connection, plugins
):
    from entrepot.hub.connections.runtime import effective_quotas

    info = plugins.info("shop")
    assert effective_quotas(info, {}) == {"api": info.quotas[0]}
    assert effective_quotas(info, {"api": None, "dropped": {"requests": 1}}) == {}
    service.update(actor, connection.id, quotas={"api": {"requests": 5, "burst": 2}})
    found = effective_quotas(info, service.get(actor, connection.id).quotas)["api"]
    assert (found.requests, found.burst, found.seconds) == (5, 2, 1)


def test_notification_address_is_unguessable_and_finds_its_connection(
    make_service, actor, connection, settings
):
    service = make_service(
        settings=replace(settings, public_base_url="https://hub.example.com/")
    )
    url = service.notification_url(actor, connection.id)
    assert url.startswith("https://hub.example.com/notify/")
    key = url.rsplit("/", 1)[1]
    assert len(key) >= 40
    assert service.find_by_notification_key(key).id == connection.id
    assert service.find_by_notification_key("guess") is None
    assert service.open(connection.id).notification_url == url
    service.remove(actor, connection.id)
    assert service.find_by_notification_key(key) is None


def test_plugin_log_is_redacted(service, connection, caplog):
    ctx = service.open(connection.id, correlation_id="run-7")
    ctx.secrets.get("api_key")
    with caplog.at_level("INFO", "entrepot.plugin"):
        ctx.log.info("signed in with planted-key-1", header="Bearer planted-key-1")
        ctx.log.warning("odd", password="planted-other")
    assert "planted" not in caplog.text
    assert "run-7" in caplog.text


def test_check_job_is_registered_and_runs_the_check(service, actor, connection):
    registry = JobRegistry()
    register_jobs(registry)

    class Context:
        hub = type("Hub", (), {"connections": service})()
        tenant_id = actor.tenant_id

        def progress(self, **_):
            pass

        def step(self, function, *arguments, retries):
            return function(*arguments)

    found = registry.get("check_connection").function(
        Context(), connection_id=connection.id
    )
    assert found == {
        "state": "active",
        "account": "Alpha Ltd",
        "error": None,
        "message": None,
    }


def test_submitted_checks_of_one_connection_are_joined(
    store, clock, service, actor, connection, settings
):
    migrate(settings)
    registry = JobRegistry()
    register_jobs(registry)
    jobs = Jobs(store, registry, clock)
    try:
        first = submit_check(jobs, actor, connection.id)
        second = submit_check(jobs, actor, connection.id)
    finally:
        jobs.close()
    assert (first.joined, second.joined) == (False, True)
    assert first.run_id == second.run_id
    reader = Actor("r", "user", actor.tenant_id, "R", frozenset({"connections:read"}))
    with pytest.raises(PermissionDenied):
        submit_check(jobs, reader, connection.id)
