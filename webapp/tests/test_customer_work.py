"""Adding, editing, importing, assigning: pages and API of customers."""

from __future__ import annotations

import io
import re

from entrepot.hub.customers import works
from entrepot.hub.customers.importing import COLUMNS
from entrepot.jobs import run_inline
from entrepot.jobs.submit import RunRef
from entrepot.store import TenantScope
from entrepot_web.reseller import customer_forms, customer_sets, customer_work

LINE = (
    "{login},{id},office@x.example,,Ana,Silva,+47 2200 0000,no,0150,,Oslo,Main 1,"
    "Business,00123,en-US,{name},Gold"
)


def send(web, browser, page: str, path: str, **data):
    token = web.csrf_token(browser.get(page).text)
    return browser.post(path, data={"csrf_token": token, **data})


def file_of(*names: str) -> str:
    head = ",".join([*COLUMNS, "attribute:tier"])
    lines = [
        LINE.format(login=f"a{at}@x.example", id=f"E-{at}", name=name)
        for at, name in enumerate(names)
    ]
    return "\n".join([head, *lines])


def test_a_customer_is_added_edited_and_deleted_by_hand(web, browser, books) -> None:
    new = "/customers/new"
    empty = send(web, browser, new, new, name="", kind="business", phone="0049 1")
    assert empty.status_code == 422
    assert "A customer needs a name." in empty.text
    assert 'value="0049 1"' in empty.text
    made = send(web, browser, new, new, name="Nordlys <b>", custom_id="N-1")
    assert made.status_code == 303
    listed = browser.get(made.location).text
    assert "Nordlys &lt;b&gt;" in listed
    one = made.location.split("made=")[1]
    edit = f"/customers/{one}/edit"
    saved = send(web, browser, edit, edit, version="1", name="Nordlys", email="a@b.cc")
    assert saved.status_code == 303, saved.text
    stale = send(web, browser, edit, edit, version="1", name="Mine", email="x@y.zz")
    assert stale.status_code == 409
    assert "Somebody else saved this customer meanwhile" in stale.text
    assert 'value="Mine"' in stale.text
    assert "a@b.cc" in browser.get(f"/customers/{one}/summary").text
    live = f"/customers/{books.customers[1]}"
    send(web, browser, f"{live}/edit", f"{live}/delete")
    assert "live subscription" in browser.get(f"{live}/edit").text
    wrong = send(web, browser, edit, f"/customers/{one}/erase", why="x", name="Other")
    assert wrong.status_code == 303
    assert "nothing is erased" in browser.get(edit).text
    send(web, browser, edit, f"/customers/{one}/erase", why="x", name="Nordlys")
    assert "a@b.cc" not in browser.get(edit).text
    assert send(web, browser, edit, f"/customers/{one}/delete").status_code == 303
    assert one not in browser.get("/customers?q=nordlys").text
    assert one in browser.get("/customers?state=deleted").text


def test_of_two_who_change_a_field_the_second_is_told(web, browser, books) -> None:
    page = "/customers/fields"
    send(web, browser, page, page, label="Tier", key="tier", kind="text", do="add")
    change = re.search(r'value="(change:fld_\w+)"', browser.get(page).text)[1]
    for label in ("Level", "Rank"):
        sent = {"label": label, "version": "1", "do": change}
        assert send(web, browser, page, page, **sent).status_code == 303
        html = browser.get(page).text
    assert "Somebody changed the field Level meanwhile." in html
    assert "<strong>Level</strong>" in html


