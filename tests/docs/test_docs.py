"""The documentation says what the code does."""

from __future__ import annotations

import importlib.util
import inspect
import re
import sys
from dataclasses import fields
from functools import cache
from pathlib import Path

import pytest
import typer


def _load(name):
    path = Path(__file__).with_name(f"{name}.py")
    spec = importlib.util.spec_from_file_location(f"entrepot_docs_{name}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


guide = _load("guide")
generate = _load("generate")
USAGE = typer.BadParameter.__bases__[0]  # typer brings its own copy of click
STALE = "run: .venv/bin/python tests/docs/generate.py"
PAGES = [str(page.relative_to(guide.ROOT)) for page in guide.pages()]


def text_of(page):
    return (guide.ROOT / page).read_text()


@pytest.mark.parametrize("name", sorted(generate.hooks()))
def test_hook_is_documented(name):
    page = text_of("docs/hooks.md")
    assert f"### {name}\n" in page, f"{name} is missing in docs/hooks.md; {STALE}"
    section = page.partition(f"### {name}\n")[2].partition("\n### ")[0]
    for argument in inspect.signature(generate.hooks()[name]).parameters:
        assert f"{argument}: " in section, f"{name} takes {argument}; {STALE}"


def test_generated_pages_are_in_step():
    assert text_of("docs/hooks.md") == generate.hooks_page(), STALE
    assert text_of("docs/model.md") == generate.model_page(), STALE


def test_table_of_settings_is_in_step():
    page = text_of("docs/operator-guide.md")
    assert page == generate.with_settings(page), STALE
    assert generate.settings_table() in page, "the guide lost the table's marks"


@pytest.mark.parametrize("page", PAGES)
def test_commands_of_a_page_exist(page):
    for words in guide.command_lines(guide.ROOT / page):
        problem = _problem(words)
        assert problem is None, f"{page}: entrepot {' '.join(words)}: {problem}"


def test_commands_are_found_in_the_docs():
    found = [w for page in guide.pages() for w in guide.command_lines(page)]
    assert len(found) > 60
    assert _problem(["nonsense"]) is not None
    assert _problem(["sync", "--nonsense"]) is not None
    assert _problem(["connections", "nonsense"]) is not None


@pytest.mark.parametrize("page", PAGES)
def test_links_of_a_page_lead_somewhere(page):
    here = guide.ROOT / page
    prose = guide.without_blocks(here)
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        if re.match(r"(https?|mailto):", target):
            continue
        path, _, anchor = target.partition("#")
        found = (here.parent / path).resolve() if path else here
        assert found.exists(), f"{page} links to {target}"
        if anchor:
            assert anchor in _anchors(found), f"{page} links to {target}"


def test_every_page_can_be_reached():
    start = guide.ROOT / "README.md"
    reached, waiting = {start}, [start]
    while waiting:
        page = waiting.pop()
        for target in re.findall(r"\]\(([^)\s#]+\.md)", page.read_text()):
            found = (page.parent / target).resolve()
            if found.exists() and found not in reached:
                reached.add(found)
                waiting.append(found)
    missing = set(guide.DOCS.rglob("*.md")) - reached
    assert not missing, f"no page links to {sorted(map(str, missing))}"


def test_paths_of_the_api_page_exist():
    from entrepot_web.api import operations

    known = {re.sub(r"<[^>]+>", "*", rule) for _, _, rule in operations()}
    text = text_of("docs/api.md") + text_of("README.md")
    named = re.findall(r"/api/v1(/[^\s`\"?]*)", text)
    named += re.findall(r"(?:GET|POST|DELETE) (/[^\s`\"?]*)", text)
    named += re.findall(r"`(/[a-z/-]+)`", text_of("docs/api.md"))
    paths = {re.sub(r"\{id\}|[a-z]+_…", "*", one).rstrip("…/") for one in named}
    served = {"/openapi.json", "/api/docs", "/api/v1/openapi.json", "/api/v1"}
    unknown = {
        path
        for path in paths - served - {""}
        if not any(rule == path or rule.startswith(f"{path}/") for rule in known)
    }
    assert len(paths) > 15
    assert not unknown, f"docs/api.md names {sorted(unknown)}"


def test_codes_of_the_api_page_exist():
    table = text_of("docs/api.md").partition("| Status | Code |")[2]
    codes = re.findall(r"`([a-z]+_[a-z_]+)`", table.partition("\n\n")[0])
    sources = [
        *guide.ROOT.glob("webapp/src/**/*.py"),
        *guide.ROOT.glob("core/src/**/*.py"),
    ]
    code = "\n".join(source.read_text() for source in sources)
    assert len(codes) > 8
    assert [one for one in codes if f'"{one}"' not in code] == []


@pytest.mark.parametrize("page", PAGES)
def test_settings_named_in_a_page_exist(page):
    from entrepot.store.settings import Settings

    known = {f"ENTREPOT_{item.name.upper()}" for item in fields(Settings)}
    known |= {"ENTREPOT_CONFIG", "ENTREPOT_NAME"}
    assert set(re.findall(r"ENTREPOT_[A-Z_]+", text_of(page))) <= known


@pytest.mark.parametrize(
    "unit",
    sorted(path.name for path in (guide.ROOT / "deploy/systemd").glob("*.service")),
)
def test_units_start_commands_that_exist(unit):
    text = text_of(f"deploy/systemd/{unit}")
    started = re.findall(r"^Exec\w+=\S+/entrepot (.*)$", text, re.MULTILINE)
    assert started
    assert [_problem(line.split()) for line in started] == [None] * len(started)


def test_example_of_the_units_holds_settings(tmp_path):
    from entrepot.store.settings import load_settings

    lines = text_of("deploy/systemd/entrepot.env.example").splitlines()
    named = [line.lstrip("#") for line in lines if "=" in line]
    settings = load_settings(dict(line.partition("=")[::2] for line in named))
    assert settings.public_base_url == "https://hub.example.com"
    assert settings.database_kind == "postgresql"


@pytest.mark.parametrize("page", PAGES)
def test_no_secret_and_no_registry_in_a_page(page):
    text = text_of(page)
    assert not re.search(r"PRIVATE KEY-----|\bens_\w{20}|\beyJ\w{20}", text)
    assert not re.search(r"pypi\.org|npmjs|index-url|proxy\.golang", text)


@pytest.mark.parametrize("page", PAGES)
def test_no_path_of_a_machine_in_a_page(page):
    found = re.findall(r"(?<![\w.])/(?:work|tmp|root|home)/\w+", text_of(page))
    assert not found


@cache
def _application():
    from entrepot.cli.main import app

    return typer.main.get_command(app)


def _problem(words):
    """What is wrong with a command line; None when it would be understood."""
    from entrepot.cli.main import globals_first

    command = _application()
    rest = globals_first(words)
    while rest and rest[0] in ("--config", "--tenant", "--json", "--help", "--version"):
        rest = rest[2:] if rest[0] in ("--config", "--tenant") else rest[1:]
    while hasattr(command, "commands"):
        if not rest or rest[0] in ("--help", "…"):
            return None  # a group, named in running text
        name, rest = rest[0], rest[1:]
        if name not in command.commands:
            return f"no such command: {name}"
        command = command.commands[name]
    if not rest:
        return None  # the command's name in running text
    try:
        parser = command.make_parser(command.context_class(command))
        given, extra, _ = parser.parse_args(args=list(rest))
    except USAGE as error:
        return str(error)
    missing = [
        item.name
        for item in command.params
        if item.param_type_name == "argument" and item.required
        if not given.get(item.name)
    ]
    if extra:
        return f"too many arguments: {extra}"
    return f"missing: {missing}" if missing and not given.get("help") else None


def _anchors(page):
    heads = re.findall(r"^#+ (.+)$", guide.without_blocks(page), re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", head.lower()) for head in heads)
    return {head.replace(" ", "-") for head in plain}
