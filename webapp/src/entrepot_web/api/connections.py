"""Plugins, and the connections that are made with them."""

from __future__ import annotations

from typing import Any

import msgspec
from entrepot.hub.connections.views import ConnectionView
from entrepot.plugins import PluginStatus
from entrepot.plugins.scorecard import ScoreCard
from entrepot.sdk.errors import NotFound
from marshmallow import Schema, fields, validate

from entrepot_web.api.frame import Answer, Operation, Resource, check_match
from entrepot_web.api.problem import not_found
from entrepot_web.api.shapes import Collection, Moment, Shape
from entrepot_web.context import actor, hub

connections = Resource("connections", "Accounts at vendors and PSA systems.")


class GapView(Shape, frozen=True, kw_only=True):
    """Something a plugin says it can't do."""

    hook: str
    reason: str
    text: str


class SettingView(Shape, frozen=True, kw_only=True):
    """One setting that a connection of this plugin takes."""

    name: str
    label: str
    help: str
    kind: str
    required: bool
    default: Any
    secret: bool
    choices: list[str]
    choice_titles: list[str]
    advanced: bool


class PluginView(Shape, frozen=True, kw_only=True):
    """An installed plugin.

    Attributes:
        state: ``loaded``, ``failed`` or ``blocked``.
        reason: Why it isn't loaded; empty when it is.
    """

    name: str
    title: str
    kind: str
    state: str
    reason: str
    version: str
    api: str
    distribution: str
    hooks: list[str]
    gaps: list[GapView]
    bugs: int


class RuleView(Shape, frozen=True, kw_only=True):
    """A rule of the plugin's quality file."""

    name: str
    state: str
    reason: str


class ScoreView(Shape, frozen=True, kw_only=True):
    """How good a plugin was found to be.

    Attributes:
        level: ``gold``, ``silver``, ``bronze`` or ``failing``.
        percent: Rules done of those that apply.
        passed: Checks of the conformance kit that passed.
        failed: Checks that failed, each with its first line.
        gaps: Declared gaps that are still gaps.
    """

    version: str
    api: str
    scored_on: str
    level: str
    percent: int
    passed: int
    failed: list[str]
    gaps: list[str]
    rules: list[RuleView]


class PluginDetail(Shape, frozen=True, kw_only=True):
    """A plugin with its score card; `score` is null when it was never scored."""

    plugin: PluginView
    score: ScoreView | None


class PluginSchema(Shape, frozen=True, kw_only=True):
    """The settings that a connection of a plugin takes."""

    plugin: str
    settings: list[SettingView]


class ParkedView(Shape, frozen=True, kw_only=True):
    """Why a connection stands still."""

    code: str
    message: str
    remedy: str
    field: str | None
    at: Moment


class ConnectionShape(Shape, frozen=True, kw_only=True):
    """An account at a vendor or PSA system, without its secrets."""

    id: str
    plugin: str
    kind: str
    name: str
    settings: dict[str, Any]
    secret_names: list[str]
    state: str
    parked: ParkedView | None
    billing_zone: str
    account_name: str
    account_warnings: list[str]
    base_currency: str
    last_ok_at: Moment | None
    created_at: Moment


class BudgetShape(Shape, frozen=True, kw_only=True):
    """How much of one request quota is used.

    Attributes:
        requests: Permitted requests per `seconds`; null stands for no limit.
        documented: Whether these are the vendor's figures.
        taken: Requests granted since the connection was made.
        used: Part of the burst in use now; above 1 while requests queue.
        paused_until: Until when the other side asked us to wait, or null.
    """

    name: str
    requests: int | None
    seconds: float
    burst: int
    documented: bool
    taken: int
    used: float
    paused_until: Moment | None


class CheckShape(Shape, frozen=True, kw_only=True):
    """What a check found."""

    connection: ConnectionShape
    ok: bool
    details: list[list[str]]
    warnings: list[str]
    code: str
    message: str
    remedy: str


class RemovalShape(Shape, frozen=True, kw_only=True):
    """What removing a connection does."""

    connection: ConnectionShape
    consequences: list[str]


class ConnectionBody(Schema):
    """A new connection."""

    plugin = fields.String(required=True, validate=validate.Length(1, 60))
    name = fields.String(required=True, validate=validate.Length(1, 200))
    values = fields.Dict(keys=fields.String(), required=True)
    billing_zone = fields.String(load_default="", validate=validate.Length(0, 64))
    check = fields.Boolean(load_default=True)


