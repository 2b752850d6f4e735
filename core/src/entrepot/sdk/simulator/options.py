"""What somebody may choose when a simulator is started."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

QuotaProfile = Literal["real", "test", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Start options shared by all simulators.

    Attributes:
        seed: Seed of everything generated; same seed, same vendor.
        customers: How many customers (or companies) to generate.
        subscriptions: Wanted total of subscriptions; ``None`` takes about
            7.5 per customer.
        quota: ``real`` throttles as the vendor documents, ``test`` with small
            windows that a test can wait for, ``none`` never.
        latency_ms: Pause before each answer.
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.
        start: What the virtual clock shows at the start; ``None`` is now.
        frozen: The clock stands still until it is advanced.
        control_token: When set, the control endpoint wants it in the header
            ``X-Control-Token``.
        seed_file: A seed written by another simulator, whose companies this
            one plants.
        extra: Switches that only one vendor's simulator knows.
    """

    seed: int = 1
    customers: int = 200
    subscriptions: int | None = None
    quota: QuotaProfile = "none"
    latency_ms: float = 0.0
    host: str = "127.0.0.1"
    port: int = 0
    start: datetime | None = None
    frozen: bool = False
    control_token: str | None = field(default=None, repr=False)
    seed_file: Path | None = None
    extra: Mapping[str, str] = field(default_factory=dict)

    @property
    def per_customer(self) -> float:
        """Average number of subscriptions a customer gets."""
        if self.subscriptions is None:
            return 7.5
        return self.subscriptions / max(1, self.customers)

    def flag(self, name: str, default: bool = False) -> bool:
        """A yes/no switch out of ``extra``; ``default`` when it is absent."""
        value = self.extra.get(name)
        return default if value is None else value.lower() in {"1", "true", "yes", "on"}
