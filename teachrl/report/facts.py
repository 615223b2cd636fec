"""What a run is and how it stands, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from teachrl.report.run_data import RunData


def facts(run: RunData, name: str) -> dict[str, str]:
    """The facts by their headings; what is not known is said to be so."""
    teacher = part(run, "teacher")
    preset = teacher.get("preset")
    status = run.status
    total = status.get("total_steps", run.experiment.get("steps"))
    return {
        "run": name,
        "environment": str(part(run, "env").get("id", "unknown")),
        "teacher": f"{teacher.get('name', 'unknown')}" + (f" (preset {preset})" if preset else ""),
        "student": str(part(run, "student").get("name", "unknown")),
        "seed": str(run.experiment.get("seed", "unknown")),
        "steps": f"{count(status.get('step'))} of {count(total)}",
        "status": str(status.get("status", "not known yet")),
        "episodes": count(status.get("episodes")) + _skipped(status.get("skipped_episodes")),
        "teacher's time": _teacher_share(status),
    }


def part(run: RunData, key: str) -> Mapping[str, Any]:
    """A part of the experiment, such as ``env``; a name that stands for it becomes its ``name`` and ``id``."""
    value = run.experiment.get(key)
    return value if isinstance(value, Mapping) else {} if value is None else {"name": value, "id": value}


def _skipped(value: Any) -> str:
    return f" ({count(value)} skipped)" if value else ""


def count(value: Any) -> str:
    """A number with its thousands set apart; whatever else a file may hold, as it is."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return f"{value:,}" if is_number else "unknown" if value is None else str(value)


def _teacher_share(status: Mapping[str, Any]) -> str:
    seconds, teacher = status.get("seconds"), status.get("teacher_seconds")
    if not isinstance(seconds, (int, float)) or not isinstance(teacher, (int, float)) or not seconds > 0:
        return "not known yet"
    return f"{100 * teacher / seconds:.2g}% of the run ({teacher:,.1f} s of {seconds:,.0f} s)"
