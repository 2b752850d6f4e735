"""What only Ledgerline does: versions as preconditions, ends, deletions."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from entrepot.sdk import queries as ask
from entrepot.sdk.conformance import Harness
from entrepot.sdk.errors import Conflict, Rejected
from entrepot.sdk.model import LineChange, LineChangeKind, OutcomeState
from entrepot.sdk.simulator import Options
from entrepot_ledgerline.plugin import plugin
from entrepot_ledgerline.simulator import LedgerlineSimulator


@pytest.fixture
def running():
    with LedgerlineSimulator(Options(customers=2, seed=7)).running() as found:
        yield found


@pytest.fixture
def psa(running):
    simulator = running.simulator
    harness = Harness(plugin, simulator.connection_settings(), simulator.clock.now)
    yield harness
    harness.close()


@pytest.fixture
def line(psa):
    query = ask.ListAgreementLines(agreement_id="c-7-00000")
    return psa.call("list_agreement_lines", query).records()[0]


def change(line, kind, **values):
    return LineChange(
        kind=kind,
        reference="op-1",
        agreement_id=line.agreement_id,
        line_id=line.vendor_id,
        **values,
    )


def apply(psa, wanted):
    return psa.call("apply_line_change", ask.ApplyLineChange(change=wanted))


def test_quantity_is_set_and_the_reference_stored(psa, line):
    wanted = change(line, LineChangeKind.SET_QUANTITY, quantity=Decimal(77))
    outcome = apply(psa, wanted)
    assert outcome.state is OutcomeState.DONE
    assert outcome.line.quantity == 77
    assert psa.call("find_line", ask.FindLine(change=wanted)) == outcome.line


def test_end_is_set_and_taken_back(psa, line):
    ended = apply(psa, change(line, LineChangeKind.SET_END, ends=date(2026, 12, 31)))
    assert ended.line.ends == date(2026, 12, 31)
    assert apply(psa, change(line, LineChangeKind.SET_END)).line.ends is None


def test_deleting_twice_is_deleting_once(psa, line):
    wanted = change(line, LineChangeKind.DELETE, expected_token=line.change_token)
    assert apply(psa, wanted).state is OutcomeState.DONE
    assert apply(psa, wanted).state is OutcomeState.DONE


def test_change_behind_our_back_is_a_conflict(psa, running, line):
    running.simulator.change_amount(line.vendor_id, 3)
    wanted = change(
        line,
        LineChangeKind.SET_QUANTITY,
        quantity=Decimal(5),
        expected_token=line.change_token,
    )
    with pytest.raises(Conflict) as caught:
        apply(psa, wanted)
    assert caught.value.info.remedy
    assert running.simulator.positions[line.vendor_id]["amount"] == 3


def test_unknown_product_is_rejected_with_the_reason(psa, line):
    wanted = change(line, LineChangeKind.SET_FIELDS, product_id="a-99")
    with pytest.raises(Rejected, match="refuses"):
        apply(psa, wanted)
