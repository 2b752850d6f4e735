"""Files that people hand in: kept, replaced, read, forgotten with the connection."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import msgspec
import pytest
from entrepot.hub.audit.service import AuditQuery
from entrepot.hub.charges import files as module
from entrepot.hub.charges.service import LineQuery
from entrepot.sdk.errors import NotFound, Rejected
from entrepot.sdk.model import Charge, ChargeKind, Money, Period
from entrepot.store import PermissionDenied

MARCH = Period(date(2026, 3, 1), date(2026, 4, 1))


def charge(number, amount="5"):
    return Charge(
        vendor_id=f"line/{number}",
        customer_id="c1",
        kind=ChargeKind.RECURRING,
        period=MARCH,
        amount=Money(Decimal(amount), "USD"),
        source="export.json",
    )


def export(*lines, month="2026-03"):
    return msgspec.json.encode({month: lines})


def take(ledger, content, actor=None):
    files, chosen = ledger.hub.charges.files, actor or ledger.actor
    return files.take(chosen, ledger.connection_id, "export.json", content)


def counted(ledger, *names):
    counts = ledger.read(month="2026-03")["counts"]
    return tuple(counts[name] for name in names)


def entries(ledger):
    query = AuditQuery(action="charges.file_taken")
    return ledger.hub.audit.list(ledger.actor, query).entries


def test_files_are_read_restated_and_withdrawn(ledger) -> None:
    taken = take(ledger, export(charge(1), charge(2)))
    assert (taken.months, taken.kept) == (("2026-03",), 1)
    assert counted(ledger, "new", "changed", "gone") == (2, 0, 0)
    again = take(ledger, export(charge(1), charge(2)))
    assert again.kept == 0
    assert counted(ledger, "new", "changed", "gone", "same") == (0, 0, 0, 2)
    take(ledger, export(charge(1, "6")))
    assert counted(ledger, "new", "changed", "gone") == (0, 1, 1)
    (line,) = ledger.hub.charges.charges(ledger.actor, LineQuery()).items
    assert (line.amount, line.source) == (Decimal(6), "export.json")
    versions = ledger.hub.charges.history(ledger.actor, "charges", line.id)
    assert [each.change for each in versions] == ["changed", "new"]
    assert len(entries(ledger)) == 2, "a file that changed nothing left an entry"


def test_file_handed_in_again_is_of_that_day(ledger) -> None:
    take(ledger, export(charge(1)))
    files = ledger.hub.connections.open(ledger.connection_id).files
    first = files.find("2026-03")
    ledger.hub.clock.advance(timedelta(days=3))
    take(ledger, export(charge(1)))
    second = files.find("2026-03")
    assert second.version == first.version
    assert second.taken_at - first.taken_at == timedelta(days=3)
    assert files.find("2026-04") is None
    with pytest.raises(NotFound, match="2026-04"):
        files.read("2026-04")


def test_refused_files_leave_nothing(ledger, monkeypatch) -> None:
    with pytest.raises(Rejected, match="Line 1"):
        take(ledger, b"not json")
    with pytest.raises(PermissionDenied):
        reader = replace(ledger.actor, permissions=frozenset({"connections:read"}))
        take(ledger, export(charge(1)), reader)
    monkeypatch.setattr(module, "LARGEST", 10)
    with pytest.raises(Rejected, match="MiB"):
        take(ledger, export(charge(1)))
    assert ledger.count("connection_file") == 0


def test_files_go_with_their_connection(ledger) -> None:
    take(ledger, export(charge(1)))
    assert ledger.count("connection_file") == 1
    ledger.hub.connections.remove(ledger.actor, ledger.connection_id)
    assert ledger.count("connection_file") == 0
