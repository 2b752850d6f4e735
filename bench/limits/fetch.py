"""The fetch itself: every page read and thrown away, on one connection."""

from __future__ import annotations

from typing import Any

import urllib3

from bench.measure import measured


def discard(base: str, count: int, customers: int, vendor: int = 0) -> dict[str, Any]:
    """Fetch all pages of both listings and look at nothing."""
    pool = urllib3.PoolManager(maxsize=1)
    result: dict[str, Any] = {}
    size = 0
    pool.request("GET", f"{base}/one/warm")
    with measured(result, others=(vendor,) if vendor else ()):
        for path, total in (("/customers", customers), ("/subscriptions", count)):
            for start in range(0, total, 1000):
                answer = pool.request("GET", f"{base}{path}?skip={start}&top=1000")
                size += len(answer.data)
    result["bytes"] = size
    result["right"] = size > count * 500
    return result
