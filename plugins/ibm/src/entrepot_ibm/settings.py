"""What a connection to IBM Cloud needs; the only place that knows its hosts."""

from __future__ import annotations

from dataclasses import dataclass

from entrepot.sdk.settings import setting

ENTERPRISE = "enterprise"
PARTNER = "partner"

KEYS = "keys"
PROFILE = "profile"
OFF = "off"

SERVICES = {
    # service: (its own address, prefix behind a changed API address); reference §2, §9
    "iam": ("https://iam.cloud.ibm.com", "/iam"),
    "enterprise": ("https://enterprise.cloud.ibm.com/v1", "/enterprise/v1"),
    "enterprise_usage": ("https://enterprise.cloud.ibm.com", "/enterprise-usage"),
    "billing": ("https://billing.cloud.ibm.com", "/billing"),
    "partner": ("https://partner.cloud.ibm.com", "/partner"),
    "controller": ("https://resource-controller.cloud.ibm.com", "/rc"),
    "catalogue": ("https://globalcatalog.cloud.ibm.com/api/v1", "/catalog/api/v1"),
}
CONSOLE = "https://cloud.ibm.com"
HOST_PATTERNS = ("*.cloud.ibm.com",)

_ID = r"[0-9A-Za-z_-]*"
_PERCENT = r"(\d{1,2}(\.\d+)?)?"


@dataclass(frozen=True, slots=True, kw_only=True)
class IbmSettings:
    """Settings of one enterprise or one place in the partner programme."""

    layout: str = setting(
        "Layout",
        help="Your own enterprise with child accounts, or the partner programme.",
        choices=(PARTNER, ENTERPRISE),
        choice_titles=("Partner programme", "Enterprise of my own"),
        default=PARTNER,
    )
    api_key: str = setting(
        "API key",
        help="API key of a service ID or user in your own account.",
        secret=True,
        default="",
    )
    partner_id: str = setting(
        "Partner id",
        help="Enterprise id under which you are a partner; for the partner layout.",
        pattern=_ID,
        default="",
    )
    enterprise_id: str = setting(
        "Enterprise id",
        help="For the enterprise layout; empty when the key sees just one.",
        pattern=_ID,
        default="",
    )
    reseller_id: str = setting(
        "Reseller id",
        help="Distributors: only customers of this reseller.",
        pattern=_ID,
        default="",
        advanced=True,
    )
    instances: str = setting(
        "Resource instances",
        help="Whose to read: customers with a key below, all through a trusted "
        "profile in their accounts, or nobody's.",
        choices=(KEYS, PROFILE, OFF),
        choice_titles=(
            "Customers with a key",
            "All, through a trusted profile",
            "None of them",
        ),
        default=KEYS,
    )
    customer_keys: str = setting(
        "Customer API keys",
        help="One per line: customer id, equals sign, API key of that account.",
        secret=True,
        default="",
    )
    trusted_profile: str = setting(
        "Trusted profile",
        help="Name of the profile that customers made for your service ID.",
        default="",
    )
    country: str = setting(
        "Price country",
        help="Country code of catalogue prices as IBM writes it, such as USA.",
        pattern=r"[A-Z]{3}",
        default="USA",
    )
    currency: str = setting(
        "Currency",
        help="ISO currency of catalogue prices and of your bill.",
        pattern=r"[A-Z]{3}",
        default="USD",
    )
    more_markets: str = setting(
        "Further price countries",
        help="For customers who pay in another currency: country and currency as IBM "
        "writes them, such as DEU:EUR, GBR:GBP.",
        pattern=r"([A-Z]{3}:[A-Z]{3}(\s*,\s*[A-Z]{3}:[A-Z]{3})*)?",
        default="",
    )
    discount: str = setting(
        "Discount",
        help="Your discount on catalogue prices in percent; empty = cost unknown.",
        pattern=_PERCENT,
        default="",
    )
    price_list: str = setting(
        "Part number prices",
        help="CSV of part numbers that IBM lists in no API: part_number, name, track, "
        "term, cycle, unit_cost, list_price, currency, unit.",
        default="",
    )
    entitlements: str = setting(
        "Licences without API",
        help="CSV of licences ordered elsewhere: customer_id, part_number, quantity, "
        "start, end, order_id, po_number, charge_agreement, auto_renew, status.",
        default="",
    )
    quantity_keys: str = setting(
        "Quantity parameters",
        help="Names of instance parameters that hold a bought quantity.",
        default="quantity,seats,users,devices,licenses",
        advanced=True,
    )
    viewpoint: str = setting(
        "Cost viewpoint",
        help="Whose cost partner usage shows; the vendor's default depends on the "
        "caller.",
        choices=("RESELLER", "DISTRIBUTOR", "END_CUSTOMER"),
        choice_titles=("Reseller", "Distributor", "End customer"),
        default="RESELLER",
        advanced=True,
    )
    selling_viewpoint: str = setting(
        "Selling viewpoint",
        help="Also read what your customer is to pay, from this viewpoint.",
        choices=("", "END_CUSTOMER", "RESELLER"),
        choice_titles=("Not read", "End customer", "Reseller"),
        default="",
        advanced=True,
    )
    usage_detail: str = setting(
        "Usage detail",
        help="Per account and plan, or per instance with the customer's credential.",
        choices=("account", "instance"),
        choice_titles=("Per account and plan", "Per instance"),
        default="account",
        advanced=True,
    )
    commitment_charges: str = setting(
        "Commitment charges",
        help="Whether a commitment's monthly amount and used credits are charges.",
        choices=("monthly", "off"),
        choice_titles=("Every month", "Not charged"),
        default="monthly",
        advanced=True,
    )
    invoice_day: str = setting(
        "Invoice day",
        help="Day of the following month on which a month's figures are final.",
        pattern=r"[1-9]|1\d|2[0-8]",
        default="8",
        advanced=True,
    )
    months_back: str = setting(
        "Months of customers",
        help="How many months are searched for customers of the partner.",
        pattern=r"[1-9]|1[0-2]",
        default="2",
        advanced=True,
    )
    api_url: str = setting(
        "API address",
        help="Only to reach all services behind one address, each under its prefix.",
        adds_host=True,
        default="",
        advanced=True,
    )

    def base(self, service: str) -> str:
        """Base address of a service, without a slash at the end."""
        own, prefix = SERVICES[service]
        return f"{self.api_url.rstrip('/')}{prefix}" if self.api_url else own

    @property
    def markets(self) -> dict[str, str]:
        """Currencies by price country; the connection's own comes first."""
        more = (pair.strip().split(":") for pair in self.more_markets.split(","))
        further = {pair[0]: pair[1] for pair in more if len(pair) == 2}
        return {self.country: self.currency} | further | {self.country: self.currency}

    @property
    def is_partner(self) -> bool:
        """Whether this is the partner programme's layout."""
        return self.layout == PARTNER

    @property
    def quantities(self) -> tuple[str, ...]:
        """Instance parameters that may hold a quantity, the first one wins."""
        return tuple(k.strip() for k in self.quantity_keys.split(",") if k.strip())
