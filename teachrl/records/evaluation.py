"""The record of one evaluation on a test set, and its JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from teachrl.tasks.spaces import Task


@dataclass(frozen=True)
class TaskResult:
    """What a student did on one task of a test set: means over the task's episodes.

    ``solve_rate`` is the share of episodes that succeeded, from 0 to 1, and the task is ``mastered`` when that is more
    than half. Both are None where the environment knows no success. In JSON, ``episode_return`` is called ``return``.
    """

    task: Task
    episode_return: float
    discounted_return: float
    length: float
    solve_rate: float | None
    mastered: bool | None

    def to_json(self) -> dict[str, Any]:
        """Return the fields under the names that ``docs/metrics.md`` lists."""
        return {
            "task": self.task,
            "return": self.episode_return,
            "discounted_return": self.discounted_return,
            "length": self.length,
            "solve_rate": self.solve_rate,
            "mastered": self.mastered,
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> TaskResult:
        """Return the inverse of `to_json`. Raises `KeyError`, `TypeError` or `ValueError`."""
        mastered = data.get("mastered")
        return TaskResult(
            task=data["task"],
            episode_return=_number(data.get("return")),
            discounted_return=_number(data.get("discounted_return")),
            length=_number(data.get("length")),
            solve_rate=_known(data.get("solve_rate")),
            mastered=None if mastered is None else bool(mastered),
        )


@dataclass(frozen=True)
class EvaluationResult:
    """One evaluation: what a student did on a test set, with a result for each task in the order of the set.

    ``mastered_percent`` and ``mean_solve_rate`` are None where the environment knows no success. Numbers that are not
    finite are null in a file, and NaN when they are read. ``steps`` are the environment steps of the evaluation itself,
    ``step`` those that the student was trained for. ``costs`` and ``seconds`` are what its run had cost by then; they
    and ``run`` are left empty by those who do not know them.
    """

    test_set: str
    mastered_percent: float | None
    mean_solve_rate: float | None
    mean_return: float
    mean_discounted_return: float
    steps: int
    tasks: tuple[TaskResult, ...]
    episodes_per_task: int
    deterministic: bool
    step: int = 0
    run: str | None = None
    costs: Mapping[str, float] = field(default_factory=dict)
    seconds: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the fields under the names that ``docs/metrics.md`` lists, without those that are not known."""
        run = {} if self.run is None else {"run": self.run}
        spent = {} if self.seconds is None else {"costs": dict(self.costs), "seconds": self.seconds}
        return {
            **run,
            "step": self.step,
            "test_set": self.test_set,
            "mastered_percent": self.mastered_percent,
            "mean_solve_rate": self.mean_solve_rate,
            "mean_return": self.mean_return,
            "steps": self.steps,
            "mean_discounted_return": self.mean_discounted_return,
            "tasks": [task.to_json() for task in self.tasks],
            "episodes_per_task": self.episodes_per_task,
            "deterministic": self.deterministic,
            **spent,
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> EvaluationResult:
        """Return the inverse of `to_json`. Only ``step`` and ``tasks`` are in the files of every version.

        Raises `KeyError`, `TypeError` or `ValueError`.
        """
        costs: Mapping[str, Any] = data.get("costs") or {}
        return EvaluationResult(
            test_set=str(data.get("test_set", "")),
            mastered_percent=_known(data.get("mastered_percent")),
            mean_solve_rate=_known(data.get("mean_solve_rate")),
            mean_return=_number(data.get("mean_return")),
            mean_discounted_return=_number(data.get("mean_discounted_return")),
            steps=int(data.get("steps", 0)),
            tasks=tuple(TaskResult.from_json(task) for task in data["tasks"]),
            episodes_per_task=int(data.get("episodes_per_task", 1)),
            deterministic=bool(data.get("deterministic", True)),
            step=int(data["step"]),
            run=data.get("run"),
            costs={name: float(cost) for name, cost in costs.items() if cost is not None},
            seconds=_known(data.get("seconds")),
        )


def _known(value: Any) -> float | None:
    return None if value is None else float(value)


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)
