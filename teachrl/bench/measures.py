"""What a bench estimates for each row: one place for a measure's name, heading, computation and explanation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from teachrl.bench.results import RowResult, RunResult
from teachrl.statistics.aggregates import interquartile_mean
from teachrl.statistics.bootstrap import bootstrap_over_runs
from teachrl.statistics.curves import area_under_curve
from teachrl.statistics.estimates import Estimate, mean_over_runs
from teachrl.statistics.tasks import conditional_value_at_risk, forgetting

WORST = 0.1
SEED = 0
"""Of the bootstrap, so that the same runs give the same page."""


@dataclass(frozen=True)
class Measure:
    """One number with its interval for each row of a bench. ``compute`` gives None where there are too few runs."""

    name: str
    """The heading in ``table.csv``; those of the interval's ends begin with it."""
    head: str
    """The heading for people."""
    compute: Callable[[RowResult], Estimate | None]
    caption: str = ""
    """What the table's caption says of it, beside what it says of all."""
    scale: float = 1.0
    """By what it is multiplied for people, such as 100 for a percentage."""
    axis: str | None = None
    """Its axis in the radar; None: it has none."""
    lower_is_better: bool = False


def _over_the_run(result: RowResult) -> Estimate | None:
    return _mean([area_under_curve(*run.curve, run.cell.experiment.steps) for run in result.finished])


def _interquartile(result: RowResult) -> Estimate | None:
    rng = np.random.default_rng(SEED)
    return bootstrap_over_runs(result.final_tasks, interquartile_mean, rng) if result.finished else None


def _worst_tasks(result: RowResult) -> Estimate | None:
    return _mean([_worst(run) for run in result.finished if len(run.values) > 1 and run.tasks.shape[1] > 1])


def _worst(run: RunResult) -> float:
    """The mean over the tenth of the tasks that was worst in the evaluation before the last, in the last one."""
    return conditional_value_at_risk(run.tasks[-2], run.tasks[-1], WORST)


def _forgotten(result: RowResult) -> Estimate | None:
    return _mean([float(forgetting(run.tasks).mean()) for run in result.finished if len(run.values) > 1])


def _covered(result: RowResult) -> Estimate | None:
    return _mean([run.coverage for run in result.finished if run.coverage is not None])


def _mean(values: Sequence[float]) -> Estimate | None:
    return mean_over_runs(values) if values else None


LEARNING = (
    Measure("final", "at the end", lambda result: _mean(list(result.finals)), axis="at the end"),
    Measure("interquartile", "interquartile mean", _interquartile),
    Measure(
        "area",
        "mean over the run",
        _over_the_run,
        "The mean over the run is the area under the curve divided by the budget.",
        axis="over the run",
    ),
)
"""How well a row does. In the table, the steps to the threshold come after these."""

TASKS = (
    Measure(
        "worst_tasks",
        "worst tenth of tasks",
        _worst_tasks,
        "The worst tenth of the tasks is chosen in the evaluation before the last and judged in the last.",
        axis="worst tasks",
    ),
    Measure(
        "forgetting",
        "forgotten",
        _forgotten,
        "What is forgotten is, of each task, the best value before less the last one.",
        axis="not forgotten",
        lower_is_better=True,
    ),
    Measure(
        "coverage",
        "tasks covered, %",
        _covered,
        "Tasks covered: of a grid with ten parts along each dimension, the share in which it practised.",
        scale=100.0,
        axis="tasks covered",
    ),
)
"""What becomes of single tasks."""

MEASURES = (*LEARNING, *TASKS)
