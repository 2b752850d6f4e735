"""A connection's secrets as its plugin sees them."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from entrepot.sdk.errors import ConfigInvalid
from entrepot.sdk.redaction import Redactor
from entrepot.store import Store, TenantScope
from entrepot.store.secrets import SecretRef, SecretStore


class StoredSecrets:
    """Secrets of a saved connection; read afresh, since others may rotate them.

    Args:
        store: The database.
        secrets: The encrypted secrets.
        redactor: Learns every value that is handed out.
        tenant_id: Reseller.
        connection_id: Connection.
    """

    def __init__(
        self,
        store: Store,
        secrets: SecretStore,
        redactor: Redactor,
        tenant_id: str,
        connection_id: str,
    ) -> None:
        self._store, self._secrets, self._redactor = store, secrets, redactor
        self._tenant_id, self._connection_id = tenant_id, connection_id

    def get(self, name: str) -> str:
        """The current value.

        Raises:
            ConfigInvalid: it is not set.
        """
        with self._store.read(TenantScope(self._tenant_id)) as session:
            value = self._secrets.find(session, self._ref(name))
        if value is None:
            raise missing(name)
        self._redactor.add(value)
        return value

    def replace(self, name: str, old: str, new: str) -> str:
        """Store a rotated secret; the row is locked while it is compared.

        Returns:
            The value that holds afterwards: `new`, or another process' newer one.
        """
        self._redactor.add(new)
        with self._store.unit(TenantScope(self._tenant_id)) as session:
            kept = self._secrets.replace(session, self._ref(name), old, new)
        self._redactor.add(kept)
        return kept

    def _ref(self, name: str) -> SecretRef:
        return SecretRef(self._tenant_id, self._connection_id, name)


class EnteredSecrets:
    """Secrets that were entered and are not saved yet.

    A rotation during the check is kept here and saved together with the rest.
    """

    def __init__(self, values: Mapping[str, str], redactor: Redactor) -> None:
        self._values, self._redactor = dict(values), redactor
        self._lock = threading.Lock()
        for value in values.values():
            redactor.add(value)

    def __repr__(self) -> str:
        return f"EnteredSecrets({sorted(self._values)})"

    def get(self, name: str) -> str:
        """The current value.

        Raises:
            ConfigInvalid: it was not entered.
        """
        with self._lock:
            value = self._values.get(name)
        if not value:
            raise missing(name)
        return value

    def replace(self, name: str, old: str, new: str) -> str:
        """Keep a rotated secret; see `entrepot.sdk.context.Secrets`."""
        self._redactor.add(new)
        with self._lock:
            if self._values.get(name) == old:
                self._values[name] = new
            return self._values[name]

    def final(self) -> dict[str, str]:
        """All values as they are now, to be saved."""
        with self._lock:
            return dict(self._values)


def missing(name: str) -> ConfigInvalid:
    """The error of a secret that nobody entered."""
    return ConfigInvalid(
        "secret_missing",
        f"“{name}” is not set.",
        field=name,
        remedy="Enter it in the connection's settings.",
    )


class OverlaidSecrets:
    """Newly entered secrets in front of the stored ones."""

    def __init__(self, entered: EnteredSecrets, stored: StoredSecrets | None) -> None:
        self._entered, self._stored = entered, stored

    def get(self, name: str) -> str:
        """The entered value, else the stored one.

        Raises:
            ConfigInvalid: there is neither.
        """
        if self._stored is None or name in self._entered.final():
            return self._entered.get(name)
        return self._stored.get(name)

    def replace(self, name: str, old: str, new: str) -> str:
        """Keep a rotated secret where its old value came from."""
        if self._stored is None or name in self._entered.final():
            return self._entered.replace(name, old, new)
        return self._stored.replace(name, old, new)
