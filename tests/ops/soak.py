"""The soak on a PostgreSQL server of its own; arguments go to the soak itself.

python tests/ops/soak.py --runs 10000 --kill-seconds 120
"""

import importlib.util
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOAK = ROOT / "core" / "tests" / "jobs" / "soak.py"


def main() -> int:
    """Start a server as the tests do, soak, and return the soak's exit code."""
    spec = importlib.util.spec_from_file_location("shared", ROOT / "conftest.py")
    shared = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(shared)
    with shared._own_server() as address, tempfile.TemporaryDirectory() as folder:
        server = shared.PostgresServer(address)
        environment = {
            **os.environ,
            "ENTREPOT_DATABASE_URL": server.address(server.create()),
            "ENTREPOT_DATA_DIR": folder,
            "ENTREPOT_ENVIRONMENT": "test",
        }
        command = [sys.executable, str(SOAK), "--folder", folder, *sys.argv[1:]]
        return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
