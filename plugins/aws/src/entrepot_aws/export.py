"""Reads the cost export's files from S3, line by line (reference §3.6).

The layout below the prefix is not documented for certain: files are found by a
pattern. Both overwrite modes are read; where each delivery has a folder of its own,
the newest one counts.
"""

from __future__ import annotations

import csv
import hashlib
import posixpath
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from entrepot.sdk.errors import ConfigInvalid

from entrepot_aws import wire
from entrepot_aws.client import Client
from entrepot_aws.mapping.charges import Row, digest, line_id
from entrepot_aws.settings import AwsSettings

_CHUNK = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Line:
    """One line, its id, and where it stands."""

    row: Row
    vendor_id: str
    source: str


def files_of(
    client: Client, settings: AwsSettings, month: str
) -> list[wire.ObjectWire]:
    """The newest delivery's files of a billing month, in order; empty without any."""
    pattern = settings.cur_pattern.replace("{period}", month)
    found = client.objects(settings.cur_bucket, settings.cur_prefix)
    folders: dict[str, list[wire.ObjectWire]] = defaultdict(list)
    for each in found:
        if fnmatchcase(each.key, f"{settings.cur_prefix}{pattern}"):
            folders[posixpath.dirname(each.key)].append(each)
    if not folders:
        return []
    newest = max(folders, key=lambda name: (_latest(folders[name]), name))
    return sorted(folders[newest], key=lambda each: each.key)


def _latest(files: list[wire.ObjectWire]) -> float:
    return max(each.modified.timestamp() for each in files)


def fingerprint(files: list[wire.ObjectWire]) -> str:
    """Changes when any of the files does."""
    text = "\x1f".join(f"{each.key}\x1f{each.etag}" for each in files)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(slots=True)
class Reader:
    """Reads one month's lines from the first to the last.

    Attributes:
        month: Billing month.
        mark: Fingerprint of the files.
        place: Number of lines read so far.
    """

    month: str
    mark: str
    files: list[wire.ObjectWire]
    bucket: str
    place: int = 0
    _lines: Iterator[Line] | None = field(default=None, repr=False)
    _client: Client | None = field(default=None, repr=False)

    def take(self, client: Client, count: int) -> list[Line]:
        """The next lines, at most `count`; fewer only at the end."""
        self._client = client
        if self._lines is None:
            self._lines = self._read()
        found = []
        for line in self._lines:
            found.append(line)
            if len(found) == count:
                break
        self.place += len(found)
        return found

    def skip_to(self, client: Client, place: int) -> None:
        """Go on where another process stopped: what lies before is read again."""
        while self.place < place:
            if not self.take(client, min(1000, place - self.place)):
                return

    def _read(self) -> Iterator[Line]:
        seen: set[bytes] = set()
        again: Counter[bytes] = Counter()
        for each in self.files:
            rows = csv.DictReader(self._text(each))
            for number, row in enumerate(rows, 1):
                mark = digest(row, self.month)
                if mark in seen:
                    again[mark] += 1
                seen.add(mark)
                yield Line(
                    row,
                    line_id(self.month, mark, again[mark] + 1),
                    f"s3://{self.bucket}/{each.key}#{number}",
                )

    def _text(self, found: wire.ObjectWire) -> Iterator[str]:
        """The lines of a compressed file; read in pieces, never whole."""
        rest = ""
        for piece in self._unpacked(found):
            lines = (rest + piece).splitlines(keepends=True)
            rest = "" if not lines or lines[-1].endswith("\n") else lines.pop()
            yield from lines
        if rest:
            yield rest

    def _unpacked(self, found: wire.ObjectWire) -> Iterator[str]:
        unpack = zlib.decompressobj(wbits=31)
        held = b""
        for start in range(0, found.size, _CHUNK):
            end = min(start + _CHUNK, found.size)
            try:
                data = held + unpack.decompress(self._piece(found, start, end))
            except zlib.error:
                raise _no_gzip(found.key) from None
            text, held = _decoded(data)
            yield text
        yield (held + unpack.flush()).decode("utf-8", "replace")

    def _piece(self, found: wire.ObjectWire, start: int, end: int) -> bytes:
        if self._client is None:
            return b""
        return self._client.bytes_of(self.bucket, found, start, end)


def _decoded(data: bytes) -> tuple[str, bytes]:
    """Text up to the last line's end, and the bytes after it."""
    cut = data.rfind(b"\n") + 1
    return data[:cut].decode("utf-8", "replace"), data[cut:]


def _no_gzip(key: str) -> ConfigInvalid:
    return ConfigInvalid(
        "export_format",
        "The files of the cost export are no compressed CSV.",
        detail=key,
        field="cur_pattern",
        remedy="Create the data export as CSV with GZIP compression.",
    )
