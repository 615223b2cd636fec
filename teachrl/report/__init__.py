"""The report: one HTML file that shows what a teacher did, made from run directories alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from teachrl.errors import UsageError
from teachrl.report.page import render
from teachrl.report.reading import read_run
from teachrl.runs.files import RunFiles

__all__ = ["write_report"]


def write_report(runs: Sequence[Path], output: Path | None = None) -> Path:
    """Write one self-contained HTML report on ``runs`` and return its path.

    Without ``output`` it is ``report.html`` in the run directory, or beside the first one when there are several.
    Unfinished runs are fine: a section whose data is not there yet says so. Raises `UsageError` when a path is no run
    directory or the report cannot be written.
    """
    if not runs:
        raise UsageError("a report needs at least one run directory; got none")
    paths = [Path(run) for run in runs]
    data = [read_run(path) for path in paths]
    if output is None:
        first = paths[0].resolve()
        output = RunFiles(first if len(paths) == 1 else first.parent).report
    if output.is_dir():
        raise UsageError(f"the report is one HTML file, but {output} is a directory; name a file in it")
    page = render(data)
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(page, encoding="utf-8", errors="replace")
    except OSError as error:
        raise UsageError(f"cannot write the report to {output}: {error}") from error
    return output
