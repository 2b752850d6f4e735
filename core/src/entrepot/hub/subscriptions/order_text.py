"""What is searched of an order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from entrepot.store.search import fold

SEARCHED = 500
"""Letters of an order that `VendorOrderRow.search_text` holds: they fit an index."""


def order_text(values: Mapping[str, Any]) -> str:
    """Return what is searched of an order, folded, at most `SEARCHED` letters and one.

    Args:
        values: Of a row, by column.
    """
    lines = values.get("lines") or ()
    words = [str(line.get(name) or "") for line in lines for name in ("name", "sku")]
    words.append(str((values.get("attributes") or {}).get("operator") or ""))
    own = ("vendor_id", "reference", "vendor_status")
    parts = [*(str(values.get(name) or "") for name in own), " ".join(words)]
    text = "\n".join(map(fold, parts))
    return text[: SEARCHED + 1]
