"""Tests of writes to a PSA."""

from __future__ import annotations

from entrepot.sdk.conformance import writes
from entrepot.sdk.conformance.base import ConformanceBase
from entrepot.sdk.conformance.harness import Harness
from entrepot.sdk.simulator.base import RunningSimulator


class WriteConformance(ConformanceBase):
    """A write is found again by its reference, and is there once."""

    def test_write_is_found_by_its_reference(self, harness: Harness) -> None:
        """A new line is read back and found again."""
        if harness.has("apply_line_change"):
            writes.line_is_found_again(harness)

    def test_write_without_answer_is_found_once(
        self, simulator: RunningSimulator, harness: Harness
    ) -> None:
        """After a lost answer the outcome is unknown and the line there once."""
        if harness.has("apply_line_change"):
            writes.lost_answer_is_found_once(harness, simulator.simulator)

    def test_stale_write_changes_nothing(self, harness: Harness) -> None:
        """A change of a line that has changed meanwhile is a Conflict."""
        if harness.has("apply_line_change"):
            writes.stale_change_is_a_conflict(harness)

    def test_ticket_is_made_once(self, harness: Harness) -> None:
        """The same reference again adds to the ticket instead of making another."""
        if harness.has("create_ticket"):
            writes.ticket_is_made_once(harness)

    def test_billing_lock_is_known_or_explained(self, harness: Harness) -> None:
        """How far an agreement is invoiced is told, or why it cannot be."""
        if harness.has("get_billing_lock"):
            writes.lock_is_known_or_explained(harness)
