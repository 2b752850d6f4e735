"""The OpenAPI document and its reference page."""

from __future__ import annotations

import json
from threading import Lock
from typing import Any, ClassVar

from entrepot.store.actor import ALL_PERMISSIONS
from flask import Flask, Response, current_app, render_template
from flask_smorest import Api  # type: ignore[import-untyped]  # has no types

from entrepot_web.api import describe
from entrepot_web.api.frame import Resource
from entrepot_web.api.registry import RESOURCES

_ABOUT = """Everything the console can do, for machines.

Get a token at `/api/v1/oauth/token` (OAuth 2.0 client credentials), then send it as
`Authorization: Bearer`. Lists page by opaque cursors; amounts are text with a
currency; errors are RFC 9457 problem documents; writes that reach a vendor or a PSA
system need an `Idempotency-Key`; long work answers 202 and an operation to follow.
"""


class Document(Api):  # type: ignore[misc]  # the library is untyped
    """The API's registry without the library's own error answers.

    Describing two hundred operations takes longer than everything else an application
    does to start, and most never get asked: it is done at the first question. The
    answer depends on no hub, so one is enough for all applications of a process.
    """

    _text: ClassVar[str] = ""
    _one_at_a_time: ClassVar[Lock] = Lock()

    def register_blueprint(self, blp: Resource, **_options: object) -> None:
        """Serve a resource; `describe` tells of it later."""
        self._app.extensions["flask-smorest"]["blp_name_to_api"][blp.name] = self
        self._app.register_blueprint(blp)

    def describe(self) -> str:
        """Return the document of all resources as JSON."""
        for resource in RESOURCES:
            resource.register_views_in_doc(
                self, self._app, self.spec, name=resource.name, parameters=None
            )
            self.spec.tag({"name": resource.name, "description": resource.description})
        for name, schema in describe.components().items():
            self.spec.components.schema(name, component=schema)
        return json.dumps(self.spec.to_dict(), indent=2)

    def _openapi_json(self) -> Response:
        with self._one_at_a_time:
            if not self._text:
                Document._text = self.describe()
        return current_app.response_class(self._text, mimetype="application/json")

    def _register_error_handlers(self) -> None:
        """Leave errors to `entrepot_web.errors`: one handler for everything."""

    def _register_responses(self) -> None:
        """Leave responses to the operations: each declares its own."""

    def _register_pagination_header(self) -> None:
        """Leave it out: our lists page by cursor."""


def install_document(app: Flask) -> Document:
    """Register the resources and serve their description."""
    app.config.update(
        API_TITLE="Entrepot",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX="/api/v1",
        OPENAPI_JSON_PATH="openapi.json",
        API_SPEC_OPTIONS={
            "info": {"description": _ABOUT, "license": {"name": "Apache-2.0"}},
        },
    )
    document = Document(app)
    document.spec.components.security_scheme("oauth2", _security())
    for resource in RESOURCES:
        document.register_blueprint(resource)

    @app.get("/api/docs")
    def api_docs() -> str:
        return render_template("docs.html")

    return document


def _security() -> dict[str, Any]:
    return {
        "type": "oauth2",
        "flows": {
            "clientCredentials": {
                "tokenUrl": "/api/v1/oauth/token",
                "scopes": {scope: _explain(scope) for scope in sorted(ALL_PERMISSIONS)},
            }
        },
    }


def _explain(scope: str) -> str:
    noun, _, verb = scope.partition(":")
    return f"{verb.capitalize()} {noun}."
