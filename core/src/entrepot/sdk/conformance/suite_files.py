"""Tests of files that people hand in."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

import pytest

from entrepot.sdk import queries as ask
from entrepot.sdk.conformance import checks
from entrepot.sdk.conformance.base import ConformanceBase
from entrepot.sdk.conformance.harness import Harness
from entrepot.sdk.conformance.listings import listings_of, pages
from entrepot.sdk.context import no_file
from entrepot.sdk.errors import Rejected
from entrepot.sdk.model import HeldFile, TakenFile
from entrepot.sdk.simulator.base import RunningSimulator

_NONSENSE = b"\x00 this is no export of any vendor"


@dataclass(slots=True)
class KeptFiles:
    """Parts of files as core keeps them."""

    taken_at: datetime
    parts: dict[str, bytes] = field(default_factory=dict)

    def find(self, name: str) -> HeldFile | None:
        """The part without its content; None when there is none."""
        if name not in self.parts:
            return None
        digest = hashlib.sha256(self.parts[name]).hexdigest()
        return HeldFile(
            name=name, version=digest, source="a file", taken_at=self.taken_at
        )

    def read(self, name: str) -> bytes:
        """The part's content.

        Raises:
            NotFound: There is none.
        """
        if name not in self.parts:
            raise no_file(name)
        return self.parts[name]


class FileConformance(ConformanceBase):
    """What is read of files, for plugins with the hook `take_file`."""

    def test_files_are_read(
        self,
        reader: Harness,
        make_harness: Callable[..., Harness],
        still: RunningSimulator,
    ) -> None:
        """A file gives the same parts again, and lines; nonsense is refused."""
        if not reader.has("take_file"):
            return
        content = self.files(still.simulator)
        checks.require(content, "give the kit a file: override files()")
        first, second = (_taken(reader, content) for _ in range(2))
        checks.require(first == second, "a file gives other parts the second time")
        checks.require(first.rows and first.months, "a file without rows or months")
        with pytest.raises(Rejected) as caught:
            _taken(reader, _NONSENSE)
        checks.require(caught.value.info.remedy, "a refused file names no remedy")
        kept = KeptFiles(still.simulator.clock.now())
        kept.parts.update({part.name: part.content for part in first.parts})
        filed = make_harness(still, change=self.filed_values)
        ctx = replace(filed.fresh_context(), files=kept)
        found = [
            record
            for name in ("list_charges", "list_usage")
            if name in listings_of(filed.info)
            for period in filed.periods
            for page in pages(filed, name, ctx=ctx, period=period)
            for record in page.records()
        ]
        checks.require(found, "nothing is listed out of the file")
        checks.facts_are_exact(found)


def _taken(reader: Harness, content: bytes) -> TakenFile:
    found: TakenFile = reader.call(
        "take_file", ask.TakeFile(name="a file", content=content)
    )
    return found
