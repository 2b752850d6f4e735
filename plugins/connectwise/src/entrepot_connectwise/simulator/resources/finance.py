"""Agreements, additions, adjustments, invoices (connectwise.md §9, §12.2, §12.6)."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from ..schema import FieldError, Json, Resource, Row, fields

_BILLING = "enum Billable|DoNotBill|NoCharge|NoDefault"

AGREEMENT = fields(
    f"""
    name*          str 100@2022.1
    type*          ref agreementTypes
    company*       ref companies
    contact*       ref contacts
    site           ref sites
    subContractCompany ref companies
    subContractContact ref contacts
    parentAgreement ref agreements
    customerPO     str 50@2022.1
    location       ref locations
    department     ref departments
    restrictLocationFlag bool
    restrictDepartmentFlag bool
    startDate      dt
    endDate        dt
    noEndingDateFlag bool
    opportunity    ref opportunities
    cancelledFlag  bool
    dateCancelled  dt
    reasonCancelled str 100@2022.1
    sla            ref -
    workOrder      str 20@2022.1
    internalNotes  str
    applicationUnits enum Amount|Hours|Incidents
    applicationLimit dec
    applicationCycle enum Contract2Weeks|Contract4Weeks|ContractYear|CalendarMonth|CalendarQuarter|CalendarWeek|ContractQuarter|CalendarYear
    applicationUnlimitedFlag bool
    oneTimeFlag    bool
    coverAgreementTime bool
    coverAgreementProduct bool
    coverAgreementExpense bool
    coverSalesTax  bool
    carryOverUnused bool
    allowOverruns  bool
    expiredDays    int
    limit          int
    expireWhenZero bool
    chargeToFirm   bool
    employeeCompRate enum Actual|Hourly
    employeeCompNotExceed enum Billing|Amount|Percent
    compHourlyRate dec
    compLimitAmount dec
    billingCycle   ref billingCycles
    billOneTimeFlag bool
    billingTerms   ref billingTerms
    invoicingCycle enum ContractYear|CalendarYear
    billToCompany  ref companies
    billToContact  ref contacts
    billToSite     ref sites
    billAmount     dec
    taxable        bool
    prorateFirstBill dec
    billStartDate  dt
    taxCode        ref taxCodes
    restrictDownPayment bool
    prorateFlag    bool
    invoiceProratedAdditionsFlag bool
    invoiceDescription str
    topComment     bool
    bottomComment  bool
    workRole       ref -
    workType       ref -
    projectType    ref -
    invoiceTemplate ref -
    billTime       {_BILLING}
    billExpenses   {_BILLING}
    billProducts   {_BILLING}
    billableTimeInvoice bool
    billableExpenseInvoice bool
    billableProductInvoice bool
    currency       ref currencies
    periodType     enum Current|Future|Both|Undefined
    autoInvoiceFlag bool
    billZeroAmountFlag bool
    nextInvoiceDate# dt
    companyLocation ref locations
    shipToCompany  ref companies
    shipToContact  ref contacts
    shipToSite     ref sites
    agreementStatus# enum Active|Cancelled|Expired|Inactive
    customFields^  custom
    """  # noqa: E501 - one field a line
)

ADDITION = fields(
    """
    product*       ref catalog
    quantity       dec
    lessIncluded   dec
    unitPrice      dec
    unitCost       dec
    billCustomer*  enum Billable|DoNotBill|NoCharge
    effectiveDate  dt
    cancelledDate  dt
    taxableFlag    bool
    serialNumber   str 50@2022.1
    invoiceDescription str 6000@2022.1
    purchaseItemFlag bool
    specialOrderFlag bool
    agreementId#   int
    description#   str
    billedQuantity# dec
    uom#           str
    extPrice#      dec
    extCost#       dec
    sequenceNumber dec
    margin#        dec
    prorateCost#   dec
    proratePrice#  dec
    extendedProrateCost# dec
    extendedProratePrice# dec
    prorateCurrentPeriodFlag bool
    opportunity    ref opportunities
    agreementStatus# enum Active|Cancelled|Expired|Inactive
    invoiceGrouping ref invoiceGroupings
    customFields^  custom
    """
)

INVOICE = fields(
    """
    invoiceNumber  str 15@2022.1
    type*          enum Agreement|CreditMemo|DownPayment|Miscellaneous|Progress|Standard|Consolidated
    status         ref billingStatuses
    company*       ref companies
    billToCompany  ref companies
    applyToType    enum All|Agreement|Project|ProjectPhase|SalesOrder|Ticket
    applyToId      int
    agreement      ref agreements
    billingTerms   ref billingTerms
    date           dt
    dueDate        dt
    reference      str 50@2022.1
    customerPO     str 50@2022.1
    taxableFlag    bool
    taxCode        ref taxCodes
    currency       ref currencies
    serviceTotal#  dec
    expenseTotal#  dec
    productTotal#  dec
    agreementAmount# dec
    subtotal#      dec
    salesTax#      dec
    total#         dec
    payments#      dec
    credits#       dec
    balance#       dec
    topComment     str
    bottomComment  str
    internalNotes  str
    customFields^  custom
    """  # noqa: E501 - one field a line
)

ADJUSTMENT = fields(
    """
    amount*        dec
    description    str 1000@2022.1
    effectiveDate* dt
    agreementId#   int
    customFields^  custom
    """
)

AGREEMENT_TYPE = fields(
    f"""
    name*          str 50@2022.1
    defaultFlag    bool
    inactiveFlag   bool
    prorateFlag    bool
    invoiceProratedAdditionsFlag bool
    integrationXRef str 50@2022.1
    employeeCompRate* enum Actual|Hourly
    employeeCompNotExceed* enum Billing|Amount|Percent
    invoicingCycle* enum ContractYear|CalendarYear
    billTime*      {_BILLING}
    billExpenses*  {_BILLING}
    billProducts*  {_BILLING}
    """
)


def agreement_status(row: Row, world: Json) -> str:
    """The computed `agreementStatus` of an agreement row on the vendor's day."""
    today = world.today_text()
    if row.get("cancelledFlag"):
        return "Cancelled"
    if (row.get("startDate") or "") > today:
        return "Inactive"
    end = row.get("endDate")
    if end and not row.get("noEndingDateFlag") and end < today:
        return "Expired"
    return "Active"


