"""What the overview of a bench shows, read from its folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from teachrl.bench.cells import Cell
from teachrl.bench.directory import Bench
from teachrl.bench.ledger import Standing
from teachrl.report.curve_figures import Curve
from teachrl.report.kept_files import KeptFiles
from teachrl.report.reading import read_object
from teachrl.watch.throughput import number


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
    bench = kept.reader(lambda file: Bench.open(file.parent), "bench")(folder / "bench.yaml")
    if not (folder / "ledger.jsonl").is_file():
        return BenchData(bench, {}, {}, {}, ())
    asked = kept.reader(lambda file: bench.asked_cells(), "cells")(folder / "ledger.jsonl")
    cells = {cell.name: cell for cell in asked}
    notes: list[str] = []
    curves: dict[str, list[Curve]] = {}
    for cell in asked:
        curves.setdefault(cell.row.environment, []).append(_curve(bench, cell, kept, notes))
    read_status = kept.reader(read_object, "status")

    def status_of(name: str) -> Mapping[str, Any]:
        file = folder / "cells" / name / "status.json"
        try:
            return read_status(file) if file.is_file() else {}
        except (OSError, ValueError) as error:
            notes.append(f"{name}/status.json could not be read and is left out ({error})")
            return {}

    standings = bench.ledger.standings(status_of)
    return BenchData(bench, standings, cells, curves, tuple(notes))


def _curve(bench: Bench, cell: Cell, kept: KeptFiles, notes: list[str]) -> Curve:
    read = kept.reader(lambda file: _point(read_object(file), bench.suite.metric), ("point", bench.suite.metric))
    points = []
    for file in sorted((bench.run_of(cell) / "evaluations").glob("*.json")):
        try:
            points.append(read(file))
        except (OSError, ValueError) as error:
            notes.append(f"{cell.name}/evaluations/{file.name} could not be read and is left out ({error})")
    steps, values = zip(*sorted(points), strict=True) if points else ((), ())
    of_row = ", ".join(part for part in (cell.row.teacher, cell.row.student) if part)
    return Curve(of_row, cell.name, steps, values)


def _point(evaluation: Mapping[str, Any], metric: str) -> tuple[float, float]:
    """Step and metric, NaN where the environment does not know it. Raises `ValueError`."""
    step, value = number(evaluation, "step"), number(evaluation, metric)
    if step is None:
        raise ValueError("it has no step")
    return step, float("nan") if value is None else value
