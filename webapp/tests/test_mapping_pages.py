"""The mapping bench: side by side, evidence, preview, undo, two people at once."""

from __future__ import annotations

import re

import pytest
from entrepot.hub.customers.tables import CustomerAccount
from entrepot.hub.psa.tables import PsaCompany
from entrepot.store import TenantScope, new_id
from sqlalchemy import select

SHOWN = re.compile(r'name="map" value="([^"]+)"')
PAIRS = (("Coho Winery", "11"), ("Fourth Coffee", "12"), ("Litware", "13"))


@pytest.fixture
def database_kind() -> str:
    """Decisions are tried on both databases below the pages."""
    return "sqlite"


@pytest.fixture
def bench(web, store, tenant, books) -> dict[str, str]:
    """Ids of accounts whose companies have the same tax number and name."""
    known = {"connection_id": books.psa, "row_hash": 1, "known_at": web.hub.clock.now()}
    with store.unit(TenantScope(tenant)) as session:
        found = {}
        for name, company in PAIRS:
            account = session.scalars(
                select(CustomerAccount).where(CustomerAccount.name == name)
            ).one()
            account.tax_id = f"NO{company}000"
            found[name] = account.id
            session.add(
                PsaCompany(
                    id=new_id("pcy"),
                    tenant_id=tenant,
                    vendor_id=company,
                    name=name,
                    tax_id=account.tax_id,
                    **known,
                )
            )
    actor = web.hub.users.actor_for(web.person(tenant), tenant)
    web.hub.mapping.refresh_suggestions(actor, books.psa)
    return found


def ticked(html: str, *ids: str) -> dict[str, list[str]]:
    """What ticking rows of a page sends."""
    shown = [entry for entry in SHOWN.findall(html) if entry.split("=")[0] in ids]
    return {"key": list(ids), "map": list(dict.fromkeys(shown))}


def send(client, web, html: str, path: str, books, **fields):
    token = web.csrf_token(html)
    return client.post(path, data={"csrf_token": token, "psa": books.psa, **fields})


def test_suggestion_stands_beside_what_the_psa_says(browser, bench, books) -> None:
    key = bench["Coho Winery"]
    html = browser.get(f"/mapping/customers?open={key}").text
    drawer = html.split('aria-label="Side by side"')[1].split("</aside>")[0]
    assert drawer.count("NO11000") >= 2
    assert '<span class="same">' in drawer
    assert "Billed subscriptions" in drawer
    assert "Accept and go on" in drawer
    preview = f"/mapping/customers/choose?psa={books.psa}&key={key}&target=12"
    beside = browser.get(preview).text
    assert "Fourth Coffee" in beside
    assert 'class="pair"' in beside
    product = browser.get(f"/mapping/products?open={books.vendor}|SKU-0").text
    assert "Business Premium" in product.split('aria-label="Side by side"')[1]


def test_same_evidence_is_accepted_together_and_undone(browser, web, bench, books):
    path = "/mapping/customers"
    html = browser.get(path).text
    assert "The same tax number" in html
    assert "Accept all 3" in html
    only = browser.get(f"{path}?method=tax_id").text
    assert all(bench[name] in only for name, _ in PAIRS)
    assert "Relecloud" not in only
    fields = {"action": "accept_all", "method": "tax_id"}
    done = send(browser, web, html, f"{path}/decide", books, **fields)
    assert done.status_code == 303
    after = browser.get(path).text
    assert "Saved: 3 rows." in after
    assert "3 of 15 decided" in after
    undo = re.search(r'action="(/mapping/batches/[^"]+/undo)"', after)
    assert undo is not None
    assert "data-undo" in after
    assert send(browser, web, after, undo[1], books).status_code == 303
    assert "Accept all 3" in browser.get(path).text


def test_ticked_rows_are_previewed_before_they_are_accepted(
    browser, web, bench, books
) -> None:
    path = "/mapping/customers"
    html = browser.get(path).text
    fields = ticked(html, bench["Coho Winery"], bench["Litware"])
    shown = send(browser, web, html, f"{path}/preview", books, **fields).text
    assert "2 suggestions are accepted." in shown
    assert "Billed subscriptions" in shown
    fields |= {"map": SHOWN.findall(shown), "action": "accept"}
    done = send(browser, web, shown, f"{path}/decide", books, **fields)
    assert done.status_code == 303
    none = send(browser, web, html, f"{path}/preview", books, key=["nothing"])
    assert none.status_code == 422


