"""Whether the ground an approved plan stands on is still there."""

from __future__ import annotations

from collections.abc import Sequence

from entrepot.hub.reconciliation.rules.books import Books, Inputs
from entrepot.hub.reconciliation.rules.keys import sort_into_keys
from entrepot.hub.reconciliation.rules.mapping_kinds import customer_issues
from entrepot.hub.reconciliation.rules.preconditions import preconditions_of
from entrepot.hub.reconciliation.rules.results import (
    Key,
    Operation,
    Precondition,
    Proposal,
)
from entrepot.hub.reconciliation.rules.view import View


def stale_because(inputs: Inputs, proposal: Proposal) -> list[str]:
    """What changed since the plan was made; empty when it may be applied.

    Args:
        inputs: Read afresh.
        proposal: The approved plan with its preconditions.
    """
    operations = [
        *proposal.operations,
        *(operation for some in proposal.choices.values() for operation in some),
    ]
    return differences(
        proposal.preconditions,
        _conditions_now(inputs, proposal.key, proposal.partner, operations),
    )


def differences(then: Sequence[Precondition], now: Sequence[Precondition]) -> list[str]:
    """Every precondition that no longer holds, in words."""
    present = {(one.what, one.id): one.values for one in now}
    found = []
    for one in then:
        values = present.get((one.what, one.id))
        if values is None:
            found.append(f"{one.what} {one.id} is gone")
            continue
        for name, value in one.values.items():
            if values.get(name, "") != value:
                found.append(
                    f"{one.what} {one.id}: {name} was {value or 'empty'}, "
                    f"is {values.get(name) or 'empty'}"
                )
    return found


def _conditions_now(
    inputs: Inputs, key: Key, partner: Key | None, operations: Sequence[Operation]
) -> tuple[Precondition, ...]:
    books = Books(inputs)
    blocked = customer_issues(books)[1]
    known = [
        one
        for one in inputs.vendor.subscriptions
        if one.billable
        and (one.connection, one.customer) not in blocked
        and one.id in books.mirrors
    ]
    cases = {case.key: case for case in sort_into_keys(books, known).cases}
    if key not in cases:
        return ()
    other = cases.get(partner) if partner is not None else None
    return preconditions_of(
        View(books, cases[key]),
        operations,
        View(books, other) if other is not None else None,
    )
