"""The least a Flask application can do."""

from __future__ import annotations

from flask import Flask


def create() -> Flask:
    """An application that says ok."""
    app = Flask("hello")

    @app.get("/")
    def hello() -> str:
        return "ok"

    return app
