"""Mapping, comparing and correcting from the command line."""

from __future__ import annotations

import csv
import io


def first(items, **wanted):
    """The first record with these values."""
    return next(
        one for one in items if all(one[key] == value for key, value in wanted.items())
    )


def customers(cli):
    return cli.ok("map", "list", "customers", "--limit", "200")


def test_decision_about_a_customer_is_previewed_saved_and_undone(cli):
    confirmed = first(customers(cli), status="confirmed")
    account = confirmed["account_id"]
    company = confirmed["mapping"]["psa_company_id"]
    cleared = cli.ok("map", "clear", "customers", account, "--why", "wrong")
    assert cleared["rows"] == 1
    assert first(customers(cli), account_id=account)["status"] == "undecided"
    wanted = ("map", "confirm", "customer", account, company)
    preview = cli.ok(*wanted, "--dry-run")
    assert preview["subscriptions"] > 0
    assert first(customers(cli), account_id=account)["status"] == "undecided"
    done = cli.ok(*wanted, "--why", "seen")
    assert first(customers(cli), account_id=account)["status"] == "confirmed"
    cli.ok("map", "undo", done["id"])
    assert first(customers(cli), account_id=account)["status"] == "undecided"
    newest = cli.ok("map", "decisions")[0]
    assert (newest["action"], newest["rows"]) == ("undo", 1)


def test_customer_is_excluded_with_a_reason_or_rejected(cli):
    account = first(customers(cli), status="confirmed")
    identity = account["account_id"]
    cli.ok("map", "exclude", "customers", identity, "--reason", "billed elsewhere")
    found = first(customers(cli), account_id=identity)
    assert found["mapping"]["reason"] == "billed elsewhere"
    company = account["mapping"]["psa_company_id"]
    cli.ok("map", "clear", "customers", identity)
    cli.ok("map", "reject", "customer", identity, company, "--why", "other company")
    rejected = cli.ok("map", "list", "customers", "--status", "rejected")
    assert identity in {one["account_id"] for one in rejected}


def test_shares_of_a_customer_are_understood(cli):
    found = [one for one in customers(cli) if one["mapping"]]
    one, other = found[0], found[1]
    companies = [each["mapping"]["psa_company_id"] for each in (one, other)]
    wanted = (f"{companies[0]}=percent:60", f"{companies[1]}=rest")
    cli.ok("map", "confirm", "customer", one["account_id"], *wanted, "--shared")
    shares = {
        (each["mapping"]["psa_company_id"], each["mapping"]["share"])
        for each in customers(cli)
        if each["account_id"] == one["account_id"]
    }
    assert shares == {(companies[0], "percent"), (companies[1], "remainder")}


def test_product_is_confirmed_and_excluded(cli):
    products = cli.ok("map", "list", "products", "--limit", "200")
    row = first(products, status="confirmed")
    product = row["mapping"]["psa_product_id"]
    done = cli.ok("map", "confirm", "product", row["sku"], product, "--term", "P3Y")
    assert done["rows"] == 1
    sku = f"microsoft/{row['sku']}"
    assert cli.ok("map", "exclude", "products", sku, "--reason", "free")["rows"] >= 1


def test_mappings_travel_as_a_file(cli, tmp_path):
    path = tmp_path / "customers.csv"
    assert cli.ok("map", "export", "customers", path)["lines"] == 12
    text = path.read_text(encoding="utf-8")
    assert cli("map", "export", "customers").out.replace("\r\n", "\n") == text.replace(
        "\r\n", "\n"
    )
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    changed = next(row for row in rows if row["status"] == "confirmed")
    changed["status"], changed["reason"] = "excluded", "sold"
    _write(path, rows)
    dry = cli.ok("map", "import", "customers", path, "--dry-run")
    assert [one["result"] for one in dry["lines"]].count("changed") == 1
    assert not dry["saved"]
    assert cli.ok("map", "import", "customers", path)["saved"]
    excluded = [one for one in customers(cli) if one["status"] == "excluded"]
    assert len(excluded) == 1
    changed["status"], changed["psa_company_id"] = "confirmed", "999999"
    _write(path, rows)
    said = cli("map", "import", "customers", path)
    assert said.code == 5
    assert "psa_company" in said.out or "company" in said.out
    assert "nothing was saved" in said.err


def _write(path, rows):
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)


def test_file_of_another_encoding_is_refused(cli, tmp_path):
    path = tmp_path / "customers.csv"
    path.write_bytes("vendor_name\nGröße\n".encode("cp1252"))
    said = cli("map", "import", "customers", path, "--json")
    assert (said.code, said.error["error"]) == (5, "not_utf8")


def test_difference_is_ignored_snoozed_kept_or_unmanaged(cli):
    issues = cli.ok("reconcile", "issues", "--limit", "200")
    ignored, snoozed = issues[0]["id"], issues[1]["id"]
    cli.ok("reconcile", "ignore", ignored, "--reason", "agreed")
    done = cli.ok("reconcile", "snooze", snoozed, "--until", "2099-01-31")
    assert done[0]["silent_until"] == "2099-01-31"
    shown = cli.ok("reconcile", "show", ignored)
    assert shown["state"] == "ignored"
    assert shown["decisions"][0]["reason"] == "agreed"
    listed = cli.ok("reconcile", "issues", "--state", "ignored")
    assert [one["id"] for one in listed] == [ignored]
    line = next(one for one in issues[2:] if one["lines"] and one["actual"])
    done = cli.ok("reconcile", "unmanage", line["id"], "--reason", "own business")
    assert done[0]["id"] == line["id"]


def test_difference_is_planned_approved_and_applied(cli):
    issues = cli.ok("reconcile", "issues", "--limit", "200", "--state", "open")
    for issue in issues:
        said = cli("reconcile", "plan", issue["id"], "--json")
        if said.code == 0 and not said.data["not_pushed"]:
            break
        if said.code == 0:
            cli.ok("reconcile", "discard", said.data["id"])
    plan = said.data
    assert cli.ok("reconcile", "plan-show", plan["id"])["digest"] == plan["digest"]
    unsure = cli("reconcile", "approve", plan["id"], "--json")
    assert (unsure.code, unsure.error["error"]) == (2, "not_confirmed")
    approved = cli.ok("reconcile", "approve", plan["id"], "--digest", plan["digest"])
    assert approved["state"] == "approved"
    applied = cli.ok("reconcile", "apply", plan["id"])
    assert applied["state"] == "done", applied
    states = {one["id"]: one["state"] for one in cli.ok("reconcile", "plans")}
    assert states[plan["id"]] == "done"


def test_one_customer_is_read_and_compared_alone(cli):
    customer = first(customers(cli), status="confirmed")
    company = customer["mapping"]["psa_company_id"]
    runs = cli.ok("sync", "microsoft", "--customer", customer["vendor_id"])
    assert (runs[0]["mode"], runs[0]["state"]) == ("customer", "complete")
    runs = cli.ok("sync", "--customer", customer["customer_id"])
    assert [run["subject"] for run in runs] == [customer["vendor_id"]]
    compared = cli.ok("reconcile", "run", "--company", company)
    assert compared["run"]["scope"] == f"company:{company}"
