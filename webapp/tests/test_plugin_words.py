"""What plugins say is shown in the reader's language."""

from __future__ import annotations

import re

import pytest
from entrepot.plugins import wording
from entrepot_web.core_words import said, told
from flask_babel import force_locale

VALUES = re.compile(r"%\(\w+\)s")


@pytest.fixture
def database_kind() -> str:
    """Words don't depend on the database."""
    return "sqlite"


def test_every_plugin_speaks_german_in_all_its_texts(web) -> None:
    plugins = web.hub.plugins
    spoken = [name for name in plugins.names() if plugins.info(name).languages]
    assert len(spoken) >= 5
    for name in spoken:
        package = plugins.package(name)
        wanted = wording.texts(package, plugins.info(name))
        known = wording.catalog(package, "de")
        assert set(known) == set(wanted), f"entrepot plugins texts {name}"
        for english, german in known.items():
            assert set(VALUES.findall(english)) == set(VALUES.findall(german)), english
        written = wording.written("de", known)
        assert wording.place(package, "de").read_text("utf-8") == written


def test_pages_show_plugins_in_the_readers_language(web, browser) -> None:
    plugin = "/connections/new?plugin=connectwise"
    assert "Service board" in browser.get(plugin).text
    token = web.csrf_token(browser.get("/").text)
    browser.post("/preferences", data={"csrf_token": token, "language": "de"})
    html = browser.get(plugin).text
    assert "Serviceboard" in html
    assert "Firmenkennung" in html
    assert "The company you enter" not in html
    with web.app.test_request_context(), force_locale("de"):
        sentence = "ConnectWise cannot be reached at “na.example”."
        assert told(sentence) == "ConnectWise ist unter „na.example“ nicht erreichbar."
        assert said("Nobody's <b>") == '<span lang="en">Nobody&#39;s &lt;b&gt;</span>'
        assert told("Nobody's") == "Nobody's"
