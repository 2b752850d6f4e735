"""Lists under their full load: every page, search, filter and order, one by one."""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from entrepot.app import Hub, build_hub
from entrepot.store import new_id, operator_actor
from sqlalchemy import Engine, event

from bench import web
from bench.hubs import settings_of
from bench.listload import (
    CONNECTIONS,
    FAMILY,
    FIRST,
    LANDS,
    LEVELS,
    PLANS,
    SECOND,
)

PASSWORD = "a phrase nobody guesses"
CUSTOMERS, SUBSCRIPTIONS = "/customers?", "/subscriptions?"
PAGES = 15  # of a walk from page to page
ROUNDS = 3  # of every question: what is slow once is the machine's doing
_SORTS = ("name", "contact_name", "contact_email", "custom_id", "orders",
          "purchased_items", "created_at", "updated_at")  # fmt: skip
_WORDS = ["contoso bank", "office4711@", "c99", "77", "00000f1", "-93ac-", "example",
          "nothing here", "qzx", "cloud", "cloud b"]  # fmt: skip

Asked = dict[str, list[str]]


def customers() -> Asked:
    """What is asked of the customers list, by kind: query strings."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    pairs = [f"q={a}{b}" for a, b in itertools.islice(
        itertools.product(letters, letters), 0, None, 17)]  # fmt: skip
    words = [*FIRST, *SECOND, *FAMILY, *_WORDS]
    one = [f"connection_id=con_{at}" for at in range(CONNECTIONS)]
    one += [f"country={land}" for land in LANDS]
    one += ["contact=Ana Silva", "state=merged"]
    several = ["country=NO&country=SE", "connection_id=con_0&connection_id=con_4"]
    two = [f"{a}&{b}" for a, b in itertools.product(one[:5], one[5:])]
    both = ("toys", "qz", "e", "example")
    two += [f"{a}&q={word}" for a, word in itertools.product(one, both)]
    two += [f"{a}&sort=-orders" for a in one]
    return {
        "page": [""] * 20,
        "pairs": [*pairs, "q=qz", "q=zq"],
        "words": [f"q={word}" for word in words],
        "sorts": [f"sort={way}{one}" for one in _SORTS for way in ("", "-")],
        "filters": [*one, *several],
        "combined": two[::3],
        "searched_sorts": [
            f"sort=-{sort}&q={word}" for sort in _SORTS[1:] for word in ("toys", "ea")
        ],
    }


def subscriptions(soon: bool) -> Asked:
    """What is asked of the subscriptions list; `soon`: by the console's categories."""
    words = [*PLANS, *LEVELS, "st", "premium 7", "s4711", "contoso", "toys 1234", "zq",
             "nothing here", "ea", "qzx"]  # fmt: skip
    filters = [f"connection_id=con_{at}" for at in range(CONNECTIONS)]
    filters += [f"status={one}" for one in ("active", "suspended", "ended")]
    filters += ["billing_cycle=monthly", "billing_cycle=annual"]
    filters += ["status=ended&connection_id=con_4", "status=suspended&q=backup"]
    known = ("active", "expiring", "renewing", "trial")
    return {
        "page": [""] * 20,
        **({"categories": [f"category={one}" for one in known] * 4} if soon else {}),
        "search": [f"q={one}" for one in words],
        "filters": filters * 2,
        "sorts": [f"sort={way}{one}" for one in ("name", "id") for way in ("", "-")],
    }


ORDERS: Asked = {
    "page": [""] * 20,
    "sorts": [f"sort={way}{one}" for one in ("ordered_at", "vendor_id", "status")
              for way in ("", "-")] * 2,
    "filters": ["status=pending", "status=completed", "connection_id=con_4",
                "connection_id=con_1", "connection_id=con_4&status=pending",
                "sort=-vendor_id&status=completed"] * 3,
    "search": ["q=pending", "q=O-00000004", "q=PO 77", "q=premium", "q=zq", "q=st"] * 2,
}  # fmt: skip

