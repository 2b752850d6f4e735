"""Files that a person hands to a connection, where the other side only exports."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePart:
    """What core keeps of a file, under a name of the plugin's choice.

    Attributes:
        name: What it is the whole truth about, such as ``rows 2026-03``; a later part
            of the same name takes its place.
        content: In the form in which the plugin wants it back; compressed if large.
    """

    name: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenFile:
    """A file as the plugin understood it.

    Attributes:
        parts: What shall be kept.
        months: Billing months that it tells of, such as ``2026-03``, in order.
        rows: Lines or records in it.
    """

    parts: tuple[FilePart, ...]
    months: tuple[str, ...]
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldFile:
    """A kept part, without its content.

    Attributes:
        version: Another one whenever the content is another.
        source: Name of the file it came from.
        taken_at: When it was handed in.
    """

    name: str
    version: str
    source: str
    taken_at: datetime
