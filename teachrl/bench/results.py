"""What the runs of a bench gave: read from their directories, and brought together by row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from teachrl.bench.cells import Cell, Row
from teachrl.bench.directory import Bench
from teachrl.bench.suite import Metric
from teachrl.errors import TeachrlError
from teachrl.records.evaluation import TaskResult
from teachrl.runs.directory import RunDirectory
from teachrl.runs.episodes import read_task_space, read_tasks
from teachrl.runs.files import RunFiles
from teachrl.statistics.tasks import grid_coverage

Numbers = NDArray[np.float64]
GRID = 10
"""Parts along each dimension of the task space, in which it is counted what was practised."""

# For each number of an evaluation, the one of its tasks, and by what it is multiplied.
OF_TASK: dict[Metric, tuple[Callable[[TaskResult], float | None], float]] = {
    "mastered_percent": (lambda task: task.mastered, 100.0),
    "mean_solve_rate": (lambda task: task.solve_rate, 1.0),
    "mean_return": (lambda task: task.episode_return, 1.0),
    "mean_discounted_return": (lambda task: task.discounted_return, 1.0),
}


@dataclass(frozen=True)
class RunResult:
    """One run: ``steps``, ``seconds`` and ``values`` of the metric, each ``(evaluations,)``; ``tasks`` beside them.

    ``tasks (evaluations, tasks)`` are the metric's values of single tasks.
    ``coverage`` is the share of a grid's cells in which it practised, None where tasks are no points of a cube.
    """

    cell: Cell
    finished: bool
    steps: Numbers
    seconds: Numbers
    values: Numbers
    tasks: Numbers
    coverage: float | None

    @property
    def curve(self) -> tuple[Numbers, Numbers]:
        """The metric over environment steps."""
        return self.steps, self.values


@dataclass(frozen=True)
class RowResult:
    """All runs of a row that were evaluated at least once, the finished ones first among equals."""

    row: Row
    runs: tuple[RunResult, ...]

    @property
    def finished(self) -> list[RunResult]:
        """The runs that count in the table."""
        return [run for run in self.runs if run.finished]

    @property
    def finals(self) -> Numbers:
        """The metric of the last evaluation, one number a finished run."""
        return np.array([run.values[-1] for run in self.finished])

    @property
    def final_tasks(self) -> Numbers:
        """The last evaluations, ``(finished runs, tasks)``."""
        return np.array([run.tasks[-1] for run in self.finished])


def read_results(bench: Bench) -> list[RowResult]:
    """By row, in the suite's order; rows of which nothing was evaluated yet are left out."""
    rows: dict[Row, list[RunResult]] = {}
    for cell in bench.asked_cells():
        found = None if cell.prepares else _read_run(bench, cell)
        if found is not None:
            rows.setdefault(cell.row, []).append(found)
    return [RowResult(row, tuple(runs)) for row, runs in rows.items()]


def _read_run(bench: Bench, cell: Cell) -> RunResult | None:
    run = RunDirectory(bench.run_of(cell))
    evaluations = run.evaluations()
    if not evaluations:
        return None
    metric = bench.suite.metric
    of_task, factor = OF_TASK[metric]
    values = np.array([getattr(evaluation, metric) for evaluation in evaluations], dtype=np.float64)
    if np.isnan(values).any():
        raise TeachrlError(f"{run.path}: its evaluations have no {metric}, which suite {bench.name} compares")
    if any(evaluation.seconds is None for evaluation in evaluations):
        raise TeachrlError(f"{run.path} has evaluations that cannot be read: they have no seconds")
    try:
        tasks = factor * np.array([[of_task(task) for task in e.tasks] for e in evaluations], dtype=np.float64)
    except ValueError as error:
        raise TeachrlError(f"{run.path} has evaluations that do not have the same tasks: {error}") from error
    return RunResult(
        cell=cell,
        finished=run.files.status.is_file() and run.status()["status"] == "finished",
        steps=np.array([evaluation.step for evaluation in evaluations], dtype=np.float64),
        seconds=np.array([evaluation.seconds for evaluation in evaluations], dtype=np.float64),
        values=values,
        tasks=tasks,
        coverage=_coverage(run.path),
    )


def _coverage(run: Path) -> float | None:
    space = read_task_space(run)
    if not space.has_unit_cube or not RunFiles(run).episodes:
        return None
    return grid_coverage(space.to_unit(read_tasks(run, space)), GRID)


def common_tasks(results: Sequence[RowResult]) -> bool:
    """Whether all rows were judged on as many tasks, so that they can be compared task by task."""
    return len({run.tasks.shape[1] for result in results for run in result.runs}) == 1
