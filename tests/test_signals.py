"""Signals that stop a run."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from teachrl.signals import stop_signals

# Both die of nothing but the end of their work, or of the clock.
STORM = """
import os, sys
for _ in range(20_000):
    os.kill(int(sys.argv[1]), 15)
"""
WAITER = f"""
import os, subprocess, sys
from teachrl.signals import stop_signals
with stop_signals() as stopped:
    storm = subprocess.Popen([sys.executable, "-c", {STORM!r}, str(os.getpid())])
    while storm.poll() is None:
        pass
    print(stopped.is_set())
"""


def test_a_signal_on_the_heels_of_another_does_not_block_the_run() -> None:
    """As when the process that started a run ends with several threads."""
    done = subprocess.run([sys.executable, "-c", WAITER], check=False, capture_output=True, text=True, timeout=60)
    assert done.stdout == "True\n", done.stderr


def test_a_second_ctrl_c_interrupts_at_once() -> None:
    before = signal.getsignal(signal.SIGINT)
    with stop_signals() as stopped:
        signal.raise_signal(signal.SIGINT)
        assert stopped.is_set()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before
