"""Waiting for what happens elsewhere: in a browser, another process, or a folder."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

SECONDS = 20.0


def eventually(check: Callable[[], Any], what: str, seconds: float = SECONDS) -> Any:
    """The first true answer of ``check``; a failure that says ``what`` was waited for where there is none in time."""
    end = time.monotonic() + seconds
    while not (answer := check()):
        if time.monotonic() > end:
            pytest.fail(f"not within {seconds:g} s: {what}")
        time.sleep(0.02)
    return answer
