"""What must still be so when an approved plan is applied."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from entrepot.hub.reconciliation.rules.issues import texts
from entrepot.hub.reconciliation.rules.psa_records import Agreement, PsaLine
from entrepot.hub.reconciliation.rules.records import VendorSubscription
from entrepot.hub.reconciliation.rules.results import Operation, Precondition
from entrepot.hub.reconciliation.rules.view import View


def line_state(line: PsaLine) -> Mapping[str, str]:
    """The compared fields of a line, as texts."""
    return texts(
        version=line.version,
        product=line.product,
        quantity=line.quantity,
        less_included=line.less_included,
        unit_price=line.unit_price,
        effective=line.effective,
        ends=line.ends,
    )


def agreement_state(agreement: Agreement) -> Mapping[str, str]:
    """Status and lock of an agreement, as texts."""
    return texts(
        status=agreement.status,
        ends=agreement.ends,
        locked_through=agreement.locked_through,
    )


def subscription_state(one: VendorSubscription, view: View) -> Mapping[str, str]:
    """What the vendor's side of a plan rests on, as texts."""
    return texts(
        quantity=one.quantity_on(view.day), status=one.status, sequence=one.sequence
    )


def preconditions_of(
    view: View, operations: Sequence[Operation], partner: View | None
) -> tuple[Precondition, ...]:
    """For every touched line, agreement, subscription and the key's set of lines."""
    if not operations:
        return ()
    found = {
        (one.what, one.id): one
        for one in (
            *_of_view(view, operations),
            *(_of_view(partner, operations) if partner is not None else ()),
        )
    }
    return tuple(found[name] for name in sorted(found))


def _of_view(view: View, operations: Sequence[Operation]) -> Iterator[Precondition]:
    for operation in operations:
        line = view.books.lines.get(operation.line)
        if line is not None:
            yield Precondition(what="line", id=line.id, values=line_state(line))
        agreement = view.books.agreements.get(operation.agreement)
        if agreement is not None:
            state = agreement_state(agreement)
            yield Precondition(what="agreement", id=agreement.id, values=state)
    for part in view.case.parts:
        one = part.subscription
        state = subscription_state(one, view)
        yield Precondition(what="subscription", id=one.id, values=state)
    key = view.case.key
    yield Precondition(
        what="key",
        id=f"{key.company}/{key.agreement}/{key.product}",
        values=texts(
            lines=",".join(line.id for line in view.active), quantity=view.quantity
        ),
    )
