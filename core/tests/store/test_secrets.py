from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest
from entrepot.store import Settings, SettingsInvalid, Store, SystemScope, TenantScope
from entrepot.store.keys import (
    ENCRYPTION,
    PURPOSES,
    SESSIONS,
    Keyring,
    UnknownKey,
    load_keyring,
    new_keys,
    parse_key,
)
from entrepot.store.secrets import (
    ConnectionSecret,
    SecretDamaged,
    SecretMissing,
    SecretRef,
    SecretStore,
)
from sqlalchemy import select, text


@pytest.fixture
def old_keys():
    return new_keys()


@pytest.fixture
def secrets(old_keys) -> SecretStore:
    return SecretStore(Keyring(old_keys))


@pytest.fixture
def ref(tenant: str) -> SecretRef:
    return SecretRef(tenant, "con_1", "refresh_token")


def test_secret_is_stored_sealed(store: Store, secrets: SecretStore, ref: SecretRef):
    with store.unit(TenantScope(ref.tenant_id)) as session:
        assert secrets.find(session, ref) is None
        with pytest.raises(SecretMissing):
            secrets.get(session, ref)
        secrets.put(session, ref, "geheim")
        secrets.put(session, ref, "geheimer")
        assert secrets.get(session, ref) == "geheimer"
        assert secrets.names(session, ref.tenant_id, "con_1") == ["refresh_token"]
        row = session.scalars(select(ConnectionSecret)).one()
        assert "geheim" not in row.ciphertext
        assert row.version == 2
        assert secrets.remove(session, ref.tenant_id, "con_1") == 1
        assert secrets.find(session, ref) is None


def test_a_moved_or_changed_secret_does_not_open(
    store: Store, secrets: SecretStore, ref: SecretRef
):
    other = SecretRef(ref.tenant_id, "con_2", ref.name)
    with store.unit(TenantScope(ref.tenant_id)) as session:
        secrets.put(session, ref, "geheim")
        secrets.put(session, other, "anders")
        rows = {row.connection_id: row for row in session.scalars(_ALL)}
        rows["con_2"].ciphertext = rows["con_1"].ciphertext
        session.flush()
        with pytest.raises(SecretDamaged):
            secrets.get(session, other)
        assert secrets.get(session, ref) == "geheim"


_ALL = select(ConnectionSecret)


def test_replace_is_compare_and_set(store: Store, secrets: SecretStore, ref: SecretRef):
    with store.unit(TenantScope(ref.tenant_id)) as session:
        with pytest.raises(SecretMissing):
            secrets.replace(session, ref, "a", "b")
        secrets.put(session, ref, "one")
    with store.unit(TenantScope(ref.tenant_id)) as session:
        assert secrets.replace(session, ref, "one", "two") == "two"
    with store.unit(TenantScope(ref.tenant_id)) as session:
        assert secrets.replace(session, ref, "one", "three") == "two"
        assert secrets.get(session, ref) == "two"


