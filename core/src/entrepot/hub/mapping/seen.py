"""What a person looked at when deciding, so that nobody's decision is overwritten."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from entrepot.sdk.errors import Conflict

if TYPE_CHECKING:
    from entrepot.hub.mapping.rows import MapRow

_DECIDED = frozenset({"confirmed", "excluded", "stale"})


@dataclass(frozen=True, slots=True)
class Seen:
    """The row of a map that somebody looked at; empty where there was none.

    Attributes:
        map_id: Its id.
        version: Its version then.
    """

    map_id: str = ""
    version: int = 0


def require_unchanged(rows: Iterable[MapRow], seen: Seen, name: str) -> None:
    """Return if a vendor's customer or SKU is mapped as it was when it was looked at.

    Args:
        rows: What is mapped or suggested now, remembered rejections excepted.
        seen: What was looked at.
        name: How people call it.

    Raises:
        Conflict: Somebody decided about it, or the suggestion is another one now; the
            text names who it was.
    """
    found = [row for row in rows if row.status != "rejected"]
    if any((row.id, row.version) == (seen.map_id, seen.version) for row in found):
        return
    decided = [row for row in found if row.status in _DECIDED]
    if not seen.map_id and not decided:
        return
    raise _changed(
        decided, name, f"What is suggested for {name} has changed meanwhile."
    )


def require_same(rows: Iterable[MapRow], seen: Collection[Seen], name: str) -> None:
    """Return if all decisions about a customer are those that were looked at.

    Args:
        rows: What is mapped or suggested now; only decisions count.
        seen: All decisions that were looked at, none if there were none.
        name: How people call the customer.

    Raises:
        Conflict: Somebody decided about it; the text names who it was.
    """
    decided = [row for row in rows if row.status in _DECIDED]
    known = {(one.map_id, one.version) for one in seen}
    if {(row.id, row.version) for row in decided} != known:
        new = [row for row in decided if (row.id, row.version) not in known]
        raise _changed(new, name, f"What was decided about {name} is undone meanwhile.")


def _changed(decided: Sequence[MapRow], name: str, otherwise: str) -> Conflict:
    text = otherwise
    if decided:
        row = decided[0]
        what = "excluded it" if row.status == "excluded" else f"chose {row.target_name}"
        text = f"{row.decided_by} has decided about {name} meanwhile and {what}."
    return Conflict("changed", text, remedy="Look at it again, then decide.")
