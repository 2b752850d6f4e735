"""New customers of the hub."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from entrepot.store.ids import new_id
from entrepot.store.search import fold


def customer_row(name: str, tenant_id: str, at: datetime) -> dict[str, Any]:
    """The row of a new customer of the hub."""
    return {
        "id": new_id("cus"),
        "tenant_id": tenant_id,
        "name": name,
        "sort_name": fold(name),
        "search_text": fold(name),
        "custom_id": "",
        "state": "active",
        "created_at": at,
        "updated_at": at,
        "version": 1,
    }
