"""Adding, changing and removing connections."""

from __future__ import annotations

import pytest
from entrepot.hub.connections.settings_schema import SettingsRejected, check_field
from entrepot.sdk.errors import (
    AuthRequired,
    ConfigInvalid,
    Conflict,
    NotFound,
    Rejected,
)
from entrepot.sdk.settings import SettingInfo
from entrepot.store import Actor, Base, PermissionDenied, SystemScope, TenantScope
from entrepot.store.audit_tables import AuditEntry, AuditPayload
from entrepot.store.keys import load_keyring
from entrepot.store.secrets import SecretRef, SecretStore
from sqlalchemy import Engine, event


def stored_secret(store, settings, connection, name):
    secrets = SecretStore(load_keyring(settings))
    with store.read(TenantScope(connection.tenant_id)) as session:
        ref = SecretRef(connection.tenant_id, connection.id, name)
        return secrets.find(session, ref)


def audit_trail(store):
    with store.read(SystemScope("tests")) as session:
        entries = session.query(AuditEntry).order_by(AuditEntry.seq).all()
        payloads = {p.id: p.document for p in session.query(AuditPayload).all()}
        return [(e.action, payloads[e.payload_id]) for e in entries]


def test_add_proves_and_stores_a_connection(
    service, actor, connection, store, settings, shop, shop_server
):
    assert connection.id.startswith("con_")
    assert (connection.state, connection.account_name) == ("active", "Alpha Ltd")
    assert connection.settings == {"base_url": shop_server.url, "account": "alpha"}
    assert connection.secret_names == ("api_key", "refresh")
    assert connection.base_currency == "EUR"
    assert service.get(actor, connection.id) == connection
    assert [session.closed for session in shop.opened] == [True]
    rotated = stored_secret(store, settings, connection, "refresh")
    assert rotated == "planted-refresh+", "a token rotated by the check is kept"


def test_add_saves_nothing_when_the_check_fails(service, actor, values):
    with pytest.raises(AuthRequired) as caught:
        service.add(
            actor, plugin="shop", name="Main", values={**values, "api_key": "wrong-key"}
        )
    assert caught.value.info.remedy
    assert service.list(actor) == ()


def test_add_can_leave_the_check_out(service, actor, values, shop_server):
    service.add(
        actor,
        plugin="shop",
        name="Main",
        values={**values, "api_key": "wrong-key"},
        check=False,
    )
    assert shop_server.seen == []
    assert service.list(actor)[0].account_name == ""


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"account": "UPPER"}, "account"),
        ({"account": ""}, "account"),
        ({"region": "mars"}, "region"),
        ({"page_size": "many"}, "page_size"),
        ({"api_key": None}, "api_key"),
        ({"nonsense": "1"}, "nonsense"),
    ],
)
def test_add_names_the_field_that_does_not_fit(service, actor, values, change, field):
    with pytest.raises(SettingsRejected) as caught:
        service.add(actor, plugin="shop", name="M", values={**values, **change})
    assert caught.value.info.field == field
    assert list(caught.value.errors) == [field]
    assert caught.value.info.remedy


def test_add_names_all_missing_fields(service, actor):
    with pytest.raises(SettingsRejected) as caught:
        service.add(actor, plugin="shop", name="M", values={})
    assert sorted(caught.value.errors) == ["account", "api_key", "base_url"]


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"name": "  "}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"billing_zone": "Mars/Olympus"}, "billing_zone"),
        ({"quotas": {"nothing": None}}, "quotas"),
        ({"quotas": {"api": {"requests": 0}}}, "quotas"),
        ({"quotas": {"api": {"requests": 1.5}}}, "quotas"),
        ({"quotas": {"api": {"colour": 1}}}, "quotas"),
        ({"quotas": {"api": 5}}, "quotas"),
    ],
)
def test_add_refuses_other_values_by_field(service, actor, values, arguments, field):
    with pytest.raises(Rejected) as caught:
        service.add(
            actor, plugin="shop", values=values, **{"name": "Main", **arguments}
        )
    assert caught.value.info.field == field


