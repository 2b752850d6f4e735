"""BigQuery's REST answers to questions about the billing export (§8.3).

It reads of a question what it needs: the table, the wanted columns, the grouping by
day or by invoice month, and the named parameters. What it does not understand it
refuses as BigQuery refuses a wrong query.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
from entrepot.sdk.simulator import json_response
from werkzeug.wrappers import Request, Response

from entrepot_google.simulator.ledger import Ledger, Row
from entrepot_google.simulator.model import Wire
from entrepot_google.simulator.refusals import legacy

if TYPE_CHECKING:
    from entrepot_google.simulator.app import GoogleSimulator

_TABLE = re.compile(r"FROM `([^`]+)`")
_COLUMN = re.compile(r"(\w+)\s*$")
_QUERIES = "/bigquery/v2/projects/<project>/queries"
_USUAL = 10_000


@dataclass(slots=True)
class _Job:
    columns: list[str]
    rows: list[list[str | None]]
    waits: int
    location: str


class BigQueryApi:
    """``jobs.query`` and ``jobs.getQueryResults``."""

    def __init__(self, vendor: GoogleSimulator, ledger: Ledger) -> None:
        self._vendor, self._ledger = vendor, ledger
        self._jobs: dict[str, _Job] = {}
        vendor.route("POST", _QUERIES, self.query)
        vendor.route("GET", f"{_QUERIES}/<job>", self.results)

    def query(self, request: Request, project: str) -> Response:
        """Run a question; the first rows come at once unless it is slow."""
        body = msgspec.json.decode(request.get_data() or b"{}")
        text = str(body.get("query", ""))
        self._check(project, text, body)
        columns = _columns(text)
        given = {p["name"]: p["parameterValue"] for p in body["queryParameters"]}
        with self._vendor.lock:
            rows = self._answer(request, text, columns, given)
            name = f"job_{len(self._jobs) + 1:06d}"
            location = str(body.get("location") or "US")
            self._jobs[name] = _Job(columns, rows, self._vendor.slow_queries, location)
        size = int(body.get("maxResults") or _USUAL)
        return self._page(project, name, 0, size, "bigquery#queryResponse")

    def results(self, request: Request, project: str, job: str) -> Response:
        """Further rows, or the first ones of a slow question."""
        if job not in self._jobs:
            raise legacy(404, "notFound", f"Not found: Job {project}:{job}")
        start = int(request.args.get("pageToken") or "0")
        size = int(request.args.get("maxResults") or _USUAL)
        kind = "bigquery#getQueryResultsResponse"
        return self._page(project, job, start, size, kind)

    def forget(self) -> None:
        """Answers are no longer kept."""
        self._jobs.clear()

    def _page(
        self, project: str, name: str, start: int, size: int, kind: str
    ) -> Response:
        job = self._jobs[name]
        reference = {"projectId": project, "jobId": name, "location": job.location}
        if job.waits:
            job.waits -= 1
            waiting = {"kind": kind, "jobReference": reference, "jobComplete": False}
            return json_response(waiting)
        chunk, end = job.rows[start : start + size], start + size
        made: Wire = {
            "kind": kind,
            "jobReference": reference,
            "jobComplete": True,
            "totalRows": str(len(job.rows)),
            "schema": {
                "fields": [
                    {"name": each, "type": "STRING", "mode": "NULLABLE"}
                    for each in job.columns
                ]
            },
        }
        if chunk:
            made["rows"] = [{"f": [{"v": value} for value in row]} for row in chunk]
        if end < len(job.rows):
            made["pageToken"] = str(end)
        return json_response(made)

    def _check(self, project: str, text: str, body: Wire) -> None:
        if project != self._vendor.authority.project:
            raise legacy(403, "accessDenied", f"Access Denied: Project {project}")
        match = _TABLE.search(text)
        if match is None or body.get("useLegacySql") is not False:
            raise legacy(400, "invalidQuery", "Syntax error: expected a query.")
        if match[1] != self._vendor.billing_table:
            table = match[1].replace(".", ":", 1)
            raise legacy(404, "notFound", f"Not found: Table {table}")

    def _answer(
        self, request: Request, text: str, columns: list[str], given: dict[str, Any]
    ) -> list[list[str | None]]:
        """Filter, group and sum as the question says, by month or by day."""
        by_day = "GROUP BY day" in text
        months, keep = _filter(given, by_day=by_day)
        rows = [
            r for r in self._ledger.rows(months, self._vendor.clock.now()) if keep(r)
        ]
        keys = [name for name in columns if name in _group(text)]
        groups: dict[tuple[str, ...], list[Row]] = {}
        for row in rows:
            groups.setdefault(tuple(_plain(row, k) for k in keys), []).append(row)
        strange = self._vendor.struck(request).get("exact_amount")
        made = []
        for key in sorted(groups):
            values = [_value(groups[key], name) for name in columns]
            if strange is not None:
                values[columns.index("cost")] = strange.value
            made.append(values)
        return made


def _columns(text: str) -> list[str]:
    """Names of the wanted columns, in their order."""
    head = text.split("SELECT", 1)[1].split("FROM `", 1)[0]
    parts, depth, begin = [], 0, 0
    for place, char in enumerate(head):
        depth += {"(": 1, ")": -1}.get(char, 0)
        if char == "," and depth == 0:
            parts.append(head[begin:place])
            begin = place + 1
    found = [_COLUMN.search(part.strip()) for part in (*parts, head[begin:])]
    names = [match[1] if match else "" for match in found]
    for name in names:
        if name not in _KNOWN:
            raise legacy(400, "invalidQuery", f"Unrecognized name: {name}")
    return names


def _group(text: str) -> set[str]:
    clause = text.split("GROUP BY", 1)[-1].split("ORDER BY", 1)[0]
    return set(re.findall(r"\w+", clause))


def _filter(
    given: dict[str, Any], *, by_day: bool
) -> tuple[list[str], Callable[[Row], bool]]:
    customer = given.get("customer", {}).get("value", "")

    def own(row: Row) -> bool:
        return customer in ("", row.customer_name)

    if not by_day:
        values = given["months"].get("arrayValues") or []
        return [each["value"] for each in values], own
    first = date.fromisoformat(given["first"]["value"])
    after = date.fromisoformat(given["after"]["value"])
    days = [first + timedelta(days=n) for n in range((after - first).days)]
    months = sorted({day.strftime("%Y%m") for day in days})

    def metered(row: Row) -> bool:
        fits = row.cost_type == "regular" and not row.usage_type
        return own(row) and fits and first <= row.first < after

    return months, metered


_SUMS = ("quantity", "cost", "credits", "cost_at_list", "customer_cost")
_KNOWN = {
    *Row.__slots__,
    *_SUMS,
    "day",
    "starts_on",
    "ends_on",
    "channel_partner_name",
}


def _plain(row: Row, name: str) -> str:
    if name == "day":
        return row.first.isoformat()
    if name == "channel_partner_name":
        return ""
    return str(getattr(row, name))


def _value(rows: Sequence[Row], name: str) -> str | None:
    if name == "starts_on":
        return min(row.first for row in rows).isoformat()
    if name == "ends_on":
        return max(row.after for row in rows).isoformat()
    if name in _SUMS:
        return _sum(rows, name)
    return _plain(rows[0], name)


def _sum(rows: Iterable[Row], name: str) -> str | None:
    # Workspace rows have no repricing: what the customer is charged is the cost (§8.1).
    source = "cost" if name == "customer_cost" else name
    values = [getattr(row, source) for row in rows]
    told = [value for value in values if value is not None]
    return format(sum(told, Decimal(0)).normalize(), "f") if told else None
