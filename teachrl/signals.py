"""Being stopped from outside, without losing work."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Stop:
    """Whether a signal has come.

    Not a ``threading.Event``: that one takes a lock to be set, and a signal that comes while the handler of the one
    before holds it would wait for itself.
    """

    def __init__(self) -> None:
        self._came = False

    def set(self) -> None:
        """From now on, it has."""
        self._came = True

    def is_set(self) -> bool:
        """Whether it has."""
        return self._came


@contextmanager
def stop_signals() -> Iterator[Stop]:
    """What SIGTERM or a first Ctrl-C sets; a second Ctrl-C interrupts at once."""
    stopped = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stopped  # signals belong to the main thread; a run in another one is stopped by its owner
        return

    def stop(number: int, frame: object) -> None:
        del frame
        if number == signal.SIGINT and stopped.is_set():
            raise KeyboardInterrupt
        stopped.set()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
