"""In which language the console speaks, and how it writes numbers and dates.

Texts in the sources are English; ``translations/`` holds the other languages. The
API and what is stored stay English: machines read them.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, cast

from babel import Locale
from entrepot.hub.preferences.service import PreferencesService
from flask import Flask, g, has_request_context, request, session
from flask_babel import Babel, force_locale, get_locale, get_translations
from flask_login import current_user  # type: ignore[import-untyped]  # has no types
from jinja2 import pass_eval_context
from jinja2.nodes import EvalContext
from markupsafe import Markup

from entrepot_web.context import hub

LANGUAGES: Mapping[str, str] = {"en": "English", "de": "Deutsch"}
"""Every language of the console by its code, in its own words."""

SOURCE = "en"
LANGUAGE = "language"
"""The name of the choice, in the session and among the preferences."""

_MACHINES = ("/api/", "/static/", "/notify/", "/healthz", "/readyz", "/metrics")


def install_i18n(app: Flask) -> None:
    """Let every page speak the language of who looks at it."""
    Babel(app, default_locale=SOURCE, locale_selector=_language)  # type: ignore[no-untyped-call]  # its types end here
    app.jinja_env.policies["ext.i18n.trimmed"] = True
    app.jinja_env.globals.update(languages=LANGUAGES, language=language, _=_said)


@pass_eval_context
def _said(context: EvalContext, text: str, /, **values: Any) -> str:  # noqa: ANN401 - what a text mentions
    """Return a template's text in the reader's language.

    It does what Flask-Babel's own does, without asking anew for the language: a list
    of fifty rows says some thousand words.
    """
    found: str = _catalog().ugettext(text)
    if context.autoescape:
        found = Markup(found)  # noqa: S704 - the text is ours; % escapes the values
    return found % values if values or "%" in found else found


def _catalog() -> Any:  # noqa: ANN401 - gettext translations, which have no types
    """Return the texts of the language that holds now, looked up when it changes."""
    known = getattr(g, "_flask_babel", None)
    chosen = getattr(known, "babel_locale", None)
    if known is None or chosen is None:
        return get_translations()
    kept = getattr(known, "catalog", None)
    if kept is None or kept[0] is not chosen:
        kept = known.catalog = (chosen, get_translations())
    return kept[1]


def language() -> str:
    """Return the code of the language of this request; the source's outside of one."""
    return locale().language


def locale() -> Locale:
    """Return whose manner of writing numbers and dates holds in this request."""
    found = get_locale() if has_request_context() else None
    return found or Locale.parse(SOURCE)


def speaking(code: str) -> AbstractContextManager[None]:
    """Return a context in which texts are in a certain language, for mails.

    Args:
        code: A language; an unknown one means the source's.
    """
    wanted = code if code in LANGUAGES else SOURCE
    return cast("AbstractContextManager[None]", force_locale(wanted))


def choices() -> Mapping[str, Any]:
    """Return what the person who looks chose for the console; empty for strangers."""
    if "choices" not in g:
        who = g.get("actor")
        if who is None:
            return {}
        g.choices = preferences().all(who)
    found: Mapping[str, Any] = g.choices
    return found


def preferences() -> PreferencesService:
    """Return what remembers choices."""
    return PreferencesService(hub().store, hub().clock)


def _language() -> str:
    """Choose: the person, else their reseller, else what the browser asks for."""
    if request.path.startswith(_MACHINES):
        return SOURCE
    chosen = choices().get(LANGUAGE) if _somebody() else None
    for code in (chosen, session.get(LANGUAGE)):
        if code in LANGUAGES:
            return str(code)
    return request.accept_languages.best_match(list(LANGUAGES)) or SOURCE


def _somebody() -> bool:
    return bool("actor" in g and current_user.is_authenticated)
