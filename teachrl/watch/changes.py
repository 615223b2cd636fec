"""Whether anything has changed in a folder that the page shows: times and sizes of files, without reading any."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

RUN_FILES = ("experiment.yaml", "task_space.json", "evaluation_space.json", "status.json")
RUN_FOLDERS = ("episodes", "evaluations", "curriculum", "failures")
BENCH_FILES = ("bench.yaml", "ledger.jsonl")
# What the overview of a bench shows of each cell.
CELL_FILES = ("status.json",)
CELL_FOLDERS = ("evaluations",)


@dataclass(frozen=True)
class Changes:
    """``fingerprint`` is the same as long as no file changed; ``written`` is when one did last (Unix time, or None)."""

    fingerprint: str
    written: float | None


def run_changes(run: Path) -> Changes:
    """Of a run directory, which need not be there."""
    return _changes([run], RUN_FILES, RUN_FOLDERS)


def bench_changes(bench: Path) -> Changes:
    """Of a bench and of what its overview shows of its cells."""
    own = _changes([bench], BENCH_FILES, ())
    cells = _changes(sorted(_inside(bench / "cells")), CELL_FILES, CELL_FOLDERS)
    written = [time for time in (own.written, cells.written) if time is not None]
    return Changes(own.fingerprint + cells.fingerprint, max(written, default=None))


def cell_changes(bench: Path, run: Path) -> Changes:
    """Of one cell: its run, and what the ledger says of it."""
    own, cell = _changes([bench], BENCH_FILES, ()), run_changes(run)
    return Changes(own.fingerprint + cell.fingerprint, cell.written)


def _changes(folders: Sequence[Path], names: Sequence[str], subfolders: Sequence[str]) -> Changes:
    found = sorted(_stamps(folders, names, subfolders))
    text = "".join(f"{path}\0{time}\0{size}\n" for path, time, size in found)
    digest = hashlib.blake2b(text.encode(errors="surrogateescape"), digest_size=12).hexdigest()
    return Changes(digest, max((time for _, time, _ in found), default=0) / 1e9 or None)


def _stamps(folders: Sequence[Path], names: Sequence[str], subfolders: Sequence[str]) -> Iterator[tuple[str, int, int]]:
    for folder in folders:
        files = [folder / name for name in names]
        for path in [*files, *(file for sub in subfolders for file in _inside(folder / sub))]:
            try:
                found = path.stat()
            except (FileNotFoundError, NotADirectoryError):
                continue
            yield str(path), found.st_mtime_ns, found.st_size


def _inside(folder: Path) -> list[Path]:
    """What is in a folder; hidden files are still being written."""
    try:
        return [folder / name for name in os.listdir(folder) if not name.startswith(".")]
    except (FileNotFoundError, NotADirectoryError):
        return []
