"""Map rows as documents, as views, and back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeVar

from sqlalchemy import inspect, select
from sqlalchemy.orm import Mapper, Session

from entrepot.hub.mapping.rules.records import Candidate, Suggestion
from entrepot.hub.mapping.tables import CustomerMap, ProductMap
from entrepot.hub.mapping.views import CustomerMapView, Doc, MapView, ProductMapView

MapRow = CustomerMap | ProductMap
V = TypeVar("V", bound=MapView)
TABLES: dict[str, type[CustomerMap] | type[ProductMap]] = {
    "customers": CustomerMap,
    "products": ProductMap,
}
_SCALE = 10_000
_CHUNK = 500
_READ: dict[str, Callable[[str], object]] = {
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "decimal": Decimal,
}


def load_rows(session: Session, what: str, ids: Sequence[str]) -> dict[str, MapRow]:
    """Rows of ``customers`` or ``products`` by id, as far as they are there."""
    table: Any = TABLES[what]  # one of two classes: no select of either is typed
    found: dict[str, MapRow] = {}
    for at in range(0, len(ids), _CHUNK):
        wanted = select(table).where(table.id.in_(ids[at : at + _CHUNK]))
        rows = session.scalars(wanted.with_for_update())
        found.update((row.id, row) for row in rows)
    return found


def document(row: MapRow) -> Doc:
    """Every column of a row as a JSON document."""
    mapper: Mapper[MapRow] = inspect(type(row))
    return {key: _plain(getattr(row, key)) for key in mapper.columns.keys()}  # noqa: SIM118 - not a dict


def restore(row: MapRow, doc: Doc) -> None:
    """Set every column of a row from its document, but not its version."""
    for key, value in doc.items():
        if key != "version":
            setattr(row, key, _rich(value))


def restore_values(row: MapRow, values: Doc) -> bool:
    """Set some columns of a row; False, and nothing done, when they are so already."""
    if all(getattr(row, key) == value for key, value in values.items()):
        return False
    for key, value in values.items():
        setattr(row, key, value)
    row.version += 1
    return True


def same(left: Doc | None, right: Doc | None) -> bool:
    """Whether two documents tell the same state; versions don't count."""
    if left is None or right is None:
        return left is right
    return {**left, "version": 0} == {**right, "version": 0}


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return {"datetime": value.isoformat()}
    if isinstance(value, date):
        return {"date": value.isoformat()}
    return {"decimal": _digits(value)} if isinstance(value, Decimal) else value


def _digits(value: Decimal) -> str:
    """One text for equal numbers, whatever zeros they carry."""
    return f"{value.normalize():f}"


def _rich(value: Any) -> Any:  # noqa: ANN401 - whatever a column holds
    if isinstance(value, dict) and len(value) == 1:
        kind, text = next(iter(value.items()))
        return _READ[kind](text) if kind in _READ else value
    return value


def customer_view(row: CustomerMap) -> CustomerMapView:
    """The row as a record."""
    return _view(CustomerMapView, {f: getattr(row, f) for f in _names(CustomerMapView)})


def product_view(row: ProductMap) -> ProductMapView:
    """The row as a record."""
    return _view(ProductMapView, {f: getattr(row, f) for f in _names(ProductMapView)})


def view_of_document(kind: type[V], doc: Doc) -> V:
    """A view from a row's document, as facts keep it."""
    return _view(kind, {name: _rich(doc[name]) for name in _names(kind)})


def _view(kind: type[V], values: Doc) -> V:
    values["confidence"] = Decimal(values["confidence"]) / _SCALE
    for name in ("evidence", "rivals", "flags"):
        values[name] = tuple(values[name])
    return kind(**values)


def _names(kind: type[MapView]) -> list[str]:
    return [one.name for one in fields(kind)]


def suggested_values(found: Suggestion) -> Doc:
    """The columns of a row that come from the matcher."""
    return {
        "method": found.best.method.value,
        "confidence": ten_thousandths(found.best.confidence),
        "band": found.band.value,
        "contested": found.contested,
        "evidence": _evidence(found.best),
        "rivals": [_rival(one) for one in found.rivals],
        "flags": list(found.best.flags),
        "target_name": found.best.name,
    }


def ten_thousandths(confidence: Decimal) -> int:
    """A confidence as the column keeps it."""
    return int(confidence * _SCALE)


def _rival(one: Candidate) -> Doc:
    return {
        "target": one.target,
        "name": one.name,
        "confidence": str(one.confidence),
        "method": one.method.value,
        "evidence": _evidence(one),
        "flags": list(one.flags),
    }


def _evidence(one: Candidate) -> list[dict[str, str]]:
    return [
        {"kind": reason.kind, "weight": str(reason.weight), "text": reason.text}
        for reason in one.evidence
    ]
