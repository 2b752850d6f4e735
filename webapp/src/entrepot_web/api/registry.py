"""All resources of the API, in the order of the document."""

from __future__ import annotations

from entrepot_web.api.audit import audit_log
from entrepot_web.api.charges import charges
from entrepot_web.api.connections import connections
from entrepot_web.api.credentials import credentials
from entrepot_web.api.customer_records import customer_fields, imports, price_books
from entrepot_web.api.customer_works import customer_works
from entrepot_web.api.customers import customers
from entrepot_web.api.facts import facts
from entrepot_web.api.issues import issues
from entrepot_web.api.mappings import mappings
from entrepot_web.api.notifications import notifications
from entrepot_web.api.oauth import oauth
from entrepot_web.api.offers import offers
from entrepot_web.api.operations import operations
from entrepot_web.api.orders import orders
from entrepot_web.api.plans import plans
from entrepot_web.api.psa import psa
from entrepot_web.api.reconciliations import reconciliations
from entrepot_web.api.rules import rules
from entrepot_web.api.schedules import schedules
from entrepot_web.api.subscriptions import subscriptions
from entrepot_web.api.sync_runs import sync_runs
from entrepot_web.api.tenants import tenants
from entrepot_web.api.users import users

RESOURCES = (
    oauth,
    connections,
    schedules,
    sync_runs,
    customers,
    customer_fields,
    price_books,
    imports,
    notifications,
    customer_works,
    subscriptions,
    orders,
    charges,
    offers,
    psa,
    facts,
    mappings,
    reconciliations,
    issues,
    rules,
    plans,
    operations,
    audit_log,
    users,
    credentials,
    tenants,
)
