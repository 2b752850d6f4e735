"""List answers: filters, both paginations, `Link` headers (connectwise.md §5, §6)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from urllib.parse import quote, urlencode

from werkzeug.wrappers import Request, Response

from .answers import Refusal, bad_condition, success
from .collections_filter import (
    compile_child_conditions,
    compile_custom_field_conditions,
)
from .conditions import compile_conditions, compile_order
from .grammar import GrammarError
from .rendering import Renderer, UnknownFields
from .schema import Resource, Row
from .world import Table, World

DEFAULT_PAGE_SIZE = 25
MAX_URL = 10_000
Shift = Callable[[int, int], int]


@dataclass(frozen=True, slots=True)
class Query:
    """Parameters of a list request, names compared without case."""

    values: dict[str, str]

    @classmethod
    def of(cls, request: Request) -> Query:
        """Read the parameters of a request."""
        return cls({name.lower(): value for name, value in request.args.items()})

    def text(self, name: str) -> str:
        """A parameter, empty when it is not given."""
        return self.values.get(name.lower(), "")

    def number(self, name: str, default: int) -> int:
        """A parameter as a positive number; the default when it is no number."""
        text = self.text(name)
        return max(int(text), 0) if text.isdigit() else default


def answer_list(
    request: Request,
    world: World,
    resource: Resource,
    *,
    parent: int | None,
    hidden: frozenset[str],
    shift: Shift,
    path: str,
) -> Response:
    """One page of a resource.

    Args:
        request: The request.
        world: The tenant.
        resource: What to list.
        parent: Id of the record in whose path the list is; None at top level.
        hidden: Fields the caller may not see.
        shift: Where a page really starts, given planned faults.
        path: Path that links point to.

    Raises:
        Refusal: Bad conditions, order or fields.
    """
    query = Query.of(request)
    try:
        fits = filter_of(query, world, resource)
        render = Renderer(world, resource, query.text("fields"), hidden)
        forward = request.headers.get("pagination-type", "").lower() == "forward-only"
        pager = _forward_only if forward else _navigable
        rows, link = pager(query, world, resource, parent, fits, shift, path)
    except (GrammarError, UnknownFields) as error:
        raise Refusal(bad_condition(str(error))) from error
    headers = {} if link is None else {"Link": link}
    return success(render.many(rows), 200, headers)


def answer_count(
    request: Request, world: World, resource: Resource, parent: int | None
) -> Response:
    """`{"count": n}` of the rows that fit the filters.

    Raises:
        Refusal: Bad conditions.
    """
    try:
        fits = filter_of(Query.of(request), world, resource)
    except GrammarError as error:
        raise Refusal(bad_condition(str(error))) from error
    rows = world.tables[resource.table].after(0, parent)
    return success({"count": sum(1 for row in rows if fits(row))})


def filter_of(query: Query, world: World, resource: Resource) -> Callable[[Row], bool]:
    """The test that all three condition parameters make together.

    Raises:
        GrammarError: One of them cannot be read.
    """
    tests: list[Callable[[Row], bool]] = []
    if text := query.text("conditions"):
        tests.append(compile_conditions(text, resource, world))
    if text := query.text("childConditions"):
        tests.append(compile_child_conditions(text, resource, world))
    if text := query.text("customFieldConditions"):
        tests.append(compile_custom_field_conditions(text, resource, world))
    if not tests:
        return lambda row: True
    if len(tests) == 1:
        return tests[0]
    return lambda row: all(test(row) for test in tests)


def _size(query: Query, world: World) -> int:
    wanted = query.number("pageSize", DEFAULT_PAGE_SIZE) or DEFAULT_PAGE_SIZE
    return min(wanted, world.knobs.page_size_cap)


def _forward_only(
    query: Query,
    world: World,
    resource: Resource,
    parent: int | None,
    fits: Callable[[Row], bool],
    shift: Shift,
    path: str,
) -> tuple[list[Row], str | None]:
    if query.text("orderBy"):
        raise GrammarError("orderBy is not supported with forward-only pagination.")
    size, last = _size(query, world), query.number("pageId", 0)
    table = world.tables[resource.table]
    moved = shift(size, size) - size
    if moved < 0:
        last = _start_of_page_before(table, parent, fits, last, size)
    rows = list(islice(_fitting(table.after(last, parent), fits), size + 1))
    if moved > 0 and len(rows) > size:
        after = table.after(rows[size - 1]["id"], parent)
        rows = list(islice(_fitting(after, fits), size + 1))
    if len(rows) <= size:
        return rows, ""  # The header is always there, empty at the end (§6).
    return rows[:size], _link(query, path, "next", pageId=str(rows[size - 1]["id"]))


def _start_of_page_before(
    table: Table,
    parent: int | None,
    fits: Callable[[Row], bool],
    last: int,
    size: int,
) -> int:
    seen = [row["id"] for row in _fitting(table.after(0, parent), fits)]
    before = [row_id for row_id in seen if row_id <= last]
    return before[-size - 1] if len(before) > size else 0


def _fitting(rows: Iterable[Row], fits: Callable[[Row], bool]) -> Iterator[Row]:
    return (row for row in rows if fits(row))


def _navigable(
    query: Query,
    world: World,
    resource: Resource,
    parent: int | None,
    fits: Callable[[Row], bool],
    shift: Shift,
    path: str,
) -> tuple[list[Row], str | None]:
    size, page = _size(query, world), query.number("page", 1) or 1
    found = list(_fitting(world.tables[resource.table].after(0, parent), fits))
    if order := query.text("orderBy"):
        found = compile_order(order, resource, world)(found)
    last = max(-(-len(found) // size), 1)
    start = shift((page - 1) * size, size)
    links = {}
    if page < last:
        links = {"next": page + 1, "last": last}
    if page > 1:
        links |= {"prev": page - 1, "first": 1}
    shown = [_link(query, path, rel, page=str(to)) for rel, to in links.items()]
    return found[start : start + size], ", ".join(shown) or None


def _link(query: Query, path: str, rel: str, **changed: str) -> str:
    values = {k: v for k, v in query.values.items() if k not in {"page", "pageid"}}
    text = urlencode({**values, **changed}, quote_via=quote)
    return f'<{path}?{text}>; rel="{rel}"'
