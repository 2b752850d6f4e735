"""The product catalogue and its setup tables (connectwise.md §12.1)."""

from __future__ import annotations

from ..schema import Resource, fields

CATALOG = fields(
    """
    identifier*    str 75@2022.1
    description*   str 60@2022.1
    inactiveFlag   bool
    subcategory*   ref subcategories
    type*          ref productTypes
    productClass   enum Agreement|Bundle|Inventory|NonInventory|Service
    serializedFlag bool
    serializedCostFlag bool
    phaseProductFlag bool
    unitOfMeasure  ref unitOfMeasures
    minStockLevel  int
    price          dec
    cost           dec
    priceAttribute enum FixedFee|NotToExceed|OverrideRate|TimeAndMaterials
    taxableFlag    bool
    dropShipFlag   bool
    specialOrderFlag bool
    customerDescription* str 6000@2022.1
    manufacturer   ref manufacturers
    manufacturerPartNumber str 50@2022.1
    vendor         ref companies
    vendorSku      str 50@2022.1
    notes          str
    integrationXRef str 50@2022.1
    sla            ref -
    entityType     ref -
    recurringFlag  bool
    recurringRevenue dec
    recurringCost  dec
    recurringOneTimeFlag bool
    recurringBillCycle ref billingCycles
    recurringCycleType enum ContractYear|CalendarYear
    calculatedPriceFlag bool
    calculatedCostFlag bool
    category       ref categories
    calculatedPrice# dec
    calculatedCost# dec
    billableOption enum Billable|DoNotBill|NoCharge|NoDefault
    connectWiseID# str
    agreementType  ref agreementTypes
    markupPercentage dec
    markupFlag     bool
    autoUpdateUnitCostFlag bool
    autoUpdateUnitPriceFlag bool
    customFields^  custom
    """
)

_NAMED = "name* str 50@2022.1\ninactiveFlag bool\ndefaultFlag bool\n"

PROCUREMENT_RESOURCES = (
    Resource(
        "productTypes",
        "productType",
        fields(
            _NAMED + "typeXref enum InventoryPart|NonInventoryPart|OtherCharge|Service"
        ),
        unique=("name",),
        href="procurement/types",
    ),
    Resource(
        "categories",
        "category",
        fields(_NAMED + "priceLevelXref str 10@2022.1\nintegrationXref str 50@2022.1"),
        unique=("name",),
        href="procurement/categories",
    ),
    Resource(
        "subcategories",
        "subcategory",
        fields(_NAMED + "integrationXref str 50@2022.1\ncategory* ref categories"),
        href="procurement/subcategories",
    ),
    Resource(
        "unitOfMeasures",
        "unitOfMeasure",
        fields(_NAMED),
        unique=("name",),
        href="procurement/unitOfMeasures",
    ),
    Resource(
        "manufacturers",
        "manufacturer",
        fields(_NAMED),
        unique=("name",),
        href="procurement/manufacturers",
    ),
    Resource(
        "invoiceGroupings",
        "invoiceGrouping",
        fields(
            "name* str 50@2022.1\ncustomerDescription* str 100@2022.1\n"
            "showPriceFlag bool\nshowSubItemsFlag bool\n"
            "groupParentChildAdditionsFlag bool"
        ),
        href="procurement/invoicegrouping",
    ),
    Resource(
        "catalog",
        "catalogItem",
        CATALOG,
        key="identifier",
        unique=("identifier",),
        defaults={"inactiveFlag": False, "productClass": "NonInventory"},
        callback_type="productcatalog",
        audit_type="ProductCatalog",
        href="procurement/catalog",
    ),
)
