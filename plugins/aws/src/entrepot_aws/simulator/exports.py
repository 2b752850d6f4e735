"""Writes the cost export into a bucket, as a data export does (S20)."""

from __future__ import annotations

import csv
import gzip
import io
from datetime import datetime
from typing import TYPE_CHECKING

from entrepot_aws.simulator.costs import (
    AWS,
    MARKETPLACE,
    CostBook,
    CostLine,
    first_of,
)
from entrepot_aws.simulator.generate import month_after

if TYPE_CHECKING:
    from entrepot_aws.simulator.app import AwsSimulator

PREFIX = "cur/entrepot/"
MONTHS = 3  # closed ones beside the open one
_LINES_PER_FILE = 50_000
_MOMENT = "%Y-%m-%dT%H:%M:%SZ"
_COLUMNS = (
    "identity_line_item_id",
    "bill_bill_type",
    "bill_billing_entity",
    "bill_invoice_id",
    "bill_invoicing_entity",
    "bill_payer_account_id",
    "bill_billing_period_start_date",
    "bill_billing_period_end_date",
    "line_item_usage_account_id",
    "line_item_usage_account_name",
    "line_item_line_item_type",
    "line_item_usage_start_date",
    "line_item_usage_end_date",
    "line_item_product_code",
    "line_item_usage_type",
    "line_item_operation",
    "line_item_resource_id",
    "line_item_usage_amount",
    "line_item_currency_code",
    "line_item_unblended_rate",
    "line_item_unblended_cost",
    "line_item_line_item_description",
    "pricing_unit",
    "pricing_public_on_demand_cost",
    "resource_tags",
)


class Exporter:
    """Keeps the bucket in step with the costs; written when somebody looks.

    Args:
        vendor: The simulator; its switch ``cur_mode`` is ``overwrite`` or ``new``.
    """

    def __init__(self, vendor: AwsSimulator) -> None:
        self._vendor = vendor
        self._new = vendor.options.extra.get("cur_mode", "overwrite") == "new"
        self._state: tuple[object, ...] = ()
        self._keys: list[str] = []
        self._deliveries = 0
        self.bucket = f"costs-{vendor.book.management}"
        vendor.moto.bucket(self.bucket)

    def months(self) -> list[str]:
        """Billing months that are exported, oldest first."""
        now = self._vendor.clock.now()
        every = [month_after(now, -back) for back in range(MONTHS, -1, -1)]
        return [f"{each:%Y-%m}" for each in every]

    def refresh(self) -> None:
        """Write the files afresh when anything has changed since the last delivery."""
        costs, now = self._vendor.costs, self._vendor.clock.now()
        # Up to three deliveries a day (§3.5).
        book = costs.book
        held = (len(book.accounts), len(book.agreements))
        state = (costs.version, now.date(), now.hour // 8, held)
        if state == self._state:
            return
        self._state = state
        self._deliveries += 1
        if not self._new:
            for key in self._keys:
                self._vendor.moto.remove(self.bucket, key)
            self._keys.clear()
        for month in self.months():
            self._write(costs, month, now)

    def _write(self, costs: CostBook, month: str, now: datetime) -> None:
        lines = list(costs.lines(month, now))
        folder = f"{PREFIX}data/BILLING_PERIOD={month}/"
        if self._new:
            folder += f"{now:%Y%m%dT%H%M%SZ}-{self._deliveries:04d}/"
        for number, start in enumerate(range(0, len(lines), _LINES_PER_FILE), 1):
            part = lines[start : start + _LINES_PER_FILE]
            key = f"{folder}entrepot-{number:05d}.csv.gz"
            content = gzip.compress(self.csv(costs, month, part, now), 1, mtime=0)
            self._vendor.moto.put(self.bucket, key, content, now)
            self._keys.append(key)

    def csv(
        self, costs: CostBook, month: str, lines: list[CostLine], now: datetime
    ) -> bytes:
        """Lines in the columns of the export (§3.6)."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(_COLUMNS)
        start = first_of(month, now)
        days = (
            f"{start:%Y-%m-%dT%H:%M:%SZ}",
            f"{month_after(start):%Y-%m-%dT%H:%M:%SZ}",
        )
        payer = self._vendor.book.management
        invoices = {e: costs.invoice(month, now, e) for e in (AWS, MARKETPLACE)}
        for number, line in enumerate(lines):
            # Made anew with every delivery: nobody may rely on it.
            identity = f"{self._deliveries}-{number}"
            described = (
                f"${line.rate.normalize():f} per {line.unit}"
                if line.unit
                else line.kind
            )
            writer.writerow(
                (
                    identity,
                    line.bill_type,
                    line.entity,
                    invoices[line.entity],
                    "Amazon Web Services, Inc.",
                    payer,
                    *days,
                    line.account,
                    line.account_name,
                    line.kind,
                    *days,
                    line.product,
                    line.usage,
                    line.operation,
                    "",
                    line.quantity,
                    "USD",
                    line.rate if line.unit else "",
                    line.cost,
                    described,
                    line.unit,
                    line.cost if line.unit else "",
                    "{}",
                )
            )
        return text.getvalue().encode()
