"""Pages and API of connections whose plugin is not installed (any more)."""

from __future__ import annotations

import html

SENTENCE = "The plugin “cloud” is not available: it is not installed."
REMEDY = "Let the operator install or repair the plugin."


def test_removed_plugin_is_told_of_and_its_books_are_shown(books, machine, browser):
    # The plugins of these books are installed nowhere.
    path = f"/connections/{books.vendor}"
    assert machine("GET", path).json["state"] == "active"
    checked = machine("POST", f"{path}/checks")
    assert checked.status_code == 200, checked.text
    told = machine("GET", path).json
    assert told["state"] == "parked"
    assert (told["parked"]["message"], told["parked"]["remedy"]) == (SENTENCE, REMEDY)
    refused = machine(
        "POST",
        "/sync-runs",
        json={"connection_id": books.vendor, "mode": "full"},
        headers={"Idempotency-Key": "one"},
    )
    assert refused.json["code"] == "connection_parked", refused.text
    assert REMEDY in refused.text

    page = browser.get(path)
    assert page.status_code == 200
    assert SENTENCE in html.unescape(page.text)
    assert REMEDY in html.unescape(page.text)
    everywhere = browser.get("/connections")
    assert everywhere.status_code == 200
    assert "Cloud EU" in everywhere.text

    first = machine("GET", f"/subscriptions/{books.subscriptions[0]}")
    assert first.status_code == 200
    for shown in ("/subscriptions", "/customers", f"/customers/{books.customers[0]}"):
        assert browser.get(shown).status_code == 200, shown
    listed = machine("GET", "/subscriptions?limit=200").json
    assert len(listed["data"]) == len(books.subscriptions)
