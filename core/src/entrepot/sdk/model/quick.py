"""Records that are made by the million.

A frozen dataclass fills each field through ``object.__setattr__``; for a record of
thirty fields that takes longer than reading it from JSON. `quick` gives such a class
an ``__init__`` that fills it like an ordinary object and freezes it afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, Field, fields
from typing import Any, TypeVar

T = TypeVar("T")


def quick(cls: type[T]) -> type[T]:
    """Return `cls`, a frozen dataclass, with a faster ``__init__``.

    Everything else stays as the dataclass made it: signature, defaults, equality,
    ``__post_init__``, and that nobody can assign to a field of a finished record.

    Args:
        cls: A dataclass with ``frozen``, ``slots`` and ``kw_only``.

    Raises:
        TypeError: It is another kind of class.
    """
    every = fields(cls)  # type: ignore[arg-type]  # raises what it does not take
    slots = getattr(cls, "__slots__", ())
    if not all(one.kw_only and one.init for one in every) or len(slots) != len(every):
        msg = f"{cls.__name__} must be frozen, slotted and keyword-only"
        raise TypeError(msg)
    made = _made(cls, every, slots)
    made.__kwdefaults__ = cls.__init__.__kwdefaults__
    made.__annotations__ = cls.__init__.__annotations__
    made.__qualname__, made.__module__ = f"{cls.__name__}.__init__", cls.__module__
    type.__setattr__(cls, "__init__", made)
    return cls


def _made(
    cls: type[Any], every: tuple[Field[Any], ...], slots: tuple[str, ...]
) -> Callable[..., None]:
    """The ``__init__``: written out, as `dataclasses` writes its own."""
    names: dict[str, Any] = {
        "_turn": object.__setattr__,
        "_open": type(f"_Open{cls.__name__}", (), {"__slots__": slots}),
        "_closed": cls,
        "_unset": getattr(cls.__init__, "__kwdefaults__", None) or {},
    }
    lines = ["_turn(self, '__class__', _open)"]
    for one in every:
        value = one.name
        if one.default_factory is not MISSING:
            names[f"_make_{one.name}"] = one.default_factory
            names[f"_unset_{one.name}"] = names["_unset"][one.name]
            value = (
                f"_make_{one.name}() if {one.name} is _unset_{one.name} else {value}"
            )
        lines.append(f"self.{one.name} = {value}")
    lines.append("self.__class__ = _closed")
    if hasattr(cls, "__post_init__"):
        lines.append("self.__post_init__()")
    head = f"def __init__(self, *, {', '.join(one.name for one in every)}):\n  "
    exec(head + "\n  ".join(lines), names)  # noqa: S102 - only names of our own fields
    made: Callable[..., None] = names["__init__"]
    return made