def test_decision_of_somebody_else_is_told_and_nothing_typed_is_lost(
    browser, web, tenant, bench, books
) -> None:
    path, key = "/mapping/customers", bench["Coho Winery"]
    html = browser.get(path).text
    choice = f"{path}/choose?psa={books.psa}&key={key}&target=11"
    chosen = browser.get(choice).text
    no_reason = ticked(html, key) | {"action": "exclude"}
    refused = send(browser, web, html, f"{path}/decide", books, **no_reason)
    assert refused.status_code == 422
    assert f'value="{key}" checked' in refused.text
    other = web.browser(web.person(tenant, name="Marc Keller"))
    fields = ticked(html, key) | {"action": "accept"}
    page = other.get(path).text
    assert send(other, web, page, f"{path}/decide", books, **fields).status_code == 303
    told = "Marc Keller has decided about Coho Winery meanwhile and chose Coho Winery."
    late = no_reason | {"why": "our own tenant"}
    answer = send(browser, web, html, f"{path}/decide", books, **late)
    assert answer.status_code == 409
    assert told in answer.text
    fields = {"key": key, "target": "11", "map": SHOWN.findall(chosen)}
    answer = send(browser, web, chosen, f"{path}/choose", books, **fields)
    assert answer.status_code == 409
    assert told in answer.text


def test_customer_is_shared_among_companies_previewed_and_undone(
    browser, web, tenant, bench, books
) -> None:
    path, key = "/mapping/customers/shares", bench["Fourth Coffee"]
    base = f"{path}?psa={books.psa}&key={key}"
    assert (
        path in browser.get(f"/mapping/customers/choose?psa={books.psa}&key={key}").text
    )
    first = browser.get(base).text
    assert 'name="company" value="12"' in first
    found = browser.get(f"{base}&company=12&share=remainder&value=&q=Coho").text
    assert 'name="add" value="11"' in found
    rows = "&company=12&share=remainder&value=&company=11&share=percent&value="
    wrong = browser.get(f"{base}{rows}0").text
    assert "Enter a number above zero." in wrong
    assert "Confirm shares" not in wrong
    assert "add up to 120 %" in browser.get(f"{base}{rows}120").text
    shown = browser.get(f"{base}{rows}33,5").text
    assert "Divided quantities" in shown
    row = r"<span>[^<]+</span><span>([0-9]+)</span></div>"
    amounts = re.findall(
        rf"<strong>([0-9]+)</strong></div><div>{row}<div>{row}",
        shown.split("Divided quantities")[1],
    )
    assert amounts
    for whole, rest, part in amounts:
        assert int(whole) == int(rest) + int(part)
        assert int(part) in {int(whole) * 335 // 1000, int(whole) * 335 // 1000 + 1}

    fields = {
        "key": key, "company": ["12", "11"], "share": ["remainder", "percent"],
        "value": ["", "33.5"],
    }  # fmt: skip
    refused = send(browser, web, shown, path, books, **fields | {"value": ["", "x"]})
    assert refused.status_code == 422
    assert "Correct the shares first." in refused.text
    assert send(browser, web, shown, path, books, **fields).status_code == 303
    listed = browser.get("/mapping/customers?status=confirmed").text
    assert "gets 33.5 %" in listed
    assert "gets the rest" in listed

    late = send(browser, web, shown, path, books, **fields)
    assert late.status_code == 409
    assert "has decided about Fourth Coffee meanwhile" in late.text
    again = browser.get(base).text
    assert again.count('name="seen"') == 2
    now = fields | {"seen": re.findall(r'name="seen" value="([^"]+)"', again)}
    taken = {"key": bench["Litware"], "company": "12", "share": "all", "value": ""}
    other = send(browser, web, again, path, books, **taken)
    assert other.status_code == 409
    assert "already mapped to the customer Fourth Coffee" in other.text
    kept = send(browser, web, again, path, books, **taken | {"shared": "1"})
    assert kept.status_code == 303
    assert send(browser, web, again, path, books, **now).status_code == 409
    done = send(browser, web, again, path, books, **now | {"shared": "1"})
    assert done.status_code == 303
    after = browser.get("/mapping/customers").text
    undo = re.findall(r'action="(/mapping/batches/[^"]+/undo)"', after)
    for one in undo:
        assert send(browser, web, after, one, books).status_code == 303
    assert "gets" not in browser.get("/mapping/customers?status=confirmed").text
    reader = web.browser(web.person(tenant, role="viewer")).get(f"{base}{rows}50")
    assert "Divided quantities" in reader.text
    assert "Confirm shares" not in reader.text
    assert browser.get(f"{path}?psa={books.psa}&key=nothing").status_code == 404


def test_reader_of_the_bench_is_offered_no_decision(web, tenant, bench) -> None:
    html = web.browser(web.person(tenant, role="viewer")).get("/mapping/customers").text
    assert "Coho Winery" in html
    assert 'value="accept"' not in html
    assert "Choose…" not in html
