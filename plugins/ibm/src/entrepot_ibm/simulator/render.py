"""The books as the vendor's JSON."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlencode

from entrepot_ibm.simulator import catalog
from entrepot_ibm.simulator.book import Book
from entrepot_ibm.simulator.metering import Month, crn, resources
from entrepot_ibm.simulator.model import Account, Instance, Option, Wire, stamp


def account(found: Account, book: Book) -> Wire:
    """An account of the enterprise (§4.1)."""
    ours = book.generator.enterprise_id
    own = found.id == book.own.id
    return {
        "url": f"/v1/accounts/{found.id}",
        "id": found.id,
        "crn": f"crn:v1:bluemix:public:enterprise::a/{book.own.id}::account:{found.id}",
        "parent": f"crn:v1:bluemix:public:enterprise::a/{book.own.id}::{found.parent}",
        "enterprise_account_id": book.own.id,
        "enterprise_id": ours,
        "enterprise_path": f"enterprise:{ours}",
        "name": found.name,
        "state": found.state,
        "owner_iam_id": found.owner_iam_id,
        "owner_email": found.owner_email,
        "paid": True,
        "is_enterprise_account": own,
        "created_at": stamp(found.created),
        "created_by": found.owner_iam_id,
        "updated_at": stamp(found.updated),
        "updated_by": found.owner_iam_id,
    }


def enterprise(book: Book) -> Wire:
    """The one enterprise."""
    own = book.own
    return {
        "url": f"/v1/enterprises/{book.generator.enterprise_id}",
        "id": book.generator.enterprise_id,
        "enterprise_account_id": own.id,
        "crn": f"crn:v1:bluemix:public:enterprise::a/{own.id}::enterprise:"
        f"{book.generator.enterprise_id}",
        "name": own.name,
        "domain": "reseller.example",
        "state": "ACTIVE",
        "primary_contact_iam_id": own.owner_iam_id,
        "primary_contact_email": own.owner_email,
        "source_account_id": own.id,
        "created_at": stamp(own.created),
        "created_by": own.owner_iam_id,
        "updated_at": stamp(own.updated),
        "updated_by": own.owner_iam_id,
    }


def instance(found: Instance, spoilt: str | None = None) -> Wire:
    """A resource instance (§4.4); `spoilt` stands in place of its state."""
    service = catalog.SERVICE_OF[found.plan_id]
    plan = catalog.PLANS[found.plan_id]
    name = crn(found)
    made: Wire = {
        "id": name,
        "guid": found.guid,
        "url": f"/v2/resource_instances/{found.guid}",
        "created_at": stamp(found.created),
        "updated_at": stamp(found.updated),
        "deleted_at": stamp(found.deleted),
        "created_by": "iam-ServiceId-00000000",
        "updated_by": "iam-ServiceId-00000000",
        "deleted_by": "",
        "scheduled_reclaim_at": stamp(found.reclaim_at),
        "restored_at": stamp(found.restored),
        "scheduled_reclaim_by": "",
        "restored_by": "",
        "name": found.name,
        "region_id": found.region,
        "account_id": found.account_id,
        "reseller_channel_id": "",
        "resource_plan_id": found.plan_id,
        "resource_group_id": found.group_id,
        "resource_group_crn": f"crn:v1:bluemix:public:resource-controller::"
        f"a/{found.account_id}::resource-group:{found.group_id}",
        "target_crn": f"crn:v1:bluemix:public:globalcatalog::::deployment:"
        f"{found.plan_id}%3A{found.region}",
        "parameters": found.parameters,
        "extensions": found.extensions,
        "allow_cleanup": False,
        "crn": name,
        "state": spoilt or found.state,
        "type": "service_instance",
        "resource_id": service.id,
        "dashboard_url": None,
        "last_operation": operation(found),
        "resource_aliases_url": f"/v2/resource_instances/{found.guid}/resource_aliases",
        "resource_bindings_url": f"/v2/resource_instances/{found.guid}"
        "/resource_bindings",
        "resource_keys_url": f"/v2/resource_instances/{found.guid}/resource_keys",
        "plan_history": [
            {"resource_plan_id": plan_id, "start_date": stamp(start)}
            for plan_id, start in found.plans
        ],
        "migrated": False,
        "controlled_by": "",
        "locked": found.locked,
    }
    if plan.kind == "subscription":
        made["sub_type"] = "subscription"
    return made


def operation(found: Instance) -> Wire:
    """What was last done; its state is written with a space (T08)."""
    last = found.operation
    return {
        "type": last.type,
        "state": last.state,
        "sub_type": None,
        "async": last.is_async,
        "description": last.description or f"{last.type} {last.state}",
        "reason_code": last.reason_code or None,
        "poll_after": 5 if last.due else None,
        "cancelable": last.cancelable,
        "poll": last.due is not None,
    }


def reclamation(found: Instance) -> Wire:
    """A scheduled removal (§4.4)."""
    return {
        "id": found.reclamation_id,
        "entity_id": found.guid,
        "entity_type_id": "resource-instance",
        "entity_crn": crn(found),
        "resource_instance_id": found.guid,
        "resource_group_id": found.group_id,
        "account_id": found.account_id,
        "policy_id": "standard-7-days",
        "state": found.reclamation_state,
        "target_time": stamp(found.reclaim_at),
        "custom_properties": {},
        "created_at": stamp(found.since),
        "created_by": "iam-ServiceId-00000000",
        "updated_at": stamp(found.updated),
        "updated_by": "iam-ServiceId-00000000",
    }


def unit_id(found: Account, book: Book) -> str:
    """The account's billing unit; the enterprise has one for all."""
    own = found.id == book.own.id
    return book.generator.billing_unit if own else f"bu{found.id[2:]}"


