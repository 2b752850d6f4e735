"""Fixtures of the web application: an application, people, machines, books."""

from __future__ import annotations

import importlib
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

import openpyxl
import passlib.hash
import pytest
from argon2 import PasswordHasher
from entrepot.app import build_hub
from entrepot.hub.connections.tables import Connection
from entrepot.hub.customers.tables import Contact, Customer, CustomerAccount
from entrepot.hub.customers.upkeep import derive
from entrepot.hub.psa.tables import PsaAgreement, PsaCompany, PsaLine, PsaProductRow
from entrepot.hub.subscriptions.skus import recount
from entrepot.hub.subscriptions.tables import SubscriptionFact, SubscriptionRow
from entrepot.hub.sync.tables import SyncRun, SyncScope
from entrepot.hub.users.rules import SCOPES
from entrepot.store import TenantScope, new_id, operator_actor
from entrepot.store.settings import Settings
from entrepot_web.app import create_app
from flask import Flask
from flask.testing import FlaskClient

PASSWORD = "a phrase nobody guesses"
TOKEN_FIELD = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')
NAMES = (
    "Adventure Works Cycles",
    "Alpine Ski House",
    "Bellows College",
    "City Power & Light",
    "Coho Winery",
    "Contoso Ltd",
    "Fourth Coffee",
    "Graphic Design Institute",
    "Humongous Insurance",
    "Lamna Healthcare",
    "Litware",
    "Northwind Traders",
    "Proseware",
    "Relecloud",
    "Tailspin Toys",
)
PLANS = (
    ("Business Premium", "P1Y", "monthly", "19.8000000000"),
    ("Mail Plan 1", "P1Y", "monthly", "3.2"),
    ("Suite E3", "P1Y", "annual", "396"),
    ("Assistant", "P1M", "monthly", "27.45"),
    ("Diagrams Plan 2", "P1M", "monthly", "13.1"),
)


@dataclass
class Books:
    """What `fill` put into a reseller's books."""

    vendor: str = ""
    psa: str = ""
    customers: list[str] = field(default_factory=list)
    subscriptions: list[str] = field(default_factory=list)
    run: str = ""
    ids: dict[str, str] = field(default_factory=dict)


@dataclass
class Web:
    """One web application with its hub and what tests do with it."""

    hub: Any
    app: Flask

    def person(
        self, tenant_id: str, role: str = "owner", name: str = "Ana Silva"
    ) -> Any:
        """Create a person with a role at a reseller."""
        return self.hub.users.create_user(
            operator_actor(),
            email=f"{new_id('p')}@example.com",
            name=name,
            password=PASSWORD,
            tenant_id=tenant_id,
            role=role,
        )

    password = PASSWORD
    scopes = SCOPES

    @staticmethod
    def csrf_token(html: str) -> str:
        """Return the token of the first form of a page."""
        return csrf_token(html)

    @staticmethod
    def sign_in(client: FlaskClient, email: str, password: str = PASSWORD) -> Any:
        """Send the sign-in form."""
        return sign_in(client, email, password)

    @staticmethod
    def workbook(answer: Any) -> tuple[list[list[Any]], list[list[Any]]]:
        """Return the cells of both sheets of an XLSX answer, read by somebody else.

        A formula would come as a cell of type ``f``: there must be none.
        """
        assert answer.status_code == 200, answer.text
        book = openpyxl.load_workbook(io.BytesIO(answer.data))
        for sheet in book.worksheets:
            assert not [
                c for row in sheet.iter_rows() for c in row if c.data_type == "f"
            ]
            assert not [c for row in sheet.iter_rows() for c in row if c.hyperlink]
        shown, about = ([list(r) for r in s.values] for s in book.worksheets)
        return shown, about

    @staticmethod
    def without_tokens(html: str) -> str:
        """Return a page without what differs on every request."""
        return re.sub(r'value="[^"]{40,}"', 'value=""', html)

    def browser(self, user: Any | None = None) -> FlaskClient:
        """Return a client, signed in as ``user`` if one is given."""
        client = self.app.test_client()
        if user is not None:
            answer = sign_in(client, user.email)
            assert answer.status_code == 302, answer.text
        return client

    def token(self, tenant_id: str, scopes: tuple[str, ...] = SCOPES) -> str:
        """Return an access token of a fresh credential."""
        owner = self.hub.users.actor_for(self.person(tenant_id), tenant_id)
        return self.token_for(owner, scopes)

    def token_for(self, owner: Any, scopes: tuple[str, ...]) -> str:
        """Return an access token of a credential that ``owner`` makes."""
        made, secret = self.hub.credentials.create_credential(
            owner, name="test machine", scopes=scopes
        )
        answer = self.app.test_client().post(
            "/api/v1/oauth/token",
            data={"grant_type": "client_credentials"},
            auth=(made.id, secret),
        )
        assert answer.status_code == 200, answer.text
        return str(answer.json["access_token"])

    @staticmethod
    def above() -> Any:
        """Return the operator above all resellers."""
        return operator_actor()

    def operator(self, tenant_id: str) -> Machine:
        """Return an API client of an operator's credential."""
        user = self.hub.users.create_user(
            operator_actor(),
            email=f"{new_id('p')}@example.com",
            name="Op",
            password=PASSWORD,
            tenant_id=tenant_id,
            role="owner",
            operator=True,
        )
        actor = self.hub.users.actor_for(user, tenant_id)
        scopes = ("tenants:read", "tenants:write", "customers:read")
        return Machine(self.app.test_client(), self.token_for(actor, scopes))

    def machine(self, tenant_id: str, scopes: tuple[str, ...] = SCOPES) -> Machine:
        """Return an API client."""
        return Machine(self.app.test_client(), self.token(tenant_id, scopes))


