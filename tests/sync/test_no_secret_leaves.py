"""No secret in any log, job, audit entry, run or error, whatever went wrong."""

from __future__ import annotations

import base64
import logging

from entrepot.hub import tables as _tables  # noqa: F401 - completes the metadata
from entrepot.store.base import Base
from sqlalchemy import select


def texts_of_all_tables(hub):
    """Every value of every row, as the database's driver gives it."""
    found = []
    with hub.store.engine.connect() as connection:
        raw = connection.connection.driver_connection.cursor()
        for table in Base.metadata.sorted_tables:
            raw.execute(str(select(table).compile(hub.store.engine)))
            for row in raw.fetchall():
                found += [(table.name, _text(value)) for value in row if value]
    return found


def _text(value):
    if isinstance(value, bytes | memoryview):
        return bytes(value).decode("latin-1")
    return str(value)


def test_no_secret_leaves_however_runs_end(both, quick, caplog):
    caplog.set_level(logging.DEBUG)
    for side in (both.vendor, both.psa):
        both.sync(side)
        for kind, path in (
            ("truncated", "customers$|companies$"),
            ("token_expiry", "customers$|companies$"),
            ("status", "subscriptions$|additions$"),
        ):
            side.control.add_fault(kind, path=path, count=0 if kind == "status" else 1)
            both.sync(side)
            side.control.clear_faults()
    secrets = {
        both.vendor.simulator.authority.client_secret,
        *both.vendor.simulator.authority.refresh_tokens,
        *both.vendor.simulator.authority._issued,
        *(
            value
            for side in (both.vendor, both.psa)
            for name, value in side.simulator.connection_settings().items()
            if name in ("client_secret", "refresh_token", "private_key")
        ),
    }
    both.vendor.control.act("revoke_consent")
    both.vendor.control.act("set_switch", client_secret="another")
    both.vendor.simulator.expire_tokens()
    both.psa.control.act("revoke_key", public_key="entrepotPublic")
    for side in (both.vendor, both.psa):
        run = both.sync(side)
        assert run.state == "failed"
        assert run.remedy
        report = both.hub.connections.check(both.actor, side.connection.id)
        assert report.connection.state == "parked"
        logging.getLogger("tests").info("%r", report)
    private = both.psa.simulator.connection_settings()["private_key"]
    login = f"entrepot+entrepotPublic:{private}".encode()
    secrets.add(base64.b64encode(login).decode())
    assert len(secrets) >= 6
    rows = texts_of_all_tables(both.hub)
    assert len(rows) > 2_000
    logged = "\n".join(f"{one.getMessage()} {one.exc_text}" for one in caplog.records)
    for secret in secrets:
        assert secret not in logged
        leaks = [table for table, text in rows if secret in text]
        assert leaks == []
