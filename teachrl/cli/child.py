"""``python -m teachrl.cli.child ...`` is ``teachrl ...``, but saves and ends with the process that started it."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

from teachrl.bench.jobs import PARENT

SET_PARENT_DEATH_SIGNAL = 1


def end_with_parent() -> None:
    """Let Linux send SIGTERM, upon which a run saves and ends, when the parent is gone; it may be by now."""
    ctypes.CDLL(None).prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGTERM)
    if os.getppid() != int(os.environ[PARENT]):
        os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    end_with_parent()
    from teachrl.cli.app import main  # takes seconds, in which the parent may end

    sys.exit(main())
