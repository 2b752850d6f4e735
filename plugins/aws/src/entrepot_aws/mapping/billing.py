"""Billing groups and their mark-up as facts about customers (§3.4; pure)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

import entrepot_aws.wire as wire
from entrepot_aws.mapping.spelling import amount, facts


@dataclass(frozen=True, slots=True)
class Billing:
    """Attributes of billing groups, by what identifies a customer.

    Attributes:
        by_account: By the primary account.
        by_transfer: By the ARN of the billing transfer.
        groups: The groups themselves by their ARN.
    """

    by_account: Mapping[str, dict[str, str]] = field(default_factory=dict)
    by_transfer: Mapping[str, dict[str, str]] = field(default_factory=dict)
    groups: Mapping[str, wire.BillingGroupWire] = field(default_factory=dict)

    def of_accounts(self, accounts: Iterable[str]) -> dict[str, str]:
        """Of the group whose primary account is one of these; empty without one."""
        for account in accounts:
            if account in self.by_account:
                return self.by_account[account]
        return {}


def billing(
    groups: Iterable[wire.BillingGroupWire],
    plans: Iterable[wire.PricingPlanWire],
    rules: Iterable[wire.PricingRuleWire],
    rules_of: Mapping[str, list[str]],
) -> Billing:
    """All billing groups with plan and mark-up.

    Args:
        groups: Billing groups.
        plans: Pricing plans.
        rules: Pricing rules.
        rules_of: ARNs of the rules of each plan.
    """
    names = {plan.arn: plan.name for plan in plans}
    known = {rule.arn: rule for rule in rules}
    by_account, by_transfer, by_arn = {}, {}, {}
    for group in groups:
        by_arn[group.arn] = group
        plan = group.computation_preference.pricing_plan_arn
        own = [known[arn] for arn in rules_of.get(plan, ()) if arn in known]
        found = {
            **facts(
                billing_group=group.name,
                billing_group_status=group.status,
                pricing_plan=names.get(plan),
            ),
            **_markups(own),
        }
        transfer = group.account_grouping.responsibility_transfer_arn
        if transfer:
            by_transfer[transfer] = found
        elif group.primary_account_id:
            by_account[group.primary_account_id] = found
    return Billing(by_account, by_transfer, by_arn)


def _markups(rules: Iterable[wire.PricingRuleWire]) -> dict[str, str]:
    """The general mark-up in percent, discounts negative; how many rules beside it."""
    general, others = None, 0
    for rule in rules:
        percent = amount(rule.modifier_percentage)
        if rule.scope == "GLOBAL" and percent is not None:
            general = -percent if rule.type == "DISCOUNT" else percent
        else:
            others += 1
    return facts(
        markup_percent=None if general is None else _plain(general),
        special_rules=str(others) if others else None,
    )


def _plain(value: Decimal) -> str:
    return f"{value.normalize():f}"
