"""plugins: what is installed, what works, how good it is, and how to begin one."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from babel.messages.pofile import PoFileError

from entrepot.cli.context import cli_of, record
from entrepot.cli.exits import CONFIG, FAILED, USAGE, CommandFailed
from entrepot.plugins import wording
from entrepot.plugins.kit_run import KitUnavailable
from entrepot.plugins.rendering import TemplateRefused, render
from entrepot.plugins.scorecard import FAILING, ScoreCard
from entrepot.sdk.model import PluginKind
from entrepot.store.migrations.run import is_current

_WORD = "plugin_not_begun"
_AGAIN = "entrepot plugins new NAME --kind vendor|psa"


class TemplateKind(StrEnum):
    """Kinds of plugins that can be begun."""

    VENDOR = "vendor"
    PSA = "psa"


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    plugins = typer.Typer(help="Installed plugins.", no_args_is_help=True)
    plugins.command("list")(plugins_list)
    plugins.command("score")(plugins_score)
    plugins.command("new")(plugins_new)
    plugins.command("texts")(plugins_texts)
    app.add_typer(plugins, name="plugins")


def plugins_list(ctx: typer.Context) -> None:
    """List all plugins, the failed ones with the reason."""
    cli = cli_of(ctx)
    cli.table(
        "Plugins",
        cli.bare_hub.plugins.list(),
        {
            "Name": lambda one: one.name,
            "Title": lambda one: one.title,
            "Kind": lambda one: one.kind,
            "Version": lambda one: one.version,
            "State": lambda one: one.state,
            "Reason": lambda one: one.reason,
            "Gaps": lambda one: [gap.hook for gap in one.gaps],
        },
    )


def plugins_score(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="A loaded plugin.")],
    tests: Annotated[
        Path | None,
        typer.Option(help="Its conformance tests; those beside its quality file."),
    ] = None,
) -> None:
    """Run the conformance kit, read the quality file, keep and show the score card."""
    cli = cli_of(ctx)
    hub = cli.bare_hub
    try:
        card = hub.scores.measure(name, tests)
    except KitUnavailable as error:
        raise CommandFailed(
            CONFIG, str(error), "Install what is missing, and repeat.", "kit_missing"
        ) from None
    if is_current(hub.store.engine):
        hub.scores.keep(cli.operator, card)
    else:
        cli.say("There is no hub to keep it in; the card is only shown.")
    cli.emit(
        record(card),
        lambda console: console.print(_card(card), markup=False, highlight=False),
    )
    if card.level == FAILING:
        raise CommandFailed(
            FAILED,
            f"{len(card.kit.failed)} checks of the conformance kit fail.",
            "Mend the plugin, or declare what it cannot do as a gap.",
            "conformance_failing",
        )


def _card(card: ScoreCard) -> str:
    kit = card.kit
    checks = f"{kit.passed} passed, {len(kit.failed)} failed, {len(kit.gaps)} gaps"
    lines = [
        f"{card.plugin} {card.version}: {card.level}, {card.percent} %",
        f"Conformance (plugin API {card.api}, {card.scored_on}): {checks}",
        *(f"  failed  {name}" for name in kit.failed),
        *(f"  gap     {name}" for name in kit.gaps),
        "Rules:",
        *(f"  {rule.state:7} {rule.name}: {rule.reason}" for rule in card.rules),
    ]
    return "\n".join(line.rstrip(": ") for line in lines)


def plugins_new(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Lower-case name of the plugin.")],
    kind: Annotated[TemplateKind, typer.Option(help="Which side it speaks for.")],
    title: Annotated[str, typer.Option(help="What people read.")] = "",
    into: Annotated[
        Path | None, typer.Option(help="Folder; entrepot-NAME when left out.")
    ] = None,
) -> None:
    """Begin a plugin: a distribution that works, to be made yours."""
    cli = cli_of(ctx)
    target = into or Path(f"entrepot-{name}")
    try:
        written = render(name, PluginKind(kind.value), title, target)
    except TemplateRefused as refusal:
        raise CommandFailed(
            USAGE, str(refusal), f"Choose another one and repeat: {_AGAIN}", _WORD
        ) from None
    following = [
        f"cd {target}",
        'pip install -e ".[test]"',
        "pytest -q tests",
        f"entrepot plugins score {name}",
    ]
    found = {"folder": str(target), "files": written, "next": following}
    text = _begun(target, written, following)
    cli.emit(found, lambda console: console.print(text, markup=False, highlight=False))


def _begun(target: Path, written: list[str], following: list[str]) -> str:
    lines = [f"{target}:", *(f"  {name}" for name in written), "Next:"]
    return "\n".join([*lines, *(f"  {command}" for command in following)])


def plugins_texts(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="A loaded plugin.")],
    language: Annotated[str, typer.Option(help="ISO 639-1 code.")] = "de",
) -> None:
    """Bring a plugin's catalog in line with its texts, and say what it lacks.

    The catalog lies in the plugin's package; what is translated stays.
    """
    cli = cli_of(ctx)
    package = cli.bare_hub.plugins.package(name)
    found = wording.texts(package, cli.bare_hub.plugins.info(name))
    path = Path(str(wording.place(package, language)))
    try:
        known = wording.parsed(path.read_text("utf-8")) if path.exists() else {}
        path.parent.mkdir(exist_ok=True)
        path.write_text(
            wording.written(language, {text: known.get(text, "") for text in found}),
            "utf-8",
        )
    except OSError as error:
        raise CommandFailed(
            FAILED,
            f"{path} cannot be written: {error.strerror}.",
            "Run it on a checkout of the plugin, installed editable.",
            "catalog_unwritable",
        ) from None
    except PoFileError as error:
        raise CommandFailed(
            FAILED,
            f"{path} is no catalog of gettext: {error}",
            "Mend the line, or move the file away to begin anew.",
            "catalog_broken",
        ) from None
    lacking = [text for text in found if not known.get(text)]
    cli.emit(
        {"file": str(path), "texts": len(found), "untranslated": lacking},
        lambda console: console.print(
            f"{path}: {len(found)} texts, {len(lacking)} untranslated", markup=False
        ),
    )
