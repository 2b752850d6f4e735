"""The customers list under its full load: loaded by sets, then asked page by page."""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from entrepot.app import Hub, build_hub
from entrepot.hub.connections.tables import Connection
from entrepot.hub.customers.jobs import derive_piece
from entrepot.hub.customers.tables import Contact, Customer, CustomerAccount
from entrepot.hub.subscriptions.tables import SubscriptionRow
from entrepot.hub.sync.bulk import _defaults as defaults_of
from entrepot.hub.sync.driver import Same, insert_columns
from entrepot.store import TenantScope, new_id, operator_actor
from entrepot.store.ids import new_ids

from bench import web
from bench.hubs import hub_on, prepare, settings_of

EACH = 10  # subscriptions of one customer
FIRST = ("Adventure", "Alpine", "Bellows", "Cedar", "Coho", "Contoso", "Fabrikam",
         "Fourth", "Graphic", "Humongous", "Lamna", "Litware", "Margie", "Northwind",
         "Proseware", "Relecloud", "Tailspin", "Trey", "Wide", "Woodgrove")  # fmt: skip
SECOND = ("Bank", "Bikes", "Coffee", "College", "Cycles", "Design", "Health", "House",
          "Insurance", "Power", "Research", "Tours", "Toys", "Traders", "Travel",
          "Winery", "Works")  # fmt: skip
GIVEN = ("Ana", "Bo", "Cleo", "Dag", "Eva", "Finn", "Gia", "Hugo", "Ida", "Jon")
FAMILY = ("Silva", "Brandt", "Moe", "Okafor", "Rossi", "Novak", "Haas", "Lind")
LANDS = ("NO", "SE", "DK", "FI", "DE", "NL", "GB", "FR")
CONNECTIONS = 5
PLANTED = 50_021  # of every so many customers one has the rare pair of letters


