"""Records as JSON and back: what plans, issues and snapshots keep."""

from __future__ import annotations

import zlib
from typing import Any, cast

import msgspec

from entrepot.hub.reconciliation.rules.books import Inputs
from entrepot.hub.reconciliation.rules.results import Issue, Proposal

Plain = dict[str, Any]


def proposal_to_plain(proposal: Proposal) -> Plain:
    """A proposal as JSON-safe values: decimals and days become texts."""
    return cast("Plain", msgspec.to_builtins(proposal, str_keys=True))


def proposal_from_plain(values: Plain) -> Proposal:
    """The proposal that `proposal_to_plain` was given."""
    return msgspec.convert(values, Proposal, strict=False)


def pack_inputs(inputs: Inputs) -> bytes:
    """Inputs of a reconciliation, compressed, so that it can be explained later."""
    return zlib.compress(msgspec.json.encode(inputs), 6)


def unpack_inputs(packed: bytes) -> Inputs:
    """The inputs that `pack_inputs` was given."""
    return msgspec.json.decode(zlib.decompress(packed), type=Inputs, strict=False)


def issue_to_plain(issue: Issue) -> Plain:
    """An issue as JSON-safe values."""
    return cast("Plain", msgspec.to_builtins(issue, str_keys=True))


def issue_from_plain(values: Plain) -> Issue:
    """The issue that `issue_to_plain` was given."""
    return msgspec.convert(values, Issue, strict=False)
