"""Score cards in the documentation: measured by `scores.py NAME…`, rendered by us."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import typing
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / "docs/plugins"
CARDS = PAGES / "scores.json"
INDEX = PAGES / "README.md"
BEGIN, END = "<!-- score card -->", "<!-- end of score card -->"
_INDEX = """# Plugins

One page per plugin: what it reads, which credentials and rights it needs and how to
get them, its limits. The score card on each page is measured with
`entrepot plugins score NAME`, which anybody can repeat: the rules of the plugin's
`quality.toml`, and the verdict of the
[conformance kit](../plugin-author-guide.md#conformance). `gold`: every rule that
applies is done; `silver`: 80 % and more; `failing`: a check of the kit fails.

{table}

A complete plugin from outside of this repository is the example
[Ledgerline](../examples/entrepot-ledgerline/README.md).
"""


def cards() -> dict[str, typing.Any]:
    """The cards measured last, by plugin."""
    found: dict[str, typing.Any] = json.loads(CARDS.read_text())
    return dict(sorted(found.items()))


def index() -> str:
    """The text of `docs/plugins/README.md`."""
    known = cards()
    names = {path.stem for path in PAGES.glob("*.md")} - {INDEX.stem} | known.keys()
    rows = [
        "| Plugin | Level | Rules | Checks of the kit | Gaps |",
        "|---|---|---|---|---|",
        *(_row(name, known.get(name)) for name in sorted(names)),
    ]
    return _INDEX.format(table="\n".join(rows))


def _row(name: str, card: dict[str, typing.Any] | None) -> str:
    link = f"[{name}]({name}.md)"
    if card is None:
        return f"| {link} | not measured | | | |"
    gaps = len(card["kit"]["gaps"])
    return (
        f"| {link} | {card['level']} | {card['percent']} % | {_checks(card)} | {gaps} |"
    )


def _checks(card: dict[str, typing.Any]) -> str:
    kit = card["kit"]
    return f"{kit['passed']} passed, {len(kit['failed'])} failed"


def block(card: dict[str, typing.Any]) -> str:
    """The score card of one page, between its marks."""
    lines = [
        BEGIN,
        "## Score card",
        "",
        f"{card['level'].capitalize()}: {card['percent']} % of the rules that apply; "
        f"conformance kit of plugin API {card['api']}: {_checks(card)}. "
        f"Version {card['version']}, {card['scored_on']}.",
        "",
        "| Rule | State |",
        "|---|---|",
        *(
            f"| {rule['name'].replace('_', ' ')} | {_state(rule)} |"
            for rule in card["rules"]
        ),
        "",
        "| Not offered | Why |",
        "|---|---|",
        *(f"| `{what}` | {why} |" for what, why in map(_gap, card["kit"]["gaps"])),
        END,
    ]
    return "\n".join(lines)


def _state(rule: dict[str, str]) -> str:
    reason = rule["reason"]
    return f"{rule['state']}: {reason}" if reason else rule["state"]


def _gap(text: str) -> tuple[str, str]:
    name, _, why = text.partition(": ")
    return name.partition("[")[2].rstrip("]") or name, why.replace("|", "\\|")


def with_card(page: str, card: dict[str, typing.Any]) -> str:
    """A page with its score card in place, at the end when it has none yet."""
    before, found, rest = page.partition(BEGIN)
    if not found:
        return f"{page.rstrip()}\n\n{block(card)}\n"
    _, _, after = rest.partition(END)
    return f"{before}{block(card)}{after}"


def pages() -> dict[Path, str]:
    """Every page below `docs/plugins` as it should be, marks added where missing."""
    found = {INDEX: index()}
    for name, card in cards().items():
        path = PAGES / f"{name}.md"
        if path.is_file():
            found[path] = with_card(path.read_text(), card)
    return found


def measure(name: str) -> dict[str, typing.Any]:
    """Score one installed plugin; minutes."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-m", "entrepot.cli", "--json", "plugins", "score", name],
            env={**os.environ, "ENTREPOT_DATA_DIR": folder},
            capture_output=True,
            text=True,
            check=False,
        )
    if not done.stdout.strip():
        raise SystemExit(f"{name}: {done.stderr}")
    card: dict[str, typing.Any] = json.loads(done.stdout)
    return card


def main(names: list[str]) -> None:
    """Measure the named plugins, keep their cards, write the pages."""
    kept = cards() if CARDS.is_file() else {}
    for name in names:
        kept[name] = measure(name)
        print(name, kept[name]["level"], _checks(kept[name]))  # noqa: T201 - a script
    CARDS.write_text(json.dumps(dict(sorted(kept.items())), indent=2) + "\n")
    for path, text in pages().items():
        path.write_text(text)


if __name__ == "__main__":
    main(sys.argv[1:])
