"""Tests that need the simulator to play along; see `words`."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from entrepot.sdk.conformance import checks, events
from entrepot.sdk.conformance.base import ConformanceBase
from entrepot.sdk.conformance.harness import Harness
from entrepot.sdk.conformance.listings import listings_of, records
from entrepot.sdk.conformance.words import WORDS
from entrepot.sdk.simulator.base import RunningSimulator

AMOUNT = Decimal("1234567890.123456789")
"""More digits than a binary float holds; nine decimals, as finely as money is told."""


class EventConformance(ConformanceBase):
    """What vanishes, changes its id or is corrected is told as it is."""

    def test_exempt_words_have_reasons(self) -> None:
        """An exemption names a word of the kit and says why."""
        for word, reason in self.exempt.items():
            checks.require(word in WORDS, f"exempt: {word!r} is no word of the kit")
            checks.require(len(reason) > 10, f"exempt: say why {word} is missing")

    def test_event_is_told_as_it_is(
        self, simulator: RunningSimulator, harness: Harness, word: str
    ) -> None:
        """What happens at the vendor is read as it is; see `WORDS`."""

        def play(word: str, **arguments: Any) -> Mapping[str, Any]:  # noqa: ANN401 - each word has its own
            return self.play(simulator.simulator, word, **arguments)

        reason = self.exempt.get(word)
        try:
            self._check(word, simulator, harness, play)
        except AssertionError:
            if reason is None:
                raise
            pytest.xfail(f"{word}: {reason}")
        checks.require(reason is None, f"{word} works; take it out of `exempt`")

    def _check(
        self,
        word: str,
        running: RunningSimulator,
        harness: Harness,
        play: events.Play,
    ) -> None:
        if word in events.CHECKS:
            events.CHECKS[word](harness, play)
            return
        self._plan(running, kind=word, value=str(AMOUNT), count=0)
        names = listings_of(self.plugin_info())
        found = [record for name in names for record in records(harness, name)]
        checks.amount_is_kept(found, AMOUNT)
