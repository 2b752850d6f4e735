"""Sparse answers: only the fields of a list's rows that the caller names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from typing import Any, get_args

from flask import g, request

from entrepot_web.api.problem import bad_request
from entrepot_web.listing import Listing


def parameter(listing: Listing) -> str:
    """Return the query parameter of a list, such as ``fields[customer]``."""
    name = listing.name.replace("-", "_")
    if name.endswith("ies"):
        return f"fields[{name[:-3]}y]"
    return f"fields[{name.removesuffix('s')}]"


def row_shape() -> Any:  # noqa: ANN401 - a struct's class
    """Return the struct of the rows that the current operation lists."""
    return get_args(g.declared.returns)[0]


def field_names(shape: Any) -> tuple[str, ...]:  # noqa: ANN401 - a class
    """Return the fields of a struct or dataclass, in order."""
    if is_dataclass(shape):
        return tuple(item.name for item in fields(shape))
    found: tuple[str, ...] = shape.__struct_fields__
    return found


def wanted(listing: Listing) -> tuple[str, ...] | None:
    """Return the fields that the request names, or None when it wants all.

    Raises:
        ApiError: 400 for a field that the rows don't have.
    """
    name = parameter(listing)
    text = request.args.get(name)
    if text is None:
        return None
    known = field_names(row_shape())
    found = tuple(dict.fromkeys(part for part in text.split(",") if part))
    unknown = [part for part in found if part not in known]
    if unknown or not found:
        raise bad_request("fields_invalid", f"Name some of: {', '.join(known)}.", name)
    return found


def cut(rows: Sequence[Any], names: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return rows with some of their fields only."""
    return [{name: getattr(row, name) for name in names} for row in rows]
