"""The database: engine, unit of work, column types, tenancy guard, migrations."""

from entrepot.store.actor import (
    ALL_PERMISSIONS,
    Actor,
    PermissionDenied,
    operator_actor,
    system_actor,
)
from entrepot.store.audit_log import audit
from entrepot.store.base import SYSTEM_TENANT, Base, TenantOwned
from entrepot.store.clock import FixedClock
from entrepot.store.ids import new_id, new_ids
from entrepot.store.scope import (
    Scope,
    SystemScope,
    TenantMismatch,
    TenantScope,
    TenantScopeMissing,
)
from entrepot.store.settings import Settings, SettingsInvalid, load_settings
from entrepot.store.types import (
    JsonText,
    MoneyTotal,
    Quantity,
    UnitPrice,
    UtcDateTime,
)
from entrepot.store.unit import NestedUnit, Store, UnitSession, in_unit, scope_of

__all__ = [
    "ALL_PERMISSIONS",
    "SYSTEM_TENANT",
    "Actor",
    "Base",
    "FixedClock",
    "JsonText",
    "MoneyTotal",
    "NestedUnit",
    "PermissionDenied",
    "Quantity",
    "Scope",
    "Settings",
    "SettingsInvalid",
    "Store",
    "SystemScope",
    "TenantMismatch",
    "TenantOwned",
    "TenantScope",
    "TenantScopeMissing",
    "UnitPrice",
    "UnitSession",
    "UtcDateTime",
    "audit",
    "in_unit",
    "load_settings",
    "new_id",
    "new_ids",
    "operator_actor",
    "scope_of",
    "system_actor",
]
