"""Every page in a real browser: accessible, within its policy, at every width."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from entrepot_web.auth.people import Person
from flask_security.recoverable import generate_reset_password_token
from pyotp import TOTP

pytestmark = [pytest.mark.browser, pytest.mark.heavy, pytest.mark.timeout(600)]
PAGES = Path(__file__).resolve().parents[2] / "webapp" / "tests" / "test_every_page.py"
TAGS = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]
OF_COLOURS = ["color-contrast", "link-in-text-block"]
"""The rules whose answer depends on the theme."""
WIDE = {"width": 1440, "height": 900}
NARROW = {"width": 390, "height": 844}
RUN = """([rules, tags]) => axe.run({
    runOnly: rules ? {type: "rule", values: rules} : {type: "tag", values: tags},
    resultTypes: ["violations"], selectors: false, preload: false,
  }).then(found => found.violations.flatMap(
    one => one.nodes.map(node => [one.id, node.html.slice(0, 150)])))"""
WIDER = "document.documentElement.scrollWidth - innerWidth"


@pytest.fixture(scope="module")
def small(serve: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A console whose lists are short: what is wrong with a row shows in any row."""
    with serve(tmp_path_factory.mktemp("small"), customers=8) as console:
        yield console


@pytest.fixture(scope="module")
def pages() -> Any:
    """The console's pages by their routes; they live with the web tests."""
    spec = importlib.util.spec_from_file_location("entrepot_web_every_page", PAGES)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def axe_source() -> str:
    spec = importlib.util.find_spec("axe_playwright_python")
    assert spec is not None
    assert spec.origin is not None
    return next(Path(spec.origin).parent.rglob("axe.min.js")).read_text()


def faults(page: Any) -> list[str]:
    """Return what is wrong with a page at both widths, light and dark."""
    found: list[str] = []

    def check(sight: str, rules: list[str] | None = None) -> None:
        wrong = page.evaluate(RUN, [rules, TAGS])
        found.extend(f"{sight}: {rule}: {html}" for rule, html in wrong)

    def measure(sight: str) -> None:
        wider = page.evaluate(WIDER)
        if wider > 0:
            found.append(f"{sight}: {wider} px wider than the window")

    check("wide, light")
    measure("wide")
    page.emulate_media(color_scheme="dark")
    check("wide, dark", OF_COLOURS)
    page.set_viewport_size(NARROW)
    check("narrow, dark")
    measure("narrow")
    page.emulate_media(color_scheme="light")
    check("narrow, light", OF_COLOURS)
    page.set_viewport_size(WIDE)
    return found


def reset_token(web: Any, email: str) -> str:
    """Return what the link of a mail to somebody who forgot the password carries."""
    with web.app.test_request_context():
        return str(
            generate_reset_password_token(
                Person(web.hub.users.find_sign_in(email=email))
            )
        )


def guarded(web: Any, tenant: str) -> str:
    """Return the address of a person who signs in with a second step."""
    user = web.person(tenant, name="Noor Haddad")
    owner = web.hub.users.actor_for(user, tenant)
    web.hub.factors.confirm_app(owner, TOTP(web.hub.factors.begin_app(owner)).now())
    return str(user.email)


def test_every_page_is_accessible_in_both_themes_and_widths(
    small: Any, chromium: Any, new_look: Any, pages: Any
) -> None:
    filled = pages.world(small.web, small.web.hub.store, small.tenant, small.books)
    look = new_look(chromium, small.base, color_scheme="light", reduced_motion="reduce")
    look.page.add_init_script(axe_source())
    wrong = []

    def see(path: str) -> None:
        status = look.open(path)
        found = faults(look.page) if status == 200 else [f"answers {status}"]
        wrong.extend(f"{path}: {one}" for one in [*found, *look.faults])
        look.faults.clear()

    for path in ("/login", "/reset", f"/reset/{reset_token(small.web, filled.email)}"):
        see(path)
    look.open("/login")
    for name, value in (
        ("email", guarded(small.web, small.tenant)),
        ("password", small.password),
    ):
        look.page.fill(f"[name={name}]", value)
    look.page.click("button[type=submit]")
    look.page.wait_for_url("**/login/second**")
    see("/login/second")
    look.page.context.clear_cookies()
    look.sign_in(filled.email, small.password)
    for path in pages.addresses(small.web.app, filled):
        see(path)
    assert not wrong, "\n".join(wrong)
    look.page.context.close()
