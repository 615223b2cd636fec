"""The HTML page around the figures."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

from teachrl.report.html_parts import document, table
from teachrl.report.run_data import RunData
from teachrl.report.sections import sections


def render(runs: Sequence[RunData]) -> str:
    """The whole page."""
    names = _names(runs)
    environments = sorted({str(_part(run, "env").get("id", "unknown environment")) for run in runs})
    title = f"Training report: {', '.join(environments)}"
    return document(title, f"{_header(runs, names)}\n{sections(runs, names)}")


def _names(runs: Sequence[RunData]) -> list[str]:
    """Short names that tell the runs apart: the directory's, or the whole path where two are alike."""
    short = [run.path.resolve().name for run in runs]
    return [name if short.count(name) == 1 else str(run.path) for run, name in zip(runs, short, strict=True)]


def _part(run: RunData, key: str) -> Mapping[str, Any]:
    value = run.experiment.get(key)
    return value if isinstance(value, Mapping) else {} if value is None else {"name": value, "id": value}


def _header(runs: Sequence[RunData], names: Sequence[str]) -> str:
    heads = ("run", "environment", "teacher", "student", "seed", "steps", "status", "episodes", "teacher's time")
    rows = [_facts(run, name) for run, name in zip(runs, names, strict=True)]
    if len(runs) == 1:
        body = "".join(
            f"<tr><th>{head}</th><td>{html.escape(x)}</td></tr>" for head, x in zip(heads, rows[0], strict=True)
        )
        text = f'<div class="wide"><table id="header">{body}</table></div>'
    else:
        text = table(heads, rows, "header")
    for run, name in zip(runs, names, strict=True):
        if run.status.get("error"):
            text += (
                f'<p class="error">{html.escape(name)} ended with an error: {html.escape(str(run.status["error"]))}</p>'
            )
        text += "".join(f'<p class="note">{html.escape(f"{name}: {note}")}</p>' for note in run.notes)
    return text


def _facts(run: RunData, name: str) -> list[str]:
    teacher = _part(run, "teacher")
    preset = teacher.get("preset")
    status = run.status
    total = status.get("total_steps", run.experiment.get("steps"))
    return [
        name,
        str(_part(run, "env").get("id", "unknown")),
        f"{teacher.get('name', 'unknown')}" + (f" (preset {preset})" if preset else ""),
        str(_part(run, "student").get("name", "unknown")),
        str(run.experiment.get("seed", "unknown")),
        f"{_count(status.get('step'))} of {_count(total)}",
        str(status.get("status", "not known yet")),
        _count(status.get("episodes")) + _skipped(status.get("skipped_episodes")),
        _teacher_share(status),
    ]


def _skipped(value: Any) -> str:
    return f" ({_count(value)} skipped)" if value else ""


def _count(value: Any) -> str:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return f"{value:,}" if is_number else "unknown" if value is None else str(value)


def _teacher_share(status: Mapping[str, Any]) -> str:
    seconds, teacher = status.get("seconds"), status.get("teacher_seconds")
    if not isinstance(seconds, (int, float)) or not isinstance(teacher, (int, float)) or not seconds > 0:
        return "not known yet"
    return f"{100 * teacher / seconds:.2g}% of the run ({teacher:,.1f} s of {seconds:,.0f} s)"
