"""Every page of the console, found by its routes, and books that fill them all."""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from runpy import run_path
from typing import Any

import pytest
from entrepot.hub.connections.tables import Connection
from entrepot.hub.customers.importing import COLUMNS
from entrepot.hub.customers.tables import CustomerAccount
from entrepot.hub.notifications.tables import CustomerNotification
from entrepot.hub.reconciliation.rules_store import RuleWish
from entrepot.hub.subscriptions.tables import SubscriptionRow
from entrepot.store import TenantScope, new_id
from entrepot_web.translations import catalog
from flask import Flask
from itsdangerous import TimestampSigner
from sqlalchemy import select

differences = run_path(str(Path(__file__).with_name("differences.py")))["differences"]
NO_PAGES = {
    "/account/address/<token>": "a link of a mail; leads back to the account",
    "/customers/<customer_id>/activity/newest": "a part of a page",
    "/customers/<customer_id>/inventory": "leads to the customer",
    "/customers/<customer_id>/summary": "a part of a page",
    "/customers/options/<name>": "a part of a page",
    "/language/<code>": "leads back",
    "/mapping": "leads to the customers",
    "/mapping/<any(customers,products):what>/<any(decide,preview):_act>": "leads back",
    "/metrics": "for machines",
    "/notices/bell": "a part of a page",
    "/notify/<key>": "for vendors",
    "/readyz": "for machines",
    "/healthz": "for machines",
    "/reconciliation/decide": "leads back",
    "/reconciliation/export": "a file",
    "/reconciliation/issues/<issue_id>/decide": "leads back",
    "/reconciliation/plans/<plan_id>/<any(approve,apply,discard):_what>": "leads back",
    "/session": "for scripts",
    "/sync-runs/active": "a part of a page",
    "/verify": "another page asks for the password",
}
"""Routes that people call without seeing a page of their own, and why."""
POLLED = ("/progress", "/newest", "/active", "/bell")
"""How the parts of pages end that a browser asks for again and again."""
STRANGERS = {"/login", "/reset", "/reset/<token>", "/login/second"}
"""Pages of people who aren't signed in; those that need a link have own tests."""
IN_ENGLISH = ("/api/docs", "/plugins", "/help")
"""What machines and authors of plugins say; the guide is compared elsewhere."""
MACHINES = ("/api/v1/", "/static/", "/fs-static/", "/login/company", "/login/passkey")
DATA = {"3 of 7 pages were read", "The sign-in has expired."}
"""What the books of the tests say, in whatever language."""
_FILE = re.compile(r"\.[a-z]+$|/progress$")
"""Files, and the parts of pages that tell how far something is."""
_ENGLISH = re.compile(r"\b(the|is|are|were|with|not|can't|this|which|from|by|no|has)\b")
_CHOICE = re.compile(r"<any\(([^)]*)\):\w+>")
_PARAMETER = re.compile(r"<(?:\w+(?:\([^)]*\))?:)?(\w+)>")


@dataclass(frozen=True)
class World:
    """What fills the pages: the ids in their addresses, and further addresses.

    Attributes:
        ids: By parameter, or by first part of the path and parameter.
        queries: What a page's path needs besides.
        more: Addresses that show another state of a page.
        email: Of an owner who is operator, too: they may open every page.
    """

    ids: Mapping[str, str]
    queries: Mapping[str, str]
    more: tuple[str, ...]
    email: str


def rules(app: Flask) -> Iterator[str]:
    """Yield the rule of every page that a person who is signed in may open."""
    for rule in app.url_map.iter_rules():
        elsewhere = rule.rule in NO_PAGES or rule.rule in STRANGERS
        if rule.rule.startswith(MACHINES) or _FILE.search(rule.rule):
            continue
        if "GET" in (rule.methods or ()) and not elsewhere:
            yield rule.rule


def addresses(app: Flask, world: World) -> list[str]:
    """Return the address of every page, each at least once.

    Raises:
        KeyError: A rule has a parameter that the world knows nothing of: add it there.
    """
    found = [
        path + world.queries.get(path, "")
        for rule in rules(app)
        for path in _filled(rule, world.ids)
    ]
    return sorted({*found, *world.more})


