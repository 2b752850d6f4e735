"""Workspace SKU ids by name (reference §5.4).

The Cloud Channel API numbers SKUs by opaque ids. Invoices, the export and most PSA
catalogues carry the ids of the Reseller API, so offers name them as part numbers.
"""

from __future__ import annotations

import re

_TABLE = (
    ("Google-Apps", "1010020027", "Business Starter"),
    ("Google-Apps", "1010020028", "Business Standard"),
    ("Google-Apps", "1010020025", "Business Plus"),
    ("Google-Apps", "1010020029", "Enterprise Starter"),
    ("Google-Apps", "1010020026", "Enterprise Standard"),
    ("Google-Apps", "1010020020", "Enterprise Plus"),
    ("Google-Apps", "1010060003", "Enterprise Essentials"),
    ("Google-Apps", "1010060005", "Enterprise Essentials Plus"),
    ("Google-Apps", "1010060001", "Essentials"),
    ("Google-Apps", "1010020030", "Frontline Starter"),
    ("Google-Apps", "1010020031", "Frontline Standard"),
    ("Google-Apps", "1010020034", "Frontline Plus"),
    ("Google-Apps", "1010020035", "Business Continuity"),
    ("Google-Apps", "1010020036", "Business Continuity Plus"),
    ("101047", "1010470001", "Gemini Enterprise"),
    ("101047", "1010470003", "Gemini Business"),
    ("101047", "1010470006", "AI Security"),
    ("101047", "1010470007", "AI Meetings & Messaging"),
    ("101047", "1010470008", "AI Ultra"),
    ("101047", "1010470009", "AI Expanded Access"),
    ("101034", "1010340001", "Archived User Enterprise Plus"),
    ("101034", "1010340004", "Archived User Enterprise Standard"),
    ("101034", "1010340005", "Archived User Business Starter"),
    ("101034", "1010340006", "Archived User Business Standard"),
    ("101034", "1010340003", "Archived User Business Plus"),
    ("Google-Vault", "Google-Vault", "Vault"),
    (
        "Google-Vault",
        "Google-Vault-Former-Employee",
        "Vault Former Employee",
    ),
    (
        "Google-Chrome-Device-Management",
        "Google-Chrome-Device-Management",
        "Chrome Enterprise",
    ),
    ("101001", "1010010001", "Cloud Identity Free"),
    ("101005", "1010050001", "Cloud Identity Premium"),
    ("101038", "1010380001", "AppSheet Core"),
    ("101038", "1010380002", "AppSheet Enterprise Standard"),
    ("101038", "1010380003", "AppSheet Enterprise Plus"),
    ("101033", "1010330003", "Voice Starter"),
    ("101033", "1010330004", "Voice Standard"),
    ("101033", "1010330002", "Voice Premier"),
    ("101043", "1010430001", "Additional Storage"),
    ("101040", "1010400001", "Chrome Enterprise Premium"),
    ("101036", "1010360001", "Meet Global Dialing"),
    ("101035", "1010350001", "Cloud Search"),
)
_NOISE = re.compile(r"\b(google|workspace|edition)\b|[^\w& ]", re.IGNORECASE)


def _plain(name: str) -> str:
    return " ".join(_NOISE.sub(" ", name).lower().split())


_BY_NAME = {_plain(name): (product, sku) for product, sku, name in _TABLE}


def workspace_ids(name: str) -> tuple[str, str] | None:
    """Product and SKU id of the Reseller API for a SKU's name; None when unknown."""
    return _BY_NAME.get(_plain(name))
