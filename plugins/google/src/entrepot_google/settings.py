"""What a connection to a Google partner account needs."""

from __future__ import annotations

from dataclasses import dataclass

from entrepot.sdk.settings import setting

CHANNEL = "https://cloudchannel.googleapis.com"
RESELLER = "https://reseller.googleapis.com"
LOGIN = "https://oauth2.googleapis.com"
PUBSUB = "https://pubsub.googleapis.com"
BIGQUERY = "https://bigquery.googleapis.com"
CERTIFICATES = "https://www.googleapis.com"

HOST_PATTERNS = (
    "cloudchannel.googleapis.com",
    "reseller.googleapis.com",
    "oauth2.googleapis.com",
    "pubsub.googleapis.com",
    "bigquery.googleapis.com",
    "www.googleapis.com",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GoogleSettings:
    """Settings of one partner account."""

    account_id: str = setting(
        "Partner account id",
        help="Starts with C; on the settings page of the Partner Sales Console.",
        pattern=r"C[0-9A-Za-z]+",
    )
    service_account_key: str = setting(
        "Service account key",
        help="The JSON key file of the service account, its whole text.",
        secret=True,
        default="",
    )
    admin_email: str = setting(
        "Administrator",
        help="Administrator of your reseller domain on whose behalf the hub reads.",
        pattern=r"[^@\s]+@[^@\s]+",
    )
    language: str = setting(
        "Language",
        help="Language of product names, such as en or de-DE.",
        pattern=r"[a-z]{2,3}(-[A-Za-z0-9]+)*",
        default="en",
    )
    prices: str = setting(
        "Purchase prices",
        help="Ask for your own prices with one customer (a call per SKU and day), "
        "or list prices only.",
        choices=("purchasable", "list_only"),
        choice_titles=("My own and list prices", "List prices only"),
        default="purchasable",
    )
    price_customer: str = setting(
        "Customer for prices",
        help="Customer id your purchase prices are read with; empty takes the first.",
        pattern=r"(S[0-9A-Za-z]+)?",
        default="",
    )
    partners: str = setting(
        "Customers of channel partners",
        help="For distributors: also read the customers of the resellers below you.",
        choices=("off", "on"),
        choice_titles=("Off", "On"),
        default="off",
    )
    renewals: str = setting(
        "Renewal settings",
        help="Where the listing leaves them out: ask for each subscription once, and "
        "again when it changes, or leave them unknown.",
        choices=("read", "skip"),
        choice_titles=("Ask for them", "Leave them unknown"),
        default="read",
        advanced=True,
    )
    estate_check: str = setting(
        "Estate check",
        help="Compare the whole Workspace estate by the Reseller API, so that only "
        "customers with a difference are read again.",
        choices=("off", "on"),
        choice_titles=("Off", "On"),
        default="off",
    )
    subscription: str = setting(
        "Pub/Sub subscription",
        help="Subscription on the topic of your partner account, for change events.",
        pattern=r"(projects/[^/]+/subscriptions/[^/]+)?",
        default="",
    )
    delivery: str = setting(
        "Delivery of events",
        help="Whether Google pushes events to the hub or the hub pulls them.",
        choices=("pull", "push"),
        choice_titles=("The hub pulls", "Google pushes"),
        default="pull",
    )
    push_account: str = setting(
        "Push account",
        help="Service account whose identity token signs pushed events.",
        pattern=r"([^@\s]+@[^@\s]+)?",
        default="",
    )
    billing_table: str = setting(
        "Billing export table",
        help="project.dataset.table of the Channel Services export to BigQuery.",
        pattern=r"([a-z0-9:.-]+\.\w+\.\w+)?",
        default="",
    )
    billing_location: str = setting(
        "Billing data location",
        help="BigQuery location of that dataset, such as US or EU.",
        pattern=r"([A-Za-z0-9-]+)?",
        default="",
        advanced=True,
    )
    stalest: int = setting(
        "Customers read again",
        help="How many of the longest unread customers each look for changes adds.",
        default=20,
        advanced=True,
    )
    api_url: str = setting(
        "API address",
        help="Only to use another address than Google's own.",
        adds_host=True,
        default="",
        advanced=True,
    )
    reseller_url: str = setting(
        "Reseller API address", adds_host=True, default="", advanced=True
    )
    login_url: str = setting(
        "Sign-in address", adds_host=True, default="", advanced=True
    )
    pubsub_url: str = setting(
        "Pub/Sub address", adds_host=True, default="", advanced=True
    )
    bigquery_url: str = setting(
        "BigQuery address", adds_host=True, default="", advanced=True
    )
    certificates_url: str = setting(
        "Push keys address",
        help="Where the keys behind pushed events are published.",
        adds_host=True,
        default="",
        advanced=True,
    )

    def _base(self, own: str, usual: str) -> str:
        # A changed API address (a simulator, a proxy) answers for all of them.
        return (own or self.api_url or usual).rstrip("/")

    @property
    def channel_base(self) -> str:
        """Base of the Cloud Channel API, without a slash at the end."""
        return self._base("", CHANNEL)

    @property
    def reseller_base(self) -> str:
        """Base of the Workspace Reseller API."""
        return self._base(self.reseller_url, RESELLER)

    @property
    def login_base(self) -> str:
        """Base of the token endpoint."""
        return self._base(self.login_url, LOGIN)

    @property
    def pubsub_base(self) -> str:
        """Base of Pub/Sub."""
        return self._base(self.pubsub_url, PUBSUB)

    @property
    def bigquery_base(self) -> str:
        """Base of BigQuery."""
        return self._base(self.bigquery_url, BIGQUERY)

    @property
    def certificates(self) -> str:
        """Address of the keys that sign pushed events."""
        return f"{self._base(self.certificates_url, CERTIFICATES)}/oauth2/v3/certs"

    @property
    def account(self) -> str:
        """Resource name of the partner account."""
        return f"accounts/{self.account_id}"
