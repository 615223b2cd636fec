"""What the runs of a bench gave: read from their directories, and brought together by row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from teachrl.bench.cells import Cell, Row
from teachrl.bench.directory import Bench
from teachrl.bench.suite import Metric
from teachrl.errors import TeachrlError
from teachrl.files import read_json
from teachrl.statistics.tasks import grid_coverage
from teachrl_envs.tasks import TaskSpace

Numbers = NDArray[np.float64]
GRID = 10
"""Parts along each dimension of the task space, in which it is counted what was practised."""

# For each number of an evaluation, the one of its tasks, and by what it is multiplied.
OF_TASK: dict[Metric, tuple[str, float]] = {
    "mastered_percent": ("mastered", 100.0),
    "mean_solve_rate": ("solve_rate", 1.0),
    "mean_return": ("return", 1.0),
    "mean_discounted_return": ("discounted_return", 1.0),
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
    folder = bench.run_of(cell)
    files = sorted((folder / "evaluations").glob("step_*.json")) if folder.is_dir() else []
    if not files:
        return None
    evaluations = [read_json(file) for file in files]
    metric = bench.suite.metric
    key, factor = OF_TASK[metric]
    try:
        if any(evaluation[metric] is None for evaluation in evaluations):
            raise TeachrlError(f"{folder}: its evaluations have no {metric}, which suite {bench.name} compares")
        return RunResult(
            cell=cell,
            finished=_status(folder) == "finished",
            steps=np.array([evaluation["step"] for evaluation in evaluations], dtype=np.float64),
            seconds=np.array([evaluation["seconds"] for evaluation in evaluations], dtype=np.float64),
            values=np.array([evaluation[metric] for evaluation in evaluations], dtype=np.float64),
            tasks=factor * np.array([[task[key] for task in e["tasks"]] for e in evaluations], dtype=np.float64),
            coverage=_coverage(folder),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise TeachrlError(f"{folder} has evaluations that cannot be read: {error!r}") from error


def _status(folder: Any) -> str:
    file = folder / "status.json"
    return str(read_json(file)["status"]) if file.is_file() else "running"


def _coverage(folder: Any) -> float | None:
    space = TaskSpace.from_json(read_json(folder / "task_space.json"))
    files = sorted((folder / "episodes").glob("*.parquet"))
    if not space.has_unit_cube or not files:
        return None
    columns = [f"task.{name}" for name in space.names]
    tasks = np.concatenate([np.column_stack(pq.read_table(file, columns=columns).columns) for file in files])
    return grid_coverage(space.to_unit(tasks), GRID)


def common_tasks(results: Sequence[RowResult]) -> bool:
    """Whether all rows were judged on as many tasks, so that they can be compared task by task."""
    return len({run.tasks.shape[1] for result in results for run in result.runs}) == 1
