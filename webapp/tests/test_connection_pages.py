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


def test_connection_of_a_plugin_that_is_gone_has_no_form(browser, books) -> None:
    assert browser.get(f"/connections/{books.vendor}/edit").status_code == 404