class ConnectionPatch(Schema):
    """What to change of a connection; what is left out stays."""

    name = fields.String(validate=validate.Length(1, 200))
    values = fields.Dict(keys=fields.String())
    billing_zone = fields.String(validate=validate.Length(0, 64))
    check = fields.Boolean(load_default=True)


@connections.operation(
    "GET",
    "/plugins",
    Operation(permission="connections:read", returns=Collection[PluginView]),
)
def list_plugins() -> Collection[PluginView]:
    """List plugins, those that failed to load included."""
    found = [_plugin_view(item) for item in hub().plugins.list()]
    return Collection(data=found)


@connections.operation(
    "GET",
    "/plugins/<string:plugin>",
    Operation(permission="connections:read", returns=PluginDetail, errors=(404,)),
)
def get_plugin(plugin: str) -> PluginDetail:
    """Read one plugin and how good it was found to be."""
    for item in hub().plugins.list():
        if item.name == plugin:
            card = hub().scores.find(actor(), plugin)
            score = _score_view(card) if card else None
            return PluginDetail(plugin=_plugin_view(item), score=score)
    raise not_found("plugin", plugin)


def _plugin_view(item: PluginStatus) -> PluginView:
    return PluginView(
        name=item.name,
        title=item.title or item.name,
        kind=item.kind,
        state=str(item.state),
        reason=item.reason,
        version=item.version,
        api=item.api,
        distribution=item.distribution,
        hooks=list(item.hooks),
        gaps=[
            GapView(hook=gap.hook, reason=str(gap.reason), text=gap.text)
            for gap in item.gaps
        ],
        bugs=item.bugs,
    )


def _score_view(card: ScoreCard) -> ScoreView:
    return ScoreView(
        version=card.version,
        api=card.api,
        scored_on=card.scored_on,
        level=card.level,
        percent=card.percent,
        passed=card.kit.passed,
        failed=list(card.kit.failed),
        gaps=list(card.kit.gaps),
        rules=[
            RuleView(name=rule.name, state=rule.state, reason=rule.reason)
            for rule in card.rules
        ],
    )


@connections.operation(
    "GET",
    "/plugins/<string:plugin>/settings",
    Operation(permission="connections:read", returns=PluginSchema, errors=(404,)),
)
def get_plugin_settings(plugin: str) -> PluginSchema:
    """Read which settings a connection of a plugin takes."""
    if plugin not in hub().plugins.names():
        raise not_found("loaded plugin", plugin)
    found = hub().connections.settings_schema(plugin)
    names = SettingView.__struct_fields__
    settings = []
    for item in found:
        values = item.as_json()
        settings.append(
            SettingView(**{name: msgspec.to_builtins(values[name]) for name in names})
        )
    return PluginSchema(plugin=plugin, settings=settings)


@connections.operation(
    "GET",
    "/vendors",
    Operation(permission="connections:read", returns=Collection[ConnectionShape]),
)
def list_vendors() -> Collection[ConnectionShape]:
    """List the connections to vendors."""
    return _listed("vendor")


@connections.operation(
    "GET",
    "/connections",
    Operation(permission="connections:read", returns=Collection[ConnectionShape]),
)
def list_connections() -> Collection[ConnectionShape]:
    """List connections by name."""
    return _listed(None)


@connections.operation(
    "POST",
    "/connections",
    Operation(
        permission="connections:write",
        returns=ConnectionShape,
        status=201,
        body=ConnectionBody,
        errors=(409, 502),
        remembered=True,
    ),
)
def add_connection(body: dict[str, Any]) -> Answer:
    """Add a connection, after proving that it works."""
    made = hub().connections.add(
        actor(),
        plugin=body["plugin"],
        name=body["name"],
        values=body["values"],
        billing_zone=body["billing_zone"],
        check=body["check"],
    )
    location = {"Location": f"/api/v1/connections/{made.id}"}
    return Answer(body=shape(made), headers=location)


@connections.operation(
    "GET",
    "/connections/<string:connection_id>",
    Operation(permission="connections:read", returns=ConnectionShape, errors=(404,)),
)
def get_connection(connection_id: str) -> ConnectionShape:
    """Read one connection."""
    return shape(find(connection_id))


