"""The tenant's data: tables, references, who changed what.

Rows are plain dictionaries of scalars; references are ids. Keys that begin with `_`
are the emulator's own and never leave it.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from .knobs import Knobs
from .resources import ALL_RESOURCES
from .schema import FieldError, Json, Resource, Row, problems

STAMP = "%Y-%m-%dT%H:%M:%SZ"
INTERNAL = frozenset({"id", "_updated", "_by", "_entered", "_entered_by"})


@dataclass(frozen=True, slots=True)
class Change:
    """One mutation, told to listeners. `action` is added, updated or deleted."""

    resource: Resource
    row: Row
    action: str
    member: str


class Invalid(ValueError):
    """A record is refused; `errors` become the answer's list."""

    def __init__(self, resource: Resource, errors: list[FieldError]) -> None:
        super().__init__(f"{resource.label} object is invalid")
        self.resource, self.errors = resource, errors


@dataclass(slots=True)
class Table:
    """The rows of one resource, by id, in id order, by parent, by unique value."""

    resource: Resource
    rows: dict[int, Row] = field(default_factory=dict)
    ids: list[int] = field(default_factory=list)
    children: dict[int, list[int]] = field(default_factory=dict)
    unique: dict[str, dict[str, int]] = field(default_factory=dict)
    last_id: int = 0

    def after(self, last_id: int, parent: int | None = None) -> Iterator[Row]:
        """Rows with a greater id, in id order; of one parent when it is given."""
        ids = self.ids if parent is None else self.children.get(parent, [])
        for position in range(bisect_left(ids, last_id + 1), len(ids)):
            yield self.rows[ids[position]]

    def put(self, row: Row) -> None:
        """Store a new row or replace the one with its id."""
        old = self.rows.get(row["id"])
        if old is None:
            insort(self.ids, row["id"])
        else:
            self._forget(old)
        self.rows[row["id"]] = row
        self.last_id = max(self.last_id, row["id"])
        if self.resource.parent:
            insort(self.children.setdefault(row[self.resource.parent], []), row["id"])
        for name in self.resource.unique:
            self.unique.setdefault(name, {})[str(row[name]).lower()] = row["id"]

    def remove(self, row: Row) -> None:
        """Forget a row."""
        self._forget(row)
        del self.rows[row["id"]]
        self.ids.pop(bisect_left(self.ids, row["id"]))

    def _forget(self, row: Row) -> None:
        for name in self.resource.unique:
            self.unique.get(name, {}).pop(str(row[name]).lower(), None)
        if self.resource.parent:
            siblings = self.children[row[self.resource.parent]]
            siblings.pop(bisect_left(siblings, row["id"]))

    def holder(self, name: str, value: Json) -> int | None:
        """Id of the row that holds a unique value, or None."""
        return self.unique.get(name, {}).get(str(value).lower())


