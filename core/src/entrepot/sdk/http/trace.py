"""Ids that let both sides find a call again."""

from __future__ import annotations

import hashlib
import re
import secrets
import uuid

_TRACE = re.compile(r"[0-9a-f]{32}")


def new_call_id() -> str:
    """A fresh UUID for one call, as most vendors' correlation headers want it."""
    return str(uuid.uuid4())


def traceparent(correlation_id: str) -> str:
    """A W3C `traceparent` header: one trace per correlation id, a new span per call.

    A correlation id that is a UUID or 32 hex digits is the trace id itself, so that
    it can be searched for; any other text is hashed.
    """
    bare = correlation_id.replace("-", "").lower()
    if not _TRACE.fullmatch(bare) or not int(bare, 16):
        bare = hashlib.sha256(correlation_id.encode()).hexdigest()[:32]
    return f"00-{bare}-{secrets.token_hex(8)}-01"
