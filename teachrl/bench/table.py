"""The table of a bench: one line a row, with intervals, and as CSV and Markdown."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from teachrl.bench.directory import Bench
from teachrl.bench.results import RowResult, RunResult
from teachrl.bench.suite import Published
from teachrl.statistics.aggregates import interquartile_mean
from teachrl.statistics.bootstrap import bootstrap_over_runs
from teachrl.statistics.curves import area_under_curve, steps_to_threshold
from teachrl.statistics.estimates import Estimate, mean_over_runs
from teachrl.statistics.tasks import conditional_value_at_risk, forgetting

WORST = 0.1
SEED = 0
"""Of the bootstrap, so that the same runs give the same page."""


@dataclass(frozen=True)
class Line:
    """One row in numbers. What needs more runs, or more evaluations, than there are is None."""

    name: str
    runs: int
    of: int
    final: Estimate | None
    interquartile: Estimate | None
    area: Estimate | None
    reached: int | None
    steps_to_threshold: float | None
    worst_tasks: Estimate | None
    forgetting: Estimate | None
    coverage: Estimate | None
    hours: float
    published: tuple[Published, ...]


def lines(bench: Bench, results: Sequence[RowResult]) -> list[Line]:
    """The table's lines, in the order of the results."""
    return [_line(bench, result) for result in results]


def _line(bench: Bench, result: RowResult) -> Line:
    runs, suite, row = result.finished, bench.suite, result.row
    reached = [steps_to_threshold(*run.curve, suite.threshold) for run in runs] if suite.threshold is not None else []
    times = [steps for steps in reached if steps is not None]
    published = tuple(
        p
        for p in suite.published
        if p.teacher == row.teacher and p.environment in (None, row.environment) and p.student in (None, row.student)
    )
    rng = np.random.default_rng(SEED)
    return Line(
        name=row.name,
        runs=len(runs),
        of=len(result.runs),
        final=_mean(list(result.finals)),
        interquartile=bootstrap_over_runs(result.final_tasks, interquartile_mean, rng) if runs else None,
        area=_mean([area_under_curve(*run.curve, run.cell.experiment.steps) for run in runs]),
        reached=None if suite.threshold is None else len(times),
        steps_to_threshold=float(np.median(times)) if times else None,
        worst_tasks=_mean([_worst(run) for run in runs if len(run.values) > 1 and run.tasks.shape[1] > 1]),
        forgetting=_mean([float(forgetting(run.tasks).mean()) for run in runs if len(run.values) > 1]),
        coverage=_mean([run.coverage for run in runs if run.coverage is not None]),
        hours=float(sum(run.seconds[-1] for run in result.runs)) / 3600,
        published=published,
    )


def _mean(values: Sequence[float]) -> Estimate | None:
    return mean_over_runs(values) if values else None


def _worst(run: RunResult) -> float:
    """The mean over the tenth of the tasks that was worst in the evaluation before the last, in the last one."""
    return conditional_value_at_risk(run.tasks[-2], run.tasks[-1], WORST)


def heads(bench: Bench) -> list[str]:
    """What stands above the columns of `texts`."""
    threshold = [] if bench.suite.threshold is None else [f"steps to {bench.suite.threshold:g} (runs that got there)"]
    return [
        *("row", "runs", "at the end", "interquartile mean", "mean over the run", *threshold),
        *("worst tenth of tasks", "forgotten", "tasks covered, %", "hours", "published"),
    ]


def texts(line: Line) -> list[str]:
    """The line as people read it."""
    steps = "never" if line.steps_to_threshold is None else f"{line.steps_to_threshold:,.0f}"
    threshold = [] if line.reached is None else [f"{steps} ({line.reached} of {line.runs})"]
    share = None if line.coverage is None else _scaled(line.coverage, 100)
    return [
        line.name,
        str(line.runs) if line.runs == line.of else f"{line.runs} of {line.of}",
        *(text(e) for e in (line.final, line.interquartile, line.area)),
        *threshold,
        *(text(e) for e in (line.worst_tasks, line.forgetting, share)),
        f"{line.hours:.2f}",
        "; ".join(f"{p.value:g} ({p.source})" for p in line.published),
    ]


def _scaled(estimate: Estimate, factor: float) -> Estimate:
    ends = None if estimate.interval is None else tuple(factor * end for end in estimate.interval)
    return Estimate(factor * estimate.value, None if ends is None else (ends[0], ends[1]))


def text(estimate: Estimate | None) -> str:
    """A number with its interval, as in ``34.0 (31.1 to 36.9)``; empty where there is none."""
    if estimate is None:
        return ""
    value, *ends = (f"{number + 0.0:.3g}" for number in (estimate.value, *(estimate.interval or ())))  # no -0
    return f"{value} ({ends[0]} to {ends[1]})" if ends else value


def as_csv(bench: Bench, table: Sequence[Line]) -> str:
    """The table with a column for each number and each end of an interval."""
    names = ("final", "interquartile", "area", "worst_tasks", "forgetting", "coverage")
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    ends = [column for name in names for column in (name, f"{name}_low", f"{name}_high")]
    writer.writerow(["row", "runs", *ends, "steps_to_threshold", "reached", "hours", "published"])
    for line in table:
        numbers: list[float | None] = []
        for name in names:
            estimate: Estimate | None = getattr(line, name)
            interval = (None, None) if estimate is None or estimate.interval is None else estimate.interval
            numbers += [None if estimate is None else estimate.value, *interval]
        published = "; ".join(f"{p.value:g} ({p.source})" for p in line.published)
        writer.writerow([line.name, line.runs, *numbers, line.steps_to_threshold, line.reached, line.hours, published])
    return file.getvalue()


def as_markdown(bench: Bench, table: Sequence[Line]) -> str:
    """The table as `texts`, in Markdown."""
    rows = [heads(bench), *(texts(line) for line in table)]
    lines_ = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join([lines_[0], "|" + "---|" * len(rows[0]), *lines_[1:]]) + "\n"
