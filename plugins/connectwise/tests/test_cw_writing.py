"""What the plugin writes: lines and tickets."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from entrepot.sdk import queries as ask
from entrepot.sdk.errors import (
    Conflict,
    NotFound,
    Rejected,
    Unsupported,
)
from entrepot.sdk.model import (
    BillCustomer,
    LineChangeKind,
    OutcomeState,
)
from entrepot_connectwise.plugin import plugin


def apply(ctx, change):
    return plugin.apply_line_change(ctx, ask.ApplyLineChange(change=change))


def find(ctx, change, **values):
    return plugin.find_line(ctx, ask.FindLine(change=change, **values))


def test_create_stores_everything_and_our_reference(scene, ctx):
    change = scene.creation(
        ends=date(2026, 7, 31),
        included_quantity=Decimal(1),
        bill=BillCustomer.NO_CHARGE,
        invoice_text="two seats\nfrom July",
    )
    outcome = apply(ctx, change)
    assert outcome.state is OutcomeState.DONE
    assert outcome.vendor_request_id
    line = outcome.line
    assert line.reference == "op-1"
    assert line.effective == date(2026, 7, 1)
    assert line.ends == date(2026, 7, 31)
    assert line.unit_price == Decimal("26.40")
    assert line.bill is BillCustomer.NO_CHARGE
    assert find(ctx, change) == line


def test_set_quantity_end_and_fields(scene, ctx):
    def line():
        query = ask.GetAgreementLine(agreement_id="1", line_id=str(scene.line))
        return plugin.get_agreement_line(ctx, query)

    token = line().change_token
    change = scene.change(
        LineChangeKind.SET_QUANTITY, quantity=Decimal(12), expected_token=token
    )
    done = apply(ctx, change)
    assert done.state is OutcomeState.DONE
    assert done.line.quantity == 12
    assert done.line.reference == "op-1"
    ended = apply(
        ctx, scene.change(LineChangeKind.SET_END, ends=date(2026, 6, 30), reference="2")
    )
    assert ended.line.ends == date(2026, 6, 30)
    assert ended.line.reference == "2"
    cleared = apply(ctx, scene.change(LineChangeKind.SET_END, ends=None, reference="3"))
    assert cleared.line.ends is None
    priced = scene.change(
        LineChangeKind.SET_FIELDS, unit_cost=Decimal("23.5"), taxable=False
    )
    outcome = apply(ctx, priced)
    assert outcome.line.unit_cost == Decimal("23.50")
    assert outcome.line.taxable is False
    assert outcome.line.quantity == 12


def test_stale_expectations_write_nothing(scene, ctx):
    query = ask.GetAgreementLine(agreement_id="1", line_id=str(scene.line))
    token = plugin.get_agreement_line(ctx, query).change_token
    scene.control.act("edit_line", id=scene.line, quantity=11, member="jdoe")
    change = scene.change(
        LineChangeKind.SET_QUANTITY, quantity=Decimal(12), expected_token=token
    )
    with pytest.raises(Conflict) as caught:
        apply(ctx, change)
    assert caught.value.code == "line_changed"
    assert "jdoe" in caught.value.info.detail
    assert scene.lines()[0]["quantity"] == 11


def test_a_false_success_is_noticed(scene, ctx):
    """The vendor may answer 200 and store something else (here: nothing)."""
    world = scene.simulator.world
    keep = world.update

    def forgetful(table, row, member):
        if table == "additions":
            row = {**row, "quantity": Decimal(10)}
        return keep(table, row, member)

    world.update = forgetful
    change = scene.change(LineChangeKind.SET_QUANTITY, quantity=Decimal(12))
    outcome = apply(ctx, change)
    assert outcome.state is OutcomeState.REJECTED
    assert "quantity" in outcome.message
    assert outcome.line.quantity == 10


def test_refusals_name_the_field(scene, ctx):
    change = scene.change(LineChangeKind.SET_END, ends=date(2026, 1, 1))
    with pytest.raises(Rejected) as caught:
        apply(ctx, change)
    assert caught.value.info.field == "cancelledDate"
    assert caught.value.info.vendor_request_id
    with pytest.raises(Rejected):
        apply(ctx, scene.creation(product_id="99"))
    assert len(scene.lines()) == 1


def test_delete_only_what_was_never_invoiced(scene, ctx):
    with pytest.raises(Conflict):
        apply(ctx, scene.change(LineChangeKind.DELETE))
    new = apply(ctx, scene.creation()).line
    gone = scene.change(LineChangeKind.DELETE, line_id=new.vendor_id)
    assert apply(ctx, gone).state is OutcomeState.DONE
    assert apply(ctx, gone).message == "It was gone already."
    with pytest.raises(NotFound):
        apply(
            ctx,
            scene.change(
                LineChangeKind.SET_QUANTITY,
                line_id=new.vendor_id,
                quantity=Decimal(1),
            ),
        )


@pytest.mark.parametrize(
    "values",
    [{"product_id": None}, {"quantity": None}, {"effective": None}],
)
def test_incomplete_creations_are_refused_before_sending(scene, ctx, values):
    before = scene.control.counters()["total"]
    with pytest.raises(Unsupported):
        apply(ctx, scene.creation(**values))
    assert scene.control.counters()["total"] == before


def test_products_of_lines_cannot_be_changed(scene, ctx):
    change = scene.change(LineChangeKind.SET_FIELDS, product_id="2")
    with pytest.raises(Unsupported) as caught:
        apply(ctx, change)
    assert caught.value.info.field == "product_id"


def test_plans_show_the_exact_calls_without_sending(scene, ctx):
    before = scene.control.counters()["total"]
    changes = (
        scene.change(LineChangeKind.SET_END, ends=date(2026, 6, 30)),
        scene.creation(),
        scene.change(LineChangeKind.DELETE),
    )
    calls = plugin.plan_line_changes(ctx, ask.PlanLineChanges(changes=changes))
    assert [call.method for call in calls] == ["PATCH", "POST", "DELETE"]
    assert calls[0].target == "/finance/agreements/1/additions/1"
    assert '"2026-06-30T00:00:00Z"' in calls[0].body
    assert '"unitPrice": 26.40' in calls[1].body
    assert scene.control.counters()["total"] == before


def test_one_ticket_per_reference(scene, ctx):
    def ticket(body="Lines differ."):
        command = ask.CreateTicket(
            reference="fp-1",
            company_id=str(scene.company),
            summary="Differences at Contoso " + "x" * 100,
            body=body,
            links=("https://hub.example/issues/1",),
        )
        return plugin.create_ticket(ctx, command)

    first = ticket()
    assert first.created
    assert first.url.endswith(f"routeTo=ServiceFV&recid={first.vendor_id}")
    again = ticket()
    assert not again.created
    assert again.vendor_id == first.vendor_id
    ticket("Lines differ more.")
    path = f"service/tickets/{first.vendor_id}"
    notes = scene.request("GET", f"{path}/notes").json()
    assert len(notes) == 2
    done = [{"op": "replace", "path": "status", "value": {"name": "Completed"}}]
    assert scene.request("PATCH", path, json=done).status_code == 200
    assert ticket().created


def test_console_links_only_where_one_is_known(ctx):
    def link(kind, number="250"):
        query = ask.GetConsoleLink(kind=kind, object_id=number)
        return plugin.get_console_link(ctx, query)

    assert link("company").endswith("ConnectWise.aspx?routeTo=AccountFV&recid=250")
    assert link("agreement") is None
    assert link("company", "1&x=2") is None


def test_the_plugin_describes_itself():
    info = plugin.describe_plugin()
    assert info.name == "connectwise"
    assert info.capabilities.effective_dated_lines
    assert info.capabilities.settle_seconds > 0
    assert "entrepotPrivate" not in repr(info)


def test_closing_forgets_keys(ctx):
    ctx.runtime.signing_keys["https://x"] = "k"
    plugin.close_connection(ctx)
    assert ctx.runtime.signing_keys == {}
