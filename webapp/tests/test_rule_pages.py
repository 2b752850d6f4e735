"""Rules of a comparison by hand: listed, added, edited, removed, two people."""

from __future__ import annotations

import re

import pytest
from entrepot.hub.reconciliation.rules_store import RuleWish
from entrepot_web.reseller.rule_forms import said, shown_value, typed
from entrepot_web.reseller.rule_kinds import BY_KIND, FORMS

RULES = "/reconciliation/rules"
EDIT = re.compile(r'href="(/reconciliation/rules/rul_[0-9a-f]+)"')


@pytest.fixture
def database_kind() -> str:
    """Rules are stored and replaced on both databases below the pages."""
    return "sqlite"


@pytest.fixture
def save(web, books):
    def send(client, path: str, page: str = "", **fields):
        token = web.csrf_token(client.get(page or path).text)
        return client.post(path, data={"csrf_token": token, **fields})

    return send


def new(books, kind: str) -> str:
    return f"{RULES}/new?psa={books.psa}&kind={kind}"


def test_every_kind_is_offered_saved_and_told_in_words(browser, web, books, save):
    fills = {
        "agreement": {"mode": "only", "owner": "psa", "create_if_missing": "1"},
        "price": {"mode": "markup", "value": "12,5", "company": "contoso"},
        "cost": {"mode": "keep", "product": "7"},
        "fx": {"source": "EUR", "to": "USD", "rate": "1.08", "dated": "2026-01-01"},
        "override": {
            "field": "quantity", "value": "96", "company": "2471", "product": "7",
            "reason": "<b>agreed</b>", "valid_until": "2030-12-31",
        },
        "minimum": {"quantity": "10", "company": "2471", "product": "7"},
        "bundle": {"driver": "pmp_1", "components": "pmp_2 = 2, pmp_3", "product": "7"},
        "limits": {"level": "2", "quiet_minutes": "5"},
        "auto": {"increases": "1", "max_units": "3"},
    }  # fmt: skip
    assert set(fills) == {form.kind for form in FORMS}
    assert f'href="{RULES}?psa={books.psa}"' in browser.get("/reconciliation").text
    html = browser.get(RULES).text
    assert html.count("Add: ") == len(FORMS)
    for kind, fields in fills.items():
        answer = save(browser, new(books, kind), **fields)
        assert answer.status_code == 303, (kind, answer.text)
    html = browser.get(RULES).text
    for text in (
        "cost plus percent", "12.5", "Contoso", "keep what the PSA has", "&lt;b&gt;",
        "pmp_2 = 2, pmp_3 = 1", "closed periods as well", "until 31 Dec 2030",
        "the only active agreement", "Larger quantities:</span> yes",
    ):  # fmt: skip
        assert text in html, text
    assert "Add: Tolerances" not in html
    assert "Add: Price" in html
    for path in EDIT.findall(html):
        form = browser.get(path).text
        again = dict(re.findall(r'<input[^>]* name="(\w+)" value="([^"]*)"', form))
        assert again or "checked" in form, path


def test_wrong_values_are_named_and_nothing_typed_is_lost(browser, books, save):
    empty = save(browser, new(books, "override"), value="9", company="Nobody")
    assert empty.status_code == 422
    assert "The PSA has none of this name or id." in empty.text
    assert empty.text.count("Fill this in.") == 1
    assert "Say why the value differs." in empty.text
    assert 'value="Nobody"' in empty.text
    wrong = save(browser, new(books, "price"), mode="markup", value="ten")
    assert wrong.status_code == 422
    assert "is no number" in wrong.text
    assert 'value="ten"' in wrong.text
    bad = {"field": "ends", "value": "x", "company": "2471", "product": "7"}
    day = save(browser, new(books, "override"), **bad, reason="r", valid_until="soon")
    assert "Enter a day as YYYY-MM-DD." in day.text
    assert browser.get(new(books, "shoe")).status_code == 404
    assert browser.get(f"{RULES}?psa=con_0").status_code == 404
    assert browser.get(f"{RULES}/rul_0").status_code == 404


def test_somebody_elses_change_is_told_and_removal_says_what_follows(
    browser, web, tenant, books, save
):
    save(browser, new(books, "price"), mode="margin", value="20", company="2471")
    (path,) = set(EDIT.findall(browser.get(RULES).text))
    other = web.browser(web.person(tenant, name="Marc Keller"))
    theirs = save(other, path, mode="margin", value="25", company="2471")
    assert theirs.status_code == 303
    owner = web.hub.users.actor_for(web.person(tenant), tenant)
    token = web.csrf_token(browser.get(new(books, "price")).text)
    stale = {"csrf_token": token, "mode": "keep", "version": "1"}
    late = browser.post(path, data=stale)
    assert late.status_code == 409
    assert "Somebody else changed or removed this rule meanwhile." in late.text
    html = browser.get(RULES).text
    assert "25" in html
    (path,) = set(EDIT.findall(html))
    shown = browser.get(f"{path}/remove").text
    assert "The next more general price rule holds" in shown
    assert "It bears on 1 line of the PSA" in shown
    assert save(browser, f"{path}/remove", why="not ours").status_code == 303
    assert web.hub.reconciliation.rules.list(owner, books.psa) == ()
    assert browser.post(f"{path}/remove", data={"csrf_token": token}).status_code == 303


def test_rights_are_mirrored(web, tenant, books, save):
    owner = web.hub.users.actor_for(web.person(tenant), tenant)
    wish = RuleWish(psa_connection_id=books.psa, kind="limits", body={"level": "2"})
    rule = web.hub.reconciliation.rules.set(owner, wish)
    reader = web.browser(web.person(tenant, role="viewer"))
    html = reader.get(RULES).text
    assert "closed periods as well" in html
    assert "Add: " not in html
    assert not EDIT.findall(html)
    mapper = web.browser(web.person(tenant, role="support"))
    html = mapper.get(RULES).text
    assert "Add: Price" in html
    assert "Add: Approval without a person" not in html
    assert f"{RULES}/{rule.id}" not in html
    assert mapper.get(f"{RULES}/{rule.id}/remove").status_code == 403
    assert mapper.get(new(books, "auto")).status_code == 403


def test_what_is_usual_is_left_out() -> None:
    price = BY_KIND["price"]
    read = typed(price, {"mode": "keep", "value": " ", "floor": "5,5"})
    assert (read.body, read.problems) == ({"mode": "keep", "floor": "5.5"}, {})
    assert shown_value(price.fields[0], {}) == "keep"
    assert [value for _label, value in said(BY_KIND["auto"], {})] == []
