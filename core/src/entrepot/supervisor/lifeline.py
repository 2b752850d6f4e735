"""The pipe that tells a child process that its supervisor is gone.

The supervisor keeps the writing end and never writes. When it dies, however that
happens, the kernel closes that end and the child reads the end of the file.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

VARIABLE = "ENTREPOT_LIFELINE"
"""Environment variable with the number of the reading end."""


def watch_lifeline(on_end: Callable[[], None]) -> bool:
    """Call `on_end` once when the supervisor is gone.

    Returns:
        Whether there is a supervisor; without one nothing is watched.
    """
    number = os.environ.pop(VARIABLE, None)
    if number is None:
        return False
    handle = int(number)
    os.set_inheritable(handle, False)
    thread = threading.Thread(
        target=_watch, args=(handle, on_end), name="lifeline", daemon=True
    )
    thread.start()
    return True


def _watch(handle: int, on_end: Callable[[], None]) -> None:
    while os.read(handle, 1):
        pass
    on_end()
