"""The HTML page around the figures."""

from __future__ import annotations

import html
from collections.abc import Sequence

from teachrl.report.facts import facts, part
from teachrl.report.html_parts import document, table
from teachrl.report.run_data import RunData
from teachrl.report.sections import sections


def render(runs: Sequence[RunData]) -> str:
    """The whole page."""
    names = _names(runs)
    environments = sorted({str(part(run, "env").get("id", "unknown environment")) for run in runs})
    title = f"Training report: {', '.join(environments)}"
    return document(title, f"{_header(runs, names)}\n{sections(runs, names)}")


def _names(runs: Sequence[RunData]) -> list[str]:
    """Short names that tell the runs apart: the directory's, or the whole path where two are alike."""
    short = [run.path.resolve().name for run in runs]
    return [name if short.count(name) == 1 else str(run.path) for run, name in zip(runs, short, strict=True)]


def _header(runs: Sequence[RunData], names: Sequence[str]) -> str:
    rows = [facts(run, name) for run, name in zip(runs, names, strict=True)]
    if len(runs) == 1:
        body = "".join(f"<tr><th>{head}</th><td>{html.escape(x)}</td></tr>" for head, x in rows[0].items())
        text = f'<div class="wide"><table id="header">{body}</table></div>'
    else:
        text = table(list(rows[0]), [list(row.values()) for row in rows], "header")
    for run, name in zip(runs, names, strict=True):
        if run.status.get("error"):
            text += (
                f'<p class="error">{html.escape(name)} ended with an error: {html.escape(str(run.status["error"]))}</p>'
            )
        text += "".join(f'<p class="note">{html.escape(f"{name}: {note}")}</p>' for note in run.notes)
    return text
