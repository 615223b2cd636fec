"""Logs a run for TensorBoard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from teachrl.records.evaluation import EvaluationResult
from teachrl.runs.files import RunFiles
from teachrl.training.callbacks import Callback
from teachrl.training.progress import Progress, RunInfo, RunResult
from teachrl.training.scalars import LogInterval, evaluation_scalars, fragment_scalars
from teachrl.training.schedules import Update


class TensorboardLogger(Callback):
    """Writes event files into the folder ``tensorboard`` of the run.

    After a resume, later events of an earlier process are hidden.
    """

    def on_start(self, run: RunInfo) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._interval = LogInterval(run)
        self._writer: Any = SummaryWriter(str(RunFiles(run.path).tensorboard), purge_step=run.step)

    def on_fragment(self, progress: Progress, update: Update) -> None:
        if self._interval.is_due(progress.step, update):
            self._write(progress.step, fragment_scalars(progress, update))

    def on_evaluation(self, progress: Progress, evaluation: EvaluationResult) -> None:
        self._write(progress.step, evaluation_scalars(evaluation))

    def _write(self, step: int, scalars: Mapping[str, float]) -> None:
        for tag, value in scalars.items():
            self._writer.add_scalar(tag, value, step)

    def on_end(self, result: RunResult) -> None:
        self._writer.close()
