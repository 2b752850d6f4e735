"""What a connection to a partner tenant needs."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from entrepot.sdk.settings import setting

GLOBAL = "global"
US_GOVERNMENT = "us_government"
CHINA = "china"

GRAPH = "https://graph.microsoft.com"
_HOSTS = {
    # cloud: (core API, price API, token issuer); reference §1.1
    GLOBAL: (
        "https://api.partnercenter.microsoft.com",
        "https://api.partner.microsoft.com",
        "https://login.microsoftonline.com",
    ),
    US_GOVERNMENT: (
        "https://api.partnercenter.microsoft.com",
        "https://api.partner.microsoft.com",
        "https://login.microsoftonline.us",
    ),
    CHINA: (
        "https://partner.partnercenterapi.microsoftonline.cn",
        "https://api.partner.microsoft.com",
        "https://login.partner.microsoftonline.cn",
    ),
}

HOST_PATTERNS = (
    "*.microsoft.com",
    "*.blob.core.windows.net",
    "login.microsoftonline.com",
    "login.microsoftonline.us",
    "login.partner.microsoftonline.cn",
    "partner.partnercenterapi.microsoftonline.cn",
)

_GUID = r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MicrosoftSettings:
    """Settings of one partner tenant."""

    tenant_id: str = setting(
        "Partner tenant id",
        help="Directory (tenant) id of your partner tenant, from Account settings.",
        pattern=_GUID,
    )
    client_id: str = setting(
        "Application id",
        help="Application (client) id of the app registered for Partner Center.",
        pattern=_GUID,
    )
    client_secret: str = setting(
        "Client secret",
        help="Secret value (not its id) of that app registration.",
        secret=True,
        default="",
    )
    sign_in: str = setting(
        "Sign-in",
        help="As a user (needed for price lists) or as the application alone.",
        choices=("app_user", "app_only"),
        choice_titles=("As a user", "As the application alone"),
        default="app_user",
    )
    refresh_token: str = setting(
        "Refresh token",
        help="From the consent of a user with multi-factor sign-in.",
        secret=True,
        rotates=True,
        default="",
    )
    country: str = setting(
        "Market",
        help="ISO country your customers buy in; prices are listed for it.",
        pattern=r"[A-Z]{2}",
        default="US",
    )
    segment: str = setting(
        "Segment",
        help="Customer segment whose offers are listed.",
        choices=("commercial", "education", "government", "nonprofit"),
        choice_titles=("Commercial", "Education", "Government", "Non-profit"),
        default="commercial",
    )
    catalogue: str = setting(
        "Catalogue",
        help="Price sheets only (few calls), or with every product's details.",
        choices=("price_sheet", "full"),
        choice_titles=("Price sheets only", "With every product's details"),
        default="price_sheet",
    )
    export: str = setting(
        "Billing export",
        help="Daily usage, and charges before they are invoiced, from Microsoft "
        "Graph (global cloud only); the application needs PartnerBilling.Read.All.",
        choices=("off", "graph"),
        choice_titles=("Off", "From Microsoft Graph"),
        default="off",
    )
    cloud: str = setting(
        "Cloud",
        choices=(GLOBAL, US_GOVERNMENT, CHINA),
        choice_titles=("Global", "US Government", "China"),
        default=GLOBAL,
        advanced=True,
    )
    api_url: str = setting(
        "API address",
        help="Only to use another address than the cloud's own.",
        adds_host=True,
        default="",
        advanced=True,
    )
    price_url: str = setting(
        "Price API address", adds_host=True, default="", advanced=True
    )
    login_url: str = setting(
        "Sign-in address", adds_host=True, default="", advanced=True
    )
    graph_url: str = setting("Graph address", adds_host=True, default="", advanced=True)
    certificate_authority: str = setting(
        "Notification authority",
        help="PEM of the authority behind notifications; empty for the public ones.",
        default="",
        advanced=True,
    )

    @property
    def api_base(self) -> str:
        """Base of the core API without a slash at the end."""
        return (self.api_url or _HOSTS[self.cloud][0]).rstrip("/")

    @property
    def price_base(self) -> str:
        """Base of the price API; follows a changed API address."""
        return (self.price_url or self.api_url or _HOSTS[self.cloud][1]).rstrip("/")

    @property
    def graph_base(self) -> str:
        """Base of the Graph API; follows a changed API address."""
        return (self.graph_url or self.api_url or GRAPH).rstrip("/")

    @property
    def reads_export(self) -> bool:
        """Whether the billing export is read; only the global cloud has it (§6.2)."""
        return self.export != "off" and self.cloud == GLOBAL

    @property
    def graph_audience(self) -> str:
        """Audience of tokens for the billing export; global cloud only (§6.2)."""
        return GRAPH

    @property
    def login_base(self) -> str:
        """Base of the token issuer; follows a changed API address."""
        return (self.login_url or self.api_url or _HOSTS[self.cloud][2]).rstrip("/")

    @property
    def core_audience(self) -> str:
        """Audience of tokens for the core API (reference §1.1)."""
        return _HOSTS[self.cloud][0]

    @property
    def price_audience(self) -> str:
        """Audience of tokens for price sheets; a core token is refused there."""
        return _HOSTS[self.cloud][1]

    @property
    def own_host(self) -> str:
        """Host of a changed API address; empty for the cloud's own."""
        return urlsplit(self.api_url).hostname or "" if self.api_url else ""
