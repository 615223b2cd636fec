"""``teachrl report``: one HTML file that shows what happened in a run, or compares several."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Folders of runs.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Default: report.html in the first run.")
    ] = None,
) -> None:
    """Write a self-contained HTML report of one or several runs."""
    from teachrl.report import write_report

    typer.echo(f"report: {write_report(runs, output)}")
