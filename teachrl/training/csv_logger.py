"""Logs a run as a table of scalars."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from teachrl.files import write_bytes
from teachrl.records.evaluation import EvaluationResult
from teachrl.runs.files import RunFiles
from teachrl.training.callbacks import Callback
from teachrl.training.progress import Progress, RunInfo, RunResult
from teachrl.training.scalars import LogInterval, evaluation_scalars, fragment_scalars
from teachrl.training.schedules import Update

HEAD = ("step", "name", "value")


class CsvLogger(Callback):
    """Appends one row ``step,name,value`` per scalar to ``scalars.csv`` in the run's folder.

    The names are TensorBoard's. After a resume, rows behind the checkpoint from which the run goes on are removed.
    """

    def on_start(self, run: RunInfo) -> None:
        self._interval = LogInterval(run)
        path = RunFiles(run.path).scalars
        _cut_back(path, run.step)
        self._file = path.open("a", newline="", encoding="utf-8")
        self._rows = csv.writer(self._file)

    def on_fragment(self, progress: Progress, update: Update) -> None:
        if self._interval.is_due(progress.step, update):
            self._write(progress.step, fragment_scalars(progress, update))

    def on_evaluation(self, progress: Progress, evaluation: EvaluationResult) -> None:
        self._write(progress.step, evaluation_scalars(evaluation))

    def _write(self, step: int, scalars: Mapping[str, float]) -> None:
        self._rows.writerows((step, name, value) for name, value in scalars.items())

    def on_checkpoint(self, progress: Progress, checkpoint: Path) -> None:
        self._file.flush()

    def on_end(self, result: RunResult) -> None:
        self._file.close()


def _cut_back(path: Path, step: int) -> None:
    """Keep the head and the whole rows up to ``step``; a killed process may have left half a row."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    lines = text[: text.rfind("\n") + 1].splitlines()
    kept = [
        line
        for line in lines[1:]
        if line.count(",") == len(HEAD) - 1 and line.partition(",")[0].isdigit() and int(line.partition(",")[0]) <= step
    ]
    write_bytes(path, "".join(f"{line}\n" for line in (",".join(HEAD), *kept)).encode())
