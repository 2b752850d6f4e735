"""Reads billing exports line by line: asked for, waited for, fetched (§6.2)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec
from entrepot.sdk.context import PluginContext
from entrepot.sdk.errors import NotFound, Rejected, Retryable

from entrepot_microsoft.graph import Graph
from entrepot_microsoft.mapping.usage import digest
from entrepot_microsoft.runtime import Runtime, graph_of
from entrepot_microsoft.wire_export import BlobWire, ManifestWire

USAGE = "usage"
RECONCILIATION = "reconciliation"
_BILLED = "billed"
_EMPTY = "5000"
_LOOKS = 12  # at an export under way, within one call
_PAUSE = 30.0
_OPEN = 4
_REPLACED = "The vendor changed the export while it was read; the next read is whole."


class Place(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Where a reading stands; travels as JSON text.

    Attributes:
        kind: `USAGE` or `RECONCILIATION`.
        steps: What is still to be read, the present one first: ``billed:G…`` for an
            invoice, ``current:USD`` or ``last:USD`` for what is not invoiced yet.
        operation: The export that was asked for; empty before.
        line: Number of lines given out of it.
        mark: Its version.
    """

    kind: str
    steps: tuple[str, ...] = ()
    operation: str = ""
    line: int = 0
    mark: str = ""

    @classmethod
    def of(cls, text: str) -> Place:
        """The place in a query's cursor.

        Raises:
            Rejected: The text is none.
        """
        try:
            return msgspec.json.decode(text, type=cls)
        except msgspec.MsgspecError:
            raise Rejected(
                "cursor_invalid",
                "The listing cannot go on from this cursor.",
                remedy="Start the listing again.",
            ) from None

    def text(self) -> str:
        """As text for `Page.next_cursor`."""
        return msgspec.json.encode(self).decode()

    @property
    def estimated(self) -> bool:
        """Whether the present step is not invoiced yet."""
        return not self.steps[0].startswith(f"{_BILLED}:")

    @property
    def document(self) -> str:
        """What the present step reads, in words."""
        scope, _, name = self.steps[0].partition(":")
        return f"invoice {name}" if scope == _BILLED else f"unbilled, {scope} month"

    def next_step(self) -> Place | None:
        """The beginning of the next step; None when there is none."""
        rest = self.steps[1:]
        return Place(kind=self.kind, steps=rest) if rest else None


@dataclass(frozen=True, slots=True)
class Part:
    """Lines of one export with the number of their like before them.

    Attributes:
        lines: Encoded lines, each with how often its like came so far, from 1.
        following: Where it goes on; None at the end.
        problem: Why lines are missing; empty when none are.
    """

    lines: list[tuple[bytes, int]] = field(default_factory=list)
    following: Place | None = None
    problem: str = ""


@dataclass(slots=True)
class Reader:
    """Reads one export from its first line to its last."""

    manifest: ManifestWire
    waiting: list[BlobWire]
    lines: list[bytes] = field(default_factory=list, repr=False)
    counts: Counter[bytes] = field(default_factory=Counter, repr=False)

    def take(self, graph: Graph, count: int) -> list[tuple[bytes, int]]:
        """The next lines; fewer at the end only."""
        found: list[tuple[bytes, int]] = []
        while len(found) < count:
            if not self.lines:
                if not self.waiting:
                    break
                self.lines = graph.blob(self.manifest, self.waiting[0].name)[::-1]
                self.waiting = self.waiting[1:]
                continue
            line = self.lines.pop()
            mark = digest(line)
            self.counts[mark] += 1
            found.append((line, self.counts[mark]))
        return found


def read_part(ctx: PluginContext, place: Place, count: int) -> Part:
    """The next lines of an export, or the wait for it.

    An export that is not ready within one call gives no lines and the same place
    again. Lines before the cursor are read again where the process lost them.
    """
    runtime: Runtime = ctx.runtime
    graph = graph_of(ctx)
    with runtime.lock:
        reader = runtime.exports.pop(place.text(), None)
    if reader is None:
        if not place.operation:
            try:
                place = replace_place(place, operation=_asked(graph, place))
            except NotFound:
                # Invoices of before the export existed have none (§6.2).
                return Part(following=place.next_step())
        opened = _opened(ctx, graph, place)
        if opened is None or isinstance(opened, Place):
            return Part(following=opened or place.next_step())
        reader = opened
        if place.line and place.estimated and reader.manifest.e_tag != place.mark:
            return Part(following=place.next_step(), problem=_REPLACED)
        reader.take(graph, place.line)
    lines = reader.take(graph, count)
    if len(lines) < count:
        return Part(lines, place.next_step())
    following = replace_place(
        place, line=place.line + len(lines), mark=reader.manifest.e_tag
    )
    with runtime.lock:
        while len(runtime.exports) >= _OPEN:
            runtime.exports.pop(next(iter(runtime.exports)))
        runtime.exports[following.text()] = reader
    return Part(lines, following)


def replace_place(place: Place, **values: object) -> Place:
    """The place with other values."""
    return msgspec.structs.replace(place, **values)


def _asked(graph: Graph, place: Place) -> str:
    scope, _, name = place.steps[0].partition(":")
    body: Mapping[str, str] = {"invoiceId": name, "attributeSet": "full"}
    if scope != _BILLED:
        body = {
            "currencyCode": name,
            "billingPeriod": scope,
            "attributeSet": "full",
        }
    billed = _BILLED if scope == _BILLED else "unbilled"
    return graph.start(place.kind, billed, body)


def _opened(ctx: PluginContext, graph: Graph, place: Place) -> Reader | Place | None:
    """A reader of an export that is ready, its place while it is not.

    None when there is no data.
    """
    for _ in range(_LOOKS):
        try:
            found, pause = graph.operation(place.operation)
        except NotFound:
            # Too old by now: the same is asked for once more.
            return replace_place(place, operation="")
        if found.status == "succeeded":
            manifest = found.resource_location or ManifestWire()
            if not manifest.sas_token and manifest.id:
                manifest = graph.manifest(manifest.id)
            return Reader(manifest, list(manifest.blobs))
        if found.status == "failed":
            fault = found.error
            if fault is not None and fault.code == _EMPTY:
                return None
            raise Retryable(
                "export_failed",
                "The vendor could not make the billing export.",
                detail=f"{fault.code} {fault.message}" if fault else "",
                after=300.0,
            )
        ctx.clock.sleep(min(pause, _PAUSE))
    return place
