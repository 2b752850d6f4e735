"""Tests of listings and of reading one object."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from entrepot.sdk import queries as ask
from entrepot.sdk.conformance import checks, killed, singles, writes
from entrepot.sdk.conformance.base import ConformanceBase
from entrepot.sdk.conformance.harness import Harness
from entrepot.sdk.conformance.listings import listings_of, records
from entrepot.sdk.errors import NotFound
from entrepot.sdk.simulator.base import RunningSimulator


class ListingConformance(ConformanceBase):
    """Listings end, repeat, resume and are exact."""

    def test_listing_ends_and_repeats(self, reader: Harness, listing: str) -> None:
        """Paging ends and gives the same again."""
        checks.listing_ends_and_repeats(reader, listing)

    def test_listing_ids_are_stable(
        self,
        make_harness: Callable[..., Harness],
        still: RunningSimulator,
        listing: str,
    ) -> None:
        """Ids are the same in two syncs."""
        first, second = make_harness(still), make_harness(still)
        checks.ids_are_stable(first, second, listing)

    def test_listing_resumes_by_cursor(self, reader: Harness, listing: str) -> None:
        """A cursor outlives the process."""
        checks.listing_resumes(reader, listing)

    def test_listing_raw_equals_items(self, reader: Harness, listing: str) -> None:
        """The fast form gives the same facts."""
        checks.raw_equals_items(reader, listing)

    def test_listing_facts_are_exact(self, reader: Harness, listing: str) -> None:
        """Numbers are exact, moments aware."""
        checks.facts_are_exact(records(reader, listing))

    def test_missing_objects_are_not_found(self, reader: Harness) -> None:
        """An id that does not exist is NotFound, whatever the vendor answers."""
        asked = {
            "get_customer": ask.GetCustomer(customer_id=writes.NOBODY),
            "get_subscription": ask.GetSubscription(
                customer_id=writes.NOBODY, subscription_id=writes.NOBODY
            ),
            "get_agreement_line": ask.GetAgreementLine(
                agreement_id=writes.NOBODY_NUMBER, line_id=writes.NOBODY_NUMBER
            ),
        }
        for name, query in asked.items():
            if reader.has(name):
                with pytest.raises(NotFound):
                    reader.call(name, query)

    def test_one_object_equals_its_listing(self, reader: Harness) -> None:
        """An object that is read alone is what its listing tells."""
        for name in singles.SINGLES:
            singles.single_equals_listing(reader, name)

    def test_usage_lies_in_its_period(self, reader: Harness) -> None:
        """Usage is listed for the period in which it began."""
        if "list_usage" in listings_of(reader.info):
            checks.usage_lies_in_its_period(reader)

    def test_change_feed_ends_and_resumes(self, reader: Harness) -> None:
        """The feed is in order, repeats itself, and goes on from a cursor."""
        if reader.has("list_changes"):
            singles.feed_is_in_order(reader)

    def test_listings_resume_after_a_kill(
        self, reader: Harness, still: RunningSimulator
    ) -> None:
        """What a killed process has listed so far is gone on with by another one."""
        values = self.connect(still.simulator, still.base_url)
        listings = listings_of(self.plugin_info())
        killed.listings_resume(self.plugin_name, values, reader, listings)