def _filled(rule: str, ids: Mapping[str, str]) -> Iterator[str]:
    chosen = _CHOICE.search(rule)
    if chosen:
        for choice in chosen[1].split(","):
            yield from _filled(rule.replace(chosen[0], choice.strip(), 1), ids)
        return
    module = rule.split("/")[1]

    def value(found: re.Match[str]) -> str:
        return ids.get(f"{module} {found[1]}") or ids[found[1]]

    yield _PARAMETER.sub(value, rule)


def world(web: Any, store: Any, tenant_id: str, books: Any) -> World:
    """Fill what books lack so that every page has something to show."""
    hub = web.hub
    user = web.person(tenant_id, "support", "Bo Chen")
    all_seeing = hub.users.create_user(
        web.above(),
        email=f"{new_id('p')}@example.com",
        name="Olga Berg",
        password=web.password,
        tenant_id=tenant_id,
        role="owner",
        operator=True,
    )
    owner = hub.users.actor_for(web.person(tenant_id, name="Cleo Marsh"), tenant_id)
    hub.credentials.create_credential(owner, name="Meter", scopes=("customers:read",))
    hub.customers.fields.add(owner, key="tier", label="Tier", kind="text")
    taken = hub.customers.imports.run(
        owner, name="customers.csv", text=_file("Sol", "Måne"), dry_run=False
    )
    bench = differences(store, hub.clock.now(), tenant_id, books)
    customer, psa = books.customers[5], books.psa
    mine = select(CustomerAccount.id).where(CustomerAccount.customer_id == customer)
    known = Connection(
        id=new_id("con"), tenant_id=tenant_id, plugin="aws", kind="vendor",
        name="Cumulus West", settings={}, state="active", account_name="Northpeak",
        notification_key=new_id("ntf"), created_at=hub.clock.now(),
    )  # fmt: skip
    with store.unit(TenantScope(tenant_id)) as session:
        account = session.scalars(mine).one()
        session.add(known)
        session.flush()
        shown = session.get(SubscriptionRow, books.subscriptions[1])
        shown.connection_id = known.id
        session.add(
            CustomerNotification(
                id=new_id("ntf"), tenant_id=tenant_id, customer_id=customer,
                kind="renewal", subject_kind="subscription", subject_id=shown.id,
                fact_at=hub.clock.now(), facts={"name": "Suite", "date": "2026-12-01"},
                source="sync:1", state="failed", created_at=hub.clock.now(),
            )
        )  # fmt: skip
        shown.attributes = {"email": "root@x.example", "arn": "arn:aws:x", "own": "1"}
    hub.mapping.refresh_suggestions(owner, psa)
    wish = RuleWish(
        psa_connection_id=psa, kind="price", body={"mode": "markup", "value": "12.5"}
    )
    ids = {
        "customer_id": customer,
        "subscription_id": books.subscriptions[1],
        "subscriptions name": "account",
        "connection_id": known.id,
        "sync-runs run_id": books.run,
        "reconciliation run_id": bench["after"],
        "issue_id": bench["QUANTITY_UNDERBILLED"],
        "plan_id": bench["plan"],
        "rule_id": hub.reconciliation.rules.set(owner, wish).id,
        "import_id": taken.id,
        "tenant_id": tenant_id,
        "user_id": user.id,
        "help name": "reconciliation",
    }
    works = getattr(hub.customers, "works", None)
    if works is not None:
        ids["work_id"] = works.edit(owner, {"country": "NO"}, {}, books.customers[:2])
    choose = f"?psa={psa}&key={account}"
    queries = {
        "/reconciliation/rules/new": f"?psa={psa}&kind=price",
        "/mapping/customers/choose": choose,
        "/mapping/customers/shares": choose,
        "/mapping/products/choose": f"?psa={psa}&key={books.vendor}|SKU-0",
        "/reconciliation/changes": f"?before={bench['before']}&after={bench['after']}",
        "/renewals": "?from=2026-01-01&to=2027-12-31",
    }
    more = (
        f"/customers/{customer}/accounts?q=co",
        f"/connections/{books.vendor}",
        f"/subscriptions/{books.subscriptions[0]}",
        f"/reconciliation?open={bench['PRICE_MISMATCH']}",
        "/reconciliation?group=customer",
        "/connections/new?plugin=connectwise",
        f"/mapping/customers/choose{choose}&target=2471",
        f"/mapping/customers?status=all&open={account}",
        "/mapping/products?status=all",
        "/search?q=con",
        "/customers?q=nobody",
        "/subscriptions?category=all",
        "/help/console",
    )
    return World(ids, queries, more, all_seeing.email)


