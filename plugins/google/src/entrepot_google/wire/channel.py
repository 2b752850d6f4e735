"""Cloud Channel: customers and entitlements (reference §3)."""

from __future__ import annotations

import msgspec

from entrepot_google.wire.base import Wire
from entrepot_google.wire.catalogue import PeriodWire, ValueWire


class PostalAddress(Wire):
    """An organisation's address."""

    region_code: str = ""
    postal_code: str = ""
    administrative_area: str = ""
    locality: str = ""
    address_lines: tuple[str, ...] = ()


class ContactInfo(Wire):
    """The person the vendor knows at a customer."""

    first_name: str = ""
    last_name: str = ""
    email: str = ""
    title: str = ""
    phone: str = ""


class CloudIdentityInfo(Wire):
    """What Google knows of the customer's domain."""

    customer_type: str = ""
    primary_domain: str = ""
    alternate_email: str = ""
    language_code: str = ""
    admin_console_uri: str = ""


class CustomerWire(Wire):
    """A customer."""

    name: str
    org_display_name: str = ""
    domain: str = ""
    alternate_email: str = ""
    cloud_identity_id: str = ""
    language_code: str = ""
    correlation_id: str = ""
    channel_partner_id: str = ""
    customer_attestation_state: str = ""
    create_time: str = ""
    update_time: str = ""
    org_postal_address: PostalAddress | None = None
    primary_contact_info: ContactInfo | None = None
    cloud_identity_info: CloudIdentityInfo | None = None


class CustomersPage(Wire):
    """A page of customers, still encoded."""

    customers: tuple[msgspec.Raw, ...] = ()
    next_page_token: str = ""


class PartnerLinkWire(Wire):
    """A channel partner below us."""

    name: str
    link_state: str = ""
    reseller_cloud_identity_id: str = ""


class PartnerLinksPage(Wire):
    """A page of channel partners."""

    channel_partner_links: tuple[PartnerLinkWire, ...] = ()
    next_page_token: str = ""


class ParameterWire(Wire):
    """A parameter of an entitlement."""

    name: str = ""
    value: ValueWire | None = None
    editable: bool = False


class RenewalSettings(Wire):
    """What happens at the end of a commitment."""

    enable_renewal: bool = False
    resize_unit_count: bool = False
    payment_plan: str = ""
    payment_cycle: PeriodWire | None = None


class CommitmentSettings(Wire):
    """The commitment's term."""

    start_time: str = ""
    end_time: str = ""
    renewal_settings: RenewalSettings | None = None


class ProvisionedService(Wire):
    """What was provisioned: Workspace ids (§5.4), or a billing sub-account."""

    provisioning_id: str = ""
    product_id: str = ""
    sku_id: str = ""


class TrialSettings(Wire):
    """Whether it is a trial, and until when."""

    trial: bool = False
    end_time: str = ""


class AssociationInfo(Wire):
    """The entitlement an add-on belongs to."""

    base_entitlement: str = ""


class EntitlementWire(Wire):
    """An entitlement."""

    name: str
    offer: str = ""
    create_time: str = ""
    update_time: str = ""
    provisioning_state: str = ""
    suspension_reasons: tuple[str, ...] = ()
    purchase_order_id: str = ""
    billing_account: str = ""
    commitment_settings: CommitmentSettings | None = None
    provisioned_service: ProvisionedService | None = None
    trial_settings: TrialSettings | None = None
    association_info: AssociationInfo | None = None
    parameters: tuple[ParameterWire, ...] = ()


class EntitlementsPage(Wire):
    """A page of entitlements, still encoded."""

    entitlements: tuple[msgspec.Raw, ...] = ()
    next_page_token: str = ""


class EntitlementChangeWire(Wire):
    """One entry of an entitlement's history."""

    entitlement: str = ""
    offer: str = ""
    change_type: str = ""
    create_time: str = ""
    operator_type: str = ""
    operator: str = ""
    provisioned_service: ProvisionedService | None = None
    parameters: tuple[ParameterWire, ...] = ()
    suspension_reason: str = ""
    cancellation_reason: str = ""
    activation_reason: str = ""
    other_change_reason: str = ""


class ChangesPage(Wire):
    """A page of history."""

    entitlement_changes: tuple[EntitlementChangeWire, ...] = ()
    next_page_token: str = ""


class StatusWire(Wire):
    """Why an operation failed; the code is a canonical number, not HTTP (§2.8)."""

    code: int = 0
    message: str = ""


class OperationMetadata(Wire):
    """What an operation does."""

    operation_type: str = ""


class OperationWire(Wire):
    """A long-running operation."""

    name: str
    done: bool = False
    metadata: OperationMetadata | None = None
    error: StatusWire | None = None
    response: msgspec.Raw = msgspec.Raw(b"")


class OperationsPage(Wire):
    """A page of operations."""

    operations: tuple[OperationWire, ...] = ()
    next_page_token: str = ""


class Subscribers(Wire):
    """Who may listen to the topic."""

    topic: str = ""
    service_accounts: tuple[str, ...] = ()


CUSTOMER = msgspec.json.Decoder(CustomerWire)
CUSTOMERS = msgspec.json.Decoder(CustomersPage)
PARTNER_LINKS = msgspec.json.Decoder(PartnerLinksPage)
ENTITLEMENT = msgspec.json.Decoder(EntitlementWire)
ENTITLEMENTS = msgspec.json.Decoder(EntitlementsPage)
CHANGES = msgspec.json.Decoder(ChangesPage)
OPERATIONS = msgspec.json.Decoder(OperationsPage)
SUBSCRIBERS = msgspec.json.Decoder(Subscribers)