OPTIONS = [
    f"/customers/options/{name}?find={word}"
    for name, word in [
        *itertools.product(("name",), ("co", "toys", "qz", "contoso b", "zq")),
        *itertools.product(("contact",), ("", "an", "silva")),
        *itertools.product(("country",), ("", "n", "de")),
        *itertools.product(("connection_id",), ("", "cloud", "b")),
    ]
]  # fmt: skip
PALETTE = [f"/search?q={one}" for one in (
    "co", "qz", "zq", "st", "ba", "contoso", "contoso toys", "premium", "ana", "s4711",
    "4711", "example", "nothing here", "office4711@", "backup")]  # fmt: skip
OTHERS: dict[str, list[str]] = {
    "options": OPTIONS,
    "palette": PALETTE,
    "dashboard": ["/"] * 10,
    "mapping": ["/mapping/customers", "/mapping/customers?status=confirmed",
                "/mapping/customers?q=toys", "/mapping/products"] * 2,
    "reconciliation": ["/reconciliation", "/reconciliation?group=customer",
                       "/reconciliation?group=kind", "/reconciliation?named=toys"] * 2,
}  # fmt: skip


def plan(page: str) -> Asked:
    """Everything that is asked of API or console, by kind: whole addresses."""
    console = page == "console"
    base = "" if console else "/api/v1"
    size = "" if console else "limit=50&include=total&"
    lists = [("", CUSTOMERS, customers()),
             ("subscriptions_", SUBSCRIPTIONS, subscriptions(console))]  # fmt: skip
    lists += [] if console else [("orders_", "/orders?", ORDERS)]
    words = _plain if console else _api
    found = {
        f"{prefix}{kind}": [f"{base}{path}{size}{words(one)}" for one in asked]
        for prefix, path, kinds in lists
        for kind, asked in kinds.items()
    }
    return {**found, **(OTHERS if console else {})}


def walks(page: str) -> dict[str, str]:
    """Lists that are walked from page to page, by kind."""
    if page == "console":
        return {
            "next": "/customers?sort=-name",
            "next_filtered": "/customers?country=NO",
            "next_searched": "/customers?q=ea",
            "subscriptions_next": "/subscriptions?status=active",
        }
    return {
        "next": "/api/v1/customers?limit=200&sort=-name",
        "orders_next": "/api/v1/orders?limit=200",
    }


def ask(
    url: str, folder: str, tenant: str, page: str, only: str = ""
) -> dict[str, Any]:
    """Milliseconds of the server for every kind of question, of API or console.

    Args:
        url: The database.
        folder: Where the hub's keys lie.
        tenant: The reseller.
        page: ``api`` or ``console``.
        only: Kinds that begin so; empty = all.
    """
    import entrepot_web.api
    from entrepot_web import serving
    from entrepot_web.app import create_app

    entrepot_web.api.API = "100000000 per minute"
    token = web.token(url, folder, tenant)["token"]
    hub = build_hub(settings_of(url, Path(folder)), web=True)
    try:
        client = create_app(hub).test_client()
        headers = {"Authorization": f"Bearer {token}"}
        if page == "console":
            headers = _signed_in(hub, client, tenant)
        serving.settle_memory()  # as every web process does when it starts
        with counted() as counter:
            asker = _Asker(lambda path: client.get(path, headers=headers), counter)
            return asker.all(page, only)
    finally:
        hub.close()


