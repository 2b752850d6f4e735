"""Somebody pushes a quantity every night that people set back by day (§17 D8)."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from entrepot.hub.reconciliation.rules.kinds import CATALOGUE, Auto, Kind


def push(books, *quantities):
    for quantity in quantities:
        books.vendor.set("s1", quantity=Decimal(quantity))
        books.sync()
        books.hub.clock.advance(timedelta(hours=5))


def test_d8_the_tug_of_war_is_stored_as_an_issue_for_people(contoso):
    push(contoso, 9, 10)
    contoso.reconcile()
    assert "FLAPPING" not in contoso.kinds(), "two changes may be second thoughts"
    push(contoso, 9)
    contoso.reconcile()
    (issue,) = [one for one in contoso.issues() if one.kind == "FLAPPING"]
    assert (issue.state, issue.is_open) == ("open", True)
    assert issue.reason == "10 → 9 → 10 → 9"
    # A person decides, with a ticket at hand; no policy may.
    assert issue.action == "CREATE_TICKET"
    assert CATALOGUE[Kind.FLAPPING].auto is Auto.NEVER
    contoso.reconcile()
    (again,) = [one for one in contoso.issues() if one.kind == "FLAPPING"]
    assert again.id == issue.id, "one war, one issue"
    # Peace for longer than anybody looks back closes it.
    contoso.hub.clock.advance(timedelta(days=3))
    contoso.sync()
    contoso.reconcile()
    assert "FLAPPING" not in contoso.kinds()
