"""The filter grammar of ``customers.list`` (§3.5)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from entrepot_google.simulator.refusals import Refusal, refuse

Fields = Mapping[str, str]
Filter = Callable[[Fields], bool]

_TOKEN = re.compile(r'\s*(\(|\)|AND\b|OR\b|[=:]|"[^"]*"|[^\s()=:"]+)')
_PREFIX = ("domain", "org_display_name")
_EXACT = (*_PREFIX, "cloud_identity_id", "channel_partner_id")


def parse(text: str) -> Filter | None:
    """A filter; ``None`` for no text.

    Raises:
        Refusal: A field is unknown, or AND and OR are mixed without parentheses.
    """
    if not text.strip():
        return None
    parser = _Parser(_TOKEN.findall(text))
    found = parser.expression()
    if parser.rest:
        raise _invalid(parser.rest[0])
    return found


class _Parser:
    def __init__(self, tokens: list[str]) -> None:
        self.rest = tokens

    def expression(self) -> Filter:
        parts, words = [self._term()], set[str]()
        while self.rest and self.rest[0] in ("AND", "OR"):
            words.add(self._next())
            parts.append(self._term())
        if len(words) > 1:
            raise _invalid("AND and OR without parentheses")
        every = words == {"AND"}
        return lambda fields: (all if every else any)(p(fields) for p in parts)

    def _term(self) -> Filter:
        if self.rest and self.rest[0] == "(":
            self._next()
            found = self.expression()
            if self._next() != ")":
                raise _invalid("a parenthesis is open")
            return found
        return _comparison(self._next(), self._next(), self._next().strip('"'))

    def _next(self) -> str:
        if not self.rest:
            raise _invalid("the filter ends too early")
        return self.rest.pop(0)


def _comparison(field: str, operator: str, value: str) -> Filter:
    wanted = value.lower()
    if operator == "=" and field in _EXACT:
        return lambda fields: fields[field].lower() == wanted
    if operator == ":" and field in _PREFIX and wanted.endswith("*"):
        return lambda fields: fields[field].lower().startswith(wanted[:-1])
    raise _invalid(f"{field} {operator}")


def _invalid(what: str) -> Refusal:
    return refuse("INVALID_ARGUMENT", f"Invalid filter: {what}.")
