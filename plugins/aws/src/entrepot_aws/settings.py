"""What a connection to an AWS organization or seller account needs."""

from __future__ import annotations

from dataclasses import dataclass

from entrepot.sdk.settings import setting

HOST_PATTERNS = ("*.amazonaws.com",)
REGION = "us-east-1"  # every billing and partner service lives there (§2)
MEMBER_ROLE = "OrganizationAccountAccessRole"  # what CreateAccount makes (§2)


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsSettings:
    """Settings of one management or seller account."""

    access_key_id: str = setting(
        "Access key id",
        help="Access key of an IAM user made for Entrepot, from Security credentials.",
        secret=True,
        default="",
    )
    secret_access_key: str = setting(
        "Secret access key",
        help="Shown once when the access key is created.",
        secret=True,
        default="",
    )
    role_arn: str = setting(
        "Role to assume",
        help="Role in the management account with the reading policy; empty when the "
        "access key itself has it.",
        pattern=r"(arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+)?",
        default="",
    )
    external_id: str = setting(
        "External id",
        help="Only when the trust policy of that role asks for one.",
        default="",
    )
    layout: str = setting(
        "Layout",
        help="Customers as organizational units of your organization, as "
        "organizations of their own that transfer their bill, or both.",
        choices=("both", "shared_payer", "billing_transfer"),
        choice_titles=(
            "Both",
            "Units of my organization",
            "Organizations that transfer their bill",
        ),
        default="both",
    )
    customers_parent: str = setting(
        "Parent of the customers",
        help="Root or organizational unit whose units are customers; empty = root.",
        pattern=r"(r-[0-9a-z]{4,32}|ou-[0-9a-z]{4,32}-[a-z0-9]{8,32})?",
        default="",
    )
    member_role: str = setting(
        "Role in member accounts",
        help="Assumed to read a customer's agreements and Savings Plans; empty = "
        "these are not read.",
        pattern=r"[\w+=,.@-]{0,64}",
        default=MEMBER_ROLE,
    )
    agreements: str = setting(
        "Marketplace agreements",
        help="Bought by customers, sold by you through private offers, both or none.",
        choices=("buyer", "seller", "both", "none"),
        choice_titles=("Bought by customers", "Sold by me", "Both", "None"),
        default="buyer",
    )
    products: str = setting(
        "Marketplace products",
        help="Product ids, separated by commas, whose offers are listed.",
        default="",
    )
    cur_bucket: str = setting(
        "Bucket of the cost export",
        help="S3 bucket of the CUR 2.0 export (CSV, gzip); empty = Cost Explorer only.",
        pattern=r"([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])?",
        default="",
    )
    cur_prefix: str = setting(
        "Prefix in the bucket",
        help="S3 path prefix and name of the export, such as cur/entrepot.",
        default="",
    )
    cur_pattern: str = setting(
        "File pattern",
        help="Files of a billing period below the prefix; {period} is yyyy-mm.",
        default="*BILLING_PERIOD={period}/*.csv.gz",
        advanced=True,
    )
    cur_region: str = setting(
        "Region of the bucket", pattern=r"[a-z0-9-]+", default=REGION, advanced=True
    )
    preview: str = setting(
        "Charges without an export",
        help="Cost Explorer's sums by account and service, or Billing Conductor's by "
        "billing group, with what the customer is shown and your margin.",
        choices=("cost_explorer", "billing_groups"),
        choice_titles=("Cost Explorer", "Billing Conductor"),
        default="cost_explorer",
    )
    partner_central: str = setting(
        "Partner Central",
        help="Read the end customers that are registered with the partner programme.",
        choices=("no", "yes"),
        choice_titles=("No", "Yes"),
        default="no",
    )
    endpoint_url: str = setting(
        "API address",
        help="Only to send every call to another address than AWS's own.",
        adds_host=True,
        default="",
        advanced=True,
    )

    @property
    def reads_units(self) -> bool:
        """Whether organizational units are customers (§1.4)."""
        return self.layout != "billing_transfer"

    @property
    def reads_transfers(self) -> bool:
        """Whether transferred organizations are customers (§1.4)."""
        return self.layout != "shared_payer"

    @property
    def reads_bought(self) -> bool:
        """Whether agreements are read in the customers' accounts."""
        return self.agreements in ("buyer", "both") and bool(self.member_role)

    @property
    def reads_sold(self) -> bool:
        """Whether agreements that we proposed are read."""
        return self.agreements in ("seller", "both")

    @property
    def reads_agreement_charges(self) -> bool:
        """Whether charges of agreements are asked for, account by account.

        The export and Billing Conductor tell them among all others.
        """
        explorer = not self.cur_bucket and self.preview == "cost_explorer"
        return explorer and self.reads_bought

    @property
    def reads_partners(self) -> bool:
        """Whether Partner Central is asked for customers."""
        return self.partner_central == "yes"

    @property
    def reads_others(self) -> bool:
        """Whether customers may be known by an account id alone."""
        return self.reads_sold or self.reads_partners

    @property
    def product_ids(self) -> tuple[str, ...]:
        """Marketplace products whose offers are listed, in order."""
        named = (part.strip() for part in self.products.split(","))
        return tuple(part for part in named if part)
