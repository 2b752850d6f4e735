"""Billing Conductor, Cost Explorer and invoices (§3.4 to §3.6)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from werkzeug.wrappers import Request

from entrepot_aws.simulator.codec import Data, Refusal
from entrepot_aws.simulator.costs import AWS, MARKETPLACE, CostLine, first_of
from entrepot_aws.simulator.generate import month_after
from entrepot_aws.simulator.keys import Caller
from entrepot_aws.simulator.paging import page
from entrepot_aws.simulator.state import Group

if TYPE_CHECKING:
    from entrepot_aws.simulator.app import AwsSimulator

_PAGE = 100
_GROUPS_PER_ANSWER = 200
_HISTORY = 13  # months (§3.5)
_EXACT = Decimal("0.0000000001")


class BillingApi:
    """Endpoints of three services. Called under the simulator's lock."""

    def __init__(self, vendor: AwsSimulator) -> None:
        self._vendor = vendor
        serve = vendor.serve_operation
        serve("billingconductor", "ListBillingGroups", self.groups)
        serve("billingconductor", "ListPricingPlans", self.plans)
        serve("billingconductor", "ListPricingRules", self.rules)
        name = "ListPricingRulesAssociatedToPricingPlan"
        serve("billingconductor", name, self.rules_of_plan)
        serve("billingconductor", "ListBillingGroupCostReports", self.reports)
        serve("ce", "GetCostAndUsage", self.costs)
        serve("invoicing", "ListInvoiceSummaries", self.invoices)

    # Billing Conductor

    def groups(self, given: Data, request: Request, by: Caller) -> Data:
        """Billing groups with their plan."""
        del request
        return self._listed(given, by, "BillingGroups", self._group)

    def plans(self, given: Data, request: Request, by: Caller) -> Data:
        """Pricing plans: one per group here."""
        del request
        return self._listed(given, by, "PricingPlans", self._plan)

    def rules(self, given: Data, request: Request, by: Caller) -> Data:
        """Pricing rules: a general mark-up or discount per plan."""
        del request
        return self._listed(given, by, "PricingRules", self._rule)

    def rules_of_plan(self, given: Data, request: Request, by: Caller) -> Data:
        """The rule of a plan."""
        del request
        self._managed(by)
        plan = given["PricingPlanArn"]
        suffix = plan.rpartition("/")[2]
        if all(group.suffix != suffix for group in self._vendor.book.groups.values()):
            raise Refusal("ResourceNotFoundException", "No such plan.", 404)
        rule = self._arn("pricingrule", suffix)
        return {"PricingPlanArn": plan, "PricingRuleArns": [rule]}

    def reports(self, given: Data, request: Request, by: Caller) -> Data:
        """What the groups cost us in a month, and with their mark-up (S14)."""
        del request
        self._managed(by)
        now = self._vendor.clock.now()
        month = given.get("BillingPeriod") or f"{now:%Y-%m}"
        if not f"{month_after(now, -_HISTORY):%Y-%m}" <= month <= f"{now:%Y-%m}":
            raise Refusal(
                "ValidationException",
                "The billing period cannot be reported.",
                Reason="ILLEGAL_BILLING_PERIOD",
            )
        arns = given.get("Filters", {}).get("BillingGroupArns")
        spent: dict[str, Decimal] = defaultdict(Decimal)
        for line in self._vendor.costs.lines(month, now):
            spent[line.account] += line.cost
        every = self._vendor.book.groups.values()
        return page(
            given,
            [g for g in every if arns is None or self._group(g)["Arn"] in arns],
            "BillingGroupCostReports",
            lambda each: self._report(each, spent),
            most=_PAGE,
            bound=f"{month} {arns}",
            name="NextToken",
            size_name="MaxResults",
        )

    def _report(self, found: Group, spent: Mapping[str, Decimal]) -> Data:
        book = self._vendor.book
        inside = [found.primary]
        if not found.transfer:
            inside = [each.id for each in book.accounts_below(found.owner)]
        cost = sum((spent.get(each, Decimal(0)) for each in inside), Decimal(0))
        shown = (cost * (1 + found.percent / 100)).quantize(_EXACT)
        margin = shown - cost
        percent = margin / shown * 100 if shown else Decimal(0)
        return {
            "Arn": self._arn("billinggroup", found.suffix),
            "AWSCost": f"{cost}",
            "ProformaCost": f"{shown}",
            "Margin": f"{margin}",
            "MarginPercentage": f"{percent:.2f}",
            "Currency": "USD",
        }

    def _listed(self, given: Data, by: Caller, member: str, shown: object) -> Data:
        self._managed(by)
        groups = list(self._vendor.book.groups.values())
        return page(
            given,
            groups,
            member,
            shown,  # type: ignore[arg-type]  # one of the bound methods below
            most=_PAGE,
            name="NextToken",
            size_name="MaxResults",
        )

    def _group(self, found: Group) -> Data:
        accounts, transfers = self._vendor.book.accounts, self._vendor.book.transfers
        grouping: Data = {"AutoAssociate": False}
        missing = not found.transfer and found.primary not in accounts
        shown: Data = {
            "Name": found.name,
            "Arn": self._arn("billinggroup", found.suffix),
            "ComputationPreference": {
                "PricingPlanArn": self._arn("pricingplan", found.suffix)
            },
            "Size": 1,
            "Status": "PRIMARY_ACCOUNT_MISSING" if missing else "ACTIVE",
            "BillingGroupType": "TRANSFER_BILLING" if found.transfer else "STANDARD",
            "AccountGrouping": grouping,
        }
        if found.transfer in transfers:
            grouping["ResponsibilityTransferArn"] = self._vendor.transfer_arn(
                found.transfer
            )
        else:
            shown["PrimaryAccountId"] = found.primary
        return shown

    def _plan(self, found: Group) -> Data:
        arn = self._arn("pricingplan", found.suffix)
        return {"Name": f"plan-{found.name}", "Arn": arn, "Size": 1}

    def _rule(self, found: Group) -> Data:
        return {
            "Name": f"rule-{found.name}",
            "Arn": self._arn("pricingrule", found.suffix),
            "Scope": "GLOBAL",
            "Type": "DISCOUNT" if found.percent < 0 else "MARKUP",
            "ModifierPercentage": float(abs(found.percent)),
            "AssociatedPricingPlanCount": 1,
        }

    def _arn(self, kind: str, suffix: str) -> str:
        owner = self._vendor.book.management
        return f"arn:aws:billingconductor::{owner}:{kind}/{suffix}"

    # Cost Explorer

    def costs(self, given: Data, request: Request, by: Caller) -> Data:
        """Costs by account and service; whole months, the end not included (S18)."""
        del request
        self._managed(by)
        start, end = (date.fromisoformat(given["TimePeriod"][k]) for k in _ENDS)
        wanted = [each["Key"] for each in given.get("GroupBy", [])]
        if given["Granularity"] != "MONTHLY" or len(wanted) > 2 or start >= end:
            raise Refusal("ValidationException", "Months and two groups only.")
        now = self._vendor.clock.now()
        if start < month_after(now, -_HISTORY).date():
            raise Refusal("ValidationException", "Data is kept for 13 months.")
        month = f"{start:%Y-%m}"
        entities = _entities(given.get("Filter"))
        sums = self._sums(month, now, wanted, entities)
        bound = f"{given['TimePeriod']} {wanted} {entities}"
        found = page(
            given,
            sorted(sums.items()),
            "Groups",
            lambda each: {
                "Keys": list(each[0]),
                "Metrics": {"UnblendedCost": {"Amount": f"{each[1]}", "Unit": "USD"}},
            },
            most=_GROUPS_PER_ANSWER,
            bound=bound,
            name="NextPageToken",
        )
        result = {
            "TimePeriod": {"Start": start.isoformat(), "End": end.isoformat()},
            "Total": {},
            "Groups": found.pop("Groups"),
            "Estimated": not self._vendor.costs.invoice(month, now),
        }
        return {"ResultsByTime": [result], **found}

    def _sums(
        self,
        month: str,
        now: datetime,
        wanted: list[str],
        entities: Sequence[str] | None,
    ) -> dict[tuple[str, ...], Decimal]:
        sums: dict[tuple[str, ...], Decimal] = defaultdict(Decimal)
        for line in self._vendor.costs.lines(month, now):
            if entities is not None and line.entity not in entities:
                continue
            sums[tuple(_dimension(line, key) for key in wanted)] += line.cost
        return sums

    # Invoices

    def invoices(self, given: Data, request: Request, by: Caller) -> Data:
        """The invoices of a closed month, for the paying account (S21)."""
        del request
        self._managed(by)
        period = given.get("Filter", {}).get("BillingPeriod")
        if given["Selector"]["ResourceType"] != "ACCOUNT_ID" or period is None:
            text = "Give an account and a billing period."
            raise Refusal("ValidationException", text)
        month = f"{period['Year']:04d}-{period['Month']:02d}"
        now = self._vendor.clock.now()
        mine = given["Selector"]["Value"] == self._vendor.book.management
        items = self._invoices(month, now) if mine else []
        return page(
            given,
            items,
            "InvoiceSummaries",
            lambda each: each,
            most=_PAGE,
            bound=month,
            name="NextToken",
            size_name="MaxResults",
        )

    def _invoices(self, month: str, now: datetime) -> list[Data]:
        """One per seller; none while the month is open."""
        costs = self._vendor.costs
        by_entity: dict[str, list[CostLine]] = {AWS: [], MARKETPLACE: []}
        for line in costs.lines(month, now):
            by_entity[line.entity].append(line)
        return [
            self._invoice(month, costs.invoice(month, now, entity), entity, lines)
            for entity, lines in by_entity.items()
            if lines and costs.invoice(month, now, entity)
        ]

    def _invoice(
        self, month: str, invoice: str, entity: str, lines: list[CostLine]
    ) -> Data:
        costs = self._vendor.costs
        period = first_of(month, costs.epoch)
        tax = sum((each.cost for each in lines if each.kind == "Tax"), Decimal(0))
        total = sum((each.cost for each in lines), Decimal(0))
        issued = costs.final_at(month)
        return {
            "AccountId": self._vendor.book.management,
            "InvoiceId": invoice,
            "IssuedDate": issued.astimezone(UTC),
            "DueDate": issued + timedelta(days=30),
            "Entity": {
                "InvoicingEntity": "Amazon Web Services, Inc.",
                "BillingEntity": "AWS" if entity == AWS else "AWS_MARKETPLACE",
            },
            "BillingPeriod": {"Month": period.month, "Year": period.year},
            "BillType": "ANNIVERSARY",
            "InvoiceType": "INVOICE",
            "BaseCurrencyAmount": {
                "TotalAmount": f"{total}",
                "TotalAmountBeforeTax": f"{total - tax}",
                "CurrencyCode": "USD",
            },
        }

    def _managed(self, by: Caller) -> None:
        if by.account != self._vendor.book.management:
            text = "Only the paying account may read this."
            raise Refusal("AccessDeniedException", text, 403)


_ENDS = ("Start", "End")


def _entities(given: Data | None) -> list[str] | None:
    """The sellers that are asked for; None for all (S18)."""
    if given is None:
        return None
    found: Data = given.get("Dimensions", {})
    if found.get("Key") != "BILLING_ENTITY" or len(given) > 1:
        text = "Filtering by anything but BILLING_ENTITY is not simulated."
        raise Refusal("ValidationException", text)
    return list(found["Values"])


def _dimension(line: CostLine, key: str) -> str:
    known = {"LINKED_ACCOUNT": line.account, "SERVICE": line.title}
    if key not in known:
        raise Refusal("ValidationException", f"Grouping by {key} is not simulated.")
    return known[key]
