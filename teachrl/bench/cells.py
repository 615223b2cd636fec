"""The cells of a suite's grid: each is one run."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from teachrl.bench.suite import Budget, Suite, chosen, settings_of
from teachrl.config.experiment import Experiment
from teachrl.config.loading import load_experiment

BANK = "banks/{environment}.npz"


@dataclass(frozen=True)
class Row:
    """What is compared: an environment, a teacher and a student. A name is empty where the suite has only one."""

    environment: str
    teacher: str
    student: str

    @property
    def name(self) -> str:
        """As it stands in tables: what differs, the teacher always."""
        return ", ".join(part for part in (self.environment, self.teacher, self.student) if part)


@dataclass(frozen=True)
class Cell:
    """One run: a row, a seed and the whole experiment. ``name`` is that of its folder."""

    row: Row
    seed: int
    experiment: Experiment
    prepares: bool = False

    @property
    def name(self) -> str:
        """Its folder."""
        assert self.experiment.name is not None
        return self.experiment.name


def grid(
    suite: Suite,
    budget: Budget,
    folder: Path,
    teachers: Sequence[str] | None = None,
    students: Sequence[str] | None = None,
    seeds: int | None = None,
    environments: Sequence[str] | None = None,
) -> list[Cell]:
    """All cells that are asked for, those that prepare the others first. ``folder`` is the bench's own.

    Raises `UsageError` for names that the suite does not have, and for settings that cannot be.
    """
    cells = []
    for environment in chosen(suite.environments, environments, "environment"):
        of_environment = suite.environments[environment]
        bank = folder / BANK.format(environment=environment or "all")
        if suite.preparation is not None:
            prepared = settings_of(suite, budget, of_environment, suite.preparation.settings)
            row = Row(environment, "preparation", "")
            cells.append(_cell(row, prepared, suite.preparation.seed, prepares=True))
        for teacher in chosen(suite.teachers, teachers, "teacher"):
            for student in chosen(suite.students, students, "student"):
                changes = (of_environment, suite.students[student], suite.teachers[teacher])
                settings = settings_of(suite, budget, *changes)
                if isinstance(settings.get("starts"), dict) and suite.preparation is not None:
                    settings["starts"] = {**settings["starts"], "bank": str(bank)}
                row = Row(environment, teacher, student)
                cells += [_cell(row, settings, seed) for seed in range(seeds or budget.seeds)]
    return [cell for cell in cells if cell.prepares] + [cell for cell in cells if not cell.prepares]


def _cell(row: Row, settings: dict[str, Any], seed: int, prepares: bool = False) -> Cell:
    parts = [part for part in (row.environment, row.teacher, row.student, f"s{seed}") if part]
    name = "__".join(re.sub(r"[^A-Za-z0-9._-]", "-", part) for part in parts)
    experiment = load_experiment(None, {**settings, "seed": seed, "name": name})
    return Cell(row, seed, experiment, prepares)
