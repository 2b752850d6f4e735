"""The bench of differences: groups, arithmetic, decisions, plans, two people."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from runpy import run_path

import pytest
from entrepot.hub.reconciliation.tables import ReconCoverage, ReconIssue
from entrepot.store import TenantScope

differences = run_path(str(Path(__file__).with_name("differences.py")))["differences"]


@pytest.fixture
def database_kind() -> str:
    """How pages read differences is the same on both; groups have a test on both."""
    return "sqlite"


@pytest.fixture
def bench(web, store, tenant, books) -> dict[str, str]:
    """Differences of every sort, two comparisons and a draft of a plan, by name."""
    return differences(store, web.hub.clock.now(), tenant, books)


def post(client, web, path: str, page: str, **fields):
    token = web.csrf_token(client.get(page).text)
    return client.post(path, data={"csrf_token": token, **fields})


def test_each_difference_is_a_sentence_whose_figures_open_their_sources(
    browser, bench, books
) -> None:
    path = f"/reconciliation/issues/{bench['QUANTITY_UNDERBILLED']}"
    html = browser.get(path).text
    assert "Contoso bought 96 of Business Premium, the PSA bills 88: 8 too few." in html
    assert f'<a href="/subscriptions/{books.subscriptions[0]}">96</a>' in html
    assert f'<a href="{path}#line-204">−88</a>' in html
    assert 'id="line-204"' in html
    assert "+176.00 USD" in html
    unexplained = html.split("Unexplained by the sources")[1]
    assert unexplained.lstrip("</span> ").startswith("0.00 USD")
    drawer = browser.get(f"/reconciliation?open={bench['PRICE_MISMATCH']}").text
    assert "88 × (22.10 less 22.00)" in drawer
    assert 'value="settle"' not in drawer


def test_verdict_says_how_much_was_compared_and_what_stands_in_the_way(
    browser, bench, web, tenant, books
) -> None:
    parts = (("2471", "clean", 1199, 0), ("customer:c-9", "incomplete", 0, 1))
    with web.hub.store.unit(TenantScope(tenant)) as session:
        for company, outcome, compared, skipped in parts:
            session.add(
                ReconCoverage(
                    psa_connection_id=books.psa, scope=company, tenant_id=tenant,
                    run_id="r", at=web.hub.clock.now(), outcome=outcome,
                    subscriptions=compared, skipped=skipped,
                )
            )  # fmt: skip
    page = f"/reconciliation?psa={books.psa}"
    html = browser.get(page).text
    assert "1,199 of 1,200 subscriptions compared, <strong>99.9 %</strong>" in html
    blocked = f'href="{page}&amp;severity=block&amp;severity=info"'
    assert f"{blocked}>1 not reconcilable</a>" in html
    german = browser.get(page, headers={"Accept-Language": "de"}).text
    assert "<strong>99,9 %</strong>" in german
    assert "1.199" in german


def test_groups_lead_to_their_differences_and_money_is_never_netted(
    browser, bench
) -> None:
    html = browser.get("/reconciliation?group=customer").text
    assert "+184.80" in html
    assert "−36.00" in html
    assert "company_id=2471" in html
    kinds = browser.get("/reconciliation?group=kind").text
    assert "Fewer units billed than bought" in kinds
    assert "kind=QUANTITY_OVERBILLED" in kinds
    only = browser.get("/reconciliation?company_id=2471&kind=QUANTITY_OVERBILLED").text
    assert bench["QUANTITY_OVERBILLED"] in only
    assert bench["PRICE_MISMATCH"] not in only
    assert bench["PRICE_MISMATCH"] in browser.get("/reconciliation?named=contos").text
    # The second is the word of lists that have a search; this one has names.
    for nobody in ("named=nobody", "q=nobody"):
        answer = browser.get(f"/reconciliation?{nobody}")
        assert answer.status_code == 200
        assert bench["PRICE_MISMATCH"] not in answer.text


def test_file_holds_what_the_screen_shows(browser, bench, web) -> None:
    answer = browser.get("/reconciliation/export?kind=QUANTITY_UNDERBILLED")
    lines = answer.text.splitlines()
    assert answer.mimetype == "text/csv"
    assert lines[0].startswith("Customer,Product,Kind,Difference")
    assert "Contoso,Business Premium,QUANTITY_UNDERBILLED" in lines[1]
    assert "176.00" in lines[1]
    assert lines[2].startswith("# 1 rows.")
    answer = browser.get("/reconciliation/export.xlsx?kind=QUANTITY_UNDERBILLED")
    (head, row), _about = web.workbook(answer)
    assert row[:2] == ["Contoso", "Business Premium"]
    assert row[head.index("Impact per cycle")] == 176
    assert isinstance(row[head.index("First seen (UTC)")], datetime)


def test_refused_decision_keeps_what_was_typed(browser, web, bench) -> None:
    issue = bench["PERIOD_GAP"]
    path = f"/reconciliation/issues/{issue}"
    fields = {"resolution": "settle", "line_id": "L-77", "value_hash": "h" * 64}
    answer = post(browser, web, f"{path}/decide", path, **fields)
    assert answer.status_code == 422
    assert 'value="L-77"' in answer.text
    assert "This decision needs a reason." in answer.text
    assert 'aria-invalid="true"' in answer.text
    stale = fields | {"reason": "credit note 4711", "value_hash": "0" * 64}
    answer = post(browser, web, f"{path}/decide", path, **stale)
    assert answer.status_code == 409
    assert "has changed since you looked at it" in answer.text
    assert "credit note 4711" in answer.text
    good = stale | {"value_hash": "h" * 64}
    assert post(browser, web, f"{path}/decide", path, **good).status_code == 303
    shown = browser.get(path).text
    assert "credit note 4711" in shown
    assert "verifying" in shown


def test_who_must_sign_in_again_in_mid_form_comes_back_to_the_form(
    web, tenant, bench
) -> None:
    issue, plan = bench["PERIOD_GAP"], bench["plan"]
    for sent, form in (
        (f"/reconciliation/issues/{issue}/decide", f"/reconciliation/issues/{issue}"),
        (f"/reconciliation/plans/{plan}/approve", f"/reconciliation/plans/{plan}"),
        ("/mapping/customers/decide", "/mapping/customers"),
    ):
        away = web.browser().get(sent)
        assert "/login?next=" in away.headers["Location"]
        person = web.browser(web.person(tenant))
        back = person.get(sent)
        assert back.headers["Location"] == form
    assert "data-keep" in person.get(f"/reconciliation/issues/{issue}").text


def test_several_are_decided_at_once_but_not_what_changed_meanwhile(
    browser, web, bench, store, tenant
) -> None:
    ids = [bench["QUANTITY_UNDERBILLED"], bench["QUANTITY_OVERBILLED"]]
    path = "/reconciliation/decide"
    asked = post(browser, web, path, "/reconciliation", issue=ids)
    assert "Decide about 2 differences" in asked.text
    hashes = [f"{one}={'h' * 64}" for one in ids]
    told = {"resolution": "ignore", "scope": "always", "issue": ids, "hash": hashes}
    wrong = post(browser, web, path, "/reconciliation", **told)
    assert wrong.status_code == 422
    assert "needs a reason" in wrong.text
    with store.unit(TenantScope(tenant)) as session:
        session.get(ReconIssue, ids[1]).value_hash = "n" * 64
    told["reason"] = "agreed"
    assert post(browser, web, path, "/reconciliation", **told).status_code == 303
    html = browser.get("/reconciliation").text
    assert "1 difference decided." in html
    assert "has changed since you looked at it" in html
    actor = web.hub.users.actor_for(web.person(tenant), tenant)
    states = [web.hub.reconciliation.issue(actor, one).state for one in ids]
    assert states == ["ignored", "open"]


def test_two_comparisons_tell_what_appeared(browser, bench) -> None:
    history = browser.get("/reconciliation/history").text
    assert f'name="before" value="{bench["before"]}"' in history
    html = browser.get(
        f"/reconciliation/changes?before={bench['before']}&after={bench['after']}"
    ).text
    appeared, rest = html.split("<h2>Appeared</h2>")[1].split("<h2>Gone</h2>")
    assert '<span class="count">3</span>' in appeared
    assert bench["PRICE_MISMATCH"] in appeared
    assert bench["QUANTITY_UNDERBILLED"] in rest.split("<h2>Still open</h2>")[1]
    assert browser.get("/reconciliation/changes?before=x&after=y").status_code == 404


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "en",
            ("1,315.00 USD", "not known", "+90.00 USD", "1 Dec 2026"),
        ),
        ("de", ("1.315,00 USD", "nicht bekannt", "+90,00 USD", "1. Dez. 2026")),
    ],
)
def test_effect_of_a_plan_is_told_in_the_readers_manner(
    browser, bench, language, words
) -> None:
    path = f"/reconciliation/plans/{bench['plan']}"
    html = browser.get(path, headers={"Accept-Language": language}).text
    effect = html.partition("h-effect")[2].partition("</section>")[0]
    assert [one for one in words if one not in effect] == []


def test_second_approval_is_told_who_was_first_and_keeps_its_words(
    browser, web, tenant, bench
) -> None:
    path = f"/reconciliation/plans/{bench['plan']}"
    other = web.browser(web.person(tenant, name="Marc Keller"))
    html = browser.get(path).text
    assert "PATCH /additions/204" in html
    assert "− quantity 88" in html
    token = web.csrf_token(html)
    fields = {"csrf_token": token, "part": ["2"], "reason": "checked with Ana"}
    changed = browser.post(f"{path}/approve", data=fields | {"digest": "0" * 64})
    assert changed.status_code == 409
    assert "not the plan you looked at" in changed.text
    assert ">checked with Ana</textarea>" in changed.text
    assert 'value="1" aria-label' in changed.text
    assert 'value="2" checked' in changed.text
    first = post(other, web, f"{path}/approve", path, digest="d" * 64, part=["1"])
    assert first.status_code == 303
    late = browser.post(f"{path}/approve", data=fields | {"digest": "d" * 64})
    assert late.status_code == 409
    assert "Marc Keller has approved this plan meanwhile" in late.text