def load(url: str, folder: str, objects: int) -> dict[str, Any]:
    """A reseller with so many subscriptions of a tenth as many customers."""
    home = Path(folder)
    tenant = prepare(url, home)
    began = time.perf_counter()
    with hub_on(url, home) as hub:
        _fill(hub, tenant, objects // EACH)
    return {"tenant": tenant, "wall": time.perf_counter() - began, "right": True}


def derive(url: str, folder: str, tenant: str, objects: int) -> dict[str, Any]:
    """What the rows of all customers say of others, by the product's own job."""
    last, derived, began = "", 0, time.perf_counter()
    with hub_on(url, Path(folder)) as hub:
        while True:
            done = derive_piece(hub.store, tenant, str(last))
            derived += int(done["count"])
            if not (last := done["last"]):
                break
    wall = time.perf_counter() - began
    return {"wall": wall, "right": derived == objects // EACH}


def _fill(hub: Hub, tenant: str, count: int) -> None:
    now = hub.clock.now()
    with hub.store.unit(TenantScope(tenant)) as session:
        for at in range(CONNECTIONS):
            session.add(
                Connection(
                    id=f"con_{at}",
                    tenant_id=tenant,
                    plugin="bench",
                    kind="vendor",
                    name=f"Cloud {'ABCDE'[at]}",
                    settings={},
                    state="active",
                    notification_key=new_id("ntf"),
                    created_at=now,
                )
            )
    names = [_name(at) for at in range(count)]
    customers, accounts = new_ids("cus", count), new_ids("acc", count)
    vendors = [f"{at:08x}-93ac-4377-d408-{at * 7919:012x}" for at in range(count)]
    # The last connection has a handful, the others all the rest.
    homes = [f"con_{at % 4 if at % 9973 else 4}" for at in range(count)]
    common = {"tenant_id": Same(tenant), "row_hash": Same(1), "known_at": Same(now)}
    with hub.store.unit(TenantScope(tenant)) as session:
        connection = session.connection()

        def insert(table: Any, columns: dict[str, Any], rows: int) -> None:
            columns.update(defaults_of(table, columns))
            insert_columns(connection, table, columns, rows)

        insert(
            Customer.__table__,
            {
                "id": customers, "tenant_id": Same(tenant), "name": names,
                "sort_name": [one.lower() for one in names],
                "search_text": [one.lower() for one in names],
                "created_at": Same(now), "updated_at": Same(now),
            },
            count,
        )  # fmt: skip
        insert(
            CustomerAccount.__table__,
            {
                **common, "id": accounts, "connection_id": homes, "name": names,
                "vendor_id": vendors, "customer_id": customers,
                "domain": [f"c{at}.example" for at in range(count)],
                "country": [LANDS[at % 4 * 2 + at % 2] for at in range(count)],
                "status": Same("active"),
            },
            count,
        )  # fmt: skip
        insert(
            Contact.__table__,
            {
                **common, "id": new_ids("pco", count), "connection_id": homes,
                "vendor_id": [f"p{at}" for at in range(count)], "owner_id": vendors,
                "first_name": [GIVEN[at % 10] for at in range(count)],
                "last_name": [FAMILY[at % 8] for at in range(count)],
                "email": [f"office{at}@c{at}.example" for at in range(count)],
                "is_primary": Same(True),
            },
            count,
        )  # fmt: skip
        total = count * EACH
        insert(
            SubscriptionRow.__table__,
            {
                **common, "id": new_ids("sub", total),
                "connection_id": _each(homes), "account_id": _each(accounts),
                "vendor_id": [f"s{at}" for at in range(total)],
                "customer_vendor_id": _each(vendors), "sku": Same("A"),
                "name": Same("Business Premium"), "quantity": Same(Decimal(7)),
                "status": Same("active"), "billing_cycle": Same("monthly"),
            },
            total,
        )  # fmt: skip


def _each(values: list[str]) -> list[str]:
    return [one for one in values for _ in range(EACH)]


def _name(at: int) -> str:
    rare = " Qzx" if at % PLANTED == 17 else ""
    return f"{FIRST[at % 20]} {SECOND[at // 20 % 17]} {at}{rare}"


def questions() -> dict[str, list[str]]:
    """What is asked, by kind: query strings of the list."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    pairs = [f"q={a}{b}" for a, b in itertools.islice(
        itertools.product(letters, letters), 0, None, 17)]  # fmt: skip
    words = [*FIRST, *SECOND, *FAMILY]
    words += ["contoso bank", "office4711@", "c99", "77", "00000f1", "-93ac-"]
    words += ["example", "nothing here", "qzx"]
    sorts = ("-name", "contact_name", "contact_email", "custom_id", "-orders",
             "-purchased_items", "created_at", "-updated_at")  # fmt: skip
    one = [f"filter[connection_id]=con_{at}" for at in range(CONNECTIONS)]
    one += [f"filter[country]={land}" for land in LANDS]
    one += ["filter[contact]=Ana Silva", "filter[state]=merged"]
    two = [f"{a}&{b}" for a, b in itertools.product(one[:5], one[5:])]
    two += [f"{a}&q={word}" for a, word in itertools.product(one, ("toys", "qz", "e"))]
    return {
        "page": [""] * 30,
        "pairs": [*pairs, "q=qz", "q=zq"],
        "words": [f"q={word}" for word in words],
        "sorts": [f"sort={one}" for one in sorts] * 3,
        "filters": one * 2,
        "combined": two,
    }


def ask(url: str, folder: str, tenant: str, page: str) -> dict[str, Any]:
    """Milliseconds of the server for every kind of question, of API or console."""
    import entrepot_web.api
    from entrepot_web.app import create_app

    entrepot_web.api.API = "100000000 per minute"
    token = web.token(url, folder, tenant)["token"]
    hub = build_hub(settings_of(url, Path(folder)), web=True)
    try:
        client = create_app(hub).test_client()
        if page == "console":
            headers, base = _signed_in(hub, client, tenant), "/customers?"
        else:
            headers = {"Authorization": f"Bearer {token}"}
            base = "/api/v1/customers?limit=50&include=total&"
        found: dict[str, Any] = {"right": True}
        for kind, asked in questions().items():
            times = []
            for query in asked:
                path = base + (_plain(query) if page == "console" else query)
                began, cpu = time.perf_counter(), time.process_time()
                answer = client.get(path, headers=headers)
                spent = (time.perf_counter() - began, time.process_time() - cpu)
                times.append(spent)
                found["right"] &= answer.status_code == 200
            found |= _figures(kind, times, asked)
        if page == "api":
            found |= _figures("next", list(_walk(client, headers)), [])
        return found
    finally:
        hub.close()


def _walk(client: Any, headers: dict[str, str]) -> Iterator[tuple[float, float]]:
    base = path = "/api/v1/customers?limit=200&sort=-name"
    for _ in range(40):
        began, cpu = time.perf_counter(), time.process_time()
        answer = client.get(path, headers=headers).get_json()
        yield (time.perf_counter() - began, time.process_time() - cpu)
        path = f"{base}&cursor={answer['page']['next_cursor']}"


def _figures(
    kind: str, times: list[tuple[float, float]], asked: list[str]
) -> dict[str, Any]:
    """Milliseconds: as the clock went, and of this process alone."""
    found: dict[str, Any] = {}
    for place, name in enumerate(("", "cpu_")):
        values = [one[place] * 1000 for one in times]
        ordered = sorted(values)
        found |= {
            f"{kind}_{name}p50": statistics.median(values),
            f"{kind}_{name}p95": ordered[min(len(values) - 1, len(values) * 95 // 100)],
            f"{kind}_{name}max": ordered[-1],
        }
        if asked:
            found[f"{kind}_{name}worst"] = asked[values.index(ordered[-1])]
    return found


def _plain(query: str) -> str:
    """The same question in the console's words."""
    for name in ("connection_id", "country", "contact", "state"):
        query = query.replace(f"filter[{name}]", name)
    return query


def _signed_in(hub: Hub, client: Any, tenant: str) -> dict[str, str]:
    person = hub.users.create_user(
        operator_actor(), email=f"{new_id('p')}@example.com", name="Bench",
        password=web_password(), tenant_id=tenant, role="owner",
    )  # fmt: skip
    html = client.get("/login").text
    token = html.split('name="csrf_token"')[1].split('value="')[1].split('"')[0]
    fields = {"email": person.email, "password": web_password(), "csrf_token": token}
    client.post("/login", data=fields)
    return {}


def web_password() -> str:
    """What the bench's person signs in with."""
    return "a phrase nobody guesses"
