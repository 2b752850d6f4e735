"""The rule of engine calls: inside a unit of work only `submit`."""

from __future__ import annotations

from entrepot.jobs.errors import EngineCallInUnit
from entrepot.store.unit import in_unit


def refuse_inside_unit(call: str) -> None:
    """Return when no unit of work is open in this thread of control.

    Raises:
        EngineCallInUnit: One is; on SQLite the call would wait for itself for ever.
    """
    if in_unit():
        raise EngineCallInUnit(
            f"{call} was called inside a unit of work. Only submit may be called "
            "there; move the call behind the end of the unit."
        )
