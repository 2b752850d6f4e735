"""Comparisons of vendor, hub and PSA: run one, follow it, look at its result."""

from __future__ import annotations

from typing import Any

from entrepot.hub.reconciliation.queries import IssueQuery
from entrepot.hub.reconciliation.views import RunComparison, RunView, run_view
from flask import request
from marshmallow import Schema, fields, validate

from entrepot_web.api import lists
from entrepot_web.api.describe import query as parameter
from entrepot_web.api.frame import Answer, Operation, Resource
from entrepot_web.api.operations import PREFER, OperationShape, accepted
from entrepot_web.api.problem import bad_request
from entrepot_web.api.shapes import Collection, MoneyShape, Page, Shape
from entrepot_web.context import actor, hub
from entrepot_web.lists.reconciliation import RECONCILIATIONS

reconciliations = Resource(
    "reconciliations", "Where vendor, hub and PSA differ, in money."
)


class ReconciliationBody(Schema):
    """What to compare."""

    psa_connection_id = fields.String(required=True, validate=validate.Length(1, 40))
    scope = fields.String(
        load_default="all",
        validate=validate.Length(1, 240),
        metadata={"description": "`all`, `company:<PSA id>` or `customer:<id>`."},
    )
    level = fields.Integer(
        load_default=1,
        strict=True,
        validate=validate.OneOf([1, 2]),
        metadata={
            "description": "1: the next invoice. 2: closed periods and the open one "
            "as well, which takes longer."
        },
    )


class TotalsShape(Shape, frozen=True, kw_only=True):
    """Open money of one currency; under- and over-billed are never netted."""

    currency: str
    under_billed: MoneyShape
    over_billed: MoneyShape
    under_billed_once: MoneyShape
    over_billed_once: MoneyShape
    cost: MoneyShape
    estimated: MoneyShape
    issues: int
    silent: int


class CoverageShape(Shape, frozen=True, kw_only=True):
    """How many scopes had one outcome, and how much was compared in them."""

    outcome: str
    scopes: int
    subscriptions: int
    lines: int
    skipped: int


@reconciliations.operation(
    "POST",
    "/reconciliations",
    Operation(
        permission="reconciliations:write",
        returns=OperationShape,
        status=202,
        body=ReconciliationBody,
        errors=(404, 409),
        remembered=True,
        parameters=(PREFER,),
    ),
)
def start_reconciliation(body: dict[str, Any]) -> Answer:
    """Compare everything, one company or one customer; joins a run of that scope."""
    ref = hub().reconciliation.start(
        actor(),
        body["psa_connection_id"],
        body["scope"],
        cause="api",
        level=body["level"],
    )
    return accepted(ref.run_id)


@reconciliations.operation(
    "GET",
    "/reconciliations",
    Operation(
        permission="reconciliations:read",
        returns=Page[RunView],
        listing=RECONCILIATIONS,
    ),
)
def list_reconciliations() -> Answer:
    """List comparisons, newest first."""
    return lists.page(RECONCILIATIONS, lambda _, rows: [run_view(r[0]) for r in rows])


@reconciliations.operation(
    "GET",
    "/reconciliations/<string:reconciliation_id>",
    Operation(permission="reconciliations:read", returns=RunView, errors=(404,)),
)
def get_reconciliation(reconciliation_id: str) -> RunView:
    """Read one comparison with its verdict."""
    return hub().reconciliation.run(actor(), reconciliation_id)


@reconciliations.operation(
    "GET",
    "/reconciliations/<string:reconciliation_id>/differences-to/<string:before_id>",
    Operation(permission="reconciliations:read", returns=RunComparison, errors=(404,)),
)
def compare_reconciliations(reconciliation_id: str, before_id: str) -> RunComparison:
    """Read which differences appeared and vanished since an earlier comparison."""
    return hub().reconciliation.compare_runs(actor(), before_id, reconciliation_id)


@reconciliations.operation(
    "GET",
    "/reconciliation-totals",
    Operation(
        permission="reconciliations:read",
        returns=Collection[TotalsShape],
        parameters=(
            parameter("psa_connection_id", "Only this PSA connection.", maxLength=40),
            parameter("company_id", "Only this company of the PSA.", maxLength=200),
            parameter("customer_id", "Only this customer.", maxLength=40),
        ),
    ),
)
def get_totals() -> Collection[TotalsShape]:
    """Read the open money per currency."""
    query = IssueQuery(
        psa_connection_id=request.args.get("psa_connection_id") or None,
        company_id=request.args.get("company_id") or None,
        customer_id=request.args.get("customer_id") or None,
    )
    found = hub().reconciliation.totals(actor(), query)
    return Collection(data=[totals_shape(item) for item in found])


@reconciliations.operation(
    "GET",
    "/reconciliation-coverage",
    Operation(
        permission="reconciliations:read",
        returns=Collection[CoverageShape],
        parameters=(
            parameter("psa_connection_id", "The PSA connection.", maxLength=40),
        ),
    ),
)
def get_coverage() -> Collection[CoverageShape]:
    """Read how much was compared, and what could not be."""
    psa = request.args.get("psa_connection_id", "")
    if not psa:
        raise bad_request(
            "parameter_missing", "Name psa_connection_id.", "psa_connection_id"
        )
    found = hub().reconciliation.coverage(actor(), psa)
    return Collection(data=[CoverageShape(**item) for item in found])


def totals_shape(item: Any) -> TotalsShape:  # noqa: ANN401 - the service's view
    """Return totals in the words of the API."""

    def money(amount: Any) -> MoneyShape:  # noqa: ANN401 - a decimal
        return MoneyShape(amount=amount, currency=item.currency)

    return TotalsShape(
        currency=item.currency,
        under_billed=money(item.under),
        over_billed=money(item.over),
        under_billed_once=money(item.once_under),
        over_billed_once=money(item.once_over),
        cost=money(item.cost),
        estimated=money(item.estimated),
        issues=item.issues,
        silent=item.silent,
    )
