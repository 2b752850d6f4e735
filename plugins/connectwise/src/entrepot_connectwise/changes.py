"""Line changes as the vendor's calls, and whether what came back is what was meant.

Pure. The vendor answers 200 to changes it did not make (connectwise.md §7), so every
write is compared with its intent, field by field.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from entrepot.sdk.errors import Unsupported
from entrepot.sdk.http import encode_json
from entrepot.sdk.model import (
    AgreementLine,
    LineChange,
    LineChangeKind,
    PlannedCall,
)

from . import mapping, wire

REFERENCE_LIMIT = 100
_DELETE = LineChangeKind.DELETE
_CREATE = LineChangeKind.CREATE


@dataclass(frozen=True, slots=True)
class _Part:
    """One field of a change: the vendor's name, its value, how to read it back."""

    name: str
    wanted: Callable[[LineChange], object]
    written: Callable[[LineChange], Any]
    read: Callable[[AgreementLine], object]


def _same(name: str) -> Callable[[Any], object]:
    return lambda record: getattr(record, name)


_PARTS = (
    _Part("quantity", _same("quantity"), _same("quantity"), _same("quantity")),
    _Part(
        "lessIncluded",
        _same("included_quantity"),
        _same("included_quantity"),
        _same("included_quantity"),
    ),
    _Part("unitPrice", _same("unit_price"), _same("unit_price"), _same("unit_price")),
    _Part("unitCost", _same("unit_cost"), _same("unit_cost"), _same("unit_cost")),
    _Part(
        "billCustomer",
        _same("bill"),
        lambda change: mapping.bill_word(change.bill) if change.bill else None,
        _same("bill"),
    ),
    _Part("taxableFlag", _same("taxable"), _same("taxable"), _same("taxable")),
    _Part(
        "effectiveDate",
        _same("effective"),
        lambda change: mapping.day_text(change.effective) if change.effective else None,
        _same("effective"),
    ),
    _Part(
        "invoiceDescription",
        lambda change: _flat(change.invoice_text),
        _same("invoice_text"),
        lambda line: _flat(line.invoice_text),
    ),
)
_BLOCKABLE = frozenset({"unitPrice", "unitCost"})
"""Fields that an API member may be forbidden to see, so None proves nothing."""


def _flat(text: str | None) -> str | None:
    """Text as the vendor may store it: line breaks flattened (§4)."""
    return None if text is None else " ".join(text.split())


def set_parts(change: LineChange) -> Mapping[str, Any]:
    """The fields a change sets, in the vendor's names and values."""
    return {
        part.name: part.written(change)
        for part in _PARTS
        if part.wanted(change) is not None
    }


def new_line(
    change: LineChange, custom_fields: list[dict[str, Any]] | None
) -> dict[str, Any]:
    """Body that creates an addition (connectwise.md §9.3).

    Raises:
        Unsupported: The change lacks what a new line must have.
    """
    if not change.product_id or not change.product_id.isdigit():
        raise _incomplete("product_id")
    if change.quantity is None:
        raise _incomplete("quantity")
    if change.effective is None:
        raise _incomplete("effective")
    body: dict[str, Any] = {
        "product": {"id": int(change.product_id)},
        "billCustomer": "Billable",
        **set_parts(change),
    }
    if change.ends is not None:
        body["cancelledDate"] = mapping.day_text(change.ends)
    if custom_fields is not None:
        body["customFields"] = custom_fields
    return body


def patch_of(
    change: LineChange, custom_fields: list[dict[str, Any]] | None
) -> list[dict[str, Any]]:
    """The list of operations that changes an addition (connectwise.md §7).

    Raises:
        Unsupported: Nothing would be changed, or the product would be.
    """
    if change.product_id is not None:
        raise Unsupported(
            "product_fixed",
            "ConnectWise cannot change the product of an existing line.",
            field="product_id",
            remedy="End the line and create one with the other product.",
        )
    values = dict(set_parts(change))
    if change.kind is LineChangeKind.SET_END or change.ends is not None:
        ends = change.ends
        values["cancelledDate"] = None if ends is None else mapping.day_text(ends)
    if not values:
        raise _incomplete("quantity")
    if custom_fields is not None:
        values["customFields"] = custom_fields
    return [
        {"op": "replace", "path": name, "value": value}
        for name, value in values.items()
    ]


def with_reference(
    fields: list[wire.CustomField] | None, field_id: int, reference: str
) -> list[dict[str, Any]]:
    """The whole array of custom fields with our reference in its place (§13)."""
    kept = [
        {"id": one.id, "caption": one.caption, "value": one.value}
        for one in fields or ()
        if one.id != field_id
    ]
    return [*kept, {"id": field_id, "value": reference[:REFERENCE_LIMIT]}]


def differences(change: LineChange, line: AgreementLine) -> tuple[str, ...]:
    """Names of fields that are not as meant; empty when the change was carried out.

    Price and cost that the API member may not see count as carried out.
    """
    found = [part.name for part in _PARTS if _differs(part, change, line)]
    sets_end = change.kind is LineChangeKind.SET_END or change.ends is not None
    if sets_end and line.ends != change.ends:
        found.append("cancelledDate")
    if change.kind is _CREATE and line.product_id != change.product_id:
        found.append("product")
    return tuple(found)


def _differs(part: _Part, change: LineChange, line: AgreementLine) -> bool:
    wanted, found = part.wanted(change), part.read(line)
    if wanted is None or (found is None and part.name in _BLOCKABLE):
        return False
    return wanted != found


def planned(change: LineChange) -> PlannedCall:
    """The exact call a change makes, for people; no reference field is shown.

    Raises:
        Unsupported: The change cannot be expressed.
    """
    path = f"/finance/agreements/{change.agreement_id}/additions"
    if change.kind is _CREATE:
        return PlannedCall(
            description=f"Create a line of {change.quantity} from {change.effective}.",
            method="POST",
            target=path,
            body=_text(new_line(change, None)),
        )
    if not change.line_id:
        raise _incomplete("line_id")
    target = f"{path}/{change.line_id}"
    if change.kind is _DELETE:
        return PlannedCall(
            description=f"Delete line {change.line_id}.", method="DELETE", target=target
        )
    return PlannedCall(
        description=_sentence(change),
        method="PATCH",
        target=target,
        body=_text(patch_of(change, None)),
    )


def _sentence(change: LineChange) -> str:
    if change.kind is LineChangeKind.SET_QUANTITY:
        return f"Set the quantity of line {change.line_id} to {change.quantity}."
    if change.kind is LineChangeKind.SET_END:
        ends = "open" if change.ends is None else str(change.ends)
        return f"Set the last billed day of line {change.line_id} to {ends}."
    names = ", ".join(set_parts(change)) or "cancelledDate"
    return f"Change {names} of line {change.line_id}."


def _text(body: object) -> str:
    return msgspec.json.format(encode_json(body), indent=2).decode()


def _incomplete(field: str) -> Unsupported:
    return Unsupported(
        "change_incomplete",
        f"The change lacks {field}.",
        field=field,
        remedy=f"Give {field}.",
    )
