"""People, resellers, keys, backups and simulators from the command line."""

from __future__ import annotations

from pathlib import Path

PASSWORD = "a long enough sentence"


def test_hub_is_made_once(empty):
    first = empty.ok("init", "--reseller", "Acme", "--email", "you@acme.example")
    assert len(first["password"]) >= 15
    assert empty.ok("init", "--reseller", "Other") == {"database": "sqlite"}
    assert [one["slug"] for one in empty.ok("tenants", "list")] == ["acme"]
    assert empty.ok("db", "upgrade")["revision"]


def test_reseller_is_made_suspended_exported_and_deleted(fresh, tmp_path):
    made = fresh.ok("tenants", "create", "Beta")
    several = fresh("customers", "--json")
    assert several.code in (2, 4, 5), several.err
    assert fresh.ok("customers", "--tenant", "beta") == []
    archive = tmp_path / "beta.zip"
    fresh.ok("tenants", "export", "beta", archive)
    assert archive.stat().st_size > 0
    unsure = fresh("tenants", "delete", "beta", "--why", "left", "--yes", "--json")
    assert unsure.code == 5, "only a suspended one"
    assert fresh.ok("tenants", "suspend", made["id"], "--why", "left")
    assert fresh.ok("tenants", "resume", "beta", "--why", "back")["status"] == "active"
    fresh.ok("tenants", "suspend", "beta", "--why", "left")
    fresh.ok("tenants", "delete", "beta", "--why", "left", "--yes")
    assert [one["slug"] for one in fresh.ok("tenants", "list")] == ["acme"]


def test_people_and_programs_are_added_and_locked(fresh):
    who = "else@acme.example"
    fresh.ok("users", "add", who, "--password", PASSWORD, "--role", "viewer")
    fresh.ok("users", "role", who, "owner")
    fresh.ok("users", "password", who, "--password", f"{PASSWORD} again")
    assert fresh.ok("users", "lock", who)["active"] is False
    assert fresh.ok("users", "unlock", who)["active"] is True
    made = fresh.ok("credentials", "add", "psa", "--scope", "customers:read")
    assert made["client_secret"]
    listed = fresh.ok("credentials", "list")
    assert [one["id"] for one in listed] == [made["client_id"]]
    assert made["client_secret"] not in str(listed)


def test_connection_is_paused_resumed_scheduled_and_removed(cli):
    assert cli.ok("connections", "check", "connectwise")["state"] == "active"
    assert cli.ok("connections", "pause", "connectwise")["state"] == "paused"
    said = cli("sync", "connectwise", "--json")
    assert said.code == 5, said.err
    assert said.error["remedy"]
    assert cli.ok("connections", "resume", "connectwise")["state"] == "active"
    every = cli.ok("connections", "schedule", "connectwise", "--every", "30")
    assert every["every_seconds"] == 1_800
    cli.ok("connections", "remove", "connectwise", "--yes")
    names = [one["name"] for one in cli.ok("connections", "list")]
    assert "connectwise" not in names


def test_keys_are_rotated(cli):
    fresh = cli.ok("secrets", "new-keys")
    assert len({key.partition(":")[0] for key in fresh}) == len(fresh)
    assert cli.ok("secrets", "rotate")["rotated"] == 0, "all have the newest key"
    file = cli.folder / "keys"
    old = file.read_text()
    file.write_text("\n".join(fresh) + "\n" + old)
    assert cli.ok("secrets", "rotate")["rotated"] >= 2
    file.write_text("\n".join(fresh) + "\n")
    assert cli.ok("connections", "check", "microsoft")["state"] == "active"


def test_restored_hub_is_the_same_and_holds_writes_back(cli, tmp_path):
    archive: Path = tmp_path / "hub.zip"
    before = cli.ok("subscriptions", "--limit", "200")
    manifest = cli.ok("backup", archive)
    assert manifest["rows"]["subscription"] == 80
    assert cli.ok("backup", archive, "--check") == manifest
    cli.ok("connections", "remove", "microsoft", "--yes")
    cli.ok("restore", archive, "--replace")
    assert cli.ok("subscriptions", "--limit", "200") == before
    assert cli.ok("writes", "status")["paused"] == "restored"
    doctor = cli("doctor", "--json")
    assert doctor.code == 6
    writes = next(one for one in doctor.data if one["name"] == "Writes")
    assert "entrepot writes resume" in writes["remedy"]
    why = cli("writes", "resume", "--unasked", "--json")
    assert (why.code, why.error["error"]) == (2, "reason_missing")
    cli.ok("writes", "resume")
    assert cli.ok("writes", "status") == {"paused": None, "unsettled": []}
    assert cli.ok("audit", "verify")


def test_damaged_backup_is_refused(cli, tmp_path):
    archive = tmp_path / "hub.zip"
    cli.ok("backup", archive)
    archive.write_bytes(archive.read_bytes()[:-500])
    said = cli("restore", archive, "--check", "--json")
    assert said.code in (5, 6), said.err
    assert said.error["message"]


def test_broken_audit_log_ends_with_6(cli):
    import sqlite3

    with sqlite3.connect(cli.folder / "entrepot.db") as database:
        # Somebody who owns the file can take the guards away; the chain still tells.
        guards = database.execute(
            "SELECT name FROM sqlite_master "
            "WHERE type = 'trigger' AND tbl_name = 'audit_entry'"
        )
        for (name,) in guards.fetchall():
            database.execute(f"DROP TRIGGER {name}")
        database.execute("UPDATE audit_entry SET action = 'nothing' WHERE seq = 2")
    database.close()
    said = cli("audit", "verify", "--json")
    assert said.code == 6
    assert said.error["error"] == "audit_broken"


def test_simulator_is_looked_into_and_made_to_fail(cli, systems):
    address = systems.vendor
    assert cli.ok("simulator", "control", address, "state")
    assert "new_subscription" in str(cli.ok("simulator", "control", address, "actions"))
    planned = cli.ok(
        *("simulator", "control", address, "fault"), "kind=status", "status=500"
    )
    assert planned["id"]
    assert cli.ok("simulator", "control", address, "clear") == {"faults": []}
    moved = cli.ok("simulator", "control", address, "advance", "minutes=1")
    assert moved["now"]
    wrong = cli("simulator", "control", address, "explode", "--json")
    assert (wrong.code, bool(wrong.error["message"])) == (5, True)
    bad = cli("simulator", "control", address, "fault", "--json")
    assert bad.code == 2, bad.err


def test_jobs_are_cancelled_and_retried_only_when_possible(cli):
    run = cli.ok("jobs", "list")[0]
    said = cli("jobs", "retry", run["id"], "--json")
    assert said.code == 5, said.err