def _of_agreement(row: Row, world: Json) -> str | None:
    agreement = world.row("agreements", row["agreementId"])
    return agreement_status(agreement, world) if agreement else None


def _billed(row: Row, world: Json) -> Decimal:
    included = row.get("lessIncluded") or Decimal(0)
    quantity: Decimal = row["quantity"]
    return max(quantity - included, Decimal(0)) if included else quantity


def _ext_price(row: Row, world: Json) -> Decimal:
    return (row.get("unitPrice") or Decimal(0)) * _billed(row, world)


def _ext_cost(row: Row, world: Json) -> Decimal:
    cost: Decimal = row.get("unitCost") or Decimal(0)
    quantity: Decimal = row["quantity"]
    return cost * quantity


def _margin(row: Row, world: Json) -> Decimal:
    return _ext_price(row, world) - _ext_cost(row, world)


def _description(row: Row, world: Json) -> str | None:
    product = world.row("catalog", row["product"])
    return product["description"] if product else None


def _uom(row: Row, world: Json) -> str | None:
    product = world.row("catalog", row["product"])
    unit = product and product.get("unitOfMeasure")
    found = world.row("unitOfMeasures", unit) if unit else None
    return found["name"] if found else None


def _dates_in_order(row: Row) -> Iterable[FieldError]:
    first, last = row.get("effectiveDate"), row.get("cancelledDate")
    if first and last and last < first:
        message = "The cancelled date must not lie before the effective date."
        yield FieldError("OutOfRange", message, "cancelledDate")