def _file(*names: str) -> str:
    line = (
        "{at}@x.example,E-{at},office@x.example,,Ana,Silva,+47 2200 0000,no,0150,,"
        "Oslo,Main 1,Business,00123,en-US,{name},Gold"
    )
    head = ",".join([*COLUMNS, "attribute:tier"])
    lines = [line.format(at=at, name=name) for at, name in enumerate(names)]
    return "\n".join([head, *lines, ","])


class Texts(HTMLParser):
    """What a page shows and reads aloud, but not what is code or somebody's data."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._silent: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        if tag in ("code", "pre", "script", "style") or known.get("lang") == "en":
            self._silent.append(tag)
        for name in ("aria-label", "placeholder", "alt"):
            self.handle_data(known.get(name) or "")

    def handle_endtag(self, tag: str) -> None:
        if self._silent and self._silent[-1] == tag:
            self._silent.pop()

    def handle_data(self, data: str) -> None:
        text = " ".join(data.split())
        if text and not self._silent:
            self.found.append(text)


def untranslated_words() -> set[str]:
    """Return the console's English texts that are others in German."""
    known = catalog.messages(catalog.load("de"))
    return {one.id for one in known if isinstance(one.id, str) and one.id != one.string}


def leftovers(html: str, english: set[str]) -> list[str]:
    """Return what a German page says in English."""
    texts = Texts()
    texts.feed(html)
    german = {one.string for one in catalog.messages(catalog.load("de"))}
    return [
        one
        for one in texts.found
        if one not in DATA
        and (
            (" " in one and one in english and one not in german)
            or _ENGLISH.search(one)
        )
    ]


def german(web: Any, client: Any) -> dict[str, str]:
    """Return the form that makes the console speak German."""
    return {"csrf_token": web.csrf_token(client.get("/").text), "language": "de"}


@pytest.fixture
def database_kind() -> str:
    """What a page looks like doesn't depend on the database."""
    return "sqlite"


def test_every_page_has_a_picture_or_a_reason_to_have_none(web) -> None:
    script = Path(__file__).resolve().parents[2] / "tests/browser/screenshots.py"
    told = run_path(str(script))
    assert {*rules(web.app), *STRANGERS} == {*told["PAGES"], *told["WITHOUT"]}
    folder = script.parents[2] / "docs/images"
    names = {*told["PAGES"].values(), "mapping-products"}
    names |= {f"{one}-{look}" for one in told["DARK"] for look in ("dark", "phone")}
    assert {one.stem for one in folder.glob("*.png")} == names


def test_every_route_leads_to_a_page_or_is_known_to_lead_to_none(
    web, store, tenant, books, monkeypatch
) -> None:
    filled = world(web, store, tenant, books)
    owner = web.app.test_client()
    web.sign_in(owner, filled.email)
    found = addresses(web.app, filled)
    assert len(found) > 55
    owner.post("/preferences", data=german(web, owner))
    english = untranslated_words()
    wrong = []
    for path in found:
        answer = owner.get(path)
        if answer.status_code != 200:
            wrong.append(f"{path}: {answer.status_code}")
        elif "<main" not in answer.text:
            wrong.append(f"{path}: no page; name it in NO_PAGES")
        elif not path.startswith(IN_ENGLISH):
            wrong += [f"{path}: {one!r}" for one in leftovers(answer.text, english)]
    clock = web.hub.clock
    # What is signed says when, to the second: each time another one here.
    seconds = itertools.count(int(time.time()))
    monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda _: next(seconds))
    for rule in web.app.url_map.iter_rules():
        if rule.rule.endswith(POLLED) and not rule.rule.startswith(MACHINES):
            for path in _filled(rule.rule, filled.ids):
                tag = {"If-None-Match": owner.get(path).headers.get("ETag", "")}
                clock.advance(timedelta(seconds=3))
                if owner.get(path, headers=tag).status_code != 304:
                    wrong.append(f"{path}: nothing changed, yet it is sent again")
    assert not wrong, "\n".join(wrong)
    known = {rule.rule for rule in web.app.url_map.iter_rules()}
    assert not set(NO_PAGES) - known
