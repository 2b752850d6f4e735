"""Companies, sites, contacts and their setup tables (connectwise.md §10)."""

from __future__ import annotations

from collections.abc import Iterable

from ..schema import FieldError, Resource, Row, fields

COMPANY = fields(
    """
    identifier*    str 25@2022.1 30@2025.1 156@2026.4
    name*          str 50@2022.1 156@2026.4
    status         ref companyStatuses
    addressLine1   str 50@2022.1
    addressLine2   str 50@2022.1
    city           str 50@2022.1
    state          str 50@2022.1
    zip            str 12@2022.1
    country        ref countries
    phoneNumber    str 30@2022.1
    faxNumber      str 30@2022.1
    website        str 255@2022.1
    territory      ref locations
    market         ref -
    accountNumber  str
    defaultContact ref contacts
    dateAcquired   dt
    sicCode        ref -
    parentCompany  ref companies
    annualRevenue  dec
    creditLimit    dec
    additionalDebt dec
    numberOfEmployees int
    yearEstablished int
    revenueYear    int
    ownershipType  ref -
    timeZoneSetup  ref -
    leadSource     str 50@2022.1
    leadFlag       bool
    unsubscribeFlag bool
    calendar       ref -
    userDefinedField1 str 50@2022.1
    vendorIdentifier str
    taxIdentifier  str
    taxCode        ref taxCodes
    billingTerms   ref billingTerms
    invoiceTemplate ref -
    pricingSchedule ref -
    companyEntityType ref -
    billToCompany  ref companies
    billingSite    ref sites
    billingContact ref contacts
    invoiceDeliveryMethod ref -
    emailTemplate  ref -
    invoiceToEmailAddress str
    invoiceCCEmailAddress str
    deletedFlag    bool
    dateDeleted    dt
    deletedBy      str
    mobileGuid#    str
    facebookUrl    str
    twitterUrl     str
    linkedInUrl    str
    currency       ref currencies
    territoryManager ref members
    resellerIdentifier str
    isVendorFlag   bool
    types^         refs companyTypes
    site           ref sites
    integratorTags^ objs
    customFields^  custom
    """
)

SITE = fields(
    """
    name*          str 50@2022.1 156@2026.4
    addressLine1   str 50@2022.1
    addressLine2   str 50@2022.1
    city           str 50@2022.1
    stateReference ref -
    zip            str 12@2022.1
    country        ref countries
    phoneNumber    str 30@2022.1
    faxNumber      str 30@2022.1
    taxCode        ref taxCodes
    primaryAddressFlag bool
    defaultShippingFlag bool
    defaultBillingFlag bool
    defaultMailingFlag bool
    inactiveFlag   bool
    billSeparateFlag bool
    company#       ref companies
    customFields^  custom
    """
)

CONTACT = fields(
    """
    firstName*     str 30@2022.1
    lastName       str 30@2022.1
    company        ref companies
    site           ref sites
    title          str 100@2022.1
    relationship   ref -
    department     ref -
    inactiveFlag   bool
    defaultFlag    bool
    defaultBillingFlag bool
    communicationItems^ objs
    types^         refs contactTypes
    typeIds^       objs
    integratorTags^ objs
    customFields^  custom
    ignoreDuplicates bool
    """
)

COMMUNICATION = fields(
    """
    type*          ref communicationTypes
    value*         str 250@2022.1
    extension      str 15@2022.1
    defaultFlag    bool
    domain#        str
    communicationType# enum Email|Fax|Phone
    contactId#     int
    """
)

SETUP = "name* str 50@2022.1\ndefaultFlag bool\ninactiveFlag bool\n"


def _year_in_range(row: Row) -> Iterable[FieldError]:
    year = row.get("yearEstablished")
    if year is not None and not 1753 <= year <= 9999:
        message = "The field yearEstablished must be between 1753 and 9999."
        yield FieldError("OutOfRange", message, "yearEstablished")


COMPANY_RESOURCES = (
    Resource("countries", "country", fields("name* str 50@2022.1")),
    Resource(
        "companyTypes",
        "companyType",
        fields(
            SETUP + "vendorFlag bool\nserviceAlertFlag bool\n"
            "serviceAlertMessage str 150@2022.1"
        ),
        unique=("name",),
        href="company/companies/types",
    ),
    Resource(
        "companyStatuses",
        "companyStatus",
        fields(
            SETUP + "notifyFlag bool\ndisallowSavingFlag bool\n"
            "notificationMessage str 500@2022.1"
        ),
        unique=("name",),
        href="company/companies/statuses",
    ),
    Resource(
        "companies",
        "company",
        COMPANY,
        key="identifier",
        unique=("identifier",),
        defaults={"deletedFlag": False, "leadFlag": False, "isVendorFlag": False},
        checks=(_year_in_range,),
        callback_type="company",
        audit_type="Company",
        href="company/companies",
    ),
    Resource(
        "sites",
        "site",
        SITE,
        parent="company",
        defaults={"inactiveFlag": False, "primaryAddressFlag": False},
        href="company/companies/{parent}/sites",
    ),
    Resource(
        "companyNotes",
        "companyNote",
        fields("text* str 6000@2022.1\ncompany# ref companies\nflagged bool"),
        parent="company",
        href="company/companies/{parent}/notes",
    ),
    Resource("contactTypes", "contactType", fields("description* str 50@2022.1")),
    Resource(
        "communicationTypes",
        "communicationType",
        fields("name* str 50@2022.1\nkind# enum Email|Fax|Phone"),
    ),
    Resource(
        "contacts",
        "contact",
        CONTACT,
        key="firstName",
        defaults={"inactiveFlag": False, "defaultFlag": False},
        callback_type="contact",
        audit_type="Contact",
        href="company/contacts",
    ),
)
