"""Exit codes mean something, and every error tells what to do."""

from __future__ import annotations

import pytest


def refused(said, code: int, word: str, remedy: str) -> None:
    """It ended with this code, and says what happened and what to do."""
    assert said.code == code, (said.out, said.err)
    assert said.error["error"] == word, said.error
    assert said.error["message"]
    assert remedy in said.error["remedy"], said.error


@pytest.mark.parametrize(
    "command",
    [
        ("nonsense",),
        ("sync", "--nonsense"),
        ("map", "list", "nothing"),
        ("reconcile", "plan"),
        ("reconcile", "run", "--company", "1", "--customer", "2"),
        ("map", "confirm", "customer", "a", "b=half"),
        ("map", "confirm", "product", "a", "b", "--factor", "much"),
        ("map", "exclude", "products", "sku-alone", "--reason", "x"),
        ("connections", "add", "connectwise", "--set", "nothing"),
        ("simulator", "run", "microsoft", "--quota", "some"),
        ("demo", "--scale", "0"),
    ],
    ids=" ".join,
)
def test_what_is_not_understood_ends_with_2(cli, command):
    said = cli(*command)
    assert said.code == 2, (said.out, said.err)
    assert "Traceback" not in said.err


def test_hub_without_tables_ends_with_3(empty):
    refused(empty("customers", "--json"), 3, "database_not_current", "entrepot init")


def test_wrong_settings_end_with_3(empty, tmp_path):
    said = empty("customers", "--json", "--config", tmp_path / "none.toml")
    refused(said, 3, "settings_invalid", "readable TOML file")
    bad = tmp_path / "bad.toml"
    bad.write_text("colour = 1\n")
    refused(empty("customers", "--json", "--config", bad), 3, "settings_invalid", "")


def test_rejected_credentials_end_with_3(fresh, systems):
    said = fresh(
        *("connections", "add", "connectwise", "--json"),
        *("--set", f"site={systems.psa}", "--set", "company=entrepot"),
        *("--set", "public_key=entrepotPublic", "--set", "private_key=wrong-key"),
    )
    assert said.code == 3, said.err
    assert said.error["remedy"]
    assert "wrong-key" not in said.err + said.out


@pytest.mark.parametrize(
    ("command", "remedy"),
    [
        (("connections", "show", "nobody"), "entrepot connections list"),
        (("connections", "check", "nobody"), "entrepot connections list"),
        (("sync", "nobody"), "entrepot connections list"),
        (("map", "progress", "--psa", "nobody"), "entrepot connections list"),
        (("reconcile", "show", "iss_none"), ""),
        (("reconcile", "plan-show", "pln_none"), ""),
        (("reconcile", "ignore", "iss_none", "--reason", "x"), ""),
        (("jobs", "show", "none"), ""),
        (("map", "undo", "none"), ""),
        (("tenants", "suspend", "nobody", "--why", "x"), ""),
        (("users", "lock", "nobody@acme.example"), "entrepot users list"),
        (("--tenant", "nobody", "customers"), ""),
        (("simulator", "run", "nobody"), ""),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_does_not_exist_ends_with_4(cli, command, remedy):
    said = cli(*command, "--json")
    assert said.code == 4, (said.out, said.err)
    assert remedy in said.error["remedy"]


def test_what_is_not_possible_ends_with_5(cli):
    issue = cli.ok("reconcile", "issues")[0]["id"]
    said = cli("reconcile", "ignore", issue, "--reason", " ", "--json")
    refused(said, 5, "reason_missing", "Say why")
    assert said.error["field"] == "reason"
    said = cli("reconcile", "run", "--company", "", "--psa", "microsoft", "--json")
    assert said.code == 4, "a vendor is no PSA"
    plan = cli.ok("reconcile", "plan", "--all")
    refused(cli("reconcile", "apply", plan["id"], "--json"), 5, "plan_not_approved", "")
    wrong = cli("reconcile", "approve", plan["id"], "--digest", "other", "--json")
    refused(wrong, 5, "plan_changed", "Look at the plan again")


def test_backup_over_data_ends_with_5(cli, tmp_path):
    archive = tmp_path / "hub.zip"
    cli.ok("backup", archive)
    refused(cli("restore", archive, "--json"), 5, "database_not_empty", "--replace")


def test_work_that_failed_ends_with_6(fresh):
    refused(fresh("sync", "--json"), 6, "no_connection", "entrepot connections add")


def test_missed_cases_end_with_6(cli, tmp_path):
    said = cli("reconcile", "cases", tmp_path, "--json")
    assert said.code in (5, 6), (said.out, said.err)


def test_database_that_does_not_answer_ends_with_7(empty):
    address = "postgresql://nobody@127.0.0.1:1/none"
    from entrepot.store.keys import new_keys

    keys = ",".join(key.text() for key in new_keys())
    said = empty(
        "customers", "--json", ENTREPOT_DATABASE_URL=address, ENTREPOT_KEYS=keys
    )
    refused(said, 7, "database_unreachable", "ENTREPOT_DATABASE_URL")


def test_address_where_nobody_answers_ends_with_3(fresh):
    said = fresh(
        *("connections", "add", "connectwise", "--json"),
        *("--set", "site=http://127.0.0.1:1", "--set", "company=entrepot"),
        *("--set", "public_key=a-key", "--set", "private_key=another-key"),
    )
    refused(said, 3, "host_unreachable", "reachable from the hub")
    assert said.error["field"] == "site"


def test_help_explains_the_codes(empty):
    said = empty("--help")
    assert said.code == 0
    assert "7 the other side or the database did not answer" in " ".join(
        said.out.replace("│", " ").split()
    )
