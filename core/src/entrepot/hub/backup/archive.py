"""The archive: a zip with a manifest, and checking it."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from entrepot.sdk.errors import Rejected

FORMAT = 1
MANIFEST = "manifest.json"
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One file of the archive.

    Attributes:
        name: Its name inside the archive.
        sha256: Digest of its content.
        table: The table whose rows it holds; empty for a whole database.
        columns: The columns in the order of the rows.
        rows: How many rows it holds.
    """

    name: str
    sha256: str
    table: str = ""
    columns: tuple[str, ...] = ()
    rows: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What an archive is.

    Attributes:
        format: Version of the archive's own layout.
        database: ``sqlite`` or ``postgresql``.
        created_at: ISO 8601, UTC.
        hub_version: Version of the hub that wrote it.
        revision: Schema revision of its content.
        rows: Number of rows of every table.
        members: Its files, parents before children.
        sequences: Last value of every sequence (PostgreSQL).
        encryption_keys: Ids of the keys its secrets are sealed with; the keys
            themselves are never part of an archive.
    """

    format: int = FORMAT
    database: str
    created_at: str
    hub_version: str
    revision: str
    rows: dict[str, int]
    members: tuple[Member, ...]
    sequences: dict[str, int] = field(default_factory=dict)
    encryption_keys: tuple[str, ...] = ()


class BackupInvalid(Rejected):
    """An archive is damaged or not ours; the text says what is wrong with it."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(
            "backup_invalid",
            f"{path} can't be used: {problem}.",
            field="path",
            remedy="Use another backup; check it with `entrepot backup --check`.",
        )


class ArchiveWriter:
    """Writes members with their digests; the manifest comes last.

    Args:
        archive: An open zip.
    """

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self.members: list[Member] = []

    def add(
        self,
        name: str,
        blocks: Iterable[bytes | bytearray | memoryview],
        *,
        table: str = "",
        columns: tuple[str, ...] = (),
    ) -> Member:
        """Write one member block by block; a table's rows are its lines."""
        digest, lines = hashlib.sha256(), 0
        with self._archive.open(name, "w", force_zip64=True) as stream:
            for data in _gathered(blocks):
                digest.update(data)
                lines += data.count(b"\n") if table else 0
                stream.write(data)
        member = Member(
            name=name,
            sha256=digest.hexdigest(),
            table=table,
            columns=columns,
            rows=lines,
        )
        self.members.append(member)
        return member

    def finish(self, manifest: Manifest) -> None:
        """Write the manifest; without it an archive is refused."""
        text = json.dumps(asdict(manifest), indent=2, sort_keys=True)
        self._archive.writestr(MANIFEST, text)


def _gathered(blocks: Iterable[bytes | bytearray | memoryview]) -> Iterator[bytes]:
    """Yield fewer, larger blocks: COPY gives one for each row."""
    parts: list[bytes] = []
    size = 0
    for block in blocks:
        parts.append(bytes(block))
        size += len(block)
        if size >= _CHUNK:
            yield b"".join(parts)
            parts, size = [], 0
    if parts:
        yield b"".join(parts)


def blocks_of(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield a stream in blocks."""
    while block := stream.read(_CHUNK):
        yield block


def read_manifest(path: Path) -> Manifest:
    """Return an archive's manifest.

    Raises:
        BackupInvalid: The file is no archive of ours, or of a newer format.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            raw: dict[str, Any] = json.loads(archive.read(MANIFEST))
        members = tuple(
            Member(**{**member, "columns": tuple(member["columns"])})
            for member in raw.pop("members")
        )
        keys = tuple(raw.pop("encryption_keys"))
        manifest = Manifest(**raw, members=members, encryption_keys=keys)
    except (OSError, zipfile.BadZipFile) as error:
        raise BackupInvalid(path, f"it can't be read ({error})") from error
    except (KeyError, TypeError, ValueError) as error:
        raise BackupInvalid(path, "it has no manifest of ours") from error
    if manifest.format != FORMAT:
        raise BackupInvalid(path, f"its format {manifest.format} is unknown")
    return manifest


def check_members(path: Path, manifest: Manifest) -> None:
    """Read every member and compare digests and numbers of rows.

    Raises:
        BackupInvalid: A member is missing, damaged or incomplete.
    """
    with zipfile.ZipFile(path) as archive:
        for member in manifest.members:
            try:
                digest, lines = _digest(archive, member)
            except (KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
                raise BackupInvalid(path, f"{member.name} is damaged") from error
            if digest != member.sha256:
                raise BackupInvalid(path, f"{member.name} was changed")
            if lines != member.rows:
                raise BackupInvalid(path, f"{member.name} lost rows")


def _digest(archive: zipfile.ZipFile, member: Member) -> tuple[str, int]:
    digest, lines = hashlib.sha256(), 0
    with archive.open(member.name) as stream:
        for block in blocks_of(stream):
            digest.update(block)
            lines += block.count(b"\n") if member.table else 0
    return digest.hexdigest(), lines
