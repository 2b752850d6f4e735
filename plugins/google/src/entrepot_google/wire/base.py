"""What all records of the wire share."""

from __future__ import annotations

import msgspec

Number = int | str
"""A 64-bit number: a text by the rules, tolerated as a number."""


class Wire(msgspec.Struct, rename="camel", gc=False, kw_only=True):
    """Base: camelCase on the wire, unknown fields skipped."""
