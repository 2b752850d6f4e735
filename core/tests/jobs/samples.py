"""Small jobs for the tests; what they do is noted in a file that survives kills."""

import os
import time
from pathlib import Path

from entrepot.jobs import (
    ONCE,
    Effect,
    JobContext,
    JobRegistry,
    Probed,
    Retries,
    Sent,
)
from entrepot.sdk.errors import RateLimited, Rejected, Retryable


def note(path: str, line: str) -> int:
    """Append one line, atomically; return nothing of worth."""
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(handle, f"{line}\n".encode())
    os.close(handle)
    return len(line)


def notes(path) -> list[str]:
    """Return the lines noted so far."""
    file = Path(path)
    return file.read_text().splitlines() if file.exists() else []


def slow_note(path: str, line: str, seconds: float) -> int:
    note(path, f"begin {line}")
    time.sleep(seconds)
    return note(path, f"end {line}")


def build_registry() -> JobRegistry:
    """Return the registry of all sample jobs."""
    registry = JobRegistry()

    @registry.job("two_steps", queue="sync")
    def two_steps(ctx: JobContext, path: str) -> dict:
        first = ctx.step(note, path, f"first {ctx.run_id}", name="first")
        second = ctx.step(note, path, f"second {ctx.run_id}", name="second")
        return {"sum": first + second}

    @registry.job("slow", queue="sync")
    def slow(ctx: JobContext, path: str, seconds: float) -> None:
        ctx.step(slow_note, path, ctx.run_id, seconds, name="slow")

    @registry.job("many_steps", queue="sync")
    def many_steps(ctx: JobContext, path: str, count: int, pause: float) -> dict:
        for number in range(count):
            ctx.progress(done=number, total=count, unit="steps", phase="steps")
            ctx.stop_if_cancelled()
            ctx.step(_paused_note, path, f"{ctx.run_id} {number}", pause, name="one")
        return {"count": count}

    @registry.job("reads_again", queue="sync")
    def reads_again(ctx: JobContext, path: str, seconds: float) -> dict:
        ctx.step(slow_note, path, "crawl", seconds, name="crawl")
        concerns = ctx.rereads()
        for concern in concerns:
            ctx.step(note, path, f"again {concern['customer']}", name="again")
        ctx.step(slow_note, path, "close", seconds, name="close")
        return {"concerns": len(concerns)}

    @registry.job("never_looks", queue="sync")
    def never_looks(ctx: JobContext, path: str, seconds: float) -> dict:
        ctx.step(slow_note, path, "all", seconds, name="all")
        return {}

    @registry.job("fails_once", queue="recon")
    def fails_once(ctx: JobContext, path: str) -> dict:
        ctx.step(note, path, "before", name="before")
        ctx.step(_fail_unless_healed, path, name="shaky", retries=ONCE)
        ctx.step(note, path, "after", name="after")
        return {}

    @registry.job("catches", queue="recon")
    def catches(ctx: JobContext, path: str, kind: str) -> dict:
        try:
            ctx.step(_raise, path, kind, name="raises", retries=ONCE)
        except Rejected as error:
            ctx.step(note, path, f"caught {error.code} {error.info.field}", name="note")
            return {"caught": "Rejected"}
        return {"caught": None}

    @registry.job("waits_for_vendor", queue="psa", outage_delays=(1.0, 1.0))
    def waits_for_vendor(ctx: JobContext, path: str, outages: int) -> dict:
        ctx.step(_away, path, outages, name="call", retries=ONCE)
        return {"outages": ctx.outages}

    @registry.job("long_step", queue="sync")
    def long_step(ctx: JobContext, path: str) -> dict:
        rounds = 0
        while rounds < 2:
            ctx.stop_if_cancelled()
            rounds += ctx.step(_until_asked, ctx, path, name="long")
        return {"rounds": rounds}

    @registry.job("bad_result", queue="recon")
    def bad_result(ctx: JobContext) -> None:
        ctx.step(lambda: (1, 2), name="tuple")

    @registry.job("writes", queue="psa", cancel="before_effects")
    def writes(
        ctx: JobContext, path: str, reference: str, idempotency: str, settle: int
    ) -> dict:
        vendor = FileVendor(path, visible_after=0.0)
        result = ctx.effect(
            Effect(
                reference=reference,
                connection_id="con_1",
                action="create",
                request={"quantity": 5},
                send=lambda: vendor.send(reference),
                probe=lambda: vendor.probe(reference),
                idempotency=idempotency,
                settle_seconds=settle,
            )
        )
        ctx.step(note, path, "written", name="written")
        return {"state": result.state}

    return registry


class FileVendor:
    """A vendor whose books are a file: one line per thing it made."""

    def __init__(self, path: str, *, visible_after: float, by_key: bool = False):
        self.path = path
        self.visible_after = visible_after
        self.by_key = by_key

    def send(self, reference: str) -> Sent:
        note(self.path, f"request {reference}")
        made = f"made {reference}"
        if not (self.by_key and made in notes(self.path)):
            note(self.path, made)
        return Sent(vendor_reference=f"v-{reference}")

    def probe(self, reference: str) -> Probed:
        found = f"made {reference}" in notes(self.path)
        return Probed(found=found, vendor_reference=f"v-{reference}" if found else None)


def _paused_note(path: str, line: str, pause: float) -> int:
    time.sleep(pause)
    return note(path, line)


def _fail_unless_healed(path: str) -> int:
    if "healed" not in notes(path):
        note(path, "broken")
        raise ValueError("not healed yet")
    return note(path, "whole")


def _until_asked(ctx: JobContext, path: str) -> int:
    """Work until asked to stop, or until somebody has noted that it is enough."""
    note(path, "long")
    while not ctx.cancelled():
        if "enough" in notes(path):
            return 2
        time.sleep(0.02)
    return 0


def _raise(path: str, kind: str) -> None:
    note(path, "raising")
    if kind == "rejected":
        raise Rejected("too_many", "Too many seats.", field="quantity")
    if kind == "limited":
        raise RateLimited("slow_down", "Too fast.", after=0.1)
    raise RuntimeError("foreign")


def _away(path: str, outages: int) -> int:
    note(path, "call")
    if len(notes(path)) <= outages:
        raise Retryable("away", "The other side is away.")
    return note(path, "answered")


QUICK = Retries(attempts=3, first=0.01)
