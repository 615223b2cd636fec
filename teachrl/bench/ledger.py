"""What happened to each cell: an append-only file, one line an event, that several processes may write."""

from __future__ import annotations

import json
import os
import platform
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from teachrl.bench.files import BenchFiles
from teachrl.errors import TeachrlError
from teachrl.runs.directory import RunDirectory

Event = Literal["asked", "started", "finished", "failed", "interrupted"]
State = Literal["pending", "running", "interrupted", "failed", "finished"]


@dataclass(frozen=True)
class Standing:
    """How a cell stands: its state, how often it failed, and what it said the last time."""

    state: State
    failures: int
    error: str | None
    step: int
    total_steps: int | None
    place: str


class Ledger:
    """``ledger.jsonl`` of a bench. A line is written in one call, so that lines of several writers stay whole."""

    def __init__(self, folder: Path) -> None:
        self._files = BenchFiles(folder)
        self._file = self._files.ledger

    def write(self, event: Event, cells: Sequence[str], error: str | None = None) -> None:
        """Add an event of some cells."""
        place = f"{platform.node()} {os.getpid()}"
        line = {"time": time.time(), "event": event, "cells": list(cells), "place": place, "error": error}
        handle = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(handle, (json.dumps(line) + "\n").encode())
        finally:
            os.close(handle)

    def events(self) -> Iterator[dict[str, Any]]:
        """All events, the oldest first. Raises `TeachrlError` for a line that is none."""
        if not self._file.is_file():
            return
        for number, line in enumerate(self._file.read_text(encoding="utf-8").splitlines(), 1):
            try:
                event = json.loads(line)
                yield {name: event[name] for name in ("time", "event", "cells", "place", "error")}
            except (ValueError, KeyError, TypeError):
                raise TeachrlError(
                    f"{self._file} line {number} is no event of a bench: {line[:80]!r}. Take it out to go on; the "
                    f"runs themselves are in {self._files.cells}"
                ) from None

    def asked(self) -> list[str]:
        """Every cell that was ever asked for, in that order."""
        return list(
            dict.fromkeys(name for event in self.events() if event["event"] == "asked" for name in event["cells"])
        )

    def standings(self, status_of: Callable[[str], Mapping[str, Any]] | None = None) -> dict[str, Standing]:
        """How every cell stands that was asked for: the run's own file says more than the ledger, where it is there.

        ``status_of`` gives what stands in it; without, it is read. Raises `TeachrlError` for what cannot be read.
        """
        status_of = status_of or self._status
        events = list(self.events())
        failures = Counter(name for event in events if event["event"] == "failed" for name in event["cells"])
        last = {name: event for event in events if event["event"] != "asked" for name in event["cells"]}
        return {name: _standing(status_of(name), failures[name], last.get(name)) for name in self.asked()}

    def _status(self, name: str) -> Mapping[str, Any]:
        run = RunDirectory(self._files.run(name))
        return run.status() if run.files.status.is_file() else {}


def _standing(status: Mapping[str, Any], failures: int, last: Mapping[str, Any] | None) -> Standing:
    state: State = "pending"
    if status.get("status") == "finished":
        state = "finished"
    elif last is not None:
        state = "running" if last["event"] == "started" else last["event"]
    error = None if last is None else last["error"]
    place = "" if last is None else last["place"]
    return Standing(state, failures, error, status.get("step", 0), status.get("total_steps"), place)
