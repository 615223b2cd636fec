"""The table of a bench: one line a row, with intervals, and as CSV and Markdown."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from teachrl.bench.directory import Bench
from teachrl.bench.measures import LEARNING, MEASURES, TASKS, Measure
from teachrl.bench.results import RowResult
from teachrl.bench.suite import Published
from teachrl.statistics.curves import steps_to_threshold
from teachrl.statistics.estimates import Estimate


@dataclass(frozen=True)
class Line:
    """One row in numbers. What needs more runs, or more evaluations, than there are is None."""

    name: str
    runs: int
    of: int
    estimates: Mapping[str, Estimate | None]
    """By the names of `MEASURES`."""
    reached: int | None
    steps_to_threshold: float | None
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
    return Line(
        name=row.name,
        runs=len(runs),
        of=len(result.runs),
        estimates={measure.name: measure.compute(result) for measure in MEASURES},
        reached=None if suite.threshold is None else len(times),
        steps_to_threshold=float(np.median(times)) if times else None,
        hours=float(sum(run.seconds[-1] for run in result.runs)) / 3600,
        published=published,
    )


def heads(bench: Bench) -> list[str]:
    """What stands above the columns of `texts`."""
    threshold = [] if bench.suite.threshold is None else [f"steps to {bench.suite.threshold:g} (runs that got there)"]
    return [
        *("row", "runs", *(measure.head for measure in LEARNING), *threshold),
        *(*(measure.head for measure in TASKS), "hours", "published"),
    ]


def texts(line: Line) -> list[str]:
    """The line as people read it."""
    steps = "never" if line.steps_to_threshold is None else f"{line.steps_to_threshold:,.0f}"
    threshold = [] if line.reached is None else [f"{steps} ({line.reached} of {line.runs})"]
    return [
        line.name,
        str(line.runs) if line.runs == line.of else f"{line.runs} of {line.of}",
        *(_shown(measure, line) for measure in LEARNING),
        *threshold,
        *(_shown(measure, line) for measure in TASKS),
        f"{line.hours:.2f}",
        "; ".join(f"{p.value:g} ({p.source})" for p in line.published),
    ]


def _shown(measure: Measure, line: Line) -> str:
    estimate = line.estimates[measure.name]
    return text(None if estimate is None else _scaled(estimate, measure.scale))


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
    names = [measure.name for measure in MEASURES]
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    ends = [column for name in names for column in (name, f"{name}_low", f"{name}_high")]
    writer.writerow(["row", "runs", *ends, "steps_to_threshold", "reached", "hours", "published"])
    for line in table:
        numbers: list[float | None] = []
        for name in names:
            estimate = line.estimates[name]
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
