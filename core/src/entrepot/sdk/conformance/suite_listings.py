"""Tests of listings and of reading one object."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from entrepot.sdk import queries as ask
from entrepot.sdk.conformance import checks, writes
from entrepot.sdk.conformance.base import ConformanceBase
from entrepot.sdk.conformance.harness import Harness
from entrepot.sdk.conformance.listings import records
from entrepot.sdk.errors import NotFound


class ListingConformance(ConformanceBase):
    """Listings end, repeat, resume and are exact."""

    def test_listing_ends_and_repeats(self, harness: Harness, listing: str) -> None:
        """Paging ends and gives the same again."""
        checks.listing_ends_and_repeats(harness, listing)

    def test_listing_ids_are_stable(
        self, make_harness: Callable[..., Harness], listing: str
    ) -> None:
        """Ids are the same in two syncs."""
        checks.ids_are_stable(make_harness(), make_harness(), listing)

    def test_listing_resumes_by_cursor(self, harness: Harness, listing: str) -> None:
        """A cursor outlives the process."""
        checks.listing_resumes(harness, listing)

    def test_listing_raw_equals_items(self, harness: Harness, listing: str) -> None:
        """The fast form gives the same facts."""
        checks.raw_equals_items(harness, listing)

    def test_listing_facts_are_exact(self, harness: Harness, listing: str) -> None:
        """Numbers are exact, moments aware."""
        checks.facts_are_exact(records(harness, listing))

    def test_missing_objects_are_not_found(self, harness: Harness) -> None:
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
            if harness.has(name):
                with pytest.raises(NotFound):
                    harness.call(name, query)