def test_many_are_imported_filtered_and_assigned(web, browser, books, tenant) -> None:
    send(web, browser, "/customers/fields", "/customers/fields", label="Tier",
         key="tier", kind="text", do="add")  # fmt: skip
    token = web.csrf_token(browser.get("/customers/import").text)
    done = browser.post(
        "/customers/import",
        data={"csrf_token": token, "do": "import",
              "file": (io.BytesIO(file_of("Sol", "Måne").encode()), "c.csv")},
    )  # fmt: skip
    assert done.status_code == 303, done.text
    assert browser.get(done.location).text.count("created") >= 2
    assert browser.get("/customers?own_tier=Gold").text.count('name="id"') == 2
    assert browser.get("/customers?own_tier=Gold&q=mane").text.count('name="id"') == 1
    counted = browser.get("/customers/options/country?find=n").text
    assert 'value="NO"' in counted
    assert "17" in counted
    pinned = browser.get("/customers/options/country?find=zz&country=NO").text
    assert 'value="NO" checked' in pinned
    assert 'value="sol"' in browser.get("/customers/options/name?find=sol").text
    assert browser.get("/customers/options/shoe").status_code == 404
    send(web, browser, "/price-books", "/price-books", name="Retail", currency="NOK",
         do="add")  # fmt: skip
    book = web.hub.customers.price_books.list(
        web.hub.users.actor_for(web.person(tenant), tenant)
    )[0]
    bulk = "/customers/bulk?own_tier=Gold"
    send(web, browser, "/customers", bulk, do="assign", all="1", book=book.id)
    html = browser.get(f"/customers?price_book_id={book.id}").text
    assert html.count('name="id"') == 2
    assert "Price book: 2 changed" in html
    picked = send(web, browser, "/customers", bulk, do="export", id=books.customers[0])
    assert f"id={books.customers[0]}" in picked.location
    send(web, browser, "/customers", "/customers/views", name="Gold",
         query="?own_tier=Gold", do="save")  # fmt: skip
    assert 'href="/customers?own_tier=Gold"' in browser.get("/customers").text


def test_many_more_are_a_job_that_is_followed(
    web, browser, books, tenant, monkeypatch
) -> None:
    for module in (customer_forms, customer_sets):
        monkeypatch.setattr(module, "INLINE", 1)
    monkeypatch.setattr(works, "PART", 8)
    monkeypatch.setattr(customer_work, "PART", 8)
    owner = web.hub.users.actor_for(web.person(tenant), tenant)
    book = web.hub.customers.price_books.create(owner, name="Bulk", currency="NOK")

    def begun(answer) -> str:
        assert answer.status_code == 303, answer.text
        assert answer.location.startswith("/customers/work/cwk_")
        return answer.location

    sent = {"do": "assign", "all": "1", "book": book.id}
    path = begun(
        send(web, browser, "/customers", "/customers/bulk?state=active", **sent)
    )
    waiting = browser.get(path).text
    assert "0 of 15" in waiting
    assert f'hx-get="{path}/progress"' in waiting
    many = send(web, browser, "/customers", "/customers/bulk?q=a", do="edit", all="1")
    assert many.location == "/customers/edit?q=a&all=1"
    ids = books.customers[:2]
    pair = send(web, browser, "/customers", "/customers/bulk", do="edit", id=ids)
    form = browser.get(pair.location).text
    assert "Preview of 2 customers" in form
    empty = send(web, browser, pair.location, pair.location, country="NO")
    assert empty.status_code == 422
    assert "Tick at least one field." in empty.text
    preview = begun(send(web, browser, pair.location, pair.location, set="country",
                         country="SE"))  # fmt: skip
    early = send(web, browser, preview, f"{preview}/apply")
    assert early.location == preview
    assert "The preview hasn&#39;t ended." in browser.get(preview).text
    finish(web, tenant, preview.rsplit("/", 1)[1])
    shown = browser.get(preview).text
    assert "2 Would change" in shown
    assert re.search(r"Country: – <svg.*?</svg> <strong>SE</strong>", shown)
    assert not country_of(web, owner, ids[0])
    edit = begun(send(web, browser, preview, f"{preview}/apply"))
    assert send(web, browser, edit, f"{edit}/apply").status_code == 404
    token = web.csrf_token(browser.get("/customers/import").text)
    file = (io.BytesIO(file_of("Sol", "Luna").encode()), "c.csv")
    send(web, browser, "/customers/fields", "/customers/fields", label="Tier",
         key="tier", kind="text", do="add")  # fmt: skip
    data = {"csrf_token": token, "do": "import", "file": file}
    taken = begun(browser.post("/customers/import", data=data))
    stopped = begun(send(web, browser, "/customers", "/customers/bulk", do="assign",
                         all="1", book=""))  # fmt: skip
    assert send(web, browser, stopped, f"{stopped}/cancel").status_code == 303
    run = run_inline(
        web.hub.jobs,
        web.hub,
        TenantScope(tenant),
        lambda _: RunRef(taken.rsplit("/", 1)[1], joined=True),
    )
    assert run.state == "succeeded"
    for one in (path, edit):
        finish(web, tenant, one.rsplit("/", 1)[1])
    html = browser.get(path).text
    assert "Price book Bulk for many customers" in html
    assert "15 Changed" in html
    assert "Part 1 of 2" in html
    assert "Tailspin Toys" in browser.get(f"{path}?part=1").text
    assert "data-live" not in browser.get(f"{path}/progress").text
    assert browser.get(f"/customers?price_book_id={book.id}").text.count('name="id"')
    assert "2 Changed" in browser.get(edit).text
    assert country_of(web, owner, ids[0]) == "SE"
    assert "2 Created" in browser.get(taken).text
    assert "Cancelled" in browser.get(stopped).text
    reader = web.browser(web.person(tenant, role="viewer"))
    assert reader.get(path).status_code == 403
    assert browser.get("/customers/work/cwk_0").status_code == 404


