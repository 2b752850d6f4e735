"""Writes to the PSA as effects of the intent journal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from entrepot.hub.reconciliation.apply_steps import line_change
from entrepot.hub.reconciliation.rules.results import Do
from entrepot.jobs import IntentBook
from entrepot.jobs.intent import Effect, Probed, Sent
from entrepot.sdk import queries as ask
from entrepot.sdk.errors import EntrepotError, OutcomeUnknown, Rejected
from entrepot.sdk.model import (
    AgreementLine,
    LineChange,
    LineOutcome,
    OutcomeState,
)

if TYPE_CHECKING:
    from entrepot.hub.connections.service import ConnectionService
    from entrepot.plugins import Plugins


class PsaWriter:
    """Makes effects of one PSA connection.

    Args:
        plugins: The typed facade.
        connections: Opens contexts.
        intents: The journal of what was sent when.
    """

    def __init__(
        self, plugins: Plugins, connections: ConnectionService, intents: IntentBook
    ) -> None:
        self._plugins = plugins
        self._connections = connections
        self._intents = intents

    def settle_seconds(self, connection_id: str) -> int:
        """How long the PSA may take to show what it took."""
        plugin = self._connections.open(connection_id).plugin
        return int(self._plugins.info(plugin).capabilities.settle_seconds)

    def calls(
        self, connection_id: str, write: Mapping[str, Any]
    ) -> tuple[dict[str, str], ...]:
        """The exact calls that a planned write would make; nothing is sent.

        Returns:
            Description, method, target and body of each; empty where the hub only
            takes a line over, or where the connection's plugin can't be asked now.
        """
        if write["do"] == Do.ADOPT:
            return ()
        try:
            ctx = self._connections.open(connection_id, idle=True)
            query = ask.PlanLineChanges(changes=(line_change(dict(write)),))
            planned = self._plugins.plan_line_changes(ctx, query)
        except EntrepotError as error:
            # A plan is worth reading without its calls; applying meets the same error.
            return ({"description": error.user_message},)
        return tuple(
            {
                "description": call.description,
                "method": call.method,
                "target": call.target,
                "body": call.body,
            }
            for call in planned
        )

    def effect(self, connection_id: str, write: dict[str, Any], settle: int) -> Effect:
        """The effect of one planned write; nothing is sent yet."""
        change = line_change(write)

        def send() -> Sent:
            return self._send(connection_id, change)

        def probe() -> Probed:
            return self._probe(connection_id, change)

        return Effect(
            reference=write["reference"],
            connection_id=connection_id,
            action=f"line_{write['do']}",
            request={"do": write["do"], **write["body"]},
            send=send,
            probe=probe,
            idempotency="probe",
            settle_seconds=settle,
        )

    def _send(self, connection_id: str, change: LineChange) -> Sent:
        ctx = self._connections.open(connection_id)
        outcome = self._plugins.apply_line_change(
            ctx, ask.ApplyLineChange(change=change)
        )
        if outcome.state is OutcomeState.REJECTED:
            raise Rejected("line_rejected", outcome.message or "The PSA refused it.")
        if outcome.state is OutcomeState.UNKNOWN:
            raise OutcomeUnknown(
                "line_unknown", outcome.message or "The PSA's answer was lost."
            )
        return _sent(change, outcome)

    def _probe(self, connection_id: str, change: LineChange) -> Probed:
        ctx = self._connections.open(connection_id)
        sent = self._intents.find(ctx.tenant_id, change.reference)
        # A line that was there before the first attempt can't be what it made.
        not_before = None if sent is None else sent.created_at
        try:
            line = self._plugins.find_line(
                ctx, ask.FindLine(change=change, not_before=not_before)
            )
        except OutcomeUnknown:
            return Probed(found=None)
        if line is None:
            return Probed(found=False)
        return Probed(
            found=True,
            vendor_reference=line.vendor_id,
            answer={"line": line_answer(line), "adopted": True},
        )


def _sent(change: LineChange, outcome: LineOutcome) -> Sent:
    line = outcome.line
    return Sent(
        vendor_reference=line.vendor_id if line is not None else change.line_id,
        answer={
            "line": None if line is None else line_answer(line),
            "request_id": outcome.vendor_request_id,
        },
    )


def line_answer(line: AgreementLine) -> dict[str, Any]:
    """What is kept of a line that was read back, as texts."""
    return {
        "quantity": str(line.quantity),
        "unit_price": None if line.unit_price is None else str(line.unit_price),
        "effective": line.effective.isoformat() if line.effective else None,
        "ends": line.ends.isoformat() if line.ends else None,
        "token": line.change_token,
    }
