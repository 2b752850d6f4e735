"""A Singer tap for the bench's vendor; runs in Singer's own environment."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from singer_sdk import RESTStream, Tap
from singer_sdk import typing as th
from singer_sdk.pagination import BaseOffsetPaginator

PAGE = 1000
_TEXTS = (
    *("id", "customerId", "currency", "sku", "productId", "offerName"),
    *("friendlyName", "status", "termDuration", "billingCycle", "unitType"),
    *("creationDate", "effectiveStartDate", "commitmentEndDate", "changedAt"),
    *("orderId",),
)


class _Paginator(BaseOffsetPaginator):
    def has_more(self, response: Any) -> bool:
        """Whether there is a page after this one."""
        return bool(self.get_next(response) < response.json()["total"])


class Subscriptions(RESTStream):
    """All subscriptions of the vendor."""

    name = "subscriptions"
    path = "/subscriptions"
    primary_keys = ("id",)
    records_jsonpath = "$.items[*]"
    schema = th.PropertiesList(
        *(th.Property(name, th.StringType) for name in _TEXTS),
        th.Property("quantity", th.IntegerType),
        th.Property("unitPrice", th.NumberType),
        th.Property("autoRenewEnabled", th.BooleanType),
        th.Property("isTrial", th.BooleanType),
    ).to_dict()

    @property
    def url_base(self) -> str:
        """Where the vendor is."""
        return str(self.config["base_url"])

    def get_new_paginator(self) -> Any:
        """Pages by offset."""
        return _Paginator(start_value=0, page_size=PAGE)

    def get_url_params(self, context: Any, next_page_token: Any) -> dict[str, Any]:
        """The page's parameters."""
        return {"skip": next_page_token or 0, "top": PAGE}


class TapBench(Tap):
    """The tap."""

    name = "tap-bench"
    config_jsonschema = th.PropertiesList(
        th.Property("base_url", th.StringType, required=True)
    ).to_dict()

    def discover_streams(self) -> Iterable[Any]:
        """The one stream."""
        return [Subscriptions(self)]


if __name__ == "__main__":
    TapBench.cli()
