"""A browser, and a console to look at."""

from __future__ import annotations

import importlib.util
import logging
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from werkzeug.serving import make_server

ROOT = Path(__file__).resolve().parents[2]
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--font-render-hinting=none",
]


def _helpers() -> Any:
    """Return the web tests' helpers; they live with the web tests."""
    name = "entrepot_web_test_helpers"
    if name not in sys.modules:
        path = ROOT / "webapp" / "tests" / "conftest.py"
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


@dataclass
class Look:
    """A page of a browser, with everything that went wrong on it."""

    page: Page
    base: str
    faults: list[str] = field(default_factory=list)

    def open(self, path: str) -> int:
        """Open a path and return its status."""
        answer = self.page.goto(self.base + path)
        self.page.wait_for_load_state("load")
        return answer.status if answer else 0

    def sign_in(self, email: str, password: str) -> None:
        """Sign in by the form."""
        self.open("/login")
        self.page.fill("[name=email]", email)
        self.page.fill("[name=password]", password)
        self.page.click("button[type=submit]")
        self.page.wait_for_url(self.base + "/")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A Chromium; missing it is an error with the remedy, not a skip."""
    found = subprocess.run(
        [sys.executable, str(ROOT / "tests" / "find_chromium.py")],
        capture_output=True,
        text=True,
        check=False,
    )
    if found.returncode:
        pytest.fail(found.stderr, pytrace=False)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=found.stdout.strip(), args=ARGUMENTS
        )
        yield browser
        browser.close()


@pytest.fixture
def database_kind() -> str:
    """What a browser shows doesn't depend on the database."""
    return "sqlite"


def new_look(chromium: Browser, base: str, **options: Any) -> Look:
    """Return a fresh browser page that notes every fault."""
    options = {"viewport": {"width": 1440, "height": 900}} | options
    context = chromium.new_context(locale="en-GB", timezone_id="UTC", **options)
    look = Look(context.new_page(), base)

    def on_console(message: Any) -> None:
        if message.type in ("error", "warning"):
            look.faults.append(f"console: {message.text}")

    look.page.on("console", on_console)
    look.page.on("pageerror", lambda error: look.faults.append(f"script: {error}"))
    look.page.add_init_script(
        "addEventListener('securitypolicyviolation', event => "
        "console.error('policy: ' + event.violatedDirective))"
    )
    return look


@dataclass
class Console:
    """A served console with a reseller's books in it."""

    base: str
    web: Any
    books: Any
    tenant: str
    email: str
    password: str


@pytest.fixture
def console(settings: Any, clock: Any, store: Any, tenant: str) -> Iterator[Console]:
    """The real application behind a real socket."""
    from entrepot.app import build_hub
    from entrepot_web.app import create_app

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    helpers = _helpers()
    hub = build_hub(settings, clock=clock, web=True)
    web = helpers.Web(hub, create_app(hub))
    books = helpers.fill(hub, tenant, customers=60)
    person = web.person(tenant, name="Priya Nair")
    server = make_server("127.0.0.1", 0, web.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    base = f"http://127.0.0.1:{server.server_port}"
    yield Console(base, web, books, tenant, person.email, web.password)
    server.shutdown()
    thread.join()
    server.server_close()
    hub.close()


@pytest.fixture(name="serve", scope="session")
def serve_fixture() -> Any:
    """The function that serves a console with books of its own."""
    return served


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """One console for all tests that leave the books as they are."""
    folder = tmp_path_factory.mktemp("console")
    with served(folder) as console:
        yield console


@contextmanager
def served(folder: Path, *, customers: int = 60) -> Iterator[Console]:
    """Serve a console with books of its own in a folder.

    Mails lie in the folder, so that people can be invited.
    """
    from entrepot.app import build_hub
    from entrepot.jobs.engine import migrate
    from entrepot.store import operator_actor
    from entrepot.store.keys import new_keys
    from entrepot.store.migrations.run import upgrade
    from entrepot.store.settings import Settings
    from entrepot_web.app import create_app

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    helpers = _helpers()
    listening = socket.create_server(("127.0.0.1", 0))
    base = f"http://127.0.0.1:{listening.getsockname()[1]}"
    settings = Settings(
        data_dir=folder,
        environment="test",
        keys=tuple(key.text() for key in new_keys()),
        allow_private_targets=True,
        mail_folder=folder / "mails",
        # Passkeys belong to a name, not to an address.
        public_base_url=base.replace("127.0.0.1", "localhost"),
    )
    upgrade(settings)
    migrate(settings, application_role=None)
    hub = build_hub(settings, web=True)
    tenant = hub.tenants.create(operator_actor(), "Northpeak Cloud").id
    web = helpers.Web(hub, create_app(hub))
    books = helpers.fill(hub, tenant, customers=customers)
    person = web.person(tenant, name="Priya Nair")
    server = make_server("127.0.0.1", 0, web.app, threaded=True, fd=listening.fileno())
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Console(base, web, books, tenant, person.email, web.password)
    server.shutdown()
    thread.join()
    server.server_close()
    listening.close()
    hub.close()


@pytest.fixture(scope="module")
def desk(shared: Console, chromium: Browser) -> Iterator[Look]:
    """A browser signed in at the shared console; no fault may happen in the module."""
    look = new_look(chromium, shared.base)
    look.sign_in(shared.email, shared.password)
    yield look
    look.page.context.close()
    assert look.faults == []


@pytest.fixture(name="new_look")
def new_look_fixture() -> Any:
    """The function that opens a fresh browser page."""
    return new_look
