"""What happens "at the PSA" without our doing: members at work, time, accidents."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from .answers import Refusal
from .invoicing import moment_of
from .schema import BadValue, Json, Row, coerce
from .setup import OWNER, REFERENCE_CAPTION, add_custom_field

if TYPE_CHECKING:
    from .app import ConnectWiseSimulator


def install_actions(simulator: ConnectWiseSimulator) -> None:
    """Offer every control action of this emulator."""
    control = Control(simulator)
    for name, function in (
        ("ground_truth", control.ground_truth),
        ("configure", control.configure),
        ("edit", control.edit),
        ("edit_line", control.edit_line),
        ("add_line", control.add_line),
        ("delete_line", control.delete_line),
        ("delete_company", control.delete_company),
        ("merge_company", control.merge_company),
        ("expire_agreement", control.expire_agreement),
        ("invoice_agreement", control.invoice_agreement),
        ("run_invoicing", control.run_invoicing),
        ("invoice_rows", control.invoice_rows),
        ("deny", control.deny),
        ("revoke_key", control.revoke_key),
        ("custom_field", control.custom_field),
        ("spoil_callbacks", control.spoil_callbacks),
        ("release_callbacks", control.release_callbacks),
        ("callbacks", control.callbacks),
    ):
        simulator.action(name, function)


class Control:
    """The actions; each is called under the state lock."""

    def __init__(self, simulator: ConnectWiseSimulator) -> None:
        self._simulator = simulator
        self._world = simulator.world

    def ground_truth(self) -> dict[str, Any]:
        """What was planted: companies per vendor customer, every difference."""
        return self._simulator.planted.as_json()

    def configure(self, **switches: Json) -> dict[str, Any]:
        """Set switches of the tenant (names: `Knobs`)."""
        self._world.knobs = self._world.knobs.changed(**switches)
        self._world.forget_references()
        return {"set": sorted(switches)}

    def edit(
        self, table: str, id: int, fields: dict[str, Any], member: str = "jdoe"
    ) -> dict[str, Any]:
        """A member changes fields of a record (references as ids)."""
        row = self._row(table, id)
        known = self._world.resource(table).fields
        values: Row = {}
        for name, value in fields.items():
            if name not in known:
                raise ValueError(f"{table} has no field {name!r}")
            exact = Decimal(str(value)) if known[name].kind == "dec" else value
            try:
                values[name] = coerce(known[name], exact, self._world.find)
            except BadValue as error:
                raise ValueError(str(error)) from error
        updated = self._world.update(table, {**row, **values}, member)
        return {"id": id, "lastUpdated": updated["_updated"]}

    def edit_line(
        self, id: int, member: str = "jdoe", **fields: Json
    ) -> dict[str, Any]:
        """A member changes fields of an addition, e.g. `quantity`."""
        return self.edit("additions", id, fields, member)

    def add_line(
        self, agreement: int, product: int, member: str = "jdoe", **fields: Json
    ) -> dict[str, Any]:
        """A member adds a line to an agreement."""
        self._row("agreements", agreement)
        known = self._world.resource("additions").fields
        values = {
            name: Decimal(str(value)) if known[name].kind == "dec" else value
            for name, value in fields.items()
        }
        base = {
            "agreementId": agreement,
            "product": product,
            "billCustomer": "Billable",
        }
        row = self._world.insert("additions", {**base, **values}, member)
        return {"id": row["id"]}

    def delete_line(self, id: int, member: str = "jdoe") -> dict[str, Any]:
        """A line disappears, invoiced or not."""
        self._world.delete("additions", self._row("additions", id), member)
        return {"id": id}

    def delete_company(self, id: int, member: str = OWNER) -> dict[str, Any]:
        """A company goes to the recycle bin (`deletedFlag`)."""
        self._simulator.special.recycle(self._row("companies", id), member)
        return {"id": id}

    def merge_company(self, id: int, into: int, member: str = OWNER) -> dict[str, Any]:
        """A company is merged into another one; its id disappears."""
        try:
            self._simulator.special.merge_companies(id, into, member)
        except Refusal as refused:
            raise ValueError(refused.response.get_data(as_text=True)) from refused
        return {"id": into}

    def expire_agreement(
        self, id: int, on: str = "", member: str = OWNER
    ) -> dict[str, Any]:
        """An agreement ends (yesterday, or on the day given)."""
        yesterday = self._world.today() - timedelta(days=1)
        day = date.fromisoformat(on) if on else yesterday
        row = self._row("agreements", id)
        values = {"noEndingDateFlag": False, "endDate": moment_of(day)}
        self._world.update("agreements", {**row, **values}, member)
        return {"id": id, "endDate": day.isoformat()}

    def invoice_agreement(self, id: int, member: str = OWNER) -> dict[str, Any]:
        """Make the next invoice of one agreement."""
        invoice = self._simulator.invoicing.run(self._row("agreements", id), member)
        return {"id": invoice["id"], "total": str(invoice["total"])}

    def run_invoicing(self, through: str, member: str = OWNER) -> dict[str, Any]:
        """Invoice everything due up to a day, as the nightly batch does."""
        day = date.fromisoformat(through)
        return {"invoices": self._simulator.invoicing.run_through(day, member)}

    def invoice_rows(self, id: int) -> list[dict[str, Any]]:
        """The rows of an invoice, which the vendor's own interface does not show."""
        rows = self._row("invoices", id).get("_rows", ())
        return [
            {
                "line_id": row.line_id,
                "kind": row.kind,
                "first": row.first.isoformat(),
                "last": row.last.isoformat(),
                "days": row.days,
                "amount": str(row.amount),
            }
            for row in rows
        ]

    def deny(self, member: str, rules: list[str]) -> dict[str, Any]:
        """Take rights from a member: path prefixes, optionally with ` write`."""
        found = self._world.named("members", member)
        self._simulator.keyring.denied[found["id"]] = set(rules)
        return {"member": member, "denied": rules}

    def revoke_key(self, public_key: str) -> dict[str, Any]:
        """An API key no longer works."""
        self._simulator.keyring.revoke(public_key)
        return {"revoked": public_key}

    def custom_field(
        self, table: str, caption: str = REFERENCE_CAPTION, present: bool = True
    ) -> dict[str, Any]:
        """Create or remove the reference field of companies or additions."""
        pods = [
            row
            for row in self._world.rows("userDefinedFields")
            if row["caption"] == caption
        ]
        if present:
            return {"id": add_custom_field(self._world, table, caption)["id"]}
        for row in pods:
            self._world.delete("userDefinedFields", row, OWNER)
        return {"removed": len(pods)}

    def spoil_callbacks(
        self, lose: int = 0, duplicate: int = 0, hold: int = 0
    ) -> dict[str, Any]:
        """Lose, double or hold back the next callbacks (counts of messages)."""
        spoil = self._simulator.callbacks.spoil
        spoil.lose, spoil.duplicate, spoil.hold = lose, duplicate, hold
        return {"lose": lose, "duplicate": duplicate, "hold": hold}

    def release_callbacks(self) -> dict[str, Any]:
        """Send the held callbacks, latest first."""
        return {"released": self._simulator.callbacks.release_held()}

    def callbacks(self) -> list[dict[str, Any]]:
        """Callbacks sent so far with the receivers' statuses (0 = no answer)."""
        return [
            {"url": one.url, "statuses": one.statuses}
            for one in self._simulator.callbacks.sent
        ]

    def _row(self, table: str, row_id: int) -> Row:
        row = self._world.row(table, row_id)
        if row is None:
            raise LookupError(f"{table} has no row {row_id}")
        return row
