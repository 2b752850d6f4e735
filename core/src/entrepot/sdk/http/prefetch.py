"""Fetch the next page while this one is worked on."""

from __future__ import annotations

import contextvars
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, NoReturn, TypeVar

T = TypeVar("T")


class _Runner(Generic[T]):
    """A thread that fills a bounded queue from an iterator."""

    def __init__(self, pages: Iterator[T], depth: int) -> None:
        self._pages = pages
        self._ready: queue.Queue[Callable[[], T] | None] = queue.Queue(depth)
        self._stopped = threading.Event()
        context = contextvars.copy_context()
        self._thread = threading.Thread(
            target=context.run, args=(self._fill,), name="prefetch", daemon=True
        )
        self._thread.start()

    def __iter__(self) -> Iterator[T]:
        while (entry := self._ready.get()) is not None:
            yield entry()

    def stop(self) -> None:
        """Let the thread end after the call it is in, and wait for that."""
        self._stopped.set()
        while self._thread.is_alive():
            self._drain()
            self._thread.join(0.01)

    def _drain(self) -> None:
        while True:
            try:
                self._ready.get_nowait()
            except queue.Empty:
                return

    def _fill(self) -> None:
        try:
            for page in self._pages:
                if not self._put(_returning(page)):
                    return
        except BaseException as error:  # noqa: BLE001 - handed to the consumer
            self._put(_raising(error))
        else:
            self._put(None)

    def _put(self, entry: Callable[[], T] | None) -> bool:
        while not self._stopped.is_set():
            try:
                self._ready.put(entry, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False


def _returning(page: T) -> Callable[[], T]:
    return lambda: page


def _raising(error: BaseException) -> Callable[[], NoReturn]:
    def throw() -> NoReturn:
        raise error

    return throw


@contextmanager
def prefetch(pages: Iterator[T], depth: int = 4) -> Iterator[Iterator[T]]:
    """Run an iterator of pages in a thread, at most `depth` pages ahead.

        with prefetch(all_pages(ctx)) as pages:
            for page in pages:
                store(page)

    An error of the iterator is raised where its page would have come. Leaving the
    block stops the thread after the call it is in; fetched pages are dropped.
    """
    if depth < 1:
        msg = f"depth must be at least 1, not {depth}"
        raise ValueError(msg)
    runner = _Runner(pages, depth)
    try:
        yield iter(runner)
    finally:
        runner.stop()
