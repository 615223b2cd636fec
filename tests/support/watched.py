"""Folders to watch, and what a page of components says."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from teachrl.bench.directory import Bench
from teachrl.bench.suite import Suite
from tests.support.reports import BOX, make_run

FIGURES = ["figure-learning", "figure-discounted", "figure-curriculum", "figure-throughput"]
SUITE = {
    "title": "two teachers",
    "experiment": {"env": "teachrl/Hypercubes-v0", "student": "simulated"},
    "teachers": {"random": {"teacher": "random"}, "alp-gmm": {"teacher": "alp-gmm"}},
    "budgets": {"smoke": {"seeds": 2, "settings": {"steps": 100}}},
}


def half_run(path: Path) -> Path:
    """A run that goes on: without the second part of its log, and without its evaluations after step 6,000."""
    make_run(path, BOX, status={"status": "running", "step": 6000, "seconds": 100.0})
    (path / "episodes" / "part-000001.parquet").unlink()
    for file in [*(path / "evaluations").iterdir(), *(path / "curriculum").iterdir()]:
        if int(file.stem.removeprefix("step_")) > 6000:
            file.unlink()
    return path


def finish(path: Path, scratch: Path) -> None:
    """Write the rest of a run that `half_run` made."""
    whole = make_run(scratch, BOX)
    for folder in ("episodes", "evaluations", "curriculum"):
        for file in (whole / folder).iterdir():
            if not (path / folder / file.name).exists():
                shutil.move(file, path / folder / file.name)
    shutil.move(whole / "status.json", path / "status.json")


def make_bench(folder: Path) -> Bench:
    """Four cells: one finished, one that goes on, one that failed, one that has not begun."""
    bench = Bench.prepared(folder, "two", Suite.model_validate(SUITE), "smoke")
    ledger = bench.ledger
    ledger.write("asked", ["random__s0", "random__s1", "alp-gmm__s0", "alp-gmm__s1"])
    ledger.write("started", ["random__s0", "random__s1", "alp-gmm__s0"])
    make_run(folder / "cells" / "random__s0", BOX)
    half_run(folder / "cells" / "random__s1")
    ledger.write("finished", ["random__s0"])
    ledger.write("failed", ["alp-gmm__s0"], "error: the disk is full")
    return bench


def fail_episode(run: Path, number: int, **changes: Any) -> None:
    """Add a failed episode."""
    failure = {"reason": "it fell apart", "task": {"gap": 1.5}, "seed": 12, "step": 3, "actions": [[0.0]], **changes}
    (run / "failures").mkdir(exist_ok=True)
    (run / "failures" / f"episode-{number:04d}.json").write_text(json.dumps(failure))


def components(part: Any) -> Iterator[Any]:
    """A component, or several, with all that is inside; texts too."""
    for one in part if isinstance(part, Sequence) and not isinstance(part, str) else [part]:
        yield one
        children = getattr(one, "children", None)
        if children is not None:
            yield from components(children)


def text_of(parts: Any) -> str:
    """All texts, one after the other."""
    return "\n".join(one for one in components(parts) if isinstance(one, str))


def figures_of(parts: Any) -> dict[str, Any]:
    """All figures by their ids."""
    return {one.id: one.figure for one in components(parts) if type(one).__name__ == "Graph"}


def facts_of(parts: Any, anchor: str) -> dict[str, str]:
    """A table of facts, by its id."""
    (table,) = [one for one in components(parts) if getattr(one, "id", None) == anchor]
    cells = [text_of(row.children).split("\n") for row in table.children.children]
    return {row[0]: "".join(row[1:]) for row in cells}
