"""The programming interface under ``/api/v1``."""

from __future__ import annotations

from flask import Flask, g, request
from flask_limiter import Limiter
from flask_wtf.csrf import CSRFProtect  # type: ignore[import-untyped]  # has no types

from entrepot_web.api.access import CallBudget, authenticate
from entrepot_web.api.docs import install_document
from entrepot_web.api.frame import Resource
from entrepot_web.api.registry import RESOURCES
from entrepot_web.context import actor, parts
from entrepot_web.security.limits import TOKENS, address

__all__ = ["install_api"]

_OPEN = frozenset({"oauth.issue_token"})


def install_api(app: Flask, csrf: CSRFProtect, limiter: Limiter) -> None:
    """Register every resource with its description, rights and limits.

    Args:
        app: The application.
        csrf: Forgery protection; tokens in a header need none.
        limiter: Counts calls per credential.
    """
    install_document(app)
    for resource in RESOURCES:
        csrf.exempt(resource)
    issue = "oauth.issue_token"
    app.view_functions[issue] = limiter.limit(TOKENS, key_func=address)(  # type: ignore[assignment]  # Flask accepts any view
        app.view_functions[issue]
    )
    budget = CallBudget(limiter.storage)
    names = frozenset(resource.name for resource in RESOURCES)

    @app.before_request
    def know_machine() -> None:
        if request.blueprint in names and request.endpoint not in _OPEN:
            g.pop("actor", None)
            authenticate(parts().tokens)
            budget.take(actor().id)


def operations() -> list[tuple[Resource, str, str]]:
    """Return (resource, method, path) of every operation."""
    return [
        (resource, method, rule)
        for resource in RESOURCES
        for method, rule, _ in resource.operations
    ]
