"""Tests of what a plugin does when the other side misbehaves."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from entrepot.sdk.conformance import checks, spoiled
from entrepot.sdk.conformance.base import ConformanceBase
from entrepot.sdk.conformance.harness import QUICK, Harness
from entrepot.sdk.conformance.listings import identity, listings_of, records
from entrepot.sdk.errors import EntrepotError, RateLimited, Retryable
from entrepot.sdk.simulator.base import RunningSimulator

PASSING_FAULTS: Mapping[str, dict[str, Any]] = {
    "429": {"kind": "rate_limited", "retry_after": "1"},
    "429 without Retry-After": {"kind": "rate_limited"},
    "500": {"kind": "status", "status": 500},
    "503": {"kind": "status", "status": 503},
    "reset": {"kind": "reset"},
    "cut body": {"kind": "truncated"},
    "slow body": {"kind": "slow_body", "seconds": 0.4},
    "expired token": {"kind": "token_expiry"},
}
LASTING_FAULTS: Mapping[str, tuple[dict[str, Any], type[EntrepotError]]] = {
    "429": ({"kind": "rate_limited", "retry_after": "30"}, RateLimited),
    "503": ({"kind": "status", "status": 503}, Retryable),
    "reset": ({"kind": "reset"}, Retryable),
    "cut body": ({"kind": "truncated"}, Retryable),
}
MID_FAULTS: Mapping[str, dict[str, Any]] = {
    "429 with a date": {"kind": "rate_limited"},
    "503": {"kind": "status", "status": 503},
    "reset": {"kind": "reset"},
    "cut body": {"kind": "truncated"},
    "expired token": {"kind": "token_expiry"},
}
SPOILED: Mapping[str, dict[str, Any]] = {
    "page before once more": {"kind": "repeated_page", "skip": 1},
    "page before for ever": {"kind": "repeated_page", "skip": 1, "count": 0},
    "page left out": {"kind": "missing_page", "skip": 1},
    "other order": {"kind": "reordered_page", "count": 0},
    "item twice": {"kind": "repeated_item", "count": 0},
}
REPEATED = ("page before once more", "page before for ever")
"""Their pages carry the token that was asked with: nothing new comes after them."""


class FaultConformance(ConformanceBase):
    """Passing faults change nothing, lasting ones say what to do."""

    @pytest.mark.parametrize("fault", PASSING_FAULTS)
    def test_passing_fault_changes_nothing(
        self, simulator: RunningSimulator, harness: Harness, fault: str
    ) -> None:
        """A listing survives a passing fault and is complete."""
        name = listings_of(self.plugin_info())[0]
        wanted = records(harness, name)
        self._plan(simulator, **PASSING_FAULTS[fault])
        try:
            found = records(harness, name)
        except RateLimited as error:
            # The vendor named a pause in its text that is longer than we wait.
            checks.require((error.after or 0) > QUICK.wait_inside, f"{error!r}")
            found = records(harness, name)
        checks.require(found == wanted, f"{name} lost something")
        struck = [planned.fired for planned in simulator.simulator.faults.list()]
        checks.require(any(struck), f"the fault struck nothing; data_paths? {struck}")

    @pytest.mark.parametrize("fault", LASTING_FAULTS)
    def test_lasting_fault_has_its_error(
        self, simulator: RunningSimulator, harness: Harness, fault: str
    ) -> None:
        """A lasting fault ends in the error that says what to do."""
        planned, kind = LASTING_FAULTS[fault]
        name = listings_of(self.plugin_info())[0]
        self._plan(simulator, count=0, **planned)
        with pytest.raises(kind) as caught:
            records(harness, name)
        if kind is RateLimited:
            after = caught.value.after or 0
            checks.require(after > 20, f"after={after}, 30 was asked for")

    def test_unknown_words_are_kept(
        self, simulator: RunningSimulator, harness: Harness
    ) -> None:
        """A status from the future is `unknown`, with the vendor's word beside it."""
        word = "a_value_from_the_future"
        self._plan(simulator, kind="unknown_enum", value=word, count=0)
        names = listings_of(self.plugin_info())
        found = [record for name in names for record in records(harness, name)]
        checks.unknown_words_are_kept(found, word)

    def test_nothing_leaks(
        self,
        simulator: RunningSimulator,
        make_harness: Callable[..., Harness],
        caplog: pytest.LogCaptureFixture,
        tmp_path: Path,
    ) -> None:
        """No secret in logs, errors, recordings or representations."""
        cassette = tmp_path / "cassette.json"
        harness = make_harness(cassette=cassette)
        with caplog.at_level(logging.DEBUG, "entrepot"):
            harness.call("check_connection")
            self._plan(simulator, kind="status", status=503, count=0)
            with pytest.raises(EntrepotError) as caught:
                records(harness, listings_of(self.plugin_info())[0])
        ours = [r for r in caplog.records if r.name.startswith("entrepot")]
        texts = [r.getMessage() for r in ours] + harness.log.lines
        texts += [cassette.read_text(), repr(harness.ctx), repr(harness.settings)]
        texts += [repr(harness.ctx.runtime), *checks.error_texts(caught.value)]
        checks.nothing_leaks(texts, harness.secrets.every)

    @pytest.mark.parametrize("fault", MID_FAULTS)
    def test_fault_in_mid_listing_changes_nothing(
        self, simulator: RunningSimulator, harness: Harness, fault: str
    ) -> None:
        """A fault after the first answers loses nothing."""
        names = listings_of(self.plugin_info())[:2]
        wanted = self._walked(harness, names)
        planned = dict(MID_FAULTS[fault])
        if fault == "429 with a date":
            moment = simulator.simulator.clock.now() + timedelta(seconds=2)
            planned["retry_after"] = format_datetime(moment, usegmt=True)
        self._plan(simulator, skip=1, **planned)
        try:
            found = self._walked(harness, names)
        except RateLimited as error:
            checks.require((error.after or 0) > QUICK.wait_inside, f"{error!r}")
            found = self._walked(harness, names)
        checks.require(found == wanted, f"one of {names} lost something")
        struck = [one.fired for one in simulator.simulator.faults.list()]
        checks.require(any(struck), f"the fault struck nothing; data_paths? {struck}")

    @pytest.mark.parametrize("fault", SPOILED)
    def test_spoiled_pages_invent_nothing(
        self, simulator: RunningSimulator, harness: Harness, fault: str
    ) -> None:
        """Pages that come twice, not, or in another order never end in wrong facts."""
        name = listings_of(self.plugin_info())[0]
        wanted = {
            identity(name, one)
            for one in records(harness, name, page_size=checks.SMALL_PAGE)
        }
        self._plan(simulator, **SPOILED[fault])
        found, whole = spoiled.walk(harness, name)
        checks.require(found <= wanted, f"{name} invented {sorted(found - wanted)}")
        if fault in ("other order", "item twice"):
            checks.require(whole and found == wanted, f"{name} lost something")
        if fault in REPEATED and whole:
            missed = sorted(wanted - found)
            checks.require(not missed, f"{name} is called whole without {missed}")

    def _walked(self, harness: Harness, names: list[str]) -> list[Any]:
        size = checks.SMALL_PAGE
        return [one for name in names for one in records(harness, name, page_size=size)]