class World:
    """All tables of one tenant.

    Args:
        now: The vendor's clock.
        knobs: The tenant's switches.
        base_url: Address that links in answers begin with; asked for at each use.
    """

    def __init__(
        self,
        now: Callable[[], datetime],
        knobs: Knobs,
        base_url: Callable[[], str] = lambda: "",
    ) -> None:
        self.now = now
        self.base_url = base_url
        self.knobs = knobs
        self.tables = {one.table: Table(one) for one in ALL_RESOURCES}
        self.listeners: list[Callable[[Change], None]] = []
        self._references: dict[tuple[str, int], dict[str, Any]] = {}

    # Reading ------------------------------------------------------------------

    def resource(self, table: str) -> Resource:
        """The resource of a table."""
        return self.tables[table].resource

    def row(self, table: str, row_id: int) -> Row | None:
        """A row, or None."""
        return self.tables[table].rows.get(row_id)

    def rows(self, table: str) -> Iterable[Row]:
        """All rows of a table in id order."""
        return self.tables[table].after(0)

    def named(self, table: str, text: str) -> Row:
        """The first row whose key field holds `text`.

        Raises:
            LookupError: There is none.
        """
        found = self.find(table, {self.resource(table).key: text})
        if found is None:
            raise LookupError(f"no row of {table} is called {text!r}")
        return self.tables[table].rows[found]

    @property
    def date_ge_bug(self) -> bool:
        """Whether `>= [day]` forgets the day itself."""
        return self.knobs.date_ge_bug

    def stamp(self) -> str:
        """The vendor's present moment as text, whole seconds."""
        return self.now().astimezone(UTC).strftime(STAMP)

    def today(self) -> date:
        """The vendor's present day."""
        return self.now().astimezone(UTC).date()

    def today_text(self) -> str:
        """Midnight of the vendor's present day, as fields hold days."""
        return f"{self.today().isoformat()}T00:00:00Z"

    def find(self, table: str, value: Json) -> int | None:
        """The id that a reference value points to, or None.

        Any unique key works (connectwise.md §4): `{"id": 5}`, `{"identifier": "X"}`,
        `{"name": "Open"}`, or the bare id.
        """
        held = self.tables[table]
        wanted = value.get("id") if isinstance(value, dict) else value
        if wanted is not None:
            known = isinstance(wanted, int) and wanted in held.rows
            return wanted if known else None
        for name, text in value.items() if isinstance(value, dict) else ():
            if name in held.resource.fields and isinstance(text, str):
                return self._by_text(held, name, text)
        return None

    @staticmethod
    def _by_text(held: Table, name: str, text: str) -> int | None:
        if name in held.resource.unique:
            return held.holder(name, text)
        matching = (
            row["id"]
            for row in held.rows.values()
            if str(row.get(name)).lower() == text.lower()
        )
        return next(matching, None)

    def reference(self, table: str, row_id: int) -> dict[str, Any]:
        """How answers show a reference: id, key and a link."""
        known = self._references.get((table, row_id))
        if known is None:
            known = self._reference(table, row_id)
            self._references[table, row_id] = known
        return known

    def _reference(self, table: str, row_id: int) -> dict[str, Any]:
        resource = self.resource(table)
        row = self.row(table, row_id)
        shown: dict[str, Any] = {"id": row_id}
        if row is not None:
            shown[resource.key] = row.get(resource.key)
            if resource.key != "name" and isinstance(row.get("name"), str):
                shown["name"] = row["name"]
            if table == "currencies":
                shown["currencyCode"] = row.get("currencyCode")
        if resource.href and row is not None:
            shown["_info"] = {f"{resource.label}_href": self.href(resource, row)}
        return shown

    def href(self, resource: Resource, row: Row) -> str:
        """The link of a row; it holds the release and so changes with it."""
        path = resource.href.format(parent=row.get(resource.parent or "", ""))
        root = f"{self.base_url()}/{self.knobs.codebase}apis/3.0"
        return f"{root}/{path}/{row['id']}"

    # Writing ------------------------------------------------------------------

    def insert(
        self, table: str, values: Row, member: str, *, quiet: bool = False
    ) -> Row:
        """Store a new row with the resource's defaults.

        Args:
            table: Where.
            values: Stored values (references as ids); `id` only in seeds.
            member: Who does it.
            quiet: Neither validate nor tell listeners; for seeds.

        Raises:
            Invalid: The record is refused.
        """
        held = self.tables[table]
        stamp = self.stamp()
        row: Row = {
            **held.resource.defaults,
            **values,
            "_updated": values.get("_updated", stamp),
            "_by": member,
            "_entered": values.get("_entered", stamp),
            "_entered_by": member,
        }
        row.setdefault("id", held.last_id + 1)
        if not quiet:
            self._refuse_bad(held, row)
        held.put(row)
        if not quiet:
            self._tell(Change(held.resource, row, "added", member))
        return row

    def update(self, table: str, row: Row, member: str) -> Row:
        """Replace a row by a changed copy; its `lastUpdated` always moves on.

        Raises:
            Invalid: The whole record is refused, also for fields not touched.
        """
        held = self.tables[table]
        self._refuse_bad(held, row)
        before = datetime.strptime(row["_updated"], STAMP).replace(tzinfo=UTC)
        later = max(self.stamp(), (before + timedelta(seconds=1)).strftime(STAMP))
        row = {**row, "_updated": later, "_by": member}
        held.put(row)
        self._references.pop((table, row["id"]), None)
        self._tell(Change(held.resource, row, "updated", member))
        return row

    def mark(self, table: str, row: Row, **hidden: Json) -> None:
        """Set the emulator's own keys without a trace for anybody."""
        row.update(hidden)
        self.tables[table].rows[row["id"]] = row

    def delete(self, table: str, row: Row, member: str) -> None:
        """Remove a row for good."""
        held = self.tables[table]
        held.remove(row)
        self._references.pop((table, row["id"]), None)
        self._tell(Change(held.resource, row, "deleted", member))

    def forget_references(self) -> None:
        """Drop cached references, after links or bulk data changed."""
        self._references.clear()

    def _refuse_bad(self, held: Table, row: Row) -> None:
        errors = problems(held.resource, row, self.knobs.version)
        for name in held.resource.unique:
            holder = held.holder(name, row.get(name))
            if holder is not None and holder != row["id"]:
                message = f"The value for {name} already exists."
                errors.append(FieldError("ObjectExists", message, name))
        if errors:
            raise Invalid(held.resource, errors)

    def _tell(self, change: Change) -> None:
        for listener in self.listeners:
            listener(change)
