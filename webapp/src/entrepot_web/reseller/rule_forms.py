"""What a form asks for each kind of rule, and what was typed into it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from entrepot.hub.reconciliation.rulebook import SINGLE
from flask_babel import gettext
from flask_babel.speaklater import LazyString

Words = tuple[tuple[str, LazyString], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleField:
    """One field of a kind of rule.

    Attributes:
        name: In the rule's body.
        label: For people.
        kind: ``text``, ``number``, ``date``, ``flag``, ``words`` or ``parts``.
        words: What may be chosen, the usual first.
        usual: What holds when nothing is typed.
        help: One sentence, or empty.
        required: Whether it must be given.
    """

    name: str
    label: LazyString
    kind: str = "text"
    words: Words = ()
    usual: str = ""
    help: LazyString | str = ""
    required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleForm:
    """A kind of rule.

    Attributes:
        kind: Of `rulebook.RULE_KINDS`.
        title: For people.
        purpose: What it decides, in one sentence.
        gone: What holds once it is removed.
        fields: Beside its scope.
        company, product: Whether it may be narrowed; ``required``, ``any`` or ``no``.
        reasoned: Whether it needs a reason.
        dated: Whether it may end on a day.
    """

    kind: str
    title: LazyString
    purpose: LazyString
    gone: LazyString
    fields: tuple[RuleField, ...]
    company: str = "any"
    product: str = "any"
    reasoned: bool = False
    dated: bool = False

    @property
    def needs(self) -> str:
        """The permission that writing it needs beside ``mappings:write``."""
        return "reconciliations:approve" if self.kind in SINGLE else "mappings:write"


@dataclass(frozen=True, slots=True)
class Typed:
    """A filled-in form.

    Attributes:
        body: The rule's fields.
        problems: What is wrong, by field name.
    """

    body: Mapping[str, Any]
    problems: Mapping[str, str] = field(default_factory=dict)


def typed(form: RuleForm, given: Mapping[str, str]) -> Typed:
    """Return what was typed into a form, as the rule's body.

    What is left empty isn't in the body: the usual holds.
    """
    body: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for one in form.fields:
        text = str(given.get(one.name, "")).strip()[:500]
        if one.kind == "flag":
            if text:
                body[one.name] = True
        elif not text:
            if one.required:
                problems[one.name] = gettext("Fill this in.")
        elif one.kind == "parts":
            body[one.name] = _parts(text)
        else:
            body[one.name] = text.replace(",", ".") if one.kind == "number" else text
    return Typed(body, problems)


def _parts(text: str) -> list[dict[str, str]]:
    pairs = (part.partition("=") for part in text.split(",") if part.strip())
    return [
        {"entry": entry.strip(), "ratio": ratio.strip() or "1"}
        for entry, _equals, ratio in pairs
    ]


def shown_value(one: RuleField, body: Mapping[str, Any]) -> str:
    """Return a field of a rule as the form has it; empty when nothing is given.

    Of what is chosen from words, the usual one stands for nothing.
    """
    value = body.get(one.name)
    if value is None:
        return one.usual if one.kind == "words" else ""
    if one.kind == "flag":
        return "1" if value is True else ""
    if one.kind == "parts" and isinstance(value, list):
        return ", ".join(f"{part.get('entry')} = {part.get('ratio')}" for part in value)
    return str(value)


def said(form: RuleForm, body: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what a rule says, label by label; what is usual is left out."""
    found = []
    for one in form.fields:
        if one.name not in body and one is not form.fields[0]:
            continue
        value = shown_value(one, body)
        if one.kind == "words":
            words = {key: str(text) for key, text in one.words}
            value = words.get(value.lower(), value)
        elif one.kind == "flag":
            value = gettext("yes") if value else ""
        if value:
            found.append((str(one.label), value))
    return found
