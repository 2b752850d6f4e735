"""Charges on the command line: read, listed, exported with their trailer."""

from __future__ import annotations

import csv
import json

from entrepot.sdk.simulator import ControlClient, Options
from entrepot.sdk.simulator.registry import build_named


def test_charges_are_read_listed_and_exported(cli, tmp_path) -> None:
    (read,) = cli.ok("charges", "sync", "microsoft")
    assert read["state"] == "complete"
    assert read["counts"]["new"] > 0
    (again,) = cli.ok("charges", "sync")
    assert (again["counts"]["new"], again["counts"]["changed"]) == (0, 0)
    assert again["counts"]["same"] == read["counts"]["new"]
    listed = cli.ok("charges", "list", "--limit", "200")
    one = listed[0]
    assert one["currency"]
    assert one["source"].startswith("invoice G")
    own = cli.ok("charges", "list", "--subscription", one["subscription_id"])
    assert {each["subscription_id"] for each in own} == {one["subscription_id"]}
    shown = cli("charges", "list", "--customer", one["customer_id"])
    assert one["customer_name"] in shown.out
    metered = cli.ok("usage", "list")
    assert metered
    assert {each["currency"] for each in metered} == {"USD"}
    path = tmp_path / "charges.csv"
    told = cli.ok("charges", "export", "--period", one["month"], "--to", str(path))
    head, *rows, end = list(csv.reader(path.read_text().splitlines()))
    assert told["rows"] == len(rows) > 0
    assert dict(zip(head, rows[0], strict=True))["month"] == one["month"]
    assert json.loads(end[1])["complete"] is True
    *lines, end = cli("usage", "export", "--format", "ndjson").out.splitlines()
    assert json.loads(end)["trailer"]["rows"] == len(lines) > 0
    assert cli("charges", "export", "--format", "xlsx").code == 2
    assert cli("charges", "list", "--period", "2026-13").code != 0
    readings = cli.ok("charges", "readings")
    assert {each["kind"] for each in readings} == {"charges", "usage"}


def test_charges_of_a_file_are_imported(cli, tmp_path) -> None:
    path = tmp_path / "rows.json"
    options = Options(customers=3, subscriptions=9, seed=4)
    with build_named("google", options).running() as up:
        control = ControlClient(up.base_url)
        settings = {**control.act("connection_settings"), "billing_table": ""}
        pairs = [f"{name}={value}" for name, value in settings.items()]
        values = [part for pair in pairs for part in ("--set", pair)]
        cli.ok("connections", "add", "google", *values)
        month = f"{up.simulator.clock.now():%Y%m}"

        def imported():
            rows = control.act("export_billing", month=month)["rows"]
            path.write_text("\n".join(rows))
            (done,) = cli.ok("charges", "import", "google", str(path))
            return done["state"], done["counts"]

        state, counts = imported()
        assert state == "complete"
        assert counts["new"] > 0
        control.act("restate_charges")
        _, restated = imported()
        assert (restated["new"], restated["changed"] > 0) == (0, True)
        assert restated["same"] + restated["changed"] == counts["new"]
        path.write_text("Account,Amount")
        refused = cli("charges", "import", "google", str(path), "--json")
        assert refused.code != 0
        assert "Line 1" in refused.error["message"]
