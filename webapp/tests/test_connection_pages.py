"""Settings of a connection changed on its page."""

from __future__ import annotations

import pytest
from entrepot.hub.connections.tables import Connection
from entrepot.store import TenantScope


@pytest.fixture
def database_kind() -> str:
    """Both databases keep connections in other tests."""
    return "sqlite"


@pytest.fixture
def desk(web, tenant, books) -> str:
    """Path of a connection whose plugin is loaded."""
    plugin = next(
        name for name in web.hub.plugins.names()
        if web.hub.plugins.info(name).kind == "psa"
    )  # fmt: skip
    with web.hub.store.unit(TenantScope(tenant)) as session:
        session.get(Connection, books.psa).plugin = plugin
    return f"/connections/{books.psa}"


def send(client, web, path: str, **fields):
    token = web.csrf_token(client.get(path).text)
    return client.post(path, data={"csrf_token": token, **fields})


def test_form_holds_settings_but_no_secret(browser, desk, web) -> None:
    assert f'href="{desk}/edit"' in browser.get(desk).text
    html = browser.get(f"{desk}/edit").text
    assert 'value="Service desk"' in html
    assert "data-keep" in html
    assert "One left empty stays as it is" in html
    assert "Check and save" in html


def test_settings_that_do_not_work_are_told_and_not_saved(
    browser, desk, web, tenant
) -> None:
    person = web.hub.users.actor_for(web.person(tenant), tenant)
    identifier = desk.rpartition("/")[2]
    before = web.hub.connections.get(person, identifier)
    answer = send(browser, web, f"{desk}/edit", name="Renamed", version="1")
    assert answer.status_code in (409, 422), answer.text
    assert 'role="alert"' in answer.text
    assert 'value="Renamed"' in answer.text
    after = web.hub.connections.get(person, identifier)
    assert (after.name, after.version) == (before.name, before.version)


def test_fields_are_judged_while_they_are_typed(browser, desk, web, books) -> None:
    plugin = next(item.name for item in web.hub.plugins.list() if item.kind == "psa")
    fields = web.hub.connections.settings_schema(plugin)
    wanted = next(one for one in fields if one.required and not one.info.secret)
    html = browser.get(f"/connections/new?plugin={plugin}").text
    path = f"/connections/check-field/{plugin}/{wanted.name}"
    assert f'hx-post="{path}"' in html
    token = web.csrf_token(html)
    told = browser.post(path, data={"csrf_token": token, f"s.{wanted.name}": ""})
    assert "Must be filled in." in told.text
    listed = next((one for one in fields if one.info.choices), None)
    if listed is not None:
        path = f"/connections/check-field/{plugin}/{listed.name}"
        data = {"csrf_token": token, f"s.{listed.name}": "mars"}
        assert "Must be one of" in browser.post(path, data=data).text
    unknown = browser.post(
        f"/connections/check-field/{plugin}/nothing", data={"csrf_token": token}
    )
    assert unknown.status_code == 404


def test_parked_connection_says_what_to_do_and_where(
    browser, desk, web, store, tenant, books
) -> None:
    now = web.hub.clock.now()
    with store.unit(TenantScope(tenant)) as session:
        row = session.get(Connection, books.psa)
        row.state, row.parked_at = "parked", now
        row.parked_code, row.parked_field = "consent_revoked", "public_key"
        row.parked_message = "The consent was withdrawn."
        row.parked_remedy = "Consent again."
    html = browser.get(desk).text
    assert "The consent was withdrawn. Consent again." in html
    assert f'href="{desk}/edit?field=public_key"' in html
    assert "Check and go on" in html
    form = browser.get(f"{desk}/edit?field=public_key").text
    assert form.count("autofocus") == 1
    assert "The consent was withdrawn." in form
    assert "Put it right" in browser.get("/connections").text


def test_connection_shows_health_budget_schedule_and_score(
    browser, desk, web, tenant, books
) -> None:
    html = browser.get(desk).text
    for part in ("Health", "Request budget", "Schedule", "Plugin score card"):
        assert f"<h2>{part}</h2>" in html
    assert html.count("<rect") > 1
    vendor = browser.get(f"/connections/{books.vendor}").text
    assert "The plugin declares no limit." in vendor
    assert "Complete as of" in vendor
    owner = web.hub.users.actor_for(web.person(tenant), tenant)
    web.hub.sync.schedule(owner, books.psa, 7200)
    assert 'value="7200" selected' in browser.get(desk).text
    removal = browser.get(f"/connections/{books.vendor}/remove").text
    assert "15 customers with 45 subscriptions were read through it." in removal
    reader = web.browser(web.person(tenant, role="viewer")).get(desk).text
    assert "Remove…" not in reader
    assert "Check now" not in reader


def test_settings_that_somebody_else_changed_are_not_overwritten(
    browser, desk, web, books, store, tenant
) -> None:
    with store.unit(TenantScope(tenant)) as session:
        session.get(Connection, books.psa).version = 7
    answer = send(browser, web, f"{desk}/edit", name="Renamed", version="3")
    assert answer.status_code == 409
    assert 'value="Renamed"' in answer.text
    assert f'<a href="{desk}/edit">Load the present settings</a>' in answer.text


def test_connection_of_a_plugin_that_is_gone_has_no_form(browser, books) -> None:
    assert browser.get(f"/connections/{books.vendor}/edit").status_code == 404
