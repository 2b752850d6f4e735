"""The store's own tables, imported once so that the metadata is complete."""

import entrepot.store.audit_tables
import entrepot.store.erasure
import entrepot.store.secrets
import entrepot.store.state  # noqa: F401 - all for their tables
