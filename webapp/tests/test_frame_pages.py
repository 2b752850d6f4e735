"""What surrounds the modules: search and palette, help, notices, preferences."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from entrepot.hub.connections.tables import Connection
from entrepot.hub.reconciliation.tables import ReconPlan, ReconRun
from entrepot.hub.sync.tables import SyncRun
from entrepot.store import TenantScope, new_id
from entrepot_web import articles
from entrepot_web.reseller.pages import TOPICS

PALETTE = {"HX-Request": "true", "HX-Target": "div#palette-found"}


def send(browser, path: str, **fields: str):
    token = re.search(r'name="csrf-token" content="([^"]+)"', browser.get("/help").text)
    return browser.post(path, data={"csrf_token": token[1], **fields})


def test_palette_finds_pages_actions_and_records_of_the_actors_rights(
    web, browser, books, tenant
) -> None:
    found = browser.get("/search?q=co", headers=PALETTE).text
    assert "<html" not in found
    for path in ("/connections", f"/customers/{books.customers[5]}"):
        assert f'data-href="{path}"' in found
    assert f"&#34;psa&#34;: &#34;{books.psa}&#34;" in found or books.psa in found
    everything = browser.get("/search", headers=PALETTE).text
    assert everything.count('aria-selected="true"') == 1
    assert "Add a connection" in everything
    page = browser.get("/search?q=con").text
    assert "<strong>Contoso Ltd</strong>" in page
    assert (
        "Nothing found for “zzz”." in browser.get("/search?q=zzz", headers=PALETTE).text
    )
    viewer = web.browser(web.person(tenant, role="viewer"))
    seen = viewer.get("/search", headers=PALETTE).text
    assert "Add a connection" not in seen
    assert "Compare with" not in seen
    assert 'data-href="/customers"' in seen


def test_preferences_language_theme_and_shortcuts_stay_with_the_person(
    web, browser, books, tenant
) -> None:
    answer = send(browser, "/preferences", language="de", back="/customers?q=x")
    assert answer.headers["Location"] == "/customers?q=x"
    html = browser.get("/preferences").text
    assert '<html lang="de"' in html
    assert 'name="shortcuts" content="off"' not in html
    send(browser, "/preferences", shortcuts="off", rail="on", zone="Europe/Berlin")
    html = browser.get("/preferences").text
    assert 'name="shortcuts" content="off"' in html
    assert "shell shell-rail" in html
    assert '<option value="Europe/Berlin" selected>' in html
    assert (
        "/elsewhere"
        not in send(browser, "/preferences", back="//elsewhere.example/").headers[
            "Location"
        ]
    )
    colleague = web.browser(web.person(tenant, role="viewer"))
    assert '<html lang="en"' in colleague.get("/").text
    assert send(colleague, "/preferences/everybody", language="de").status_code == 403
    assert send(browser, "/preferences/everybody", language="de").status_code == 303
    assert '<html lang="de"' in colleague.get("/").text
    assert send(browser, "/reseller", id="ten_nowhere").status_code == 404


def test_strangers_choose_a_language_for_the_sign_in_pages(web) -> None:
    client = web.browser()
    answer = client.get("/language/de?back=//elsewhere.example")
    assert answer.headers["Location"] == "/login"
    assert '<html lang="de"' in client.get("/login").text
    assert client.get("/language/xx").status_code == 404


@pytest.fixture
def troubled(store, web, tenant, books):
    """A parked connection, a plan in each state that matters, a run of the person's."""
    now = web.hub.clock.now()
    with store.unit(TenantScope(tenant)) as session:
        session.get_one(Connection, books.psa).state = "paused"
        run = session.query(SyncRun).order_by(SyncRun.created_at.desc()).first()
        run.connection_id, run.state, run.error_text = books.vendor, "failed", "No <b>"
        run.ended_at, run.remedy = now, "Sign in again."
        for state in ("draft", "done"):
            session.add(
                ReconPlan(
                    id=f"pln_{state}",
                    tenant_id=tenant,
                    psa_connection_id=books.psa,
                    state=state,
                    digest="d",
                    created_by="Marc Keller",
                    created_at=now - timedelta(hours=1),
                )
            )
        session.add(
            ReconRun(
                id=new_id("recon"),
                tenant_id=tenant,
                psa_connection_id=books.psa,
                scope="all",
                state="ok",
                requested_by="Ana Silva",
                created_at=now,
                ended_at=now,
            )
        )
    return run.id


def test_notices_are_listed_counted_and_marked_as_read(
    web, browser, troubled, tenant
) -> None:
    html = browser.get("/notices").text
    for text in (
        "Cloud EU could not be read",
        "A plan waits for approval",
        "Your comparison has ended",
        "No &lt;b&gt; Sign in again.",
    ):
        assert text in html
    assert "pln_done" not in html
    bell = browser.get("/notices/bell")
    assert "3 unread" in bell.text
    again = {"If-None-Match": bell.headers["ETag"]}
    assert browser.get("/notices/bell", headers=again).status_code == 304
    send(browser, "/notices", key="plan:pln_draft:draft")
    assert "2 unread" in browser.get("/notices/bell", headers=again).text
    assert browser.get("/notices").text.count(">Mark as read<") == 2
    send(browser, "/notices")
    assert "unread" not in browser.get("/notices/bell").text
    other = web.browser(web.person(tenant, name="Marc Keller", role="viewer"))
    assert "2 unread" in other.get("/notices/bell").text


def test_help_has_an_article_for_every_module_and_leads_nowhere_else(
    browser, books
) -> None:
    names = {one.name for one in articles._all("en")}
    assert set(TOPICS.values()) <= names
    for name in sorted(names):
        html = browser.get(f"/help/{name}").text
        article = html.split('<article class="prose"')[1].split("</article>")[0]
        links = re.findall(r'<a href="([^"]+)"', article)
        for link in links:
            if not link.startswith("https://"):
                path, _, anchor = link.partition("#")
                assert not path or path.removeprefix("/help/") in names, (name, link)
                if anchor and not path:
                    assert f'id="{anchor}"' in article, (name, link)
        assert "<img" not in article
    drawer = {"HX-Request": "true", "HX-Target": "div#help-body"}
    part = browser.get("/help/mapping", headers=drawer).text
    assert part.strip().startswith("<article")
    spoken = {**drawer, "Accept-Language": "de"}
    assert "Sich zurechtfinden" in browser.get("/help/console", headers=spoken).text
    part = browser.get("/help/mapping", headers=spoken).text
    assert "Wer über eine Zeile entscheidet" in part
    assert "nur auf Englisch" not in part
    assert 'href="/help/mapping" data-help' in browser.get("/mapping/customers").text
    assert browser.get("/help/nothing").status_code == 404
    assert "Syncing" in browser.get("/help?q=notification").text
    assert "No article holds" in browser.get("/help?q=xyzzyx").text


def test_articles_keep_html_as_text_and_drop_links_out_of_the_guide() -> None:
    html = articles._rendered(
        "# A\n<script>x</script> [out](../operator.md) [on](b.md#c-d) ![p](x.png)\n"
    )
    assert "<script" not in html
    assert "../operator" not in html
    assert "out" in html
    assert 'href="/help/b#help-c-d"' in html
    assert "<img" not in html
