"""Rows as the JSON of answers: references expanded, `_info`, `fields` projection."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from .schema import Field, Json, Resource, Row
from .world import World

_ENCODER = msgspec.json.Encoder(decimal_format="number")
COST_FIELDS = frozenset(
    {
        "unitCost",
        "extCost",
        "prorateCost",
        "extendedProrateCost",
        "cost",
        "margin",
        "recurringCost",
        "calculatedCost",
    }
)
PRICE_FIELDS = frozenset(
    {
        "unitPrice",
        "extPrice",
        "proratePrice",
        "extendedProratePrice",
        "price",
        "recurringRevenue",
        "calculatedPrice",
        "margin",
    }
)


def encode(payload: Json) -> bytes:
    """JSON bytes; decimals become JSON numbers with all their digits."""
    return _ENCODER.encode(payload)


class UnknownFields(ValueError):
    """`fields` names something that does not exist, and the tenant is strict."""


def hidden_from(member: Row | None) -> frozenset[str]:
    """Fields that a member's `blockCostFlag` and `blockPriceFlag` hide."""
    if member is None:
        return frozenset()
    hidden: frozenset[str] = frozenset()
    if member.get("blockCostFlag"):
        hidden |= COST_FIELDS
    if member.get("blockPriceFlag"):
        hidden |= PRICE_FIELDS
    return hidden


class Renderer:
    """Makes answers for one resource and one caller.

    Args:
        world: The tenant.
        resource: What the rows are.
        wanted: Text of the `fields` parameter; empty = everything with `_info`.
        hidden: Field names this caller may not see.

    Raises:
        UnknownFields: Strict tenants only.
    """

    def __init__(
        self,
        world: World,
        resource: Resource,
        wanted: str = "",
        hidden: frozenset[str] = frozenset(),
    ) -> None:
        self._world = world
        self._resource = resource
        names = [name.strip().lower() for name in wanted.split(",") if name.strip()]
        tops = {name.split("/")[0] for name in names}
        unknown = tops - set(resource.lookup) - {"id", "_info"}
        if unknown and world.knobs.strict_fields:
            raise UnknownFields(f"{min(unknown)} is not a recognized name.")
        self._with_info = not names or "_info" in tops
        self._with_id = not names or "id" in tops
        self._steps = [
            (one.name, _reader(one, resource, world))
            for one in resource.fields.values()
            if (not names or one.name.lower() in tops) and one.name not in hidden
        ]

    def one(self, row: Row) -> dict[str, Any]:
        """The JSON object of a row."""
        drop = self._world.knobs.drop_nulls
        shown: dict[str, Any] = {"id": row["id"]} if self._with_id else {}
        for name, read in self._steps:
            value = read(row)
            if value is not None or not drop:
                shown[name] = value
        if self._with_info:
            shown["_info"] = self._info(row)
        return shown

    def many(self, rows: Iterable[Row]) -> list[dict[str, Any]]:
        """The JSON objects of rows."""
        return [self.one(row) for row in rows]

    def _info(self, row: Row) -> dict[str, str]:
        info = {
            "lastUpdated": row["_updated"],
            "updatedBy": row["_by"],
            "dateEntered": row["_entered"],
            "enteredBy": row["_entered_by"],
        }
        if self._resource.table == "agreements":
            link = self._world.href(self._resource, row)
            info["additions_href"] = f"{link}/additions"
        return info


def _reader(one: Field, resource: Resource, world: World) -> Callable[[Row], Any]:
    name, target = one.name, one.target
    if one.computed and name in resource.compute:
        compute = resource.compute[name]
        return lambda row: compute(row, world)
    if one.kind == "ref" and target:

        def reference(row: Row) -> Json:
            value = row.get(name)
            return None if value is None else world.reference(target, value)

        return reference
    if one.kind == "custom":
        return lambda row: custom_fields(world, resource, row)
    if one.kind == "refs" and target:

        def references(row: Row) -> Json:
            return [world.reference(target, value) for value in row.get(name) or ()]

        return references
    return lambda row: row.get(name)


PODS = {"companies": 1, "agreements": 2, "additions": 3}
"""Emulated pod ids of the screens that carry custom fields; the real ones vary."""


def custom_fields(
    world: World, resource: Resource, row: Row
) -> list[dict[str, Any]] | None:
    """Every custom field of the record's screen with its value; None without any."""
    pod = PODS.get(resource.table)
    stored = {one["id"]: one["value"] for one in row.get("customFields") or ()}
    shown = [
        {
            "id": definition["id"],
            "caption": definition["caption"],
            "type": definition["fieldTypeIdentifier"],
            "entryMethod": definition.get("entryTypeIdentifier") or "EntryField",
            "numberOfDecimals": definition.get("numberDecimals") or 0,
            "value": stored.get(definition["id"]),
        }
        for definition in world.rows("userDefinedFields")
        if definition["podId"] == pod
    ]
    return shown or None
