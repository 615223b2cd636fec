"""``python -m teachrl.bench.child ...`` is ``teachrl ...``, but saves and ends with the process that started it."""

from __future__ import annotations

import ctypes
import signal
import sys

from teachrl.cli.app import main

SET_PARENT_DEATH_SIGNAL = 1


def end_with_parent() -> None:
    """Let Linux send SIGTERM, upon which a run saves and ends, when the parent is gone."""
    ctypes.CDLL(None).prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGTERM)


if __name__ == "__main__":
    end_with_parent()
    sys.exit(main())
