"""Endpoints that are no plain collections (connectwise.md §9, §10, §12)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Request, Response

from .access import Keyring, caller
from .answers import Refusal, bad_request, conflict, not_found, success
from .invoicing import Invoicing, NotBillable, day_of
from .records import body_of, in_use
from .rendering import Renderer, hidden_from
from .schema import Row
from .world import STAMP, Change, World

if TYPE_CHECKING:
    from .callbacks import Callbacks

MOVED_ON_MERGE = (
    ("agreements", "company"),
    ("contacts", "company"),
    ("sites", "company"),
    ("companyNotes", "company"),
    ("tickets", "company"),
    ("invoices", "company"),
    ("companies", "parentCompany"),
)


class Special:
    """Handlers of the special endpoints."""

    def __init__(
        self, world: World, keyring: Keyring, invoicing: Invoicing, callbacks: Callbacks
    ) -> None:
        self._world = world
        self._keyring = keyring
        self._invoicing = invoicing
        self._callbacks = callbacks
        self._trail: dict[tuple[str, int], list[dict[str, Any]]] = {}
        self._quiet = False
        world.listeners.append(self._audit)

    # Discovery and system ---------------------------------------------------------

    def company_info(self, request: Request, company: str) -> Response:
        """Codebase discovery without credentials; `null` for an unknown company."""
        knobs = self._world.knobs
        if company.lower() != knobs.company.lower():
            return success(None)
        return success(
            {
                "CompanyName": knobs.company,
                "Codebase": knobs.codebase,
                "VersionCode": f"v{knobs.version}",
                "VersionNumber": f"v4.6.{knobs.version}",
                "CompanyID": knobs.company,
                "IsCloud": str(knobs.cloud),
            }
        )

    def system_info(self, request: Request) -> Response:
        """Release and region."""
        knobs = self._world.knobs
        return success(
            {
                "version": f"v{knobs.version}",
                "isCloud": knobs.cloud,
                "serverTimeZone": "Etc/UTC",
                "licenseBits": [{"name": "Agreements", "activeFlag": True}],
                "cloudRegion": "NA",
                "maxWorkFlowRecordsAllowed": 1000,
            }
        )

    def my_info(self, request: Request) -> Response:
        """The calling member."""
        resource = self._world.resource("members")
        return success(Renderer(self._world, resource).one(caller(request)))

    def member_token(self, request: Request, identifier: str) -> Response:
        """Temporary keys of a member (impersonation)."""
        if request.headers.get("x-cw-usertype", "").lower() != "member":
            raise Refusal(bad_request("x-cw-usertype must be member."))
        found = self._world.find("members", {"identifier": identifier})
        if found is None:
            raise Refusal(not_found(f"member {identifier} was not found."))
        now = self._world.now()
        public, private, expires = self._keyring.issue(found, now)
        return success(
            {
                "publicKey": public,
                "privateKey": private,
                "expiration": expires.strftime(STAMP),
            }
        )

    def signing_key(self, request: Request, codebase: str) -> Response:
        """The key that callbacks are signed with; open, as `key_url` is."""
        return success({"signing_key": self._callbacks.signing_key})

    def audit_trail(self, request: Request) -> Response:
        """Who changed a record: `?type=AgreementAddition&id=5`."""
        kind, row_id = request.args.get("type", ""), request.args.get("id", "")
        if not kind or not row_id.isdigit():
            raise Refusal(bad_request("type and id are required."))
        if request.headers.get("pagination-type", "").lower() == "forward-only":
            raise Refusal(bad_request("Forward-only pagination is not supported."))
        return success(self._trail.get((kind.lower(), int(row_id)), []))

    def _audit(self, change: Change) -> None:
        kind = change.resource.audit_type
        if not kind:
            return
        verb = {"added": "created", "updated": "updated", "deleted": "deleted"}
        entry = {
            "text": f"{change.resource.label} {change.row['id']} "
            f"was {verb[change.action]}.",
            "enteredDate": self._world.stamp(),
            "enteredBy": change.member,
            "auditType": kind,
            "auditSubType": "Record",
            "auditSource": "Api",
        }
        self._trail.setdefault((kind.lower(), change.row["id"]), []).append(entry)

    # Companies and contacts ---------------------------------------------------------

    def merge(self, request: Request, row_id: int) -> Response:
        """Merge a company into another one; the old id disappears."""
        body = body_of(request)
        target = body.get("toCompanyId") if isinstance(body, dict) else None
        if not isinstance(target, int):
            raise Refusal(bad_request("toCompanyId is required."))
        self.merge_companies(row_id, target, caller(request)["identifier"])
        return success({}, 200)

    def merge_companies(self, source_id: int, target_id: int, member: str) -> None:
        """Move everything of one company to another and remove the first.

        Raises:
            Refusal: One of them does not exist, or they are the same.
        """
        source = self._world.row("companies", source_id)
        target = self._world.row("companies", target_id)
        if source is None or target is None:
            raise Refusal(not_found("company was not found."))
        if source is target:
            raise Refusal(bad_request("A company cannot be merged with itself."))
        for table, name in MOVED_ON_MERGE:
            for row in list(self._world.rows(table)):
                if row.get(name) == source_id:
                    self._world.update(table, {**row, name: target_id}, member)
        self._world.delete("companies", source, member)

    def recycle(self, row: Row, member: str) -> None:
        """Deleting a company puts it into the recycle bin (connectwise.md §10)."""
        values = {
            "deletedFlag": True,
            "dateDeleted": self._world.stamp(),
            "deletedBy": member,
        }
        self._world.update("companies", {**row, **values}, member)

    def communications(self, request: Request, row_id: int) -> Response:
        """A contact's ways to be reached."""
        return success(self._found("contacts", row_id).get("communicationItems") or [])

    def type_associations(self, request: Request, row_id: int) -> Response:
        """The types of a company, one record each."""
        company = self._found("companies", row_id)
        listed = [
            {
                "id": row_id * 100 + number,
                "type": self._world.reference("companyTypes", type_id),
                "company": self._world.reference("companies", row_id),
            }
            for number, type_id in enumerate(company.get("types") or (), start=1)
        ]
        return success(listed)

    # Finance ------------------------------------------------------------------------

    def invoice_agreement(self, request: Request, row_id: int) -> Response:
        """Create the next agreement invoice; the answer is its number as an int."""
        agreement = self._found("agreements", row_id)
        try:
            invoice = self._invoicing.run(agreement, caller(request)["identifier"])
        except NotBillable as error:
            raise Refusal(bad_request(str(error))) from error
        return success(invoice["id"], 201)

    def recap(self, request: Request, row_id: int) -> Response:
        """Last and next invoice of an agreement."""
        agreement = self._found("agreements", row_id)
        held = list(self._invoicing.invoices(row_id))
        shown: dict[str, Any] = {"id": row_id, "nextInvoiceAmount": None}
        if held:
            last = held[-1]
            shown["lastInvoiceDate"] = last["date"]
            shown["lastInvoiceNumber"] = last["invoiceNumber"]
            shown["lastInvoiceAmount"] = last["total"]
        shown["nextInvoiceDate"] = agreement.get("nextInvoiceDate")
        shown["unbilledPeriods"] = self._unbilled(agreement)
        return success({name: v for name, v in shown.items() if v is not None})

    def _unbilled(self, agreement: Row) -> int:
        cycle, today = self._invoicing.cycle(agreement), self._world.today()
        period, count = self._invoicing.next_period(agreement), 0
        in_advance = self._invoicing.in_advance(agreement)
        while cycle.recurring and count < 600:
            due = period.first if in_advance else period.last + timedelta(days=1)
            if due > today:
                break
            period, count = cycle.after(period), count + 1
        return count

    def info_invoice(self, request: Request, row_id: int) -> Response:
        """The composite view; additions are not among its products."""
        invoice = self._found("invoices", row_id)
        agreement = self._world.row("agreements", invoice.get("applyToId") or 0)
        listed = []
        if agreement is not None:
            listed = [
                {
                    "agreementName": agreement["name"],
                    "agreementAmount": invoice["agreementAmount"],
                    "agreementRecId": agreement["id"],
                    "parentRecId": agreement.get("parentAgreement"),
                }
            ]
        resource = self._world.resource("invoices")
        shown = Renderer(self._world, resource).one(invoice)
        return success(
            {"invoice": shown, "products": [], "agreementBillingInfo": listed}
        )

    def pricing(self, request: Request, row_id: int) -> Response:
        """A catalogue item's price for one company; no pricing schedules here."""
        item = self._found("catalog", row_id)
        hidden = hidden_from(caller(request))
        body = body_of(request) or {}
        price = None if "price" in hidden else item.get("price")
        return success({"price": price, "quantity": body.get("quantity", 1)})

    def delete_addition(self, row: Row, member: str) -> None:
        """Lines that were invoiced cannot be deleted (sandbox rule, §9.3)."""
        if row.get("_through") is not None:
            raise in_use("The addition was invoiced and cannot be deleted.")
        self._world.delete("additions", row, member)

    def delete_invoice(self, row: Row, member: str) -> None:
        """Deleting an invoice returns its period to the queue."""
        try:
            self._invoicing.undo(row)
        except NotBillable as error:
            raise Refusal(conflict(str(error))) from error
        self._world.delete("invoices", row, member)

    def delete_catalog(self, row: Row, member: str) -> None:
        """A product that lines use cannot be deleted."""
        if any(one["product"] == row["id"] for one in self._world.rows("additions")):
            raise in_use("The catalog item is used by agreement additions.")
        self._world.delete("catalog", row, member)

    def delete_agreement(self, row: Row, member: str) -> None:
        """An agreement that was invoiced cannot be deleted; its lines go with it."""
        if row.get("_invoices"):
            raise in_use("The agreement was invoiced and cannot be deleted.")
        for line in list(self._world.tables["additions"].after(0, row["id"])):
            self._world.delete("additions", line, member)
        self._world.delete("agreements", row, member)

    def new_agreement(self, row: Row, member: str) -> None:
        """Give a new agreement its first invoice day."""
        start = day_of(row.get("billStartDate")) or day_of(row.get("startDate"))
        self._invoicing.set_next(row, start or self._world.today())

    def new_addition(self, row: Row, member: str) -> None:
        """Refuse bundles; bill past days at once where the agreement says so."""
        product = self._world.row("catalog", row["product"]) or {}
        if product.get("productClass") == "Bundle":
            self._world.delete("additions", row, member)
            raise Refusal(bad_request("Bundles cannot be used as additions."))
        agreement = self._world.row("agreements", row["agreementId"])
        if agreement is not None:
            self._invoicing.bill_new_line(agreement, row, member)

    def _found(self, table: str, row_id: int) -> Row:
        row = self._world.row(table, row_id)
        if row is None:
            label = self._world.resource(table).label
            raise Refusal(not_found(f"{label} {row_id} was not found."))
        return row