@connections.operation(
    "GET",
    "/connections/<string:connection_id>/budgets",
    Operation(
        permission="connections:read",
        returns=Collection[BudgetShape],
        errors=(404,),
    ),
)
def list_budgets(connection_id: str) -> Collection[BudgetShape]:
    """Read how much of a connection's request budget is used."""
    find(connection_id)
    names = BudgetShape.__struct_fields__
    found = hub().connections.budgets(actor(), connection_id)
    return Collection(
        data=[
            BudgetShape(**{name: getattr(one, name) for name in names}) for one in found
        ]
    )


@connections.operation(
    "PATCH",
    "/connections/<string:connection_id>",
    Operation(
        permission="connections:write",
        returns=ConnectionShape,
        body=ConnectionPatch,
        errors=(404, 409, 502),
        matched=True,
    ),
)
def update_connection(body: dict[str, Any], connection_id: str) -> ConnectionShape:
    """Change a connection; changed settings are proved before they are saved."""
    current = find(connection_id)
    check_match(shape(current))
    changed = hub().connections.update(
        actor(), connection_id, version=current.version, **body
    )
    return shape(changed)


@connections.operation(
    "POST",
    "/connections/<string:connection_id>/checks",
    Operation(permission="connections:write", returns=CheckShape, errors=(404, 502)),
)
def check_connection(connection_id: str) -> CheckShape:
    """Prove that a connection works. A failed check is an answer, not an error."""
    find(connection_id)
    report = hub().connections.check(actor(), connection_id)
    result, error = report.result, report.error
    return CheckShape(
        connection=shape(report.connection),
        ok=error is None,
        details=[list(pair) for pair in result.details] if result else [],
        warnings=list(result.warnings) if result else [],
        code=error.code if error else "",
        message=error.user_message if error else "",
        remedy=(error.remedy or "") if error else "",
    )


@connections.operation(
    "POST",
    "/connections/<string:connection_id>/pauses",
    Operation(
        permission="connections:write", returns=ConnectionShape, errors=(404, 409)
    ),
)
def pause_connection(connection_id: str) -> ConnectionShape:
    """Stop all work of a connection."""
    find(connection_id)
    return shape(hub().connections.pause(actor(), connection_id))


@connections.operation(
    "POST",
    "/connections/<string:connection_id>/resumptions",
    Operation(
        permission="connections:write", returns=ConnectionShape, errors=(404, 409)
    ),
)
def resume_connection(connection_id: str) -> ConnectionShape:
    """Let a paused or parked connection work again."""
    find(connection_id)
    return shape(hub().connections.resume(actor(), connection_id))


@connections.operation(
    "DELETE",
    "/connections/<string:connection_id>",
    Operation(
        permission="connections:write",
        returns=RemovalShape,
        errors=(404, 409),
        matched=True,
    ),
)
def remove_connection(connection_id: str) -> RemovalShape:
    """Remove a connection; what was read through it stays in the books."""
    current = find(connection_id)
    check_match(shape(current))
    done = hub().connections.remove(actor(), connection_id, version=current.version)
    return RemovalShape(
        connection=shape(done.connection), consequences=list(done.consequences)
    )


def _listed(kind: str | None) -> Collection[ConnectionShape]:
    found = hub().connections.list(actor(), kind=kind)
    return Collection(data=[shape(item) for item in found])


def find(connection_id: str) -> ConnectionView:
    """Return a connection of the caller's reseller.

    Raises:
        ApiError: 404 when there is none.
    """
    try:
        return hub().connections.get(actor(), connection_id)
    except NotFound as error:
        raise not_found("connection", connection_id) from error


def shape(found: ConnectionView) -> ConnectionShape:
    """Return a connection in the words of the API."""
    parked = None
    if found.parked is not None:
        parked = ParkedView(
            **{
                name: getattr(found.parked, name)
                for name in ParkedView.__struct_fields__
            }
        )
    return ConnectionShape(
        id=found.id,
        plugin=found.plugin,
        kind=found.kind,
        name=found.name,
        settings=dict(found.settings),
        secret_names=list(found.secret_names),
        state=found.state,
        parked=parked,
        billing_zone=found.billing_zone,
        account_name=found.account_name,
        account_warnings=list(found.account_warnings),
        base_currency=found.base_currency,
        last_ok_at=found.last_ok_at,
        created_at=found.created_at,
    )
