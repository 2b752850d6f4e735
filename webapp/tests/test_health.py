"""Health, readiness, metrics, static files."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

from entrepot_web.assets import STATIC, Assets

TEMPLATES = STATIC.parent / "templates"


def test_ready_needs_database_and_schema_and_names_the_worker(web, store) -> None:
    answer = web.app.test_client().get("/readyz")
    assert answer.status_code == 200
    assert answer.json["checks"]["worker"] == "none has started"
    from entrepot.store.migrations.run import downgrade

    downgrade(web.hub.settings)
    broken = web.app.test_client().get("/readyz")
    assert broken.status_code == 503
    assert broken.json["checks"]["schema"] != "ok"


def test_metrics_count_what_the_database_holds(web, books) -> None:
    text = web.app.test_client().get("/metrics").text
    assert 'entrepot_sync_runs{state="complete"} 12.0' in text
    outside = {"X-Forwarded-For": "203.0.113.9"}
    assert web.app.test_client().get("/metrics", headers=outside).status_code == 403


def test_assets_are_hashed_compressed_and_immutable(web) -> None:
    assets = Assets()
    client = web.app.test_client()
    url = assets.url("app.css")
    answer = client.get(url, headers={"Accept-Encoding": "gzip"})
    assert "immutable" in answer.headers["Cache-Control"]
    assert b"--e-accent" in gzip.decompress(answer.data)
    again = client.get(url, headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304
    assert client.get("/static/../app.py").status_code == 404
    assert client.get("/static/css/1-tokens.css").status_code == 404


def test_first_visit_stays_within_its_budget(web) -> None:
    assets = Assets()
    names = ("app.css", "app.js", "vendor/htmx.min.js", "vendor/icons.svg")
    packed = sum(len(assets.find(name).packed or b"") for name in names)
    font = len(assets.find("vendor/inter-latin-wght-normal.woff2").content)
    assert packed + font < 120_000


def test_every_icon_that_templates_name_exists() -> None:
    import re

    known = Assets().icon_names()
    used = set()
    for path in TEMPLATES.rglob("*.html"):
        used |= set(re.findall(r'icon\("([a-z0-9-]+)"', path.read_text()))
    assert used
    assert used <= known, used - known


def test_style_sheets_use_tokens_only_and_logical_sides() -> None:
    import re

    for path in sorted((STATIC / "css").glob("*.css")):
        text = path.read_text()
        if not path.name.startswith("1-"):
            colours = set(re.findall(r"#[0-9a-f]{3,8}\b", text))
            allowed = {"#fff", "#17202a", "#e8edf2", "#c3ccd5", "#1d9a5b", "#48545f",
                       "#17212b", "#0b5c7a", "#136a41"}  # fmt: skip
            assert colours <= allowed, (path.name, colours - allowed)
        sides = re.findall(r"(?:margin|padding|border)-(?:left|right)\b", text)
        assert not sides, (path.name, sides)


def test_vendored_files_come_with_their_licences() -> None:
    text = (STATIC / "vendor" / "THIRD-PARTY.txt").read_text()
    manifest = Path(__file__).parent.parent / "assets" / "package.json"
    for name, version in json.loads(manifest.read_text())["devDependencies"].items():
        assert f"{name} {version}" in text
