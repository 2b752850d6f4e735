"""Service tickets of differences: one per fingerprint, updated, not duplicated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from entrepot.hub.reconciliation.queries import existing_issue, names_of, with_names
from entrepot.hub.reconciliation.views import IssueView
from entrepot.jobs.intent import Effect, Sent
from entrepot.sdk import queries as ask
from entrepot.sdk.errors import Rejected
from entrepot.store import Store, TenantScope, audit, system_actor

if TYPE_CHECKING:
    from entrepot.hub.connections.service import ConnectionService
    from entrepot.plugins import Plugins


class Tickets:
    """Writes tickets through the intent journal.

    Args:
        store: The database.
        plugins: The typed facade.
        connections: Opens contexts.
    """

    def __init__(
        self, store: Store, plugins: Plugins, connections: ConnectionService
    ) -> None:
        self._store = store
        self._plugins = plugins
        self._connections = connections

    def prepare(self, tenant_id: str, issue_id: str) -> dict[str, Any]:
        """What the ticket says, as plain JSON.

        Raises:
            Rejected: The difference is about no company, so nobody owns a ticket.
        """
        with self._store.read(TenantScope(tenant_id)) as session:
            row = existing_issue(session, tenant_id, issue_id)
            issue = with_names(row, names_of(session, tenant_id, [row]))
        if not issue.company_id:
            raise Rejected(
                "no_company",
                "A ticket needs a PSA company, and this difference has none.",
                remedy="Map the customer first.",
            )
        return {
            "connection": issue.psa_connection_id,
            "reference": f"ep-{issue.fingerprint}",
            "values": issue.value_hash,
            "company": issue.company_id,
            "summary": _summary(issue),
            "body": _body(issue),
        }

    def effect(self, wanted: dict[str, Any]) -> Effect:
        """The effect of writing a prepared ticket; nothing is sent yet."""

        def send() -> Sent:
            ctx = self._connections.open(wanted["connection"])
            done = self._plugins.create_ticket(
                ctx,
                ask.CreateTicket(
                    reference=wanted["reference"],
                    company_id=wanted["company"],
                    summary=wanted["summary"],
                    body=wanted["body"],
                ),
            )
            return Sent(vendor_reference=done.vendor_id, answer={"url": done.url})

        return Effect(
            reference=f"{wanted['reference']}-{wanted['values'][:12]}",
            connection_id=wanted["connection"],
            action="ticket",
            request=wanted,
            send=send,
            # The plugin itself looks for a ticket with our reference before it
            # creates one, so that sending again cannot make a second one.
            idempotency="key",
        )

    def record(self, tenant_id: str, issue_id: str, result: dict[str, Any]) -> None:
        """Keep the ticket's id with the issue."""
        with self._store.unit(TenantScope(tenant_id)) as session:
            row = existing_issue(session, tenant_id, issue_id)
            row.ticket_id = result.get("vendor_reference") or row.ticket_id
            audit(
                session,
                system_actor("reconciliation", tenant_id),
                action="reconciliation.ticket",
                subject=("recon_issue", row.id),
                after={"state": result["state"], "ticket": row.ticket_id},
            )


def _summary(issue: IssueView) -> str:
    what = issue.product_name or issue.sku or issue.product_id
    return f"{issue.title}: {what}".strip(": ")[:100]


def _body(issue: IssueView) -> str:
    lines = [
        issue.title,
        f"Product: {issue.product_name} ({issue.product_id})",
        f"Agreement: {issue.agreement_id}",
        "Expected: " + ", ".join(f"{k} {v}" for k, v in issue.expected.items() if v),
        "Found: " + ", ".join(f"{k} {v}" for k, v in issue.actual.items() if v),
    ]
    if issue.impact_recurring is not None:
        lines.append(f"Per cycle: {issue.impact_recurring} {issue.currency}")
    if issue.lines:
        lines.append("Lines: " + ", ".join(issue.lines))
    lines += [f"{note['note']} {note['detail']}" for note in issue.annotations]
    return "\n".join(lines)
