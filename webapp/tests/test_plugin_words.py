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


def test_a_catalog_that_is_missing_or_broken_leaves_english(
    tmp_path, monkeypatch, caplog
) -> None:
    package = tmp_path / "plugin_of_somebody" / "translations"
    package.mkdir(parents=True)
    (package.parent / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    assert wording.catalog("plugin_of_somebody", "de") == {}
    (package / "de.po").write_text('msgid "Seat"\nmsgstr "Platz\nwhat?\n')
    assert wording.catalog("plugin_of_somebody", "de") == {}
    said = [record.getMessage() for record in caplog.records]
    assert "plugin_of_somebody names de but has no catalog of it" in said
    assert any("a broken catalog of de" in one for one in said)
    words = {'"Seat"\\': "„Platz“\n", "Unit": ""}
    (package / "de.po").write_text(wording.written("de", words), "utf-8")
    assert wording.catalog("plugin_of_somebody", "de") == {'"Seat"\\': "„Platz“\n"}


def test_pages_show_plugins_in_the_readers_language(web, browser) -> None:
    plugin = "/connections/new?plugin=connectwise"
    assert "Service board" in browser.get(plugin).text
    token = web.csrf_token(browser.get("/").text)
    browser.post("/preferences", data={"csrf_token": token, "language": "de"})
    html = browser.get(plugin).text
    assert "Serviceboard" in html
    assert '<option value="arrears">Nachträglich</option>' in html
    assert "Firmenkennung" in html
    assert "The company you enter" not in html
    with web.app.test_request_context(), force_locale("de"):
        sentence = "ConnectWise cannot be reached at “na.example”."
        assert told(sentence) == "ConnectWise ist unter „na.example“ nicht erreichbar."
        assert said("Nobody's <b>") == '<span lang="en">Nobody&#39;s &lt;b&gt;</span>'
        assert told("Nobody's") == "Nobody's"
