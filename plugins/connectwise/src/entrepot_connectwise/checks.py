"""Proving a connection: reachability, company, keys, rights, in this order."""

from __future__ import annotations

from entrepot.sdk.errors import (
    AuthRequired,
    ConfigInvalid,
    EntrepotError,
    NotFound,
    Retryable,
)
from entrepot.sdk.model import CheckResult

from . import wire
from .client import condition_text
from .errors import ROLE_MISSING
from .runtime import Session

NEEDED = ("company/companies", "finance/agreements", "procurement/catalog")
USEFUL = (
    ("company/contacts", "Without it, companies are matched by less evidence."),
    ("finance/invoices", "Without it, no plan can be applied to agreements."),
    ("service/tickets", "Without it, no tickets can be created."),
    ("system/callbacks", "Without it, changes are noticed at the next sync only."),
)
_UNREACHABLE = frozenset(
    {"host_unknown", "host_unreachable", "connect_timeout", "tls_failed"}
)


def check(session: Session) -> CheckResult:
    """Prove that settings and keys work and the role suffices.

    Raises:
        ConfigInvalid: Site, company or role are wrong; says which and what to do.
        AuthRequired: The keys are not accepted.
        Retryable: A passing fault.
    """
    info = _reach(session)
    counted = _needed(session)
    system = session.client.read("system/info", wire.SystemInfo)
    return CheckResult(
        account_name=(info.company_name if info else "") or session.settings.company,
        details=(
            ("Release", system.version or (info.version_code if info else "") or ""),
            ("Address", session.runtime.site.api_root),
            *((_WORDS[path], str(count)) for path, count in counted),
        ),
        warnings=(*_rights(session), *_fields(session), *_costs(session)),
        time_zone=system.server_time_zone or "",
    )


_WORDS = {
    "company/companies": "Companies",
    "finance/agreements": "Agreements",
    "procurement/catalog": "Products",
}


def _reach(session: Session) -> wire.CompanyInfo | None:
    try:
        return session.client.discover(again=True)
    except Retryable as error:
        if error.code not in _UNREACHABLE:
            raise
        raise ConfigInvalid(
            error.code,
            f"ConnectWise cannot be reached at “{session.settings.site}”.",
            detail=error.info.detail,
            field="site",
            remedy="Check the site for typing errors; is it reachable from the hub?",
        ) from error


def _needed(session: Session) -> list[tuple[str, int]]:
    try:
        return [(path, session.client.count(path)) for path in NEEDED]
    except NotFound as error:
        # The cloud may answer 404 to a wrong company or key (connectwise.md §1.6).
        raise AuthRequired(
            "not_found_on_cloud",
            "ConnectWise answers as if its interface did not exist, which it does "
            "when company ID or keys are wrong.",
            detail=error.info.detail,
            vendor_request_id=error.info.vendor_request_id,
            field="private_key",
            remedy="Check company ID, public key and private key of the API member.",
        ) from error


def _rights(session: Session) -> list[str]:
    found = []
    for path, effect in USEFUL:
        try:
            session.client.count(path)
        except EntrepotError as error:
            if error.code not in {ROLE_MISSING, "not_found"}:
                raise
            found.append(f"{error.user_message} {effect}")
    return found


def _fields(session: Session) -> list[str]:
    caption = session.settings.reference_field
    if not caption:
        return []
    conditions = f"caption={condition_text(caption)}"
    try:
        count = session.client.count("system/userDefinedFields", conditions)
    except EntrepotError as error:
        if error.code not in {ROLE_MISSING, "not_found"}:
            raise
        return [error.user_message]
    if count:
        return []
    return [
        f"There is no custom field “{caption}”. Lines are then recognised by product, "
        "dates and quantity after an interrupted write."
    ]


def _costs(session: Session) -> list[str]:
    records = session.client.read(
        "procurement/catalog",
        list[wire.CatalogItem],
        pageSize=1,
        conditions="inactiveFlag=false",
    )
    hidden = [
        word
        for word, value in (
            ("prices", records[0].price if records else 0),
            ("costs", records[0].cost if records else 0),
        )
        if value is None
    ]
    if not hidden:
        return []
    return [
        f"The API member may not see {' and '.join(hidden)}; they stay unknown "
        "and are not compared."
    ]
