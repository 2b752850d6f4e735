"""One cell in a process of its own: ``python -m bench.cell module:function PARAMS``."""

from __future__ import annotations

import importlib
import json
import sys
from typing import Any


def call(name: str, params: dict[str, Any]) -> dict[str, Any]:
    """Call a cell's function: ``module:function`` below ``bench``."""
    module, _, function = name.partition(":")
    run = getattr(importlib.import_module(f"bench.{module}"), function)
    found: dict[str, Any] = run(**params)
    return found


def main(name: str, params: str) -> None:
    """Run a cell and print what it measured as the last line."""
    print("\n" + json.dumps(call(name, json.loads(params))), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
