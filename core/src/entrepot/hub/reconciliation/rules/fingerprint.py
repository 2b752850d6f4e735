"""Identity of issues, values and plans as hashes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import replace

from entrepot.hub.reconciliation.rules.issues import texts
from entrepot.hub.reconciliation.rules.results import (
    Issue,
    Operation,
    Precondition,
)


def _digest(value: object) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def fingerprint(tenant: str, psa_connection: str, issue: Issue) -> str:
    """What an issue is about, without any value: it lives while numbers move."""
    key = issue.key
    return _digest(
        [
            tenant,
            psa_connection,
            issue.kind,
            key.company,
            key.agreement,
            key.product,
            key.connection,
            key.customer,
            key.sku,
            issue.field,
            issue.subject,
        ]
    )


def value_hash(issue: Issue) -> str:
    """Expected and actual values: changes whenever the difference does."""
    return _digest(
        [dict(issue.expected), dict(issue.actual), sorted(issue.lines), issue.count]
    )


def identified(tenant: str, psa_connection: str, issue: Issue) -> Issue:
    """The issue with both hashes filled in."""
    return replace(
        issue,
        fingerprint=fingerprint(tenant, psa_connection, issue),
        value_hash=value_hash(issue),
    )


def operation_texts(operation: Operation) -> dict[str, str]:
    """An operation as texts by field, empty ones left out."""
    found = texts(
        do=operation.do,
        agreement=operation.agreement,
        company=operation.company,
        product=operation.product,
        line=operation.line,
        quantity=operation.quantity,
        unit_price=operation.unit_price,
        unit_cost=operation.unit_cost,
        bill=operation.bill,
        taxable=operation.taxable,
        effective=operation.effective,
        ends=operation.ends,
        text=operation.text,
        subscriptions=",".join(operation.subscriptions),
    )
    return {name: value for name, value in found.items() if value}


def plan_digest(
    operations: Iterable[Operation], preconditions: Iterable[Precondition]
) -> str:
    """What an approval is bound to: every operation and every precondition."""
    return _digest(
        [
            [operation_texts(operation) for operation in operations],
            sorted(
                [one.what, one.id, sorted(one.values.items())] for one in preconditions
            ),
        ]
    )
