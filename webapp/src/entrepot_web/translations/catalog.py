"""Reading texts out of the sources, and the catalogs that translate them."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

HERE = Path(__file__).parent
SOURCES = HERE.parent
METHODS = [
    ("static/**", "ignore"),
    ("**.py", "python"),
    ("**/templates/**.html", "jinja2"),
    ("templates/**.html", "jinja2"),
    ("templates/**.txt", "jinja2"),
]
KEYWORDS = {
    **DEFAULT_KEYWORDS,
    "_l": None,
    "lazy_gettext": None,
    "lazy_ngettext": (1, 2),
    "marked": None,
}
_ALWAYS = datetime(2026, 1, 1, tzinfo=UTC)
_PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%%")


def extract() -> Catalog:
    """Return every text that the sources mark for translation."""
    texts = Catalog(project="entrepot-web", charset="utf-8")
    found = extract_from_dir(
        SOURCES, METHODS, {"**.html": {"trimmed": "true"}}, KEYWORDS
    )
    for _file, _line, text, _comments, context in found:
        texts.add(text, None, flags=_flags(text), context=context)
    return texts


def translated() -> list[str]:
    """Return the codes of all languages that have a catalog."""
    return sorted(path.parent.parent.name for path in HERE.glob("*/LC_MESSAGES/*.po"))


def load(code: str) -> Catalog:
    """Return the catalog of a language.

    Raises:
        FileNotFoundError: There is none.
    """
    with _path(code, "po").open("rb") as file:
        return read_po(file, locale=code)


def merge(known: Catalog, texts: Catalog) -> None:
    """Take new texts into a catalog and leave out those that are gone."""
    known.update(texts, no_fuzzy_matching=True, update_header_comment=False)
    known.obsolete.clear()


def save(code: str, known: Catalog) -> None:
    """Write a catalog and its compiled form; equal catalogs give equal files."""
    _path(code, "po").write_bytes(as_text(known))
    _path(code, "mo").write_bytes(as_compiled(known))


def as_text(known: Catalog) -> bytes:
    """Return a catalog as it lies in its ``.po`` file: no dates, no places."""
    out = io.BytesIO()
    write_po(out, known, width=88, no_location=True, sort_output=True, omit_header=True)
    header = (
        'msgid ""\nmsgstr ""\n"Language: {}\\n"\n'
        '"Content-Type: text/plain; charset=utf-8\\n"\n'
        '"Plural-Forms: {}\\n"\n\n'
    )
    head = header.format(known.locale_identifier, known.plural_forms)
    return head.encode() + out.getvalue()


def as_compiled(known: Catalog) -> bytes:
    """Return a catalog as programs read it."""
    plain = Catalog(
        locale=known.locale,
        charset="utf-8",
        creation_date=_ALWAYS,
        revision_date=_ALWAYS,
    )
    for message in messages(known):
        plain.add(message.id, message.string, context=message.context)
    out = io.BytesIO()
    write_mo(out, plain)
    return out.getvalue()


def compiled(code: str) -> bytes:
    """Return the compiled catalog that is shipped."""
    return _path(code, "mo").read_bytes()


def messages(known: Catalog) -> Iterator[Message]:
    """Yield every text of a catalog but its header."""
    return (message for message in known if message.id)


def untranslated(known: Catalog) -> list[str]:
    """Return the texts without a complete translation."""
    return [
        _first(message.id)
        for message in messages(known)
        if not all(_forms(message.string)) or message.fuzzy
    ]


def placeholders_differ(known: Catalog) -> list[str]:
    """Return the texts whose translation lacks a placeholder or invents one.

    A form for exactly one may leave the number out.
    """
    wrong = []
    for message in messages(known):
        wanted = {one for text in _forms(message.id) for one in _marks(text)}
        for text in _forms(message.string):
            given = _marks(text)
            if not text:
                continue
            if given - wanted or (not message.pluralizable and wanted - given):
                wrong.append(_first(message.id))
    return wrong


def _path(code: str, ending: str) -> Path:
    return HERE / code / "LC_MESSAGES" / f"messages.{ending}"


def _forms(text: str | tuple[str, ...] | list[str] | None) -> tuple[str, ...]:
    if text is None:
        return ("",)
    return (text,) if isinstance(text, str) else tuple(text)


def _first(text: str | tuple[str, ...] | list[str]) -> str:
    return _forms(text)[0]


def _marks(text: str) -> set[str]:
    return set(_PLACEHOLDER.findall(text))


def _flags(text: str | tuple[str, ...]) -> set[str]:
    named = any(_PLACEHOLDER.search(form) for form in _forms(text))
    return {"python-format"} if named else set()
