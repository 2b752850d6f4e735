"""What the simulated vendor keeps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from entrepot.sdk.simulator import CompanyFacts

from entrepot_google.simulator.catalog import Offer

Wire = dict[str, Any]

ACTIVE = "ACTIVE"
SUSPENDED = "SUSPENDED"
OPEN_TERMS = "PENDING_TOS_ACCEPTANCE"
BY_RESELLER = "RESELLER_INITIATED"
NOT_RENEWED = "RENEWAL_WITH_TYPE_CANCEL"
TRIAL_OVER = "TRIAL_ENDED"


@dataclass(slots=True, kw_only=True)
class Renewal:
    """What happens at the end of a commitment."""

    enable: bool = True
    plan: str = "COMMITMENT"
    months: int = 1
    resize: bool = False


@dataclass(slots=True, kw_only=True)
class Entitlement:
    """An entitlement.

    Attributes:
        seats: ``num_units`` of a commitment, ``max_units`` of everything else.
        assigned: Licences in use.
        start: Of the commitment; ``None`` without one.
        end: First moment after it.
        reasons: Why it is suspended; empty while it is active.
        suspended_at: Since when the reseller has suspended it.
        trial_end: ``None`` when it is no trial.
        provisioning_id: Subscription id of the Reseller API, or sub-account.
        base: Id of the entitlement it is an add-on of.
        projects: Google Cloud projects linked to the sub-account.
    """

    id: str
    offer: Offer
    seats: int
    assigned: int
    created: datetime
    updated: datetime
    provisioning_id: str
    start: datetime | None = None
    end: datetime | None = None
    renewal: Renewal | None = None
    reasons: list[str] = field(default_factory=list)
    suspended_at: datetime | None = None
    trial_end: datetime | None = None
    base: str = ""
    purchase_order: str = ""
    display_name: str = ""
    projects: int = 0

    @property
    def is_trial(self) -> bool:
        """Whether it is in trial now."""
        return self.trial_end is not None

    @property
    def state(self) -> str:
        """The provisioning state."""
        return SUSPENDED if self.reasons else ACTIVE


@dataclass(slots=True, kw_only=True)
class Change:
    """One entry of the history."""

    entitlement: str
    offer: Offer
    kind: str
    at: datetime
    seats: int
    operator_type: str = "SYSTEM"
    operator: str = ""
    reason: tuple[str, str] = ("", "")


@dataclass(slots=True, kw_only=True)
class PartnerLink:
    """A channel partner below us (§6.5)."""

    id: str
    identity: str
    public_id: str
    created: datetime
    state: str = ACTIVE


@dataclass(slots=True, kw_only=True)
class Customer:
    """A customer with everything it bought.

    Attributes:
        index: Number in the generator.
        identity: Cloud Identity id; empty before it is provisioned.
        verified: Whether its domain is.
        forbidden: The vendor refuses access to it.
        correlation: The partner's own id for it.
        ended: Entitlements that are gone, by id, for the export.
        partner: Id of the channel partner it belongs to; empty for our own.
    """

    id: str
    index: int
    identity: str
    make_facts: Callable[[], CompanyFacts]
    created: datetime
    updated: datetime
    known_facts: CompanyFacts | None = None
    verified: bool = True
    forbidden: bool = False
    partner: str = ""
    correlation: str = ""
    next_due: datetime | None = None
    entitlements: dict[str, Entitlement] = field(default_factory=dict)
    ended: dict[str, Entitlement] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)

    @property
    def facts(self) -> CompanyFacts:
        """Its company."""
        if self.known_facts is None:
            self.known_facts = self.make_facts()
        return self.known_facts
