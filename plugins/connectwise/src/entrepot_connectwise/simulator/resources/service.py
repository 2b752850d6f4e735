"""Service tickets, boards and opportunities (connectwise.md §12.3, §12.4)."""

from __future__ import annotations

from ..schema import Json, Resource, Row, fields

TICKET = fields(
    """
    summary*       str 100@2022.1
    recordType     enum ServiceTicket|ProjectTicket|ProjectIssue
    company*       ref companies
    board          ref boards
    status         ref boardStatuses
    type           ref boardTypes
    subType        ref -
    item           ref -
    priority       ref priorities
    source         ref sources
    team           ref -
    owner          ref members
    contact        ref contacts
    site           ref sites
    agreement      ref agreements
    externalXRef   str 100@2022.1
    severity       enum Low|Medium|High
    impact         enum Low|Medium|High
    closedFlag#    bool
    automaticEmailContactFlag bool
    automaticEmailResourceFlag bool
    automaticEmailCcFlag bool
    requiredDate   dt
    integratorTags^ objs
    customFields^  custom
    """
)

NOTE = fields(
    """
    text*          str
    ticketId#      int
    detailDescriptionFlag bool
    internalAnalysisFlag bool
    resolutionFlag bool
    internalFlag   bool
    externalFlag   bool
    member         ref members
    contact        ref contacts
    dateCreated#   dt
    createdBy#     str
    """
)

OPPORTUNITY = fields(
    """
    name*          str 100@2022.1
    primarySalesRep* ref members
    company*       ref companies
    contact*       ref contacts
    site           ref sites
    expectedCloseDate dt
    customFields^  custom
    """
)

_SETUP = "name* str 50@2022.1\ninactiveFlag bool\ndefaultFlag bool\n"


def _closed(row: Row, world: Json) -> bool:
    status = world.row("boardStatuses", row.get("status") or 0)
    return bool(status and status.get("closedStatus"))


SERVICE_RESOURCES = (
    Resource(
        "boards",
        "board",
        fields(_SETUP + "location* ref locations\ndepartment* ref departments"),
        unique=("name",),
        href="service/boards",
    ),
    Resource(
        "boardStatuses",
        "boardStatus",
        fields(
            "name* str 50@2022.1\nboard# ref boards\nclosedStatus bool\n"
            "defaultFlag bool\ninactive bool\nsortOrder int"
        ),
        parent="board",
        href="service/boards/{parent}/statuses",
    ),
    Resource(
        "boardTypes",
        "boardType",
        fields(
            "name* str 50@2022.1\nboard# ref boards\n"
            "defaultFlag bool\ninactiveFlag bool"
        ),
        parent="board",
        href="service/boards/{parent}/types",
    ),
    Resource(
        "priorities",
        "priority",
        fields("name* str 50@2022.1\ncolor str 50@2022.1\ndefaultFlag bool"),
        unique=("name",),
        href="service/priorities",
    ),
    Resource(
        "sources",
        "source",
        fields("name* str 50@2022.1\ndefaultFlag bool"),
        unique=("name",),
        href="service/sources",
    ),
    Resource(
        "tickets",
        "ticket",
        TICKET,
        key="summary",
        compute={"closedFlag": _closed},
        defaults={"recordType": "ServiceTicket"},
        callback_type="ticket",
        audit_type="Ticket",
        href="service/tickets",
    ),
    Resource(
        "ticketNotes",
        "ticketNote",
        NOTE,
        key="text",
        parent="ticketId",
        href="service/tickets/{parent}/notes",
    ),
    Resource(
        "opportunities",
        "opportunity",
        OPPORTUNITY,
        callback_type="opportunity",
        audit_type="Opportunity",
        href="sales/opportunities",
    ),
)
