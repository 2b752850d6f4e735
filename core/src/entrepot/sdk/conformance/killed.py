"""A process is killed in the middle of its listings; another one goes on."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from entrepot.sdk.conformance.checks import SMALL_PAGE, require
from entrepot.sdk.conformance.harness import Harness, installed_plugin
from entrepot.sdk.conformance.listings import LISTINGS, identity, pages, scopes

_PATIENCE = 60
_CHILD = "from entrepot.sdk.conformance.killed import child; child()"


def listings_resume(
    name: str, values: Mapping[str, Any], reader: Harness, listings: Sequence[str]
) -> None:
    """Cursors of a killed process work in this one.

    Args:
        name: The installed plugin.
        values: Settings and secrets of the process that is killed.
        reader: The connection that goes on.
        listings: Names of the listings.

    Raises:
        AssertionError: the process told no cursors, or one does not resume.
    """
    asked = {
        "plugin": name,
        "values": dict(values),
        "now": reader.ctx.clock.now().isoformat(),
        "listings": list(listings),
    }
    cursors = _killed_with(json.dumps(asked, default=str))
    for listing, cursor in cursors.items():
        scope = scopes(reader, listing)[0]
        whole = list(pages(reader, listing, page_size=SMALL_PAGE, **scope))
        rest = pages(reader, listing, cursor=cursor, page_size=SMALL_PAGE, **scope)
        found = [identity(listing, one) for page in rest for one in page.records()]
        wanted = [
            identity(listing, one) for page in whole[1:] for one in page.records()
        ]
        require(found == wanted, f"{listing} does not resume after a kill")


def _killed_with(asked: str) -> dict[str, str]:
    process = subprocess.Popen(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", _CHILD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018 - pipes were asked for
    try:
        process.stdin.write(asked + "\n")
        process.stdin.flush()
        told = process.stdout.readline()
    finally:
        process.kill()
        _, errors = process.communicate(timeout=_PATIENCE)
    require(told, f"the process that was to be killed ended by itself: {errors[-800:]}")
    found: dict[str, str] = json.loads(told)
    return found


def child() -> None:
    """Read the first page of every listing, tell the cursors, wait to be killed."""
    asked = json.loads(sys.stdin.readline())
    moment = datetime.fromisoformat(asked["now"])
    plugin = installed_plugin(asked["plugin"])
    harness = Harness(plugin, asked["values"], lambda: moment)
    found = {}
    for listing in asked["listings"]:
        scope = scopes(harness, listing)[0]
        query = LISTINGS[listing].query(page_size=SMALL_PAGE, **scope)
        cursor = harness.call(listing, query).next_cursor
        if cursor is not None:
            found[listing] = cursor
    sys.stdout.write(json.dumps(found) + "\n")
    sys.stdout.flush()
    sys.stdin.read()
