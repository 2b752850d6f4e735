"""Reading and writing single records over HTTP (connectwise.md §4, §7)."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal

from werkzeug.wrappers import Request, Response

from .access import caller
from .answers import Refusal, bad_request, conflict, invalid_object, not_found, success
from .listing import Query, answer_count, answer_list
from .patching import BadPatch, apply_patch
from .rendering import Renderer, hidden_from
from .routes import Path
from .schema import BadValue, FieldError, Json, Resource, Row, coerce
from .world import Invalid, World

AfterInsert = Callable[[Row, str], None]
Shift = Callable[[Request, int, int], int]


def body_of(request: Request) -> Json:
    """The JSON body with exact numbers.

    Raises:
        Refusal: It is not JSON.
    """
    try:
        return json.loads(request.get_data() or b"null", parse_float=Decimal)
    except ValueError as error:
        raise Refusal(bad_request("The request body is not valid JSON.")) from error


class Records:
    """The five verbs on every collection.

    Args:
        world: The tenant.
        shift: Where a page starts, given planned faults.
        before_delete: By table: raises `Refusal` when a row cannot go.
        instead_of_delete: By table: what deletion really does.
        after_insert: By table: what a new row sets off.
    """

    def __init__(
        self,
        world: World,
        shift: Shift,
        *,
        instead_of_delete: dict[str, AfterInsert],
        after_insert: dict[str, AfterInsert],
    ) -> None:
        self._world = world
        self._shift = shift
        self._instead_of_delete = instead_of_delete
        self._after_insert = after_insert

    def list(self, request: Request, path: Path, parent: int | None) -> Response:
        """GET of a collection."""
        self._parent(path, parent)
        return answer_list(
            request,
            self._world,
            self._world.resource(path.table),
            parent=parent,
            hidden=hidden_from(caller(request)),
            shift=lambda start, size: self._shift(request, start, size),
            path=request.base_url,
        )

    def count(self, request: Request, path: Path, parent: int | None) -> Response:
        """GET of a collection's count."""
        self._parent(path, parent)
        return answer_count(
            request, self._world, self._world.resource(path.table), parent
        )

    def read(
        self, request: Request, path: Path, parent: int | None, row_id: int
    ) -> Response:
        """GET of one record."""
        return self._shown(request, path, self._row(path, parent, row_id))

    def create(self, request: Request, path: Path, parent: int | None) -> Response:
        """POST: what is not given is defaulted; the answer is the new record."""
        self._parent(path, parent)
        resource = self._world.resource(path.table)
        values = self._values(resource, body_of(request))
        if parent is not None:
            values[resource.parent] = parent
        member = caller(request)
        if path.table == "callbacks":
            values["memberId"] = member["id"]
        row = self._stored(
            lambda: self._world.insert(path.table, values, member["identifier"])
        )
        follow = self._after_insert.get(path.table)
        if follow is not None:
            follow(row, member["identifier"])
        return self._shown(request, path, row, 201)

    def replace(
        self, request: Request, path: Path, parent: int | None, row_id: int
    ) -> Response:
        """PUT: the whole record; unspecified fields fall back to their defaults."""
        resource = self._world.resource(path.table)
        old = self._row(path, parent, row_id)
        values = self._values(resource, body_of(request))
        kept = {
            name: value
            for name, value in old.items()
            if name.startswith("_") or name in {"id", resource.parent}
        }
        computed = {n: old.get(n) for n, one in resource.fields.items() if one.computed}
        new = {**computed, **resource.defaults, **values, **kept}
        return self._saved(request, path, new)

    def patch(
        self, request: Request, path: Path, parent: int | None, row_id: int
    ) -> Response:
        """PATCH in the vendor's dialect."""
        resource = self._world.resource(path.table)
        old = self._row(path, parent, row_id)
        try:
            new = apply_patch(resource, old, body_of(request), self._world.find)
        except BadPatch as error:
            answer = invalid_object(resource, error.errors, str(error))
            raise Refusal(answer) from error
        return self._saved(request, path, new)

    def delete(
        self, request: Request, path: Path, parent: int | None, row_id: int
    ) -> Response:
        """DELETE: 204, or 409 when the record is in use."""
        row = self._row(path, parent, row_id)
        member = caller(request)["identifier"]
        instead = self._instead_of_delete.get(path.table)
        if instead is not None:
            instead(row, member)
        else:
            self._world.delete(path.table, row, member)
        return Response(status=204)

    def _saved(self, request: Request, path: Path, new: Row) -> Response:
        member = caller(request)["identifier"]
        row = self._stored(lambda: self._world.update(path.table, new, member))
        return self._shown(request, path, row)

    def _stored(self, write: Callable[[], Row]) -> Row:
        try:
            return write()
        except Invalid as error:
            answer = invalid_object(error.resource, error.errors)
            raise Refusal(answer) from error

    def _shown(
        self, request: Request, path: Path, row: Row, status: int = 200
    ) -> Response:
        wanted = Query.of(request).text("fields")
        resource = self._world.resource(path.table)
        hidden = hidden_from(caller(request))
        renderer = Renderer(self._world, resource, wanted, hidden)
        return success(renderer.one(row), status)

    def _parent(self, path: Path, parent: int | None) -> None:
        if parent is None or not path.parent_table:
            return
        if self._world.row(path.parent_table, parent) is None:
            label = self._world.resource(path.parent_table).label
            raise Refusal(not_found(f"{label} {parent} was not found."))

    def _row(self, path: Path, parent: int | None, row_id: int) -> Row:
        self._parent(path, parent)
        resource = self._world.resource(path.table)
        row = self._world.row(path.table, row_id)
        if row is None or (parent is not None and row[resource.parent] != parent):
            raise Refusal(not_found(f"{resource.label} {row_id} was not found."))
        return row

    def _values(self, resource: Resource, body: Json) -> Row:
        """Stored values of a body; unknown names are ignored, as the vendor does."""
        if not isinstance(body, dict):
            raise Refusal(bad_request("The request body must be an object."))
        values: Row = {}
        errors: list[FieldError] = []
        for name, value in body.items():
            one = resource.fields.get(name)
            if one is None or one.computed or value is None:
                continue
            try:
                values[name] = coerce(one, value, self._world.find)
            except BadValue as error:
                errors.append(error.error)
        if errors:
            raise Refusal(invalid_object(resource, errors))
        return values


def in_use(message: str) -> Refusal:
    """The 409 of a record that cannot go."""
    return Refusal(conflict(message))
