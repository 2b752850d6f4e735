"""The console in other languages: catalogs, choice of language, numbers and dates."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from entrepot.hub.notifications import words
from entrepot.hub.reconciliation.rules.kinds import CATALOGUE, Severity
from entrepot.hub.users.rules import ROLE_TEXTS, ROLE_TITLES
from entrepot_web import articles, numerals
from entrepot_web.i18n import LANGUAGES, SOURCE
from entrepot_web.reseller.present import money
from entrepot_web.translations import catalog
from flask_babel import force_locale


@pytest.fixture(scope="module")
def texts():
    return catalog.extract()


def test_every_language_but_the_source_has_a_catalog() -> None:
    assert {*catalog.translated(), SOURCE} == set(LANGUAGES)


@pytest.mark.parametrize("code", catalog.translated())
def test_catalog_is_complete_and_keeps_its_placeholders(texts, code: str) -> None:
    known = catalog.load(code)
    wanted = {(one.context, one.id) for one in catalog.messages(texts)}
    held = {(one.context, one.id) for one in catalog.messages(known)}
    assert not wanted - held, "Run `make translations`."
    assert not catalog.untranslated(known)
    assert catalog.compiled(code) == catalog.as_compiled(known), (
        "Run `make translations`."
    )
    assert not catalog.placeholders_differ(known)


def test_mails_call_differences_as_the_console_does() -> None:
    wrong = {one.title for one in CATALOGUE.values() if one.severity is Severity.ERROR}
    for language, titles in words.TITLES.items():
        shown = {one.id: one.string for one in catalog.messages(catalog.load(language))}
        assert titles == {title: shown[title] for title in wrong}


def test_words_of_the_core_are_among_the_texts(texts) -> None:
    told = {message.id for message in catalog.messages(texts)}
    wanted = {one.title for one in CATALOGUE.values()}
    wanted |= {*ROLE_TITLES.values(), *ROLE_TEXTS.values()}
    assert not wanted - told, "Name them in core_words."


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("en", ["1,234,567,890,123.4567890123", "22 Nov 2026", "22 Nov, 14:31 UTC"]),
        ("de", ["1.234.567.890.123,4567890123", "22. Nov. 2026", "22. Nov., 14:31 UTC"]),  # noqa: E501 - as the line above
    ],
)  # fmt: skip
def test_numbers_and_dates_of_a_language(web, code: str, shown: list[str]) -> None:
    moment = datetime(2026, 11, 22, 14, 31, tzinfo=UTC)
    with web.app.test_request_context(), force_locale(code):
        assert [
            numerals.plain_number(Decimal("1234567890123.4567890123")),
            numerals.day_text(date(2026, 11, 22)),
            numerals.moment_text(moment, year=False),
        ] == shown
        exact = Decimal("922337203685477.5807")
        digits = "".join(one for one in money(-exact, "EUR") if one.isdigit())
        assert digits == "9223372036854775807"


def test_language_of_a_stranger_is_what_the_browser_asks_for(web) -> None:
    client = web.browser()
    for asked, spoken in (("de-AT,de;q=0.9", "de"), ("fr", "en"), ("en-GB", "en")):
        html = client.get("/login", headers={"Accept-Language": asked}).text
        assert f'<html lang="{spoken}"' in html


GUIDE = Path(articles.__file__).parent / "guide"


@pytest.mark.parametrize("code", [one for one in LANGUAGES if one != SOURCE])
def test_every_article_of_the_guide_is_there_with_the_same_parts(code: str) -> None:
    names = {path.name for path in GUIDE.glob("*.md")}
    assert {path.name for path in (GUIDE / code).glob("*.md")} == names
    for name in names:
        english = (GUIDE / name).read_text()
        own = (GUIDE / code / name).read_text()
        assert own != english, name
        assert parts(own) == parts(english), name


def parts(text: str) -> tuple[list[str], list[str]]:
    """Return the levels of an article's headings, and its commands."""
    commands = re.findall(r"^```.*?^```", text, re.DOTALL | re.MULTILINE)
    levels = re.findall(r"^#+(?= )", text, re.MULTILINE)
    return levels, commands
