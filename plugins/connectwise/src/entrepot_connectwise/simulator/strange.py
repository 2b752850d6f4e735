"""Words from the future in the place of enum members (a planned fault)."""

from __future__ import annotations

import json
from decimal import Decimal

from werkzeug.wrappers import Response

from .rendering import encode

SPOILT = {
    "agreements": "agreementStatus",
    "additions": "billCustomer",
    "catalog": "productClass",
    "invoices": "type",
}
"""The enum of each table that gets the strange word."""


def with_unknown_word(response: Response, table: str, word: str) -> Response:
    """The answer with `word` in the place of its table's enum."""
    name = SPOILT.get(table)
    if name is None or not response.is_json:
        return response
    payload = json.loads(response.get_data(), parse_float=Decimal)
    for record in payload if isinstance(payload, list) else [payload]:
        if name in record:
            record[name] = word
    response.set_data(encode(payload))
    return response
