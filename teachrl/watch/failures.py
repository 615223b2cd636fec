"""What went wrong in a run: what ended it, files that cannot be read, and episodes that failed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from teachrl.report.kept_files import KeptFiles
from teachrl.report.run_data import RunData
from teachrl.runs.files import RunFiles
from teachrl.runs.reading import read_object

SHOWN = 20


def errors_of(run: RunData, kept: KeptFiles) -> list[str]:
    """A sentence for each, the gravest first; of the failed episodes the last 20."""
    found = [str(run.status["error"])] if run.status.get("error") else []
    found += run.notes
    files = RunFiles(run.path).failures
    if len(files) > SHOWN:
        found.append(f"{len(files)} episodes failed; the last {SHOWN}:")
    read = kept.reader(_failure, "failure")
    for file in files[-SHOWN:]:
        try:
            found.append(read(file))
        except (OSError, ValueError) as error:
            found.append(f"{_name(file)} could not be read ({error})")
    return found


def _failure(file: Path) -> str:
    failure: Mapping[str, Any] = read_object(file)
    what = ", ".join(f"{name} {failure.get(name, 'unknown')}" for name in ("step", "seed", "task"))
    return f"{_name(file)}: {failure.get('reason', 'no reason is given')} ({what})"


def _name(file: Path) -> str:
    return f"{file.parent.name}/{file.name}"
