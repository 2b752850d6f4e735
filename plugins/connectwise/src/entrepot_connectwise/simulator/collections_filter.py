"""`childConditions` and `customFieldConditions` (connectwise.md §5)."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from .conditions import compile_conditions
from .grammar import (
    Both,
    Comparison,
    Either,
    GrammarError,
    Node,
    Not,
    parse,
    render,
)
from .rendering import custom_fields
from .schema import Field, Json, Resource, Row
from .world import World

Predicate = Callable[[Row], bool]
_ElementTest = Callable[[Any], bool]


def compile_child_conditions(text: str, resource: Resource, world: World) -> Predicate:
    """A test whether one element of a collection fits the whole condition.

    Raises:
        GrammarError: Bad syntax, `in`, or names of more than one collection.
    """
    tree = parse(text)
    heads = {path[0].lower() for path in _paths(tree)}
    one = resource.lookup.get(min(heads)) if len(heads) == 1 else None
    if one is None or not one.unfilterable:
        raise GrammarError(f"{'/'.join(sorted(heads))} is not a recognized name.")
    test = _element_test(one, tree, world)
    name = one.name
    return lambda row: any(test(element) for element in row.get(name) or ())


def compile_custom_field_conditions(
    text: str, resource: Resource, world: World
) -> Predicate:
    """A test of `caption="X" and value <op> v` on one custom field.

    Raises:
        GrammarError: Bad syntax or other names than caption and value.
    """
    if "customFields" not in resource.fields:
        raise GrammarError("customFields is not a recognized name.")
    tree = parse(text)
    if any(
        len(p) != 1 or p[0].lower() not in {"caption", "value"} for p in _paths(tree)
    ):
        raise GrammarError("customFieldConditions know caption and value only.")
    test = _object_test(tree, skip=0)
    return lambda row: any(
        test(element) for element in custom_fields(world, resource, row) or ()
    )


def _paths(node: Node) -> list[tuple[str, ...]]:
    if isinstance(node, Comparison):
        return [node.path]
    parts = (node.part,) if isinstance(node, Not) else node.parts
    return [path for part in parts for path in _paths(part)]


def _element_test(one: Field, tree: Node, world: World) -> _ElementTest:
    if one.kind == "refs" and one.target:
        target = world.resource(one.target)
        inner = _without_head(tree)
        from_row = _compile_tree(inner, target, world)

        def referenced(element: Json) -> bool:
            row = world.row(one.target, element)
            return row is not None and from_row(row)

        return referenced
    return _object_test(tree, skip=1)


def _compile_tree(tree: Node, resource: Resource, world: World) -> Predicate:
    return compile_conditions(render(tree), resource, world)


def _without_head(node: Node) -> Node:
    if isinstance(node, Comparison):
        if node.operator == "in" or len(node.path) == 1:
            raise GrammarError(f"'{node.operator}' cannot be used here.")
        return Comparison(node.path[1:], node.operator, node.values, node.negated)
    if isinstance(node, Not):
        return Not(_without_head(node.part))
    parts = tuple(_without_head(part) for part in node.parts)
    return Both(parts) if isinstance(node, Both) else Either(parts)


def _object_test(node: Node, skip: int) -> _ElementTest:
    if isinstance(node, Not):
        inner = _object_test(node.part, skip)
        return lambda element: not inner(element)
    if isinstance(node, Both | Either):
        parts = [_object_test(part, skip) for part in node.parts]
        combine = all if isinstance(node, Both) else any
        return lambda element: combine(part(element) for part in parts)
    return _object_comparison(node, skip)


def _object_comparison(node: Comparison, skip: int) -> _ElementTest:
    path = [part.lower() for part in node.path[skip:]]
    if node.operator == "in" or not path:
        raise GrammarError(f"'{node.operator}' cannot be used here.")
    test = _VALUE_TESTS.get(node.operator)
    if test is None:
        raise GrammarError(f"'{node.operator}' cannot be used here.")
    wanted = _folded(node.values[0])
    negated = node.negated

    def compare(element: Json) -> bool:
        value = _folded(_dig(element, path))
        return test(value, wanted) is not negated

    return compare


def _dig(element: Json, path: list[str]) -> Json:
    for part in path:
        if not isinstance(element, dict):
            return None
        element = {name.lower(): value for name, value in element.items()}.get(part)
    return element


def _folded(value: Json) -> Json:
    if isinstance(value, str):
        return value.lower()
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Decimal(str(value))
    return value


def _contains(value: Json, wanted: Json) -> bool:
    return isinstance(value, str) and str(wanted).strip("*%") in value


_VALUE_TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda value, wanted: bool(value == wanted),
    "!=": lambda value, wanted: bool(value != wanted),
    "contains": _contains,
    "like": _contains,
}
