"""Exit codes, and what each error of the hub becomes on a terminal."""

from __future__ import annotations

from dataclasses import dataclass

from entrepot.jobs.errors import JobsError, RunNotFound
from entrepot.sdk.errors import (
    AuthRequired,
    ConfigInvalid,
    Conflict,
    EntrepotError,
    NotFound,
    Rejected,
    Retryable,
    Unsupported,
)
from entrepot.store import PermissionDenied, SettingsInvalid
from entrepot.store.keys import UnknownKey

OK = 0
BUG = 1
USAGE = 2
CONFIG = 3
MISSING = 4
REFUSED = 5
FAILED = 6
UNREACHABLE = 7

MEANINGS = {
    OK: "done",
    BUG: "a fault of the program itself",
    USAGE: "the command was not understood",
    CONFIG: "a setting, key or credential is missing or wrong",
    MISSING: "what was named does not exist",
    REFUSED: "refused: not allowed, or not possible in this state",
    FAILED: "the work ran and failed, is incomplete, or found what it should not",
    UNREACHABLE: "the other side or the database did not answer; try again later",
}


@dataclass(frozen=True, slots=True)
class Failure:
    """An error as people see it.

    Attributes:
        code: Exit code.
        word: Stable machine word.
        text: One sentence.
        remedy: What to do, or empty.
    """

    code: int
    word: str
    text: str
    remedy: str = ""
    field: str | None = None


class CommandFailed(Exception):
    """A command ended with something to tell; carries the `Failure`."""

    def __init__(self, code: int, text: str, remedy: str = "", word: str = "") -> None:
        super().__init__(text)
        self.failure = Failure(code, word or "failed", text, remedy)


_BY_KIND: tuple[tuple[type[EntrepotError], int], ...] = (
    (AuthRequired, CONFIG),
    (ConfigInvalid, CONFIG),
    (NotFound, MISSING),
    (Rejected, REFUSED),
    (Conflict, REFUSED),
    (Unsupported, REFUSED),
    (Retryable, UNREACHABLE),
)


def failure_of(error: BaseException) -> Failure | None:
    """The error as people see it; None for a fault of the program."""
    if isinstance(error, CommandFailed):
        return error.failure
    if isinstance(error, EntrepotError):
        code = next((c for kind, c in _BY_KIND if isinstance(error, kind)), FAILED)
        info = error.info
        return Failure(
            code, info.code, info.user_message, info.remedy or "", info.field
        )
    if isinstance(error, SettingsInvalid):
        return Failure(CONFIG, "settings_invalid", str(error), error.remedy)
    if isinstance(error, UnknownKey):
        return Failure(CONFIG, "unknown_key", str(error))
    if isinstance(error, PermissionDenied):
        return Failure(REFUSED, "permission_denied", str(error))
    if isinstance(error, RunNotFound):
        return Failure(MISSING, "no_such_run", str(error))
    if isinstance(error, JobsError | ValueError | FileNotFoundError | FileExistsError):
        return Failure(REFUSED, type(error).__name__, str(error))
    return None
