"""Whether anything has changed in a folder that the page shows: times and sizes of files, without reading any."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from teachrl.bench.files import BenchFiles
from teachrl.runs.files import RunFiles


@dataclass(frozen=True)
class Changes:
    """``fingerprint`` is the same as long as no file changed; ``written`` is when one did last (Unix time, or None)."""

    fingerprint: str
    written: float | None


def run_changes(run: Path) -> Changes:
    """Of a run directory, which need not be there."""
    return _changes(_shown(RunFiles(run)))


def bench_changes(bench: Path) -> Changes:
    """Of a bench and of what its overview shows of its cells."""
    files = BenchFiles(bench)
    cells = [RunFiles(run) for run in _inside(files.cells)]
    return _changes([*_own(files), *(file for cell in cells for file in (cell.status, *cell.evaluations))])


def cell_changes(bench: Path, run: Path) -> Changes:
    """Of one cell: its run, and what the ledger says of it. Only the run counts for when something was written."""
    cell = run_changes(run)
    return Changes(_changes(_own(BenchFiles(bench))).fingerprint + cell.fingerprint, cell.written)


def _own(bench: BenchFiles) -> list[Path]:
    return [bench.suite, bench.ledger]


def _shown(run: RunFiles) -> list[Path]:
    described = [run.experiment, run.task_space, run.evaluation_space, run.status]
    return [*described, *run.episodes, *run.evaluations, *run.curricula, *run.failures]


def _changes(files: Iterable[Path]) -> Changes:
    found = sorted(_stamps(files))
    text = "".join(f"{path}\0{time}\0{size}\n" for path, time, size in found)
    digest = hashlib.blake2b(text.encode(errors="surrogateescape"), digest_size=12).hexdigest()
    return Changes(digest, max((time for _, time, _ in found), default=0) / 1e9 or None)


def _stamps(files: Iterable[Path]) -> Iterator[tuple[str, int, int]]:
    for path in files:
        try:
            found = path.stat()
        except (FileNotFoundError, NotADirectoryError):
            continue
        yield str(path), found.st_mtime_ns, found.st_size


def _inside(folder: Path) -> list[Path]:
    try:
        return [folder / name for name in os.listdir(folder) if not name.startswith(".")]
    except (FileNotFoundError, NotADirectoryError):
        return []