class _Asker:
    """Asks, and keeps how long each answer took."""

    def __init__(self, get: Callable[[str], Any], counter: _Counter) -> None:
        self._get, self._counter = get, counter

    def all(self, page: str, only: str) -> dict[str, Any]:
        found: dict[str, Any] = {"right": True}
        for kind, asked in plan(page).items():
            if kind.startswith(only):
                self.one(asked[0])  # what is compiled and read once isn't a list's
                rounds = list(asked) * ROUNDS
                told = [self.one(path) for path in rounds]
                found |= _figures(kind, told, rounds)
        for kind, path in walks(page).items():
            if kind.startswith(only):
                paths = [path]
                told = list(self._walk(path, paths))
                found |= _figures(kind, told, paths)
        return found

    def one(self, path: str) -> tuple[float, float, int]:
        return self._timed(path)[0]

    def _timed(self, path: str) -> tuple[tuple[float, float, int], Any]:
        self._counter.statements.clear()
        began, cpu = time.perf_counter(), time.process_time()
        answer = self._get(path)
        spent = (
            time.perf_counter() - began,
            time.process_time() - cpu,
            len(self._counter.statements),
        )
        if answer.status_code != 200:
            msg = f"{path} answered {answer.status_code}: {answer.text[:300]}"
            raise RuntimeError(msg)
        return spent, answer

    def _walk(self, path: str, paths: list[str]) -> Iterator[tuple[float, float, int]]:
        base = path
        for _ in range(PAGES):
            spent, answer = self._timed(path)
            yield spent
            after = _next(answer, base)
            if after is None:
                return
            path = after
            paths.append(path)


def _next(answer: Any, base: str) -> str | None:
    if answer.is_json:
        cursor = answer.get_json()["page"]["next_cursor"]
    else:
        # The last cursor in the page is the one behind it: "next" follows "previous".
        cursor = answer.text.rpartition("cursor=")[2].partition('"')[0]
        cursor = cursor.partition("&")[0]
    return f"{base}&cursor={cursor}" if cursor else None


class _Counter:
    """Statements since they were cleared, with seconds each took in the database."""

    def __init__(self) -> None:
        self.statements: list[str] = []

    def note(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not statement.startswith(("PRAGMA", "BEGIN")):
            self.statements.append(statement)


@contextmanager
def counted() -> Iterator[_Counter]:
    """Count all statements of all engines."""
    counter = _Counter()
    event.listen(Engine, "before_cursor_execute", counter.note)
    try:
        yield counter
    finally:
        event.remove(Engine, "before_cursor_execute", counter.note)


def _figures(
    kind: str, told: Sequence[tuple[float, float, int]], asked: Sequence[str]
) -> dict[str, Any]:
    """Milliseconds, as the clock went and of this process alone, and statements."""
    found: dict[str, Any] = {f"{kind}_queries": max(one[2] for one in told)}
    for place, name in enumerate(("", "cpu_")):
        values = [one[place] * 1000 for one in told]
        ordered = sorted(values)
        found |= {
            f"{kind}_{name}p50": statistics.median(values),
            f"{kind}_{name}p95": ordered[min(len(values) - 1, len(values) * 95 // 100)],
            f"{kind}_{name}max": ordered[-1],
            f"{kind}_{name}worst": asked[values.index(ordered[-1])],
        }
    return found


def _plain(query: str) -> str:
    """The same question in the console's words."""
    return query


def _api(query: str) -> str:
    """The same question in the API's words."""
    parts: dict[str, list[str]] = {}
    for one in filter(None, query.split("&")):
        name, _, value = one.partition("=")
        parts.setdefault(name, []).append(value)
    return "&".join(
        f"{name}={values[0]}"
        if name in ("q", "sort", "cursor", "limit")
        else f"filter[{name}][in]={','.join(values)}"
        for name, values in parts.items()
    )


def _signed_in(hub: Hub, client: Any, tenant: str) -> dict[str, str]:
    person = hub.users.create_user(
        operator_actor(), email=f"{new_id('p')}@example.com", name="Bench",
        password=PASSWORD, tenant_id=tenant, role="owner",
    )  # fmt: skip
    html = client.get("/login").text
    token = html.split('name="csrf_token"')[1].split('value="')[1].split('"')[0]
    fields = {"email": person.email, "password": PASSWORD, "csrf_token": token}
    client.post("/login", data=fields)
    return {}
