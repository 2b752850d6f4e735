"""The real plugins: what a reseller is told when a connection cannot work."""

from __future__ import annotations

from dataclasses import replace

import pytest
from entrepot.hub.connections.service import ConnectionService
from entrepot.plugins import Plugins, load_plugins
from entrepot.sdk.errors import ConfigInvalid
from entrepot.sdk.simulator import Options, build_named
from entrepot.store import Actor, FixedClock, Settings, Store
from entrepot.store.actor import ALL_PERMISSIONS
from entrepot.store.clock import SystemClock
from entrepot.store.keys import load_keyring
from entrepot.store.secrets import SecretStore
from entrepot_connectwise.simulator.setup import PRIVATE_KEY, PUBLIC_KEY

VENDOR_WORDS = ("http_", "None", "Error", "Traceback", "{")


def microsoft_values(running):
    authority = running.simulator.authority
    return {
        "tenant_id": authority.tenant_id,
        "client_id": authority.client_id,
        "client_secret": authority.client_secret,
        "refresh_token": authority.consent_again(),
        "api_url": running.base_url,
    }


def connectwise_values(running):
    return {
        "site": running.base_url,
        "company": "entrepot",
        "public_key": PUBLIC_KEY,
        "private_key": PRIVATE_KEY,
    }


VALUES = {"microsoft": microsoft_values, "connectwise": connectwise_values}


@pytest.fixture(params=sorted(VALUES))
def plugin(request):
    return request.param


@pytest.fixture
def running(plugin):
    options = Options(customers=4, seed=5)
    with build_named(plugin, options).running() as found:
        yield found


@pytest.fixture
def service(settings: Settings, clock: FixedClock):
    # The vendor's clock is the machine's; the books' may be any.
    store = Store(settings, SystemClock())
    made = ConnectionService(
        store,
        SystemClock(),
        plugins=Plugins(load_plugins()),
        secrets=SecretStore(load_keyring(settings)),
        settings=settings,
    )
    yield made
    made.close()
    store.dispose()


@pytest.fixture
def actor(tenant):
    return Actor("usr_1", "user", tenant, "Ada", ALL_PERMISSIONS)


@pytest.fixture
def connection(service, actor, plugin, running):
    values = VALUES[plugin](running)
    return service.add(actor, plugin=plugin, name="Main", values=values)


def parked(service, actor, connection):
    report = service.check(actor, connection.id)
    assert report.connection.state == "parked", report.error
    found = report.connection.parked
    assert found.message.endswith((".", "”."))
    assert found.remedy
    for word in VENDOR_WORDS:
        assert word not in found.message + found.remedy
    return found


def test_a_good_connection_names_its_account(connection):
    assert connection.state == "active"
    assert connection.account_name


def test_wrong_credentials_park(service, actor, connection, plugin):
    secret = {"microsoft": "client_secret", "connectwise": "private_key"}[plugin]
    service.update(
        actor, connection.id, values={secret: "entirely-wrong-1"}, check=False
    )
    assert "entirely-wrong" not in repr(parked(service, actor, connection))


def test_unreachable_host_parks(service, actor, connection, running):
    running.server.stop()
    found = parked(service, actor, connection)
    assert "reach" in found.message or "address" in found.message


@pytest.mark.parametrize("plugin", ["microsoft"], indirect=True)
def test_revoked_consent_parks_and_new_consent_mends(
    service, actor, connection, running
):
    authority = running.simulator.authority
    authority.revoke()
    found = parked(service, actor, connection)
    assert "consent" in (found.message + found.remedy).lower()
    service.update(
        actor,
        connection.id,
        values={"refresh_token": authority.consent_again()},
    )
    assert service.get(actor, connection.id).state == "active"


@pytest.mark.parametrize("plugin", ["connectwise"], indirect=True)
def test_wrong_codebase_parks_and_names_the_field(service, actor, connection):
    service.update(
        actor, connection.id, values={"company": "somebody-else"}, check=False
    )
    assert parked(service, actor, connection).field == "company"


def test_production_refuses_the_simulators_address(
    settings, service, actor, plugin, running
):
    values = VALUES[plugin](running)
    strict = ConnectionService(
        service._desk.parts.store,
        SystemClock(),
        plugins=service._desk.parts.plugins,
        secrets=service._desk.parts.secrets,
        settings=replace(settings, allow_private_targets=False),
    )
    running.simulator.log.reset()
    with pytest.raises(ConfigInvalid):
        strict.add(actor, plugin=plugin, name="Main", values=values)
    strict.close()
    assert running.simulator.log.counters()["total"] == 0
