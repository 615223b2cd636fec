"""The HTML page around the figures."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from teachrl.report.facts import facts, part
from teachrl.report.html_parts import document, paragraph, properties, table
from teachrl.report.run_data import RunData
from teachrl.report.sections import sections


def render(runs: Sequence[RunData]) -> str:
    """The whole page."""
    names = _names(runs)
    environments = sorted({str(part(run, "env").get("id", "unknown environment")) for run in runs})
    title = f"Training report: {', '.join(environments)}"
    return document(title, _header(runs, names) + "\n" + sections(runs, names))


def _names(runs: Sequence[RunData]) -> list[str]:
    """Short names that tell the runs apart: the directory's, or the whole path where two are alike."""
    short = [run.path.resolve().name for run in runs]
    return [name if short.count(name) == 1 else str(run.path) for run, name in zip(runs, short, strict=True)]


def _header(runs: Sequence[RunData], names: Sequence[str]) -> Markup:
    rows = [facts(run, name) for run, name in zip(runs, names, strict=True)]
    if len(runs) == 1:
        text = properties(rows[0], "header")
    else:
        text = table(list(rows[0]), [list(row.values()) for row in rows], "header")
    for run, name in zip(runs, names, strict=True):
        if run.status.get("error"):
            text += paragraph(f"{name} ended with an error: {run.status['error']}", "error")
        for note in run.notes:
            text += paragraph(f"{name}: {note}", "note")
    return text
