"""Currencies of markets: the price sheet's, as far as they follow from the country."""

from __future__ import annotations

from typing import Final

_EURO: Final = [
    "AT",
    "BE",
    "CY",
    "DE",
    "EE",
    "ES",
    "FI",
    "FR",
    "GR",
    "HR",
    "IE",
    "IT",
    "LT",
    "LU",
    "LV",
    "MT",
    "NL",
    "PT",
    "SI",
    "SK",
]
_OWN: Final = {
    "US": "USD",
    "CA": "CAD",
    "GB": "GBP",
    "AU": "AUD",
    "NZ": "NZD",
    "JP": "JPY",
    "IN": "INR",
    "KR": "KRW",
    "TW": "TWD",
    "CH": "CHF",
    "LI": "CHF",
    "NO": "NOK",
    "SE": "SEK",
    "DK": "DKK",
    "BR": "BRL",
}
_CURRENCIES: Final = {**dict.fromkeys(_EURO, "EUR"), **_OWN}


def currency_of(market: str) -> str:
    """ISO 4217 code that new commerce is priced in there; empty when not certain.

    Subscriptions name no currency; it is the customer's market's (reference §3.2).
    """
    return _CURRENCIES.get(market.upper(), "")