def test_of_many_replacing_at_once_one_wins(
    store: Store, secrets: SecretStore, ref: SecretRef
):
    with store.unit(TenantScope(ref.tenant_id)) as session:
        secrets.put(session, ref, "start")
    results: list[str] = []

    def rotate(value: str) -> None:
        with store.unit(TenantScope(ref.tenant_id)) as session:
            results.append(secrets.replace(session, ref, "start", value))

    threads = [threading.Thread(target=rotate, args=(f"v{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.read(TenantScope(ref.tenant_id)) as session:
        final = secrets.get(session, ref)
    assert results == [final] * 4


def test_rotation_reseals_everything_and_resumes(
    store: Store, secrets: SecretStore, old_keys, ref: SecretRef, other_tenant: str
):
    scopes = [ref.tenant_id, other_tenant]
    for owner in scopes:
        with store.unit(TenantScope(owner)) as session:
            for number in range(7):
                name = SecretRef(owner, f"con_{number}", "key")
                secrets.put(session, name, f"value {owner} {number}")
    fresh = new_keys()
    both = SecretStore(Keyring([*fresh, *old_keys]))
    half = both._stale  # stop half-way: the second batch fails
    calls = 0

    def failing(session, batch):
        nonlocal calls
        calls += 1
        if calls == 2:
            raise ConnectionError("cut off")
        return half(session, batch)

    both._stale = failing  # type: ignore[method-assign]
    with pytest.raises(ConnectionError):
        both.rotate(store, batch=5)
    both._stale = half  # type: ignore[method-assign]
    assert both.rotate(store, batch=5) == 9
    assert both.rotate(store, batch=5) == 0
    only_new = SecretStore(Keyring(fresh))
    with store.read(SystemScope("tests")) as session:
        assert only_new.needed_keys(session) == [fresh[0].id]
        for owner in scopes:
            name = SecretRef(owner, "con_6", "key")
            assert only_new.get(session, name) == f"value {owner} 6"
        with pytest.raises(UnknownKey, match=fresh[0].id):
            secrets.get(session, name)


def test_no_secret_is_readable_in_the_database(
    store: Store, secrets: SecretStore, ref: SecretRef
):
    with store.unit(TenantScope(ref.tenant_id)) as session:
        secrets.put(session, ref, "planted-credential")
        query = text("SELECT * FROM connection_secret WHERE tenant_id = :t")
        row = session.execute(query, {"t": ref.tenant_id}).one()
        assert all("planted" not in str(value) for value in row)


def test_keys_have_separate_purposes_and_no_repr():
    keys = new_keys()
    ring = Keyring(keys)
    assert {key.purpose for key in keys} == set(PURPOSES)
    assert len({key.material for key in keys}) == len(PURPOSES)
    assert ring.current(SESSIONS) != ring.current(ENCRYPTION)
    assert parse_key(keys[0].text()) == keys[0]
    assert keys[0].text().split(":")[2] not in repr(keys[0])


def test_overlap_keeps_old_keys_behind_the_new():
    old, new = new_keys(), new_keys()
    ring = Keyring([*new, *old])
    assert ring.current(SESSIONS).id == new[1].id
    assert [key.id for key in ring.all(SESSIONS)] == [new[1].id, old[1].id]
    with pytest.raises(SettingsInvalid, match="given twice"):
        Keyring([*old, *old])
    with pytest.raises(SettingsInvalid, match="no key for sessions"):
        Keyring([old[0], *old[2:]])


@pytest.mark.parametrize(
    "entry", ["", "encryption:a", "encryption:a:c2hvcnQ=", "x:y:z"]
)
def test_a_slip_in_a_key_is_explained_without_showing_it(entry: str):
    with pytest.raises(SettingsInvalid, match="purpose:id:base64") as wrong:
        parse_key(entry)
    assert "c2hvcnQ" not in str(wrong.value)


def test_key_file_is_made_on_sqlite_only(tmp_path: Path):
    settings = Settings(data_dir=tmp_path)
    first, again = load_keyring(settings), load_keyring(settings)
    assert first.current(ENCRYPTION) == again.current(ENCRYPTION)
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o600
    assert [item.name for item in tmp_path.iterdir()] == ["keys"]
    elsewhere = Settings(database_url="postgresql://u@h/d", data_dir=tmp_path)
    with pytest.raises(SettingsInvalid, match="ENTREPOT_KEYS") as refused:
        load_keyring(elsewhere)
    assert "entrepot secrets new-keys" in str(refused.value)


def test_key_file_can_be_given(tmp_path: Path):
    keys = new_keys()
    path = tmp_path / "mine"
    path.write_text("# hub\n" + "\n".join(key.text() for key in keys))
    url = "postgresql://u@h/d"
    ring = load_keyring(Settings(database_url=url, keys_file=path))
    assert ring.current(ENCRYPTION) == keys[0]
    with pytest.raises(SettingsInvalid, match="KEYS_FILE"):
        load_keyring(Settings(database_url=url, keys_file=tmp_path / "none"))
