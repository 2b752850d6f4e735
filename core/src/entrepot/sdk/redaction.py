"""Keeping secrets out of logs, errors, recordings and answers.

One `Redactor` knows the secret *values* in use and the *names* under which secrets
usually travel. Whatever leaves the process for a person's eyes passes through it.
"""

from __future__ import annotations

import base64
import logging
import re
import threading
from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any
from urllib.parse import quote, quote_plus

REDACTED = "[redacted]"
"""What stands in the place of a secret."""

_SHORTEST_VALUE = 4
_SECRET_NAME = re.compile(
    r"passw(or)?d|passphrase|secret|credential|authori[sz]ation|cookie|assertion"
    r"|(^|[^a-z])pwd|api[-_ ]?key|private[-_ ]?key|signing[-_ ]?key|access[-_ ]?key"
    r"|token|signature|\bjwt\b",
    re.IGNORECASE,
)
_HARMLESS_NAME = re.compile(
    r"token[-_]?(type|lifetime|expires|url|endpoint)|continuation[-_]?token"
    r"|(next|page|sync)[-_]?token|secrets?[-_]names?|author(ity|ized[-_]at)",
    re.IGNORECASE,
)
_BEARER = re.compile(r"\b(Bearer|Basic|Digest)\s+[A-Za-z0-9+/=._~-]{4,}")
# A name is looked at once, from its beginning: a vendor's answer of one endless word
# must not take longer than another one of its size.
_ASSIGNMENT = re.compile(
    r"(?<![\w-])(?=[\w-]*?(?:password|passwd|secret|token|api_?key|private_?key"
    r"|signature|assertion))(?P<name>[\w-]++)(?P<mark>[\"']?\s*[=:]\s*[\"']?)"
    r"(?P<value>[^\s\"'&,;}\]]{4,})",
    re.IGNORECASE,
)

_ELEMENT = re.compile(
    r"<(?P<name>[\w.:-]++)(?P<rest>[^<>]*+)>(?P<value>[^<>]++)</(?P=name)\s*>"
)


def is_secret_name(name: str) -> bool:
    """True when a field, header or parameter of this name usually holds a secret."""
    return bool(_SECRET_NAME.search(name)) and not _HARMLESS_NAME.search(name)


def _spellings(value: str) -> set[str]:
    """The value as it looks in a URL, a form, JSON and a Basic header."""
    encoded = base64.b64encode(value.encode()).decode()
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return {value, quote(value, safe=""), quote_plus(value), encoded, escaped}


class Redactor:
    """A registry of secret values and names that cleans texts and structures.

    Safe to share between threads. Values shorter than four characters are not
    registered: replacing them would garble every text and protect nothing.
    """

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._lock = threading.Lock()
        self._spellings: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        for value in values:
            self.add(value)

    def __repr__(self) -> str:
        return f"Redactor({len(self._spellings)} spellings)"

    def add(self, value: str) -> None:
        """Remember one secret value in all its usual spellings."""
        if len(value) < _SHORTEST_VALUE:
            return
        with self._lock:
            if value not in self._spellings:
                self._spellings |= _spellings(value)
                self._pattern = None

    def text(self, text: str) -> str:
        """The text without registered values, bearer tokens and named secrets.

        Names are looked at in `secret=…` pairs, JSON members and XML elements.
        """
        pattern = self._compiled()
        if pattern is not None:
            text = pattern.sub(REDACTED, text)
        text = _BEARER.sub(rf"\1 {REDACTED}", text)
        text = _ASSIGNMENT.sub(_hide_assignment, text)
        return _ELEMENT.sub(_hide_element, text) if "</" in text else text

    def data(self, value: Any) -> Any:  # noqa: ANN401 - any JSON-like structure
        """A copy of a JSON-like structure without secrets; other objects unchanged."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, bytes):
            return self.text(value.decode("utf-8", "replace"))
        if isinstance(value, Mapping):
            return {key: self._entry(key, entry) for key, entry in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.data(entry) for entry in value]
        return value

    def headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """A copy of HTTP headers without credentials."""
        return {name: self._entry(name, value) for name, value in headers.items()}

    def _entry(self, name: object, value: Any) -> Any:  # noqa: ANN401 - as in data()
        if isinstance(name, str) and is_secret_name(name) and value not in (None, ""):
            if isinstance(value, bool | int | float):
                return value
            return REDACTED
        return self.data(value)

    def _compiled(self) -> re.Pattern[str] | None:
        with self._lock:
            if self._pattern is None and self._spellings:
                longest_first = sorted(self._spellings, key=len, reverse=True)
                self._pattern = re.compile("|".join(map(re.escape, longest_first)))
            return self._pattern


def _hide_assignment(match: re.Match[str]) -> str:
    name = match["name"]
    if not is_secret_name(name) or match["value"].startswith(REDACTED[:4]):
        return match[0]
    return f"{name}{match['mark']}{REDACTED}"


def _hide_element(match: re.Match[str]) -> str:
    name = match["name"]
    if not is_secret_name(name.rpartition(":")[2]):
        return match[0]
    return f"<{name}{match['rest']}>{REDACTED}</{name}>"


class RedactingFilter(logging.Filter):
    """A logging filter that cleans message, arguments and tracebacks of a record."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor

    def filter(self, record: logging.LogRecord) -> bool:
        """Clean the record in place; always lets it pass."""
        record.msg = self._redactor.text(record.getMessage())
        record.args = None
        if record.exc_info and record.exc_info[0] is not None:
            formatted = logging.Formatter().formatException(record.exc_info)
            record.exc_text = self._redactor.text(formatted)
            record.exc_info = None
        elif record.exc_text:
            record.exc_text = self._redactor.text(record.exc_text)
        return True


class RedactingProcessor:
    """A structlog processor that cleans every value of an event."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor

    def __call__(
        self,
        logger: Any,  # noqa: ANN401 - structlog's protocol
        method: str,
        event: MutableMapping[str, Any],
    ) -> MutableMapping[str, Any]:
        """Return the event without secrets."""
        for name, value in list(event.items()):
            event[name] = self._redactor._entry(name, value)
        return event
