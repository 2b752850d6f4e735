"""How often a connection is read by itself."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from entrepot_web.api.connections import find
from entrepot_web.api.frame import Operation, Resource, check_match
from entrepot_web.api.shapes import Moment, Shape
from entrepot_web.context import actor, hub

schedules = Resource("schedules", "How often connections are read by themselves.")
SHORTEST_SECONDS = 300
LONGEST_SECONDS = 31 * 86_400


class ScheduleShape(Shape, frozen=True, kw_only=True):
    """When a connection is read by itself.

    Attributes:
        every_seconds: Period of reading changes; None when nothing is read by itself.
            Everything is read once a day beside it.
        last_tick: When it last fired, or None.
        last_run: The run that it started or joined, or None.
    """

    connection_id: str
    every_seconds: int | None
    last_tick: Moment | None
    last_run: str | None


class ScheduleBody(Schema):
    """A period, or null to read only on demand."""

    every_seconds = fields.Integer(
        required=True,
        allow_none=True,
        strict=True,
        validate=validate.Range(SHORTEST_SECONDS, LONGEST_SECONDS),
    )


@schedules.operation(
    "GET",
    "/connections/<string:connection_id>/schedule",
    Operation(permission="sync:read", returns=ScheduleShape, errors=(404,)),
)
def get_schedule(connection_id: str) -> ScheduleShape:
    """Read how often a connection is read by itself."""
    return _find(connection_id)


@schedules.operation(
    "PUT",
    "/connections/<string:connection_id>/schedule",
    Operation(
        permission="sync:write",
        returns=ScheduleShape,
        body=ScheduleBody,
        errors=(404,),
        matched=True,
    ),
)
def put_schedule(body: dict[str, Any], connection_id: str) -> ScheduleShape:
    """Set how often a connection is read by itself."""
    check_match(_find(connection_id))
    hub().sync.schedule(actor(), connection_id, body["every_seconds"])
    return _find(connection_id)


def _find(connection_id: str) -> ScheduleShape:
    find(connection_id)
    found = hub().sync.schedule_of(actor(), connection_id)
    return ScheduleShape(
        connection_id=connection_id,
        every_seconds=found.every_seconds if found else None,
        last_tick=found.last_tick if found else None,
        last_run=found.last_run if found else None,
    )