@dataclass
class Machine:
    """An API client with a token."""

    client: FlaskClient
    token: str

    def __call__(self, method: str, path: str, **options: Any) -> Any:
        """Send a request below ``/api/v1``."""
        headers = {
            "Authorization": f"Bearer {self.token}",
            **options.pop("headers", {}),
        }
        return self.client.open(
            "/api/v1" + path, method=method, headers=headers, **options
        )


def csrf_token(html: str) -> str:
    found = TOKEN_FIELD.search(html)
    assert found, "the page has no csrf token"
    return found.group(1)


def sign_in(client: FlaskClient, email: str, password: str = PASSWORD) -> Any:
    token = csrf_token(client.get("/login").text)
    fields = {"email": email, "password": password, "csrf_token": token}
    return client.post("/login", data=fields)


def fill(hub: Any, tenant_id: str, *, customers: int = 15) -> Books:
    """Put a small, plausible set of books under a reseller."""
    now, books = hub.clock.now(), Books()
    with hub.store.unit(TenantScope(tenant_id)) as session:
        for kind, name, plugin in (
            ("vendor", "Cloud EU", "cloud"),
            ("psa", "Service desk", "desk"),
        ):
            made = Connection(
                id=new_id("con"),
                tenant_id=tenant_id,
                plugin=plugin,
                kind=kind,
                name=name,
                settings={"site": "north"},
                state="active",
                notification_key=new_id("ntf"),
                account_name="Northpeak",
                last_ok_at=now - timedelta(minutes=6),
                created_at=now,
            )
            session.add(made)
            setattr(books, kind, made.id)
        session.flush()
        for index in range(customers):
            _customer(session, books, tenant_id, index, now)
        _psa(session, books, tenant_id, now)
        _runs(session, books, tenant_id, now)
        session.flush()
        derive(session, tenant_id, books.customers)
    recount(hub.store, tenant_id)
    return books


def _customer(session: Any, books: Books, tenant_id: str, index: int, now: Any) -> None:
    name = NAMES[index % len(NAMES)] + (f" {index}" if index >= len(NAMES) else "")
    customer = Customer(
        id=new_id("cus"),
        tenant_id=tenant_id,
        name=name,
        sort_name=name.lower(),
        search_text=name.lower(),
        custom_id=f"C-{10000 + index}",
        created_at=now,
        updated_at=now,
    )
    session.add(customer)
    session.flush()
    vendor_id = f"{index:08x}-93ac-4377-d408-000000000000"
    account = CustomerAccount(
        id=new_id("acc"),
        tenant_id=tenant_id,
        connection_id=books.vendor,
        vendor_id=vendor_id,
        customer_id=customer.id,
        name=name,
        domain=f"c{index}.example",
        status="active",
        row_hash=index,
        known_at=now,
        city="Oslo",
        country="NO",
    )
    session.add(account)
    session.add(
        Contact(
            id=new_id("pco"),
            tenant_id=tenant_id,
            connection_id=books.vendor,
            owner_id=vendor_id,
            first_name="Lena",
            last_name="Brandt",
            email=f"lena@c{index}.example",
            is_primary=True,
            known_at=now,
            vendor_id=f"p-{index}",
            row_hash=index,
        )
    )
    session.flush()
    books.customers.append(customer.id)
    for at, (plan, term, cycle, cost) in enumerate(PLANS[: 1 + index % len(PLANS)]):
        row = SubscriptionRow(
            id=new_id("sub"),
            tenant_id=tenant_id,
            connection_id=books.vendor,
            vendor_id=f"s-{index}-{at}",
            account_id=account.id,
            customer_vendor_id=vendor_id,
            sku=f"SKU-{at}",
            name=plan,
            quantity=Decimal(5 + 7 * index + at),
            term=term,
            billing_cycle=cycle,
            status="suspended" if (index + at) % 9 == 8 else "active",
            vendor_status="active",
            currency="USD",
            unit_cost=Decimal(cost),
            auto_renew=at % 2 == 0,
            started_at=now - timedelta(days=300),
            term_start=now - timedelta(days=300),
            term_end=now + timedelta(days=65),
            row_hash=index,
            known_at=now - timedelta(minutes=6),
        )
        session.add(row)
        books.subscriptions.append(row.id)
        for days, quantity in ((300, row.quantity - 3), (20, row.quantity)):
            moment = now - timedelta(days=days)
            session.add(
                SubscriptionFact(
                    object_id=row.id,
                    known_at=moment,
                    tenant_id=tenant_id,
                    connection_id=books.vendor,
                    valid_from=moment,
                    run_id="run",
                    change="new" if days == 300 else "changed",
                    quantity=quantity,
                    payload={"quantity": str(quantity)},
                )
            )