def country_of(web, owner, customer_id) -> str:
    return web.hub.customers.editing.details(owner, customer_id).fields["country"]


def finish(web, tenant, work_id) -> None:
    """Do what the worker has left."""
    desk = web.hub.customers.works
    while desk.work(tenant, work_id)["left"]:
        pass
    desk.close(tenant, work_id, "done")


def test_the_api_does_the_same(machine, books) -> None:
    made = machine("POST", "/customers", json={"name": "Sol", "custom_id": "S-1"})
    assert made.status_code == 201, made.text
    path = f"/customers/{made.json['id']}"
    again = machine("POST", "/customers", json={"name": "B", "custom_id": "S-1"})
    assert again.status_code == 422, again.text
    tag = {"If-Match": machine("GET", path).headers["ETag"]}
    saved = machine("PATCH", path, json={"email": "a@b.cc"}, headers=tag)
    assert saved.json["contact_email"] == "a@b.cc"
    stale = machine("DELETE", path, headers=tag)
    assert stale.status_code == 412
    field = machine("POST", "/customer-fields", json={"key": "tier", "label": "Tier"})
    assert field.status_code == 201, field.text
    body = {"content": file_of("Luna"), "dry_run": True}
    dry = machine("POST", "/imports", json=body)
    assert dry.json["counts"] == {"created": 1}
    assert dry.json["rows"][0]["customer_id"] is None
    real = machine("POST", "/imports", json={**body, "dry_run": False})
    assert machine("GET", f"/imports/{real.json['id']}").json == real.json
    found = machine("GET", "/customers?filter[own_tier]=Gold&include=total").json
    assert [one["name"] for one in found["data"]] == ["Luna"]
    assert found["meta"]["total"] == 1
    details = machine("GET", f"/customers/{found['data'][0]['id']}/details").json
    assert details["custom"] == {"tier": "Gold"}
    book = machine("POST", "/price-books", json={"name": "R", "currency": "EUR"}).json
    given = {"customer_ids": [*books.customers[:2], "cus_0"]}
    done = machine("POST", f"/price-books/{book['id']}/assignments", json=given).json
    assert (done["changed"], list(done["refused"])) == (2, ["cus_0"])
    tag = {"If-Match": machine("GET", path).headers["ETag"]}
    assert machine("DELETE", path, headers=tag).status_code == 204
    assert machine("GET", "/customers?q=s-1").json["data"] == []
    erased = machine("POST", f"/customers/{books.customers[0]}/erasures",
                     json={"why": "asked"})  # fmt: skip
    assert erased.json["contacts"] == 1
