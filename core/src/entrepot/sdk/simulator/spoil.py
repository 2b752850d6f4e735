"""Faults that change what stands in a JSON answer, whichever vendor's it is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from typing import Any

import msgspec
from werkzeug.wrappers import Response

from entrepot.sdk.simulator.faults import Struck

_DECODER = msgspec.json.Decoder(Any, float_hook=Decimal)
_ENCODER = msgspec.json.Encoder(decimal_format="number")


def spoil(response: Response, struck: Struck, amounts: Collection[str]) -> None:
    """Change the answer as the faults say; one that is no JSON stays as it is.

    Args:
        response: A vendor's answer.
        struck: The faults that strike it.
        amounts: Names of the members that hold amounts.
    """
    steps = _steps(struck, amounts)
    if not steps or response.status_code >= 300 or response.content_encoding:
        return
    if "json" not in (response.mimetype or ""):
        return
    try:
        body = _DECODER.decode(response.get_data())
    except msgspec.MsgspecError:
        return
    for step in steps:
        body = step(body)
    response.set_data(_ENCODER.encode(body))


def _steps(struck: Struck, amounts: Collection[str]) -> list[Callable[[Any], Any]]:
    found: list[Callable[[Any], Any]] = []
    if struck.get("reordered_page"):
        found.append(_reordered)
    if struck.get("repeated_item"):
        found.append(_repeated)
    fault = struck.get("exact_amount")
    if fault is not None and amounts:
        value = fault.value
        found.append(lambda body: _with_amount(body, amounts, value))
    return found


def _reordered(body: Any) -> Any:  # noqa: ANN401 - any JSON
    items = _items(body)
    if items is not None:
        items.reverse()
    return body


def _repeated(body: Any) -> Any:  # noqa: ANN401 - any JSON
    items = _items(body)
    if items:
        items.append(items[0])
    return body


def _items(body: object) -> list[Any] | None:
    """The page's items: the longest list of objects nearest to the outside."""
    level: list[Any] = [body]
    while level:
        lists: list[list[Any]] = [one for one in level if _is_listing(one)]
        if lists:
            return max(lists, key=len)
        level = [child for one in level for child in _children(one)]
    return None


def _is_listing(value: object) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def _children(value: object) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _with_amount(body: Any, names: Collection[str], amount: str) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(body, list):
        return [_with_amount(one, names, amount) for one in body]
    if not isinstance(body, Mapping):
        return body
    return {
        name: _amount(value, amount)
        if name in names
        else _with_amount(value, names, amount)
        for name, value in body.items()
    }


def _amount(value: object, amount: str) -> object:
    """The amount in the form the vendor uses: a JSON number, or text."""
    if isinstance(value, str):
        return amount
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return msgspec.Raw(amount.encode())
    return value
