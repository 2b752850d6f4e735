"""Calls about money: Billing Conductor, Cost Explorer, invoices, cost export (§3)."""

from __future__ import annotations

from typing import Any

from entrepot_aws import wire
from entrepot_aws.calls import Calls, Part, part, read_part

_MOST = 100
_CE_TOKEN = "NextPageToken"  # noqa: S105 - name of a member


class BillingCalls(Calls):
    """What things cost us, and what Billing Conductor makes of it."""

    # Billing Conductor

    def billing_groups(self) -> list[wire.BillingGroupWire]:
        """All billing groups as of now."""
        return self._conductor(
            "list_billing_groups", "BillingGroups", wire.BillingGroupWire
        )

    def pricing_plans(self) -> list[wire.PricingPlanWire]:
        """All pricing plans."""
        return self._conductor(
            "list_pricing_plans", "PricingPlans", wire.PricingPlanWire
        )

    def pricing_rules(self) -> list[wire.PricingRuleWire]:
        """All pricing rules."""
        return self._conductor(
            "list_pricing_rules", "PricingRules", wire.PricingRuleWire
        )

    def rules_of_plan(self, plan: str) -> list[str]:
        """ARNs of a plan's rules."""
        return self.every(
            "billingconductor",
            "billingconductor",
            "list_pricing_rules_associated_to_pricing_plan",
            "PricingRuleArns",
            str,
            PricingPlanArn=plan,
            MaxResults=_MOST,
        )

    def cost_reports(self, month: str, token: str | None) -> Part[wire.CostReportWire]:
        """One page of what the billing groups cost in a month, with our margin."""
        params: dict[str, object] = {"BillingPeriod": month, "MaxResults": _MOST}
        if token is not None:
            params["NextToken"] = token
        found = self.call(
            "billingconductor",
            "billingconductor",
            "list_billing_group_cost_reports",
            params,
        )
        return part(found, "BillingGroupCostReports", wire.CostReportWire)

    def _conductor(self, operation: str, member: str, kind: type[Any]) -> list[Any]:
        return self.every(
            "billingconductor",
            "billingconductor",
            operation,
            member,
            kind,
            MaxResults=_MOST,
        )

    # Cost Explorer

    def costs(
        self, start: str, end: str, token: str | None, *, only_aws: bool = False
    ) -> Part[wire.CostResultWire]:
        """One page of costs by account and service; `end` is not included (T10).

        Args:
            start: First day.
            end: First day after it.
            token: Of the page before.
            only_aws: Without what was bought in the Marketplace.
        """
        params: dict[str, object] = {
            "TimePeriod": {"Start": start, "End": end},
            "Granularity": "MONTHLY",
            "Metrics": ["UnblendedCost"],
            "GroupBy": [
                {"Type": "DIMENSION", "Key": "LINKED_ACCOUNT"},
                {"Type": "DIMENSION", "Key": "SERVICE"},
            ],
        }
        if only_aws:
            entity = {"Key": "BILLING_ENTITY", "Values": ["AWS"]}
            params["Filter"] = {"Dimensions": entity}
        if token is not None:
            params[_CE_TOKEN] = token
        found = self.call("ce", "ce", "get_cost_and_usage", params)
        items = found.get("ResultsByTime", ())
        return Part(
            [read_part(item, wire.CostResultWire) for item in items],
            found.get(_CE_TOKEN) or None,
        )

    # Invoices

    def invoices(self, account: str, year: int, month: int) -> list[wire.InvoiceWire]:
        """Invoices of a billing period, without lines (§3.6)."""
        return self.every(
            "invoicing",
            "invoicing",
            "list_invoice_summaries",
            "InvoiceSummaries",
            wire.InvoiceWire,
            Selector={"ResourceType": "ACCOUNT_ID", "Value": account},
            Filter={"BillingPeriod": {"Month": month, "Year": year}},
            MaxResults=_MOST,
        )

    # Files of the cost export

    def objects(self, bucket: str, prefix: str) -> list[wire.ObjectWire]:
        """All objects below a prefix."""
        found: list[wire.ObjectWire] = []
        token: str | None = None
        while True:
            paged = {} if token is None else {"ContinuationToken": token}
            given = {"Bucket": bucket, "Prefix": prefix, **paged}
            page = self.call("s3", "s3", "list_objects_v2", given)
            contents = page.get("Contents", ())
            found += [read_part(item, wire.ObjectWire) for item in contents]
            token = page.get("NextContinuationToken")
            if not token:
                return found

    def bytes_of(
        self, bucket: str, found: wire.ObjectWire, start: int, end: int
    ) -> bytes:
        """Bytes `start` up to, not including, `end` of one version of an object.

        Raises:
            Retryable: The object was replaced in the meantime.
        """
        params = {
            "Bucket": bucket,
            "Key": found.key,
            "Range": f"bytes={start}-{end - 1}",
            "IfMatch": found.etag,
        }
        answer = self.call("s3", "s3", "get_object", params)
        content: bytes = answer["Body"].read()
        return content
