"""`conditions` and `orderBy` against the rows of one resource (connectwise.md §5)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

from .grammar import Both, Comparison, GrammarError, Literal, Node, Not, parse
from .schema import Field, Json, Resource, Row

Getter = Callable[[Row], Any]
Predicate = Callable[[Row], bool]
BAD_ENUM = "Enum value supplied was invalid"


class Lookup(Protocol):
    """What a condition needs to follow references."""

    def resource(self, table: str) -> Resource:
        """The resource of a table."""

    def row(self, table: str, row_id: int) -> Row | None:
        """A row, or None."""

    @property
    def date_ge_bug(self) -> bool:
        """Whether `>= [day]` forgets the day itself (connectwise.md §5, traps)."""


def compile_conditions(text: str, resource: Resource, lookup: Lookup) -> Predicate:
    """Turn condition text into a test of one row.

    Raises:
        GrammarError: Bad syntax, an unknown name, a name that cannot be filtered, a
            value that is no member of the enum.
    """
    return _compile(parse(text), resource, lookup)


def _compile(node: Node, resource: Resource, lookup: Lookup) -> Predicate:
    if isinstance(node, Comparison):
        return _compare(node, resource, lookup)
    if isinstance(node, Not):
        inner = _compile(node.part, resource, lookup)
        return lambda row: not inner(row)
    parts = [_compile(part, resource, lookup) for part in node.parts]
    if isinstance(node, Both):
        return lambda row: all(part(row) for part in parts)
    return lambda row: any(part(row) for part in parts)


def getter(
    path: tuple[str, ...], resource: Resource, lookup: Lookup
) -> tuple[Field, Getter]:
    """How to read one named value from a row, and the field it ends in.

    Raises:
        GrammarError: The name does not exist or cannot be filtered.
    """
    head = resource.lookup.get(path[0].lower())
    if head is None:
        return _special(path, lookup)
    if head.unfilterable:
        raise GrammarError(f"{'/'.join(path)} is not a recognized name.")
    if len(path) == 1:
        return head, _own_value(head, resource, lookup)
    if head.kind != "ref" or not head.target:
        raise GrammarError(f"{'/'.join(path)} is not a recognized name.")
    return _through(head, path[1:], lookup)


_ID = Field("id", "int")
_UPDATED = Field("lastUpdated", "dt")
_UPDATED_BY = Field("updatedBy", "str")


def _special(path: tuple[str, ...], lookup: Lookup) -> tuple[Field, Getter]:
    name = "/".join(path).lower().removeprefix("_info/")
    if name == "id":
        return _ID, lambda row: row["id"]
    if name == "lastupdated":
        return _UPDATED, lambda row: row["_updated"]
    if name == "updatedby":
        return _UPDATED_BY, lambda row: row["_by"]
    raise GrammarError(f"{'/'.join(path)} is not a recognized name.")


def _own_value(one: Field, resource: Resource, lookup: Lookup) -> Getter:
    name = one.name
    if one.computed and name in resource.compute:
        compute = resource.compute[name]
        return lambda row: compute(row, lookup)
    return lambda row: row.get(name)


def _through(
    head: Field, rest: tuple[str, ...], lookup: Lookup
) -> tuple[Field, Getter]:
    name, target = head.name, head.target
    if tuple(part.lower() for part in rest) == ("id",):
        return _ID, lambda row: row.get(name)
    last, inner = getter(rest, lookup.resource(target), lookup)

    def read(row: Row) -> Json:
        target_id = row.get(name)
        found = lookup.row(target, target_id) if target_id is not None else None
        return None if found is None else inner(found)

    return last, read


def _compare(node: Comparison, resource: Resource, lookup: Lookup) -> Predicate:
    one, read = getter(node.path, resource, lookup)
    if node.operator in {"contains", "like"}:
        return _text_test(node, one, read)
    wanted = [_comparable(one, value) for value in node.values]
    if node.operator == "in":
        allowed = set(wanted)
        return lambda row: (_folded(read(row)) in allowed) is not node.negated
    return _relation(node.operator, one, read, wanted[0], lookup.date_ge_bug)


def _relation(
    operator: str, one: Field, read: Getter, wanted: Json, date_ge_bug: bool
) -> Predicate:
    if operator == "=":
        return lambda row: _folded(read(row)) == wanted
    if operator == "!=":
        return lambda row: _folded(read(row)) != wanted
    if one.kind == "dt" and operator == ">=" and date_ge_bug:
        operator = ">"
    test = _ORDERINGS[operator]

    def ordered(row: Row) -> bool:
        value = _folded(read(row))
        return value is not None and wanted is not None and test(value, wanted)

    return ordered


_ORDERINGS: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda left, right: bool(left < right),
    "<=": lambda left, right: bool(left <= right),
    ">": lambda left, right: bool(left > right),
    ">=": lambda left, right: bool(left >= right),
}


def _folded(value: Json) -> Json:
    return value.lower() if isinstance(value, str) else value


def _comparable(one: Field, value: Literal) -> Json:
    if value is None:
        return None
    if one.kind == "enum":
        return _enum(one, value)
    if one.kind == "dt":
        return _moment(one, value)
    expected: dict[str, type] = {"bool": bool, "int": Decimal, "dec": Decimal}
    if not isinstance(value, expected.get(one.kind, str)):
        raise GrammarError(f"The value for {one.name} is not valid.")
    return _folded(value)


def _enum(one: Field, value: Literal) -> str:
    if isinstance(value, str) and value.lower() in {c.lower() for c in one.choices}:
        return value.lower()
    raise GrammarError(BAD_ENUM)


def _moment(one: Field, value: Literal) -> str:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dt%H:%M:%Sz")
    raise GrammarError(f"The value for {one.name} is not a valid date.")


def _text_test(node: Comparison, one: Field, read: Getter) -> Predicate:
    if one.kind == "enum":
        # Observed: an unknown member is refused even under `like`.
        _enum(one, str(node.values[0]).strip("*%"))
    elif one.kind != "str":
        raise GrammarError(f"{one.name} cannot be compared as text.")
    matches = _matcher(node.operator, str(node.values[0]))

    def test(row: Row) -> bool:
        value = read(row)
        return (isinstance(value, str) and matches(value)) is not node.negated

    return test


def _matcher(operator: str, wanted: str) -> Callable[[str], bool]:
    if operator == "contains":
        needle = wanted.strip("*%").lower()
        return lambda value: needle in value.lower()
    literal = [re.escape(p) for p in re.split(r"[*%]", wanted.replace("[[]", "["))]
    pattern = re.compile(".*".join(literal), re.IGNORECASE | re.DOTALL)
    return lambda value: pattern.fullmatch(value) is not None


def compile_order(
    text: str, resource: Resource, lookup: Lookup
) -> Callable[[Iterable[Row]], list[Row]]:
    """Turn `orderBy` into a sort of rows; comma lists are accepted.

    Raises:
        GrammarError: An unknown name or direction.
    """
    keys: list[tuple[Getter, bool]] = []
    for part in text.split(","):
        name, _, direction = part.strip().partition(" ")
        if direction.strip().lower() not in {"", "asc", "desc"}:
            raise GrammarError(f"'{direction}' is not a valid sort direction.")
        _, read = getter(tuple(name.split("/")), resource, lookup)
        keys.append((read, direction.strip().lower() == "desc"))

    def ordered(rows: Iterable[Row]) -> list[Row]:
        result = list(rows)
        for read, descending in reversed(keys):
            result.sort(key=_sort_key(read), reverse=descending)
        return result

    return ordered


def _sort_key(read: Getter) -> Callable[[Row], tuple[bool, Any]]:
    def key(row: Row) -> tuple[bool, Any]:
        value = _folded(read(row))
        return (value is not None, value if value is not None else Decimal(0))

    return key