def _psa(session: Any, books: Books, tenant_id: str, now: Any) -> None:
    common = {
        "tenant_id": tenant_id,
        "connection_id": books.psa,
        "row_hash": 1,
        "known_at": now,
    }
    company = PsaCompany(id=new_id("pcy"), vendor_id="2471", name="Contoso", **common)
    product = PsaProductRow(
        id=new_id("ppr"),
        vendor_id="7",
        identifier="BP",
        name="Business Premium",
        price=Decimal("22.00"),
        currency="USD",
        **common,
    )
    agreement = PsaAgreement(
        id=new_id("pag"),
        vendor_id="118",
        company_vendor_id="2471",
        name="Cloud",
        status="active",
        billing_cycle="monthly",
        **common,
    )
    line = PsaLine(
        id=new_id("pln"),
        vendor_id="204",
        agreement_vendor_id="118",
        company_vendor_id="2471",
        product_vendor_id="7",
        quantity=Decimal(88),
        included_quantity=Decimal(0),
        unit_price=Decimal("22.00"),
        currency="USD",
        bill="billable",
        **common,
    )
    for kind, row in (
        ("company", company),
        ("product", product),
        ("agreement", agreement),
        ("line", line),
    ):
        session.add(row)
        books.ids[kind] = row.id


def _runs(session: Any, books: Books, tenant_id: str, now: Any) -> None:
    states = ("complete", "complete", "incomplete", "complete", "failed", "complete")
    for index, state in enumerate(states * 3):
        started = now - timedelta(hours=index + 1)
        run = SyncRun(
            id=f"sync:{books.vendor}:crawl:{new_id('run')}",
            tenant_id=tenant_id,
            connection_id=books.vendor if index % 3 else books.psa,
            stream="crawl",
            mode="full" if index % 4 == 0 else "incremental",
            state=state,
            cause="schedule",
            requested_by="schedule",
            created_at=started,
            started_at=started,
            ended_at=started + timedelta(seconds=48 + index),
            as_of=started,
            complete=state == "complete",
            incomplete_reason="3 of 7 pages were read" if state == "incomplete" else "",
            error_text="The sign-in has expired." if state == "failed" else "",
            counts={
                "customers": {"read": 15, "changed": index},
                "subscriptions": {"read": 45, "new": 1},
            },
        )
        session.add(run)
        books.run = books.run or run.id
    for stream in ("customers", "subscriptions"):
        session.add(
            SyncScope(
                connection_id=books.vendor,
                stream=stream,
                scope="",
                tenant_id=tenant_id,
                run_id="run",
                complete=True,
                complete_at=now,
                attempted_at=now,
                items=15,
            )
        )


HASHING = PasswordHasher.__init__.__defaults__
"""What a password's hash costs outside of tests."""


@pytest.fixture(scope="session", autouse=True)
def cheap_hashes() -> Iterator[None]:
    """The least work for hashes: who gets in is tested, not how slowly."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PasswordHasher.__init__, "__defaults__", (1, 8, 1, *HASHING[3:]))
        for name, least in (("default_rounds", 1), ("memory_cost", 8)):
            patch.setattr(passlib.hash.argon2, name, least)
        patch.setattr(passlib.hash.argon2, "parallelism", 1)
        yield


@pytest.fixture(scope="session")
def hashing() -> tuple[Any, ...]:
    """What a password's hash costs outside of tests: time, memory, lanes, and more."""
    return HASHING


@pytest.fixture
def web(settings: Settings, clock: Any, store: Any) -> Iterator[Web]:
    """An application as a web process runs it, on both databases."""
    importlib.import_module("entrepot.hub.tables")
    hub = build_hub(settings, clock=clock, web=True)
    yield Web(hub, create_app(hub))
    hub.close()


@pytest.fixture
def books(store: Any, web: Web, tenant: str) -> Books:
    """The first reseller's books."""
    return fill_as_worker(store, web, tenant)


def fill_as_worker(store: Any, web: Web, tenant_id: str) -> Books:
    """Fill with the worker's rights: web processes may be bound more tightly."""

    class Filled:
        clock = web.hub.clock

    Filled.store = store  # type: ignore[attr-defined]
    return fill(Filled, tenant_id)


@pytest.fixture
def filling(store: Any, web: Web) -> Callable[[str], Books]:
    """Return the function that fills another reseller's books."""
    return lambda tenant_id: fill_as_worker(store, web, tenant_id)


@pytest.fixture
def machine(web: Web, tenant: str) -> Machine:
    """An API client of the first reseller with every scope."""
    return web.machine(tenant)


@pytest.fixture
def browser(web: Web, tenant: str) -> FlaskClient:
    """A client signed in as an owner of the first reseller."""
    return web.browser(web.person(tenant))
