"""Settings of one Ledgerline connection."""

from __future__ import annotations

from dataclasses import dataclass

from entrepot.sdk.settings import setting


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerlineSettings:
    """What a reseller enters to connect Ledgerline."""

    address: str = setting(
        "API address",
        help="Where your Ledgerline account lives, for example https://eu.ledgerline.example.",
        pattern=r"https?://[^\s/]+",
        adds_host=True,
    )
    api_key: str = setting(
        "API key",
        help="Ledgerline console: Settings > API keys. Reading and agreement rights.",
        secret=True,
        default="",
    )
