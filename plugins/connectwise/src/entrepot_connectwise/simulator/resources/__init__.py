"""The resources the emulator knows, grouped by the vendor's modules."""

from __future__ import annotations

from ..schema import Resource
from .company import COMPANY_RESOURCES
from .finance import FINANCE_RESOURCES
from .procurement import PROCUREMENT_RESOURCES
from .service import SERVICE_RESOURCES
from .system import SYSTEM_RESOURCES

ALL_RESOURCES: tuple[Resource, ...] = (
    *SYSTEM_RESOURCES,
    *COMPANY_RESOURCES,
    *PROCUREMENT_RESOURCES,
    *FINANCE_RESOURCES,
    *SERVICE_RESOURCES,
)
