"""What the overview of a bench shows, read from its folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from teachrl.bench.cells import Cell
from teachrl.bench.directory import Bench
from teachrl.bench.files import BenchFiles
from teachrl.bench.ledger import Standing
from teachrl.bench.suite import Metric
from teachrl.records.evaluation import EvaluationResult
from teachrl.report.curve_figures import Curve
from teachrl.report.kept_files import KeptFiles
from teachrl.runs.files import RunFiles
from teachrl.runs.reading import read_evaluation, read_object


@dataclass(frozen=True)
class BenchData:
    """A bench and all cells that were ever asked for, by name.

    ``cells`` says what each is, where the suite still has it; ``curves`` are those of the suite's metric, by
    environment. ``notes`` say which files could not be read.
    """

    bench: Bench
    standings: Mapping[str, Standing]
    cells: Mapping[str, Cell]
    curves: Mapping[str, list[Curve]]
    notes: tuple[str, ...]


def read_bench(folder: Path, kept: KeptFiles) -> BenchData:
    """Read what has changed. Raises `UsageError` where there is no bench, and `TeachrlError` for a torn ledger."""
    files = BenchFiles(folder)
    bench = kept.reader(lambda file: Bench.open(file.parent), "bench")(files.suite)
    if not files.ledger.is_file():
        return BenchData(bench, {}, {}, {}, ())
    asked = kept.reader(lambda file: bench.asked_cells(), "cells")(files.ledger)
    cells = {cell.name: cell for cell in asked}
    notes: list[str] = []
    curves: dict[str, list[Curve]] = {}
    for cell in asked:
        curves.setdefault(cell.row.environment, []).append(_curve(bench, cell, kept, notes))
    read_status = kept.reader(read_object, "status")

    def status_of(name: str) -> Mapping[str, Any]:
        file = RunFiles(files.run(name)).status
        try:
            return read_status(file) if file.is_file() else {}
        except (OSError, ValueError) as error:
            notes.append(f"{name}/{file.name} could not be read and is left out ({error})")
            return {}

    standings = bench.ledger.standings(status_of)
    return BenchData(bench, standings, cells, curves, tuple(notes))


def _curve(bench: Bench, cell: Cell, kept: KeptFiles, notes: list[str]) -> Curve:
    read = kept.reader(lambda file: _point(read_evaluation(file), bench.suite.metric), ("point", bench.suite.metric))
    points = []
    for file in RunFiles(bench.run_of(cell)).evaluations:
        try:
            points.append(read(file))
        except (OSError, ValueError) as error:
            notes.append(f"{cell.name}/{file.parent.name}/{file.name} could not be read and is left out ({error})")
    steps, values = zip(*sorted(points), strict=True) if points else ((), ())
    of_row = ", ".join(part for part in (cell.row.teacher, cell.row.student) if part)
    return Curve(of_row, cell.name, steps, values)


def _point(evaluation: EvaluationResult, metric: Metric) -> tuple[float, float]:
    """Step and metric, NaN where the environment does not know it."""
    value: float | None = getattr(evaluation, metric)
    return evaluation.step, float("nan") if value is None else value