_NAMED = "name* str 50@2022.1\ndefaultFlag bool\n"

FINANCE_RESOURCES = (
    Resource(
        "billingCycles",
        "billingCycle",
        fields(
            "identifier* str 5@2022.1\n"
            + _NAMED
            + "billingOptions* enum Weekly|BiWeekly"
            "|Monthly|BiMonthly|Quarterly|SemiAnnual|Yearly|NotRecurring"
        ),
        unique=("identifier",),
        href="finance/billingCycles",
    ),
    Resource(
        "billingTerms",
        "billingTerm",
        fields(_NAMED + "dueDays* int\ntermsXref str 50@2022.1"),
        unique=("name",),
        href="finance/billingTerms",
    ),
    Resource(
        "billingStatuses",
        "billingStatus",
        fields(
            "name* str 30@2022.1\nclosedFlag bool\nsentFlag bool\n"
            "inactiveFlag bool\ndefaultFlag bool"
        ),
        unique=("name",),
        href="finance/billingStatuses",
    ),
    Resource(
        "taxCodes",
        "taxCode",
        fields(
            "identifier* str 8@2022.1\ndescription* str 50@2022.1\n"
            "invoiceCaption* str 25@2022.1\neffectiveDate* dt\ndefaultFlag bool\n"
            "cancelDate dt\nlevelOne obj\nlevelTwo obj"
        ),
        key="identifier",
        unique=("identifier",),
        href="finance/taxCodes",
    ),
    Resource(
        "currencies",
        "currency",
        fields(
            "currencyIdentifier* str 10@2022.1\nname* str 50@2022.1\n"
            "symbol str 10@2022.1\ncurrencyCode str 3@2022.1\nnumberOfDecimals int"
        ),
        unique=("currencyIdentifier",),
        href="finance/currencies",
    ),
    Resource(
        "agreementTypes",
        "agreementType",
        AGREEMENT_TYPE,
        unique=("name",),
        defaults={
            "employeeCompRate": "Actual",
            "employeeCompNotExceed": "Billing",
            "invoicingCycle": "CalendarYear",
            "billTime": "Billable",
            "billExpenses": "Billable",
            "billProducts": "Billable",
        },
        href="finance/agreements/types",
    ),
    Resource(
        "agreements",
        "agreement",
        AGREEMENT,
        compute={"agreementStatus": agreement_status},
        defaults={
            "cancelledFlag": False,
            "periodType": "Future",
            "invoicingCycle": "CalendarYear",
            "billTime": "Billable",
            "billExpenses": "Billable",
            "billProducts": "Billable",
            "employeeCompRate": "Actual",
        },
        callback_type="agreement",
        audit_type="Agreement",
        href="finance/agreements",
    ),
    Resource(
        "additions",
        "addition",
        ADDITION,
        key="product",
        parent="agreementId",
        compute={
            "agreementStatus": _of_agreement,
            "billedQuantity": _billed,
            "extPrice": _ext_price,
            "extCost": _ext_cost,
            "margin": _margin,
            "description": _description,
            "uom": _uom,
        },
        defaults={
            "quantity": Decimal(1),
            "lessIncluded": Decimal(0),
            "taxableFlag": False,
        },
        checks=(_dates_in_order,),
        audit_type="AgreementAddition",
        href="finance/agreements/{parent}/additions",
    ),
    Resource(
        "adjustments",
        "adjustment",
        ADJUSTMENT,
        key="description",
        parent="agreementId",
        audit_type="AgreementAdjustment",
        href="finance/agreements/{parent}/adjustments",
    ),
    Resource(
        "invoices",
        "invoice",
        INVOICE,
        key="invoiceNumber",
        callback_type="invoice",
        audit_type="Invoice",
        href="finance/invoices",
    ),
)
