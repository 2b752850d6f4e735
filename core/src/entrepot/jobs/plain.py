"""What may be stored as a job's arguments and results: plain JSON and nothing else."""

from __future__ import annotations

import json
from typing import Any, TypeAlias

JsonValue: TypeAlias = Any
JsonDict: TypeAlias = dict[str, Any]


class NotJson(TypeError):
    """A value handed to the engine is not plain JSON."""


def as_json(value: Any, what: str) -> Any:  # noqa: ANN401  # JSON is any of its types
    """Return the value exactly as it will come back from the database.

    Args:
        value: Numbers, texts, booleans, None, lists and dicts with text keys.
        what: Whose value it is, for the error message.

    Raises:
        NotJson: A part of it is something else (Decimal, datetime, tuple …).
    """
    _check(value, what)
    return json.loads(json.dumps(value, ensure_ascii=False))


def _check(value: Any, what: str) -> None:  # noqa: ANN401  # see as_json
    if value is None or isinstance(value, (bool, int, float, str)):
        return
    if isinstance(value, list):
        for item in value:
            _check(item, what)
    elif isinstance(value, dict) and all(isinstance(key, str) for key in value):
        for item in value.values():
            _check(item, what)
    else:
        raise NotJson(
            f"{what}: {type(value).__name__} is not plain JSON; "
            "pass decimals and times as text, tuples as lists."
        )
