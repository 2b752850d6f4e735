"""Members, locations, callbacks, custom fields, audit trail (connectwise.md §12.5)."""

from __future__ import annotations

from ..schema import Resource, fields

MEMBER = fields(
    """
    identifier*    str 15@2022.1
    firstName*     str 30@2022.1
    lastName*      str 30@2022.1
    defaultEmail   str 250@2022.1
    licenseClass   enum A|C|F|X
    inactiveFlag   bool
    blockPriceFlag bool
    blockCostFlag  bool
    """
)

CALLBACK = fields(
    """
    description    str 100@2022.1
    url*           str
    objectId*      int
    type*          str
    level*         str
    memberId#      int
    payloadVersion str
    inactiveFlag   bool
    isSoapCallbackFlag bool
    isSelfSuppressedFlag bool
    connectWiseID# str
    """
)

USER_DEFINED_FIELD = fields(
    """
    podId*         int
    caption*       str 25@2022.1
    sequenceNumber* int
    helpText       str 1000@2022.1
    fieldTypeIdentifier* enum TextArea|Button|Currency|Date|Hyperlink|IPAddress|Checkbox|Number|Percent|Text|Password
    entryTypeIdentifier enum Date|EntryField|List|Option
    numberDecimals int
    requiredFlag   bool
    displayOnScreenFlag bool
    readOnlyFlag   bool
    listViewFlag   bool
    options^       objs
    screenId       str
    dateCreated#   dt
    """  # noqa: E501 - one field a line
)

HOSTED_SETUP = fields(
    """
    screenId*      int
    description*   str 50@2022.1
    url*           str 1024@2022.1
    type*          enum Tab|Pod|ToolbarButton
    clientId       str 36@2022.1
    origin         str 100@2022.1
    podHeight      int
    toolbarButtonText str 50@2022.1
    toolbarButtonToolTip str 50@2022.1
    disabledFlag   bool
    locationsEnabledFlag bool
    locationIds^   objs
    """
)

MENU_ENTRY = fields(
    """
    caption*       str 50@2022.1
    link*          str 2000@2022.1
    newWindowFlag* bool
    menuLocation   ref -
    origin         str 2000@2022.1
    clientId       str 36@2022.1
    locationIds^   objs
    """
)

AUDIT = fields(
    """
    text           str
    enteredDate    dt
    enteredBy      str
    auditType      str
    auditSubType   str
    auditSource    str
    """
)

SYSTEM_RESOURCES = (
    Resource(
        "locations",
        "location",
        fields("name* str 50@2022.1"),
        unique=("name",),
        href="system/locations",
    ),
    Resource(
        "departments",
        "department",
        fields("name* str 50@2022.1\nidentifier str 10@2022.1"),
        unique=("name",),
        key="identifier",
        href="system/departments",
    ),
    Resource(
        "members",
        "member",
        MEMBER,
        key="identifier",
        unique=("identifier",),
        defaults={"inactiveFlag": False, "licenseClass": "F"},
        callback_type="member",
        audit_type="Member",
        href="system/members",
    ),
    Resource(
        "callbacks",
        "callbackEntry",
        CALLBACK,
        key="description",
        defaults={"inactiveFlag": False, "isSoapCallbackFlag": False},
        href="system/callbacks",
    ),
    Resource(
        "userDefinedFields",
        "userDefinedField",
        USER_DEFINED_FIELD,
        key="caption",
        href="system/userDefinedFields",
    ),
    Resource(
        "integratorTags",
        "integratorTag",
        fields("text* str 50@2022.1"),
        key="text",
        unique=("text",),
        href="system/integratorTags",
    ),
    Resource(
        "hostedScreens",
        "connectWiseHostedScreen",
        fields("screenId* int\nname* str 50@2022.1"),
        href="system/connectWiseHostedScreens",
    ),
    Resource(
        "hostedSetups",
        "connectWiseHostedSetup",
        HOSTED_SETUP,
        key="description",
        href="system/connectwisehostedsetups",
    ),
    Resource(
        "menuEntries", "menuEntry", MENU_ENTRY, key="caption", href="system/menuentries"
    ),
    Resource(
        "auditTrail", "auditTrailEntry", AUDIT, key="text", href="system/audittrail"
    ),
)
