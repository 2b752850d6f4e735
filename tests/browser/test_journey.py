"""The whole way in a browser: sign in, read, compare, plan, approve, apply."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.heavy, pytest.mark.timeout(600)]
READY_SECONDS = 300


@dataclass
class Demo:
    """A running demo and what it says."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)

    def text(self) -> str:
        return "".join(self.lines)

    def wait_for(self, pattern: str) -> re.Match[str]:
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            found = re.search(pattern, self.text())
            if found:
                return found
            if self.process.poll() is not None:
                break
            time.sleep(0.2)
        pytest.fail(f"the demo never said {pattern!r}:\n{self.text()}")


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    """Both simulators, a hub with its worker and the console, as separate processes."""
    argv = [sys.executable, "-m", "entrepot.cli", "demo", "--scale", "0.1"]
    process = subprocess.Popen(
        [*argv, "--folder", str(tmp_path / "demo")],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONUNBUFFERED": "1", "COLUMNS": "200"},
    )
    running = Demo(process)

    def collect() -> None:
        assert process.stdout is not None
        running.lines.extend(process.stdout)

    reader = threading.Thread(target=collect, daemon=True)
    reader.start()
    yield running
    process.send_signal(signal.SIGINT)
    process.wait(timeout=60)
    reader.join(timeout=10)
    assert process.stdout is not None
    process.stdout.close()


def test_difference_is_read_compared_planned_approved_and_applied(
    demo, chromium, new_look
) -> None:
    address = demo.wait_for(r"Console: (http://127\.0\.0\.1:\d+)")[1]
    sign_in = demo.wait_for(r"Sign in as (\S+) with (\S+)")
    demo.wait_for(r"Stop with Ctrl-C")
    look = new_look(chromium, address)
    look.sign_in(sign_in[1], sign_in[2])
    page = look.page

    look.open("/sync-runs")
    page.locator("form[action='/sync-runs'] button:has-text('Sync now')").first.click()
    page.wait_for_url(re.compile("/sync-runs/"))
    page.wait_for_selector(
        "#run .status:has-text('Complete'), #run .status:has-text('Incomplete')",
        timeout=120_000,
    )

    look.open("/reconciliation")
    page.locator("form[action='/reconciliation'] button").first.click()
    page.wait_for_url(re.compile("/reconciliation/runs/"))
    page.wait_for_selector("#comparison:not([data-live])", timeout=120_000)
    page.click("text=Show differences")

    row = page.locator("tbody tr:has-text('Fewer units billed than bought')").first
    row.locator("input[type=checkbox]").check()
    page.click("button:has-text('Create plan')")
    page.wait_for_url(re.compile("/reconciliation/plans/"))
    page.click("button:has-text('Approve plan')")
    page.click("button:has-text('Apply plan')")
    page.wait_for_selector("#plan .status:has-text('Verified')", timeout=180_000)
    assert [fault for fault in look.faults if "policy" in fault] == []
