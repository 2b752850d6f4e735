"""What a request knows: the hub, the clock, the actor, the trace."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from entrepot.store.actor import Actor
from entrepot.store.scope import TenantScope
from flask import Flask, current_app, g, request

from entrepot_web.freshness import FreshnessReader
from entrepot_web.kept import Kept
from entrepot_web.prepared import PreparedLists

if TYPE_CHECKING:
    from entrepot.app import Hub

    from entrepot_web.auth.tokens import Tokens

_EXTENSION = "entrepot"
_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")


@dataclass(frozen=True, slots=True)
class Parts:
    """What `create_app` put together for the requests of one application."""

    hub: Hub
    tokens: Tokens
    secret: bytes
    freshness: FreshnessReader = field(default_factory=FreshnessReader)
    kept: Kept = field(default_factory=Kept)
    prepared: PreparedLists = field(init=False)

    def __post_init__(self) -> None:
        """Compile statements for the hub's own database."""
        made = PreparedLists(self.hub.store.engine.dialect)
        object.__setattr__(self, "prepared", made)

    @staticmethod
    def digest(content: bytes) -> str:
        """Return the short digest that stands in entity tags."""
        return hashlib.sha256(content).hexdigest()[:32]


def install(app: Flask, parts: Parts) -> None:
    """Hand the application its parts and give every request a trace."""
    app.extensions[_EXTENSION] = parts
    app.before_request(_begin_trace)


def parts() -> Parts:
    """Return the parts of the current application."""
    return cast("Parts", current_app.extensions[_EXTENSION])


def hub() -> Hub:
    """Return the hub of the current application."""
    return parts().hub


def actor() -> Actor:
    """Return who acts in this request.

    Raises:
        AttributeError: The view forgot to demand an actor first.
    """
    return cast("Actor", g.actor)


def scope() -> TenantScope:
    """Return the scope of the reseller the actor works for."""
    return TenantScope(actor().tenant_id)


def trace_id() -> str:
    """Return the 32 hexadecimal digits that name this request in logs and answers."""
    return cast("str", g.trace_id)


def _begin_trace() -> None:
    """Continue the caller's trace or begin one."""
    found = _TRACEPARENT.fullmatch(request.headers.get("traceparent", ""))
    known = found.group(1) if found else ""
    g.trace_id = known if known.strip("0") else secrets.token_hex(16)
    g.span_id = secrets.token_hex(8)
