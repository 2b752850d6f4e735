"""Which path leads to which resource, and which methods it has."""

from __future__ import annotations

from dataclasses import dataclass

READ = "GET"
CRUD = "GET POST PUT PATCH DELETE"


@dataclass(frozen=True, slots=True)
class Path:
    """One collection in the path space.

    Attributes:
        path: Below `apis/3.0`, with `<int:parent>` where a parent's id stands.
        table: The resource's table.
        parent_table: Table that the parent id belongs to; empty at top level.
        methods: Allowed methods of collection and item together.
    """

    path: str
    table: str
    parent_table: str = ""
    methods: str = CRUD


PATHS = (
    Path("company/companies", "companies"),
    Path("company/companies/types", "companyTypes"),
    Path("company/companies/statuses", "companyStatuses"),
    Path("company/companies/<int:parent>/sites", "sites", "companies"),
    Path("company/companies/<int:parent>/notes", "companyNotes", "companies"),
    Path("company/contacts", "contacts"),
    Path("company/contacts/types", "contactTypes"),
    Path("company/communicationTypes", "communicationTypes"),
    Path("company/countries", "countries"),
    Path("finance/agreements", "agreements"),
    Path("finance/agreements/types", "agreementTypes"),
    Path("finance/agreements/<int:parent>/additions", "additions", "agreements"),
    Path("finance/agreements/<int:parent>/adjustments", "adjustments", "agreements"),
    Path("finance/billingCycles", "billingCycles"),
    Path("finance/billingTerms", "billingTerms"),
    Path("finance/billingStatuses", "billingStatuses"),
    Path("finance/taxCodes", "taxCodes"),
    Path("finance/currencies", "currencies"),
    Path("finance/invoices", "invoices"),
    Path("procurement/catalog", "catalog"),
    Path("procurement/types", "productTypes"),
    Path("procurement/categories", "categories"),
    Path("procurement/subcategories", "subcategories"),
    Path("procurement/unitOfMeasures", "unitOfMeasures"),
    Path("procurement/manufacturers", "manufacturers"),
    Path("procurement/invoicegrouping", "invoiceGroupings"),
    Path("service/tickets", "tickets"),
    Path("service/tickets/<int:parent>/notes", "ticketNotes", "tickets"),
    Path("service/boards", "boards"),
    Path("service/boards/<int:parent>/statuses", "boardStatuses", "boards"),
    Path("service/boards/<int:parent>/types", "boardTypes", "boards"),
    Path("service/priorities", "priorities"),
    Path("service/sources", "sources"),
    Path("sales/opportunities", "opportunities"),
    Path("system/members", "members", methods="GET POST PATCH"),
    Path("system/locations", "locations"),
    Path("system/departments", "departments"),
    Path("system/callbacks", "callbacks"),
    Path("system/userDefinedFields", "userDefinedFields"),
    Path("system/integratorTags", "integratorTags"),
    Path("system/connectWiseHostedScreens", "hostedScreens", methods=READ),
    Path("system/connectwisehostedsetups", "hostedSetups"),
    Path("system/menuentries", "menuEntries"),
)
