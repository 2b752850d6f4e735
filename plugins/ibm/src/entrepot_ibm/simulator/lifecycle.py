"""What time does to accounts and instances (§4.4, §6.1, B13, B20)."""

from __future__ import annotations

from datetime import datetime

from entrepot_ibm.simulator import catalog
from entrepot_ibm.simulator.model import Account, Instance


def settle(account: Account, now: datetime) -> None:
    """Let time pass for one account up to now."""
    if account.parent_due is not None and account.parent_due <= now:
        account.parent, account.parent_due = account.parent_wanted, None
    for instance in account.instances.values():
        _finish(instance, now)
        _reclaim(instance, now)


def _finish(instance: Instance, now: datetime) -> None:
    operation = instance.operation
    if operation.due is None or operation.due > now:
        return
    when, operation.due, operation.cancelable = operation.due, None, False
    operation.state = "failed" if operation.fails else "succeeded"
    if operation.fails:
        operation.description = "The broker could not carry this out."
    if operation.type == "create":
        turn(instance, "failed" if operation.fails else "active", when)
    elif operation.type == "reclamation_restore":
        turn(instance, "active", when)
        instance.restored, instance.reclaim_at = when, None
        instance.reclamation_id = instance.reclamation_state = ""
    instance.updated = when


def _reclaim(instance: Instance, now: datetime) -> None:
    when = instance.reclaim_at
    if instance.state == "pending_reclamation" and when is not None and when <= now:
        remove(instance, when)


def remove(instance: Instance, when: datetime) -> None:
    """The instance is gone for good; it stays readable (T09)."""
    turn(instance, "removed", when)
    instance.deleted, instance.reclaim_at = when, None
    instance.reclamation_state = instance.reclamation_id = ""


def turn(instance: Instance, state: str, when: datetime) -> None:
    """Another state from that moment on."""
    instance.state, instance.since, instance.updated = state, when, when


def suspend(account: Account, when: datetime) -> None:
    """The account is suspended: its group and all it runs with it (B10)."""
    account.state, account.group_state, account.updated = "SUSPENDED", "SUSPENDED", when
    for instance in account.instances.values():
        if instance.state == "active":
            turn(instance, "inactive", when)
            instance.operation.type = "disable"
            instance.operation.reason_code = "IBMCLOUD_ACCT_SUSPEND"


def reactivate(account: Account, when: datetime) -> None:
    """The account runs again, and what the suspension had stopped."""
    account.state, account.group_state, account.updated = "ACTIVE", "ACTIVE", when
    for instance in account.instances.values():
        suspended = instance.operation.reason_code == "IBMCLOUD_ACCT_SUSPEND"
        if instance.state == "inactive" and suspended:
            turn(instance, "active", when)
            instance.operation.type = "enable"
            instance.operation.reason_code = "IBMCLOUD_ACCT_ACTIVATE"


def change_plan(instance: Instance, plan_id: str, when: datetime) -> None:
    """Another plan of the same service; the history grows (B16)."""
    instance.plan_id, instance.updated = plan_id, when
    instance.plans.append((plan_id, when))
    plan = catalog.PLANS[plan_id]
    if plan.seats and plan.seats not in instance.extensions:
        instance.extensions[plan.seats] = 1
