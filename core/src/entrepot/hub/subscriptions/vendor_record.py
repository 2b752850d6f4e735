"""What the vendor itself says of a subscription, read while somebody waits."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select

from entrepot.hub.connections.service import ConnectionService
from entrepot.hub.subscriptions.tables import SubscriptionRow
from entrepot.plugins import Plugins
from entrepot.sdk.errors import NotFound, Unsupported
from entrepot.sdk.queries import GetSubscription
from entrepot.sdk.recording import Tape
from entrepot.sdk.redaction import Redactor
from entrepot.store.actor import Actor
from entrepot.store.audit_log import audit
from entrepot.store.scope import TenantScope
from entrepot.store.unit import Store

WAIT_SECONDS = 20.0
"""How long somebody waits for a vendor at most."""
MOST_EXCHANGES = 20
MOST_LETTERS = 100_000
"""Letters of one answer that are shown."""
_NUMBER = re.compile('"\ue000([-+.0-9Ee]+)"')


class _Verbatim(Tape):
    """Marks numbers, so that they can be shown as the vendor wrote them."""

    def number(self, digits: str) -> str:
        return f"\ue000{digits}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request to the vendor and its answer, without secrets.

    Attributes:
        method: HTTP method.
        address: Where it was sent.
        status: HTTP status of the answer.
        body: The answer as the vendor sent it; JSON is indented.
        cut: Whether the answer is longer than what is shown.
    """

    method: str
    address: str
    status: int
    body: str
    cut: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorRecord:
    """What was exchanged to read one subscription.

    Attributes:
        read_at: When it was asked for.
        found: Whether the vendor knows the subscription.
        exchanges: In order; none when the plugin answered without a request.
    """

    read_at: datetime
    found: bool
    exchanges: tuple[Exchange, ...]


class VendorRecords:
    """Asks vendors for single subscriptions, for support.

    Args:
        store: The hub's database.
        plugins: The typed facade.
        connections: Opens connections.
        redactor: Takes secrets out of what is shown.
    """

    def __init__(
        self,
        store: Store,
        plugins: Plugins,
        connections: ConnectionService,
        redactor: Redactor,
    ) -> None:
        self._store, self._plugins = store, plugins
        self._connections, self._redactor = connections, redactor

    def read(self, actor: Actor, subscription_id: str) -> VendorRecord:
        """Read a subscription at its vendor now; nothing in the books changes.

        Raises:
            PermissionDenied: Without ``sync:write``: it uses the request budget.
            NotFound: There is no such subscription.
            Unsupported: The plugin can't read a single subscription.
            EntrepotError: What the vendor or the connection's state says.
        """
        actor.require("sync:write")
        plugin, row = self._asked(actor, subscription_id)
        read_at = self._store.clock.now()
        if not self._plugins.has(plugin, "get_subscription"):
            raise Unsupported(
                "no_single_read",
                "This vendor's plugin can't read a single subscription.",
                remedy="Refresh the customer instead.",
            )
        tape = _Verbatim(self._redactor, MOST_EXCHANGES)
        found = self._ask(row, tape)
        with self._store.unit(TenantScope(actor.tenant_id)) as session:
            audit(
                session,
                actor,
                action="subscription.vendor_record",
                subject=("subscription", subscription_id),
                after={"requests": len(tape.exchanges), "found": found},
            )
        shown = tuple(_exchange(one) for one in tape.exchanges)
        return VendorRecord(read_at=read_at, found=found, exchanges=shown)

    def _asked(self, actor: Actor, subscription_id: str) -> tuple[str, SubscriptionRow]:
        query = select(SubscriptionRow).where(SubscriptionRow.id == subscription_id)
        with self._store.read(TenantScope(actor.tenant_id)) as session:
            row = session.scalars(query).first()
        if row is None:
            raise NotFound("no_such_subscription", "There is no such subscription.")
        return self._connections.get(actor, row.connection_id).plugin, row

    def _ask(self, row: SubscriptionRow, tape: Tape) -> bool:
        until = self._store.clock.monotonic() + WAIT_SECONDS
        context = self._connections.open(
            row.connection_id, deadline=until, reserved=True
        )
        context = replace(context, http=context.http.recorded_on(tape))
        query = GetSubscription(
            customer_id=row.customer_vendor_id, subscription_id=row.vendor_id
        )
        try:
            self._plugins.get_subscription(context, query)
        except NotFound:
            # What the vendor answered is what support looks for.
            return False
        return True


def _exchange(taped: Mapping[str, Any]) -> Exchange:
    asked, answer = taped["request"], taped["response"]
    body = answer["body"]
    if not isinstance(body, str):
        text = json.dumps(body, indent=2, ensure_ascii=False)
        body = _NUMBER.sub(r"\1", text)
    return Exchange(
        method=asked["method"],
        address=asked["url"],
        status=answer["status"],
        body=body[:MOST_LETTERS],
        cut=len(body) > MOST_LETTERS,
    )
