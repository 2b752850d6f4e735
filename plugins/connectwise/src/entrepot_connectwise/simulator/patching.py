"""The vendor's PATCH dialect (connectwise.md §7), which is not RFC 6902.

A change list holds `{"op", "path", "value"}`. Paths name one field, with or without a
leading slash, and are case-sensitive. A path *inside* an object is accepted and does
nothing: the answer is 200 and the record is as before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .schema import BadValue, FieldError, Json, Resource, Row, coerce

OPERATIONS = frozenset({"add", "replace", "remove"})


class BadPatch(ValueError):
    """The change list is refused; `errors` explains per field."""

    def __init__(self, message: str, errors: tuple[FieldError, ...] = ()) -> None:
        super().__init__(message)
        self.errors = errors


def apply_patch(
    resource: Resource,
    row: Row,
    changes: Json,
    find: Callable[[str, Any], int | None],
) -> Row:
    """A changed copy of a row; the row itself stays as it is.

    Raises:
        BadPatch: The body is no change list, an operation or field does not exist, or
            a value does not fit its field.
    """
    if not isinstance(changes, list):
        raise BadPatch("The request body must be a list of operations.")
    result = dict(row)
    for change in changes:
        _apply_one(resource, result, change, find)
    return result


def _apply_one(
    resource: Resource,
    row: Row,
    change: Json,
    find: Callable[[str, Any], int | None],
) -> None:
    op, path = _op_and_path(change)
    if "/" in path:
        return  # The documented false success: 200, and nothing happened.
    one = resource.fields.get(path)
    if one is None:
        error = FieldError("InvalidField", f"{path} is not a recognized name.", path)
        raise BadPatch("The patch path is invalid.", (error,))
    if one.computed:
        return  # Direct writes to derived values are ignored silently.
    value = None if op == "remove" else change.get("value")
    try:
        row[path] = coerce(one, value, find)
    except BadValue as bad:
        raise BadPatch(f"{resource.label} object is invalid", (bad.error,)) from bad


def _op_and_path(change: Json) -> tuple[str, str]:
    if not isinstance(change, dict):
        raise BadPatch("Each operation must be an object.")
    op, path = change.get("op"), change.get("path")
    if op not in OPERATIONS:
        raise BadPatch(f"'{op}' is not a supported operation.")
    if not isinstance(path, str) or not path.strip("/"):
        raise BadPatch("Each operation needs a path.")
    return op, path.removeprefix("/")