def partner_option(
    found: Account, option: Option, month: str, book: Book, reseller: tuple[str, str]
) -> Wire:
    """A billing option as the partner sees it (§4.3)."""
    part = catalog.PART[option.part]
    currency, rate = catalog.MARKETS[found.market]
    return {
        "id": option.id,
        "billing_unit_id": unit_id(found, book),
        "customer_id": found.id,
        "customer_type": "ACCOUNT",
        "customer_name": found.name,
        "reseller_id": reseller[0],
        "reseller_name": reseller[1],
        "month": month,
        "errors": [],
        "type": option.type,
        "start_date": stamp(option.start),
        "end_date": stamp(option.end),
        "state": option.state,
        "category": option.category,
        "payment_instrument": {},
        "part_number": option.part,
        "catalog_id": "ibmcloud-platform-payg-commit",
        "order_id": option.order_id,
        "po_number": option.po_number,
        "subscription_model": "4.0",
        "duration_in_months": option.months,
        "monthly_amount": float(option.amount(month) * rate),
        "billing_system": {"name": part.name},
        "country_code": found.market,
        "currency_code": currency,
    }


def unit_option(found: Account, option: Option, book: Book) -> Wire:
    """A billing option as the enterprise sees it: without amounts (§4.2)."""
    return {
        "id": option.id,
        "billing_unit_id": unit_id(found, book),
        "start_date": stamp(option.start),
        "end_date": stamp(option.end),
        "state": option.state,
        "type": option.type,
        "category": option.category,
        "payment_instrument": {},
        "duration_in_months": option.months,
        "line_item_id": f"li-{option.order_id}",
        "billing_system": {},
        "renewal_mode_code": "M",
        "updated_at": stamp(option.updated),
    }


def pools(found: Account, month: Month, now: datetime, book: Book) -> list[Wire]:
    """Credit pools of an account in a month, one per category (§4.3)."""
    made: dict[str, Wire] = {}
    for option in runs_in(found, month):
        term, overage = book.ledger.pool(found, option, month, now)
        pool = made.setdefault(
            option.category,
            {
                "type": option.category,
                "billing_unit_id": unit_id(found, book),
                "currency_code": catalog.MARKETS[found.market][0],
                "term_credits": [],
                "overage": {"cost": 0.0, "resources": []},
            },
        )
        pool["term_credits"].append(term)
        pool["overage"]["cost"] += float(overage)
    return list(made.values())


def runs_in(found: Account, month: Month) -> list[Option]:
    """Billing options that run in a month: others are not listed (T14)."""
    return [o for o in found.options if o.start < month.end and o.end >= month.start]


def report(
    found: Account, month: Month, now: datetime, viewpoint: str, market: str
) -> Wire:
    """A usage report without paging members, in the currency of a price country."""
    currency, rate = catalog.MARKETS[market]
    rows = resources(found, month, now, viewpoint, rate)

    def total(member: str) -> float:
        return float(sum(row[member] for row in rows))

    return {
        "entity_id": found.id,
        "entity_type": "account",
        "entity_crn": f"crn:v1:bluemix:public:enterprise::a/{found.id}::account:"
        f"{found.id}",
        "entity_name": found.name,
        "month": month.text,
        "currency_code": currency,
        "country_code": market,
        "billable_cost": total("billable_cost"),
        "billable_rated_cost": total("billable_rated_cost"),
        "non_billable_cost": total("non_billable_cost"),
        "non_billable_rated_cost": total("non_billable_rated_cost"),
        "resources": rows,
    }


def next_link(path: str, **query: object) -> str:
    """A relative link with a query."""
    return f"{path}?{urlencode({k: v for k, v in query.items() if v is not None})}"
