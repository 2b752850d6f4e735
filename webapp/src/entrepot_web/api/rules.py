"""Rules of a comparison: prices, agreements, accepted differences, limits."""

from __future__ import annotations

from datetime import date
from typing import Any

from entrepot.hub.reconciliation.rulebook import RULE_KINDS
from entrepot.hub.reconciliation.rules_store import RuleWish
from entrepot.hub.reconciliation.views import RuleView
from flask import request
from marshmallow import Schema, fields, validate

from entrepot_web.api.describe import query
from entrepot_web.api.frame import Answer, Operation, Resource, check_match
from entrepot_web.api.problem import bad_request, not_found
from entrepot_web.api.shapes import Collection, Moment, Shape
from entrepot_web.context import actor, hub

rules = Resource("reconciliation-rules", "What a comparison takes for right.")


class ReconciliationRule(Shape, frozen=True, kw_only=True):
    """A rule of a PSA connection."""

    id: str
    psa_connection_id: str
    kind: str
    company_id: str
    product_id: str
    body: dict[str, Any]
    reason: str
    author: str
    created_at: Moment
    valid_until: date | None
    version: int


class RuleBody(Schema):
    """A new rule."""

    psa_connection_id = fields.String(required=True, validate=validate.Length(1, 40))
    kind = fields.String(required=True, validate=validate.OneOf(list(RULE_KINDS)))
    company_id = fields.String(load_default="", validate=validate.Length(0, 200))
    product_id = fields.String(load_default="", validate=validate.Length(0, 200))
    body = fields.Dict(keys=fields.String(), load_default=dict)
    reason = fields.String(load_default="", validate=validate.Length(0, 1000))
    valid_until = fields.Date(load_default=None)


class RulePatch(Schema):
    """New values of a rule; those left out stay."""

    company_id = fields.String(validate=validate.Length(0, 200))
    product_id = fields.String(validate=validate.Length(0, 200))
    body = fields.Dict(keys=fields.String())
    reason = fields.String(validate=validate.Length(0, 1000))
    valid_until = fields.Date(allow_none=True)


@rules.operation(
    "GET",
    "/reconciliation-rules",
    Operation(
        permission="reconciliations:read",
        returns=Collection[ReconciliationRule],
        parameters=(
            query("psa_connection_id", "Rules of this connection only."),
            query("kind", "Rules of this kind only.", enum=list(RULE_KINDS)),
        ),
    ),
)
def list_rules() -> Collection[ReconciliationRule]:
    """List rules, oldest first."""
    kind = request.args.get("kind")
    if kind is not None and kind not in RULE_KINDS:
        raise bad_request(
            "kind_invalid", f"Use one of {', '.join(RULE_KINDS)}.", "kind"
        )
    wanted = request.args.get("psa_connection_id")
    known = hub().mapping.psa_connections(actor())
    found = [
        _shape(rule)
        for one in known
        if wanted in (None, one)
        for rule in hub().reconciliation.rules.list(actor(), one, kind)
    ]
    return Collection(data=found)


@rules.operation(
    "POST",
    "/reconciliation-rules",
    Operation(
        permission="mappings:write",
        returns=ReconciliationRule,
        status=201,
        body=RuleBody,
        errors=(403, 404),
        remembered=True,
    ),
)
def add_rule(body: dict[str, Any]) -> Answer:
    """Add a rule; limits and automatic corrections also need the right to approve."""
    made = hub().reconciliation.rules.set(actor(), RuleWish(**body))
    location = {"Location": f"/api/v1/reconciliation-rules/{made.id}"}
    return Answer(body=_shape(made), headers=location)


@rules.operation(
    "GET",
    "/reconciliation-rules/<string:rule_id>",
    Operation(
        permission="reconciliations:read", returns=ReconciliationRule, errors=(404,)
    ),
)
def get_rule(rule_id: str) -> ReconciliationRule:
    """Read one rule."""
    return _find(rule_id)


@rules.operation(
    "PATCH",
    "/reconciliation-rules/<string:rule_id>",
    Operation(
        permission="mappings:write",
        returns=ReconciliationRule,
        body=RulePatch,
        errors=(403, 404, 409),
        matched=True,
    ),
)
def change_rule(body: dict[str, Any], rule_id: str) -> ReconciliationRule:
    """Change a rule; limits and automatic corrections also need the right to approve.

    Its kind and connection stay; `body` is given whole.
    """
    known = _find(rule_id)
    check_match(known)
    kept = {
        name: getattr(known, name) for name in RuleWish.__slots__ if name not in body
    }
    desk = hub().reconciliation.rules
    changed = desk.change(
        actor(), rule_id, RuleWish(**kept, **body), version=known.version
    )
    return _shape(changed)


@rules.operation(
    "DELETE",
    "/reconciliation-rules/<string:rule_id>",
    Operation(permission="mappings:write", status=204, errors=(404,), matched=True),
)
def remove_rule(rule_id: str) -> Answer:
    """Take a rule away."""
    check_match(_find(rule_id))
    hub().reconciliation.rules.remove(actor(), rule_id)
    return Answer()


def _find(rule_id: str) -> ReconciliationRule:
    for one in hub().mapping.psa_connections(actor()):
        for rule in hub().reconciliation.rules.list(actor(), one):
            if rule.id == rule_id:
                return _shape(rule)
    raise not_found("rule", rule_id)


def _shape(rule: RuleView) -> ReconciliationRule:
    names = ReconciliationRule.__struct_fields__
    return ReconciliationRule(**{name: getattr(rule, name) for name in names})