def test_add_refuses_a_second_connection_of_one_name(
    service, actor, connection, values
):
    with pytest.raises(Conflict) as caught:
        service.add(actor, plugin="shop", name=" Main ", values=values)
    assert caught.value.info.field == "name"


def test_add_refuses_a_plugin_that_is_not_there(service, actor):
    with pytest.raises(ConfigInvalid) as caught:
        service.add(actor, plugin="gone", name="M", values={})
    assert caught.value.info.field == "plugin"


def test_update_keeps_what_is_left_out(
    service, actor, connection, store, settings, shop_server
):
    shop_server.seen.clear()
    changed = service.update(
        actor, connection.id, version=connection.version, name="Second"
    )
    assert changed.name == "Second"
    assert changed.version > connection.version
    assert changed.settings == connection.settings
    assert shop_server.seen == [], "a new name need not be proved"
    assert stored_secret(store, settings, connection, "api_key") == "planted-key-1"


def test_update_proves_new_secrets_before_it_saves_them(
    service, actor, connection, store, settings, shop_server
):
    with pytest.raises(AuthRequired):
        service.update(actor, connection.id, values={"api_key": "planted-key-2"})
    assert stored_secret(store, settings, connection, "api_key") == "planted-key-1"
    shop_server.key = "planted-key-2"
    service.update(actor, connection.id, values={"api_key": "planted-key-2"})
    assert stored_secret(store, settings, connection, "api_key") == "planted-key-2"


def test_update_empty_secret_stays_and_none_clears(
    service, actor, connection, store, settings
):
    service.update(actor, connection.id, values={"api_key": "", "refresh": ""})
    assert stored_secret(store, settings, connection, "api_key") == "planted-key-1"
    cleared = service.update(
        actor, connection.id, values={"refresh": None}, check=False
    )
    assert cleared.secret_names == ("api_key",)
    with pytest.raises(SettingsRejected):
        service.update(actor, connection.id, values={"api_key": None})


def test_update_refuses_another_version(service, actor, connection):
    service.update(actor, connection.id, name="Second")
    with pytest.raises(Conflict) as caught:
        service.update(actor, connection.id, version=connection.version, name="Third")
    assert caught.value.code == "version_conflict"


def test_update_refuses_a_taken_name(service, actor, connection, values):
    other = service.add(actor, plugin="shop", name="Other", values=values)
    with pytest.raises(Conflict):
        service.update(actor, other.id, name="Main")


def test_update_takes_a_parked_connection_up_again(
    service, actor, connection, shop_server
):
    shop_server.key = "planted-key-2"
    assert service.check(actor, connection.id).connection.state == "parked"
    fixed = service.update(actor, connection.id, values={"api_key": "planted-key-2"})
    assert (fixed.state, fixed.parked) == ("active", None)


def test_remove_keeps_the_books_and_deletes_the_secrets(
    service, actor, connection, store, settings, values
):
    service.tell_consequences(lambda session, con: ["120 subscriptions stay as read."])
    preview = service.preview_removal(actor, connection.id)
    assert "120 subscriptions stay as read." in preview.consequences
    assert service.get(actor, connection.id).state == "active"
    removal = service.remove(actor, connection.id, version=connection.version)
    assert removal.consequences == preview.consequences
    assert removal.connection.state == "removed"
    assert stored_secret(store, settings, connection, "api_key") is None
    assert service.list(actor) == ()
    assert service.list(actor, removed=True)[0].id == connection.id
    for work in (service.open, lambda con: service.check(actor, con)):
        with pytest.raises(NotFound):
            work(connection.id)
    again = service.add(actor, plugin="shop", name="Main", values=values)
    assert again.id != connection.id


def test_remove_refuses_another_version(service, actor, connection):
    with pytest.raises(Conflict):
        service.remove(actor, connection.id, version=connection.version + 1)


def test_connections_of_another_reseller_do_not_exist(
    service, actor, connection, other_tenant
):
    stranger = Actor("usr_2", "user", other_tenant, "Bob", actor.permissions)
    assert service.list(stranger) == ()
    for call in (
        service.get,
        service.check,
        service.pause,
        service.remove,
        service.update,
        service.preview_removal,
        service.notification_url,
    ):
        with pytest.raises(NotFound):
            call(stranger, connection.id)


