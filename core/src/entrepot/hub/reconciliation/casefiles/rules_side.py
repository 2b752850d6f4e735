"""Maps and rules of a case as records."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from entrepot.hub.reconciliation.casefiles.reader import CaseInvalid, Plain, Reader
from entrepot.hub.reconciliation.casefiles.vendor_side import cycle
from entrepot.hub.reconciliation.rules.approval import AutoPolicy
from entrepot.hub.reconciliation.rules.kinds import LEVELS
from entrepot.hub.reconciliation.rules.policy import (
    AgreementMode,
    AgreementRule,
    Bundle,
    BundleComponent,
    CostMode,
    CostRule,
    EntryKind,
    FxRate,
    Limits,
    Minimum,
    Override,
    OverrideField,
    Owner,
    Policy,
    PriceMode,
    PriceRule,
    ProductMapEntry,
    Rounding,
)
from entrepot.hub.reconciliation.rules.records import CustomerShare, ShareMode
from entrepot.sdk.model import BillCustomer, BillingMode

_DAY = timedelta(days=1)
_RULE_KEYS = {
    "customer_map",
    "product_map",
    "agreement",
    "agreement_rules",
    "price",
    "price_rules",
    "cost",
    "cost_rules",
    "fx",
    "overrides",
    "minimums",
    "bundles",
    "excluded_skus",
    "limits",
    "auto",
}
_AGREEMENT_KEYS = {
    "mode",
    "value",
    "company",
    "connection",
    "product",
    "kind",
    "billing_mode",
    "owner",
    "dated_lines",
    "catch_up",
    "credit",
    "preset_cancel_date",
    "max_backdate_periods",
    "create_if_missing",
}
_ENTRY_KEYS = {
    "sku",
    "product",
    "vendor_product",
    "connection",
    "term",
    "billing_cycle",
    "segment",
    "market",
    "kind",
    "factor",
    "rounding",
    "included_quantity",
    "price",
    "manage_price",
    "manage_cost",
    "manage_flags",
    "bill",
    "taxable",
    "text",
    "from",
    "to",
}


def policy_of(state: Plain, where: str) -> tuple[Policy, AutoPolicy]:
    """The decisions of a case, and what may be approved without a person."""
    read = Reader(state.get("rules", {}), f"{where}: rules", _RULE_KEYS)
    company = _first_company(state)
    policy = Policy(
        shares=tuple(_shares(read)),
        products=tuple(
            _entry(id_, body, where) for id_, body in read.named("product_map").items()
        ),
        bundles=tuple(
            bundle_of(id_, body, where) for id_, body in read.named("bundles").items()
        ),
        agreements=tuple(
            agreement_rule(one, where)
            for one in (*read.mappings("agreement"), *read.mappings("agreement_rules"))
        ),
        prices=tuple(
            price_rule(one, where)
            for one in (*read.mappings("price"), *read.mappings("price_rules"))
        ),
        costs=tuple(
            cost_rule(one, where)
            for one in (*read.mappings("cost"), *read.mappings("cost_rules"))
        ),
        fx=tuple(fx_rate(one, where) for one in read.mappings("fx")),
        overrides=tuple(
            override_of(one, company, where) for one in read.mappings("overrides")
        ),
        minimums=tuple(
            minimum_of(one, company, where) for one in read.mappings("minimums")
        ),
        excluded_skus=frozenset(("V-1", sku) for sku in read.texts("excluded_skus")),
        limits=limits_of(read.body.get("limits") or {}, where),
    )
    return policy, auto_policy(read.body.get("auto") or {}, where)


def _first_company(state: Plain) -> str:
    companies = state.get("psa", {}).get("companies", {})
    return str(next(iter(companies), ""))


def _shares(read: Reader) -> list[CustomerShare]:
    found: list[CustomerShare] = []
    table: dict[str, Any] = dict(read.body.get("customer_map") or {})
    for customer, value in table.items():
        if value in ("undecided", "excluded"):
            continue
        rows = value if isinstance(value, list) else [value]
        for row in rows:
            body = row if isinstance(row, dict) else {"company": row}
            one = Reader(
                body,
                f"{read.where}: customer_map: {customer}",
                {"company", "share", "value", "connection", "confirmed"},
            )
            found.append(
                CustomerShare(
                    connection=one.text("connection", "V-1"),
                    customer=str(customer),
                    company=one.text("company"),
                    mode=one.word("share", ShareMode, ShareMode.ALL),
                    value=one.decimal("value", "0"),
                    confirmed=one.flag("confirmed", default=True),
                )
            )
    return found


def _entry(id_: str, body: Plain, where: str) -> ProductMapEntry:
    read = Reader(body, f"{where}: product_map: {id_}", _ENTRY_KEYS)
    last = read.day("to")
    priced = read.body.get("price")
    return ProductMapEntry(
        id=id_,
        psa_product=read.text("product"),
        connection=read.text("connection"),
        product=read.text("vendor_product"),
        sku=read.text("sku"),
        term=read.text("term"),
        billing_cycle=(
            cycle(read.text("billing_cycle"), read.where)
            if read.has("billing_cycle")
            else None
        ),
        segment=read.text("segment"),
        market=read.text("market"),
        kind=read.word("kind", EntryKind, EntryKind.LICENSE),
        factor=read.decimal("factor", "1"),
        rounding=read.word("rounding", Rounding, Rounding.EXACT),
        included_quantity=read.decimal("included_quantity", "0"),
        price_rule=None if priced is None else price_rule(priced, where),
        manage_price=read.flag("manage_price", default=True),
        manage_cost=read.flag("manage_cost", default=True),
        manage_flags=read.flag("manage_flags", default=True),
        bill=read.word("bill", BillCustomer, BillCustomer.BILLABLE),
        taxable=read.flag("taxable", default=True),
        text=read.text("text"),
        starts=read.day("from"),
        ends=None if last is None else last + _DAY,
    )


def agreement_rule(body: Plain, where: str) -> AgreementRule:
    """An agreement rule from its fields."""
    read = Reader(body, f"{where}: agreement rule", _AGREEMENT_KEYS)
    return AgreementRule(
        mode=read.word("mode", AgreementMode, AgreementMode.EXPLICIT),
        value=read.text("value"),
        company=read.text("company"),
        connection=read.text("connection"),
        product=read.text("product"),
        kind=read.word("kind", EntryKind, None),
        billing_mode=read.word("billing_mode", BillingMode, BillingMode.UNKNOWN),
        proration_owner=read.word("owner", Owner, Owner.HUB),
        dated_lines_always=_choice(read, "dated_lines", "when_needed", "always"),
        catch_up_charge=not _choice(read, "catch_up", "charge", "report"),
        credit_charge=_choice(read, "credit", "report", "charge"),
        preset_cancel_date=read.flag("preset_cancel_date", default=False),
        max_backdate_periods=read.number("max_backdate_periods", 1),
        create_if_missing=read.flag("create_if_missing", default=False),
    )


def _choice(read: Reader, key: str, usual: str, other: str) -> bool:
    """Whether a two-way setting has its unusual value."""
    value = read.text(key, usual)
    if value not in (usual, other):
        raise CaseInvalid(f"{read.where}: {key} must be {usual} or {other}")
    return value == other


def price_rule(body: Plain, where: str) -> PriceRule:
    """A price rule from its fields."""
    read = Reader(
        body,
        f"{where}: price rule",
        {"mode", "value", "currency", "floor", "company", "product"},
    )
    return PriceRule(
        mode=read.word("mode", PriceMode, PriceMode.KEEP),
        value=read.decimal("value", "0"),
        currency=read.text("currency"),
        floor=read.maybe_decimal("floor"),
        company=read.text("company"),
        product=read.text("product"),
    )


def cost_rule(body: Plain, where: str) -> CostRule:
    """A cost rule from its fields."""
    read = Reader(
        body, f"{where}: cost rule", {"mode", "value", "spread", "company", "product"}
    )
    return CostRule(
        mode=read.word("mode", CostMode, CostMode.VENDOR_PRICE),
        value=read.decimal("value", "0"),
        spread=read.number("spread", 0),
        company=read.text("company"),
        product=read.text("product"),
    )


def fx_rate(body: Plain, where: str) -> FxRate:
    """A dated exchange rate from its fields."""
    read = Reader(body, f"{where}: fx", {"source", "to", "rate", "dated"})
    return FxRate(
        source=read.text("source"),
        to=read.text("to", "USD"),
        rate=read.decimal("rate"),
        dated=read.day("dated") or date(2000, 1, 1),
    )


def override_of(body: Plain, company: str, where: str) -> Override:
    """An accepted difference from its fields; `company` when it names none."""
    read = Reader(
        body,
        f"{where}: override",
        {"company", "agreement", "product", "field", "value", "reason", "valid_until"},
    )
    field = read.word("field", OverrideField, None)
    if field is None:
        raise CaseInvalid(f"{read.where}: field is missing")
    return Override(
        company=read.text("company", company),
        agreement=read.text("agreement"),
        product=read.text("product", "5501"),
        field=field,
        value=read.text("value"),
        reason=read.text("reason", "agreed"),
        valid_until=read.day("valid_until"),
    )


def minimum_of(body: Plain, company: str, where: str) -> Minimum:
    """An agreed minimum from its fields; `company` when it names none."""
    read = Reader(
        body,
        f"{where}: minimum",
        {"company", "agreement", "product", "quantity", "from", "to", "reason"},
    )
    return Minimum(
        company=read.text("company", company),
        agreement=read.text("agreement"),
        product=read.text("product", "5501"),
        quantity=read.decimal("quantity"),
        starts=read.day("from"),
        ends=read.day("to"),
        reason=read.text("reason"),
    )


def bundle_of(id_: str, body: Plain, where: str) -> Bundle:
    """A bundle from its fields."""
    read = Reader(body, f"{where}: bundle {id_}", {"product", "driver", "components"})
    parts = []
    for row in read.mappings("components"):
        one = Reader(row, f"{read.where}: component", {"entry", "ratio"})
        parts.append(
            BundleComponent(entry=one.text("entry"), ratio=one.decimal("ratio", "1"))
        )
    return Bundle(
        psa_product=read.text("product"),
        driver=read.text("driver"),
        components=tuple(parts),
    )


def limits_of(body: object, where: str) -> Limits:
    """Tolerances and waits from their fields."""
    read = Reader(
        body,
        f"{where}: limits",
        {"order_wait_hours", "flapping_count", "quiet_minutes", "fx_percent", "level"},
    )
    level = read.number("level", 1)
    if level not in LEVELS:
        raise CaseInvalid(f"{read.where}: level {level} does not exist; use 1 or 2")
    return Limits(
        order_wait=timedelta(hours=read.number("order_wait_hours", 24)),
        flapping_count=read.number("flapping_count", 3),
        quiet=timedelta(minutes=read.number("quiet_minutes", 30)),
        fx_percent=read.decimal("fx_percent", "1"),
        level=level,
    )


def auto_policy(body: object, where: str) -> AutoPolicy:
    """What may be approved without a person, from its fields."""
    read = Reader(
        body,
        f"{where}: auto",
        {
            "increases",
            "new_lines",
            "max_percent",
            "max_units",
            "max_impact",
            "brake_lines",
            "brake_percent",
        },
    )
    return AutoPolicy(
        increases=read.flag("increases", default=False),
        new_lines=read.flag("new_lines", default=False),
        max_percent=read.decimal("max_percent", "20"),
        max_units=read.decimal("max_units", "10"),
        max_impact=read.decimal("max_impact", "250"),
        brake_lines=read.number("brake_lines", 50),
        brake_percent=read.decimal("brake_percent", "25"),
    )
