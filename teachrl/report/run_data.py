"""Reading a run directory: only YAML, JSON and Parquet, so a report on somebody else's run executes nothing of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from numpy.typing import NDArray

from teachrl.errors import UsageError
from teachrl_envs.tasks import TaskError, TaskSpace

Vector = NDArray[np.float64]
T = TypeVar("T")

CONTENTS = (
    "experiment.yaml and task_space.json, and as the run goes on status.json, episodes/, evaluations/ and curriculum/"
)


@dataclass(frozen=True)
class Episodes:
    """The training episodes in order; ``tasks`` has shape ``(n, space.size)``."""

    step: Vector
    returns: Vector
    tasks: Vector

    def __len__(self) -> int:
        return len(self.step)


@dataclass(frozen=True)
class Evaluation:
    """One evaluation on the test set. ``mastered`` is 1, 0, or NaN where mastery is not defined."""

    step: int
    mastered_percent: float
    mean_return: float
    tasks: Vector
    returns: Vector
    mastered: Vector


@dataclass(frozen=True)
class Gaussian:
    """One component of the teacher's mixture, in task units."""

    mean: Vector
    covariance: Vector
    weight: float
    learning_progress: float


@dataclass(frozen=True)
class Region:
    """One box of tasks, ends included, in task units."""

    low: Vector
    high: Vector
    weight: float
    learning_progress: float


@dataclass(frozen=True)
class Curriculum:
    """What the teacher drew from at one step; ``samples`` are tasks, shape ``(n, space.size)``."""

    step: int
    parts: tuple[Gaussian | Region, ...]
    samples: Vector


@dataclass(frozen=True)
class RunData:
    """All that a report needs from one run directory. ``notes`` say which files could not be read."""

    path: Path
    experiment: Mapping[str, Any]
    experiment_text: str
    status: Mapping[str, Any]
    space: TaskSpace
    episodes: Episodes
    evaluations: tuple[Evaluation, ...]
    curricula: tuple[Curriculum, ...]
    notes: tuple[str, ...]


def read_run(path: Path) -> RunData:
    """Read a run directory. Raises `UsageError` when ``path`` is none or its description is malformed."""
    missing = [name for name in ("experiment.yaml", "task_space.json") if not (path / name).is_file()]
    if missing:
        what = f"it lacks {' and '.join(missing)}" if path.is_dir() else "there is no such directory"
        raise UsageError(f"{path} is no run directory: {what}. A run directory has {CONTENTS}.")
    text, experiment = _read_experiment(path / "experiment.yaml")
    try:
        space = TaskSpace.from_json(_read_json(path / "task_space.json"))
    except (OSError, ValueError, TaskError) as error:
        raise UsageError(f"{path / 'task_space.json'} does not describe a task space: {error}") from error
    notes: list[str] = []
    status = _read_all([path / "status.json"] if (path / "status.json").exists() else [], _read_json, notes)
    tables = _read_all(sorted((path / "episodes").glob("*.parquet")), lambda p: _episodes(p, space), notes)
    evaluations = _read_all(
        sorted((path / "evaluations").glob("*.json")), lambda p: _evaluation(_read_json(p), space), notes
    )
    curricula = _read_all(sorted((path / "curriculum").glob("*.json")), lambda p: _curriculum(p, space), notes)
    return RunData(
        path=path,
        experiment=experiment,
        experiment_text=text,
        status=status[0] if status else {},
        space=space,
        episodes=_join(tables, space),
        evaluations=tuple(sorted(evaluations, key=lambda e: e.step)),
        curricula=tuple(sorted(curricula, key=lambda c: c.step)),
        notes=tuple(notes),
    )


def _read_experiment(path: Path) -> tuple[str, Mapping[str, Any]]:
    try:
        text = path.read_text(encoding="utf-8")
        experiment = yaml.safe_load(text)
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise UsageError(f"{path} cannot be read as YAML: {error}") from error
    if not isinstance(experiment, Mapping):
        raise UsageError(f"{path} should hold an experiment with env, teacher, student ...; got {experiment!r}")
    return text, experiment


def _read_all(paths: list[Path], read: Callable[[Path], T], notes: list[str]) -> list[T]:
    """Read each file. One that cannot be read becomes a note: a killed run may leave a torn last file behind."""
    items: list[T] = []
    for path in paths:
        try:
            items.append(read(path))
        except (OSError, ValueError, KeyError, TypeError, AttributeError, pa.ArrowException) as error:
            notes.append(f"{path.parent.name}/{path.name} could not be read and is left out ({error})")
    return items


def _read_json(path: Path) -> Mapping[str, Any]:
    value = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(value, Mapping):
        raise ValueError(f"expected a JSON object, got {type(value).__name__}")
    return value


def _episodes(path: Path, space: TaskSpace) -> Episodes:
    names = ["step", "return", *(f"task.{name}" for name in space.names)]
    # A plain file, not a dataset: the columns' names have dots, which other readers take for nested fields.
    table = pq.ParquetFile(path).read()
    columns = [np.asarray(table.column(name).to_numpy(), dtype=np.float64) for name in names]
    return Episodes(columns[0], columns[1], np.column_stack(columns[2:]))


def _join(parts: list[Episodes], space: TaskSpace) -> Episodes:
    none = np.empty(0)
    return Episodes(
        np.concatenate([none, *(p.step for p in parts)]),
        np.concatenate([none, *(p.returns for p in parts)]),
        np.concatenate([np.empty((0, space.size)), *(p.tasks for p in parts)]),
    )


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)


def _evaluation(data: Mapping[str, Any], space: TaskSpace) -> Evaluation:
    tasks = data["tasks"]
    return Evaluation(
        step=int(data["step"]),
        mastered_percent=_number(data.get("mastered_percent")),
        mean_return=_number(data.get("mean_return")),
        tasks=np.array([space.vector(t["task"]) for t in tasks], dtype=np.float64).reshape(-1, space.size),
        returns=np.array([_number(t.get("return")) for t in tasks], dtype=np.float64),
        mastered=np.array([_number(t.get("mastered")) for t in tasks], dtype=np.float64),
    )


def _curriculum(path: Path, space: TaskSpace) -> Curriculum:
    data = _read_json(path)
    parts: list[Gaussian | Region] = []
    for entry in data.get("gaussians") or []:
        mean = _finite(entry["mean"], (space.size,))
        covariance = _finite(entry["covariance"], (space.size, space.size))
        if mean is not None and covariance is not None:
            parts.append(Gaussian(mean, covariance, *_weight_and_progress(entry)))
    for entry in data.get("regions") or []:
        low, high = (_finite(entry[end], (space.size,)) for end in ("low", "high"))
        if low is not None and high is not None:
            parts.append(Region(low, high, *_weight_and_progress(entry)))
    samples = [_finite(task, (space.size,)) for task in data.get("samples") or []]
    tasks = np.array([task for task in samples if task is not None], dtype=np.float64)
    return Curriculum(int(data["step"]), tuple(parts), tasks.reshape(-1, space.size))


def _finite(value: Any, shape: tuple[int, ...]) -> Vector | None:
    """``value`` as an array of ``shape``, ``None`` when a number in it is not finite."""
    array = np.asarray(value, dtype=np.float64)
    if array.shape != shape:
        raise ValueError(f"numbers of shape {array.shape} where {shape} was expected")
    return array if np.isfinite(array).all() else None


def _weight_and_progress(entry: Mapping[str, Any]) -> tuple[float, float]:
    return _number(entry.get("weight")), _number(entry.get("learning_progress"))
