"""What plugins say, in the reader's language: gettext catalogs in their packages.

A plugin that ships ``translations/<language>.po`` in its package names the language in
`PluginInfo.languages`. Its texts are those of its settings, panels and choices, and the
sentences of its errors; a sentence with values stands in the catalog with ``%(name)s``
in their places. `texts` finds them all.
"""

from __future__ import annotations

import ast
import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from babel.messages import pofile

from entrepot.sdk import errors
from entrepot.sdk.model import PluginInfo
from entrepot.sdk.settings import setting_infos

_LOG = logging.getLogger("entrepot.plugins")
_VALUE = re.compile(r"%\((\w+)\)s")
_ERRORS = frozenset(
    name
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, errors.EntrepotError)
)
_LEFT_OUT = "simulator"


class Wording:
    """The texts of all plugins in other languages.

    Args:
        speaking: Gives the package and the languages of every loaded plugin.
    """

    def __init__(
        self, speaking: Callable[[], Iterable[tuple[str, tuple[str, ...]]]]
    ) -> None:
        self._speaking = speaking
        self._known: dict[str, _Catalog] = {}

    def say(self, text: str, language: str) -> str:
        """A plugin's text in a language; the text itself where there is no other.

        Args:
            text: As the plugin gave it.
            language: ISO 639-1 code.
        """
        if language not in self._known:
            self._known[language] = _Catalog(self._read(language))
        return self._known[language].say(text)

    def _read(self, language: str) -> dict[str, str]:
        found: dict[str, str] = {}
        for package, languages in self._speaking():
            if language in languages:
                found |= catalog(package, language)
        return found


class _Catalog:
    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts
        self._patterns = [
            (_pattern(english), other)
            for english, other in texts.items()
            if _VALUE.search(english)
        ]
        self.say = lru_cache(maxsize=4096)(self._say)

    def _say(self, text: str) -> str:
        found = self._texts.get(text)
        if found is not None:
            return found
        for pattern, other in self._patterns:
            match = pattern.fullmatch(text)
            if match:
                return other % match.groupdict()
        return text


def catalog(package: str, language: str) -> dict[str, str]:
    """A package's catalog: its texts with their translations, untranslated left out.

    A catalog that is missing or broken is logged; then the plugin speaks English.
    """
    try:
        entries = parsed(place(package, language).read_text("utf-8"))
    except (OSError, ModuleNotFoundError):
        _LOG.warning("%s names %s but has no catalog of it", package, language)
        return {}
    except pofile.PoFileError as error:
        _LOG.warning("%s has a broken catalog of %s: %s", package, language, error)
        return {}
    return {english: other for english, other in entries.items() if other}


def place(package: str, language: str) -> Traversable:
    """Where a package keeps its catalog of a language."""
    return files(package) / "translations" / f"{language}.po"


def parsed(text: str) -> dict[str, str]:
    """The entries of a ``.po`` file, the header left out.

    Raises:
        PoFileError: It isn't such a file.
    """
    entries = pofile.read_po(text.splitlines(), abort_invalid=True)
    return {str(one.id): str(one.string) for one in entries if one.id}


def written(language: str, texts: Mapping[str, str]) -> str:
    """Texts with their translations as a ``.po`` file, sorted."""
    head = 'msgid ""\nmsgstr ""\n"Language: {}\\n"\n'
    head += '"Content-Type: text/plain; charset=utf-8\\n"\n'
    blocks = [head.format(language)]
    for english, other in sorted(texts.items()):
        blocks.append(
            f"msgid {pofile.escape(english)}\nmsgstr {pofile.escape(other)}\n"
        )
    return "\n".join(blocks)


def texts(package: str, info: PluginInfo) -> tuple[str, ...]:
    """Every text of a plugin that people read, each once, in no order of meaning.

    Args:
        package: The plugin's import package; its sources are looked through for the
            sentences of errors, a simulator's left out.
        info: What the plugin says of itself.
    """
    return tuple(dict.fromkeys([*_declared(info), *_sentences(files(package))]))


def _declared(info: PluginInfo) -> Iterator[str]:
    for setting in setting_infos(info.settings_type).values():
        shown = (setting.label, setting.help, *setting.choice_titles)
        yield from (one for one in shown if one)
    for panel in info.panels:
        yield panel.title
        yield from (field.label for field in panel.fields)


def _sentences(folder: Traversable) -> Iterator[str]:
    for one in sorted(folder.iterdir(), key=lambda item: item.name):
        if one.is_dir() and one.name != _LEFT_OUT:
            yield from _sentences(one)
        elif one.name.endswith(".py") and not one.name.startswith(_LEFT_OUT):
            for node in ast.walk(ast.parse(one.read_text("utf-8"))):
                if isinstance(node, ast.Call):
                    yield from filter(None, map(_text, _told(node)))


def _told(call: ast.Call) -> Iterator[ast.expr]:
    """What a call tells people: an error's sentence, any remedy, heads of details."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    name = call.func.id if isinstance(call.func, ast.Name) else name
    if name in _ERRORS:
        yield from call.args[1:2]
        yield from (word.value for word in call.keywords if word.arg == "user_message")
    yield from (word.value for word in call.keywords if word.arg == "remedy")
    for word in call.keywords:
        if name == "CheckResult" and isinstance(word.value, ast.Tuple):
            pairs = (one for one in word.value.elts if isinstance(one, ast.Tuple))
            yield from (pair.elts[0] for pair in pairs)


def _text(node: ast.expr) -> str:
    """A text, values replaced by their names; empty for anything else."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if not isinstance(node, ast.JoinedStr):
        return ""
    names: dict[str, int] = {}
    parts = []
    for value in node.values:
        if isinstance(value, ast.FormattedValue):
            name = _name(value.value)
            names[name] = names.get(name, 0) + 1
            parts.append(f"%({name}{names[name] if names[name] > 1 else ''})s")
        elif isinstance(value, ast.Constant):
            parts.append(str(value.value))
    return "".join(parts)


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else "value"


def _pattern(english: str) -> re.Pattern[str]:
    # Every second part is the name of a value.
    parts = _VALUE.split(english)
    return re.compile(
        "".join(
            f"(?P<{part}>.+?)" if at % 2 else re.escape(part)
            for at, part in enumerate(parts)
        )
    )
