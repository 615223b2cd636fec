"""One process trains in a run's folder; the next waits until it has saved, but not for ever."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from teachrl.errors import UsageError
from teachrl.runs.directory import RunDirectory


def test_who_is_about_to_end_is_waited_for(tmp_path: Path) -> None:
    first = RunDirectory(tmp_path).locked()
    first.__enter__()
    threading.Timer(0.5, lambda: first.__exit__(None, None, None)).start()
    before = time.monotonic()
    with RunDirectory(tmp_path).locked():
        assert time.monotonic() - before > 0.4


def test_who_stays_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("teachrl.runs.directory.ENDING", 0.3)
    refused = pytest.raises(UsageError, match=f"another process is training in {tmp_path}")
    with RunDirectory(tmp_path).locked(), refused, RunDirectory(tmp_path).locked():
        pass
