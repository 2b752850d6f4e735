"""Every table of the hub, imported once so that the metadata is complete.

Each capability owner adds one line; the migration is generated from the result.
"""

import entrepot.hub.catalog.tables
import entrepot.hub.charges.tables
import entrepot.hub.connections.tables
import entrepot.hub.customers.records
import entrepot.hub.customers.tables
import entrepot.hub.mapping.tables
import entrepot.hub.notifications.tables
import entrepot.hub.preferences.tables
import entrepot.hub.psa.tables
import entrepot.hub.reconciliation.tables
import entrepot.hub.subscriptions.tables
import entrepot.hub.sync.tables
import entrepot.hub.tenants.tables
import entrepot.hub.users.tables
import entrepot.jobs.tables
import entrepot.store.tables  # noqa: F401 - imported for its tables