def test_connections_ask_for_permissions(service, actor, connection, values):
    reader = Actor("r", "user", actor.tenant_id, "R", frozenset({"connections:read"}))
    nobody = Actor("n", "user", actor.tenant_id, "N")
    assert service.get(reader, connection.id) == connection
    for call in (
        lambda: service.add(reader, plugin="shop", name="x", values=values),
        lambda: service.update(reader, connection.id, name="x"),
        lambda: service.remove(reader, connection.id),
        lambda: service.check(reader, connection.id),
        lambda: service.pause(reader, connection.id),
        lambda: service.resume(reader, connection.id),
        lambda: service.notification_url(reader, connection.id),
        lambda: service.get(nobody, connection.id),
        lambda: service.list(nobody),
    ):
        with pytest.raises(PermissionDenied):
            call()


def test_every_change_is_audited_without_a_secret(
    service, actor, connection, store, shop_server
):
    service.update(actor, connection.id, values={"refresh": "planted-refresh-2"})
    service.pause(actor, connection.id, "holidays")
    service.resume(actor, connection.id)
    shop_server.status = 403
    service.check(actor, connection.id)
    service.remove(actor, connection.id)
    trail = [entry for entry in audit_trail(store) if entry[0].startswith("conn")]
    assert [action for action, _ in trail] == [
        "connection.add",
        "connection.update",
        "connection.pause",
        "connection.resume",
        "connection.park",
        "connection.remove",
    ]
    assert "planted" not in repr(trail)
    assert trail[1][1]["after"]["replaced_secret_names"] == ["refresh"]
    assert trail[4][1]["after"]["code"] == "consent_revoked"


def test_no_table_holds_a_secret(service, actor, connection, store, shop_server):
    shop_server.key = "other"
    service.check(actor, connection.id)
    raw = store.engine.raw_connection()
    try:
        cursor = raw.cursor()
        for table in Base.metadata.sorted_tables:
            cursor.execute(f'SELECT * FROM "{table.name}"')
            assert "planted" not in repr(cursor.fetchall()), table.name
    finally:
        raw.close()


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("account", "alpha", ""),
        ("account", "A1", "Does not have the expected form."),
        ("account", "", "Must be filled in."),
        ("region", "mars", "Must be one of: eu, us."),
        ("page_size", "many", "Not a valid integer."),
        ("page_size", "", ""),
    ],
)
def test_one_value_is_checked_while_it_is_typed(plugins, name, value, told):
    assert check_field(plugins.info("shop").settings_type, name, value) == told


def test_settings_schema_is_data(service):
    schema = {field.name: field.as_json() for field in service.settings_schema("shop")}
    assert schema["api_key"]["secret"] is True
    assert schema["api_key"]["required"] is True
    assert schema["region"]["choices"] == ["eu", "us"]
    assert schema["region"]["choice_titles"] == ["eu", "us"]
    assert schema["region"]["kind"] == "choice"
    assert schema["page_size"] == {
        "name": "page_size",
        "label": "Page size",
        "help": "",
        "kind": "integer",
        "required": False,
        "default": 10,
        "secret": False,
        "choices": [],
        "choice_titles": [],
        "pattern": "",
        "advanced": True,
    }


def test_a_list_asks_once_for_the_names_of_all_secrets(
    service, actor, values, connection, store
):
    other = service.add(actor, plugin="shop", name="Other", values=values)
    asked = []

    def note(_connection, _cursor, statement, *_):
        asked.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        found = service.list(actor)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert sum("FROM connection_secret" in one for one in asked) == 1
    assert {one.id: one.secret_names for one in found} == {
        one.id: service.get(actor, one.id).secret_names for one in (connection, other)
    }


def test_choices_have_titles_all_or_none():
    info = SettingInfo(label="Mode", choices=("a", "b"), choice_titles=("One", "Two"))
    assert [info.title_of(one) for one in ("a", "b", "c")] == ["One", "Two", "c"]
    with pytest.raises(ValueError, match="Mode: every choice needs one title"):
        SettingInfo(label="Mode", choices=("a", "b"), choice_titles=("One",))
