"""Reading a run directory: only YAML, JSON and Parquet, so a report on somebody else's run executes nothing of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from itertools import accumulate
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import yaml

from teachrl.errors import UsageError
from teachrl.report.episode_parts import Part, join_episodes, join_levels, read_part, row_count
from teachrl.report.kept_files import KeptFiles
from teachrl.report.run_data import Curriculum, Evaluation, Gaussian, Level, Region, RunData, Vector
from teachrl_envs.tasks import TaskError, TaskSpace

T = TypeVar("T")

SAMPLED_LEVELS = 20_000
CONTENTS = (
    "experiment.yaml and task_space.json, and as the run goes on status.json, episodes/, evaluations/ and curriculum/"
)


def read_run(path: Path, kept: KeptFiles | None = None) -> RunData:
    """Read a run directory. Raises `UsageError` when ``path`` is none or its description is malformed.

    Who reads the same run again and again gives what is ``kept`` of it: then only what has changed is read.
    """
    kept = kept if kept is not None else KeptFiles()
    missing = [name for name in ("experiment.yaml", "task_space.json") if not (path / name).is_file()]
    if missing:
        what = f"it lacks {' and '.join(missing)}" if path.is_dir() else "there is no such directory"
        raise UsageError(f"{path} is no run directory: {what}. A run directory has {CONTENTS}.")
    text, experiment = _read_experiment(path / "experiment.yaml")
    space = _read_space(path / "task_space.json")
    judged = path / "evaluation_space.json"
    judged_space = _read_space(judged) if judged.is_file() else space
    notes: list[str] = []
    status = _read_all([path / "status.json"] if (path / "status.json").exists() else [], read_object, notes)
    parts = _read_parts(sorted((path / "episodes").glob("*.parquet")), space, kept, notes)
    read_evaluation = kept.reader(lambda p: _evaluation(read_object(p), judged_space), "evaluation")
    evaluations = _read_all(sorted((path / "evaluations").glob("*.json")), read_evaluation, notes)
    read_curriculum = kept.reader(lambda p: _curriculum(p, space), "curriculum")
    curricula = _read_all(sorted((path / "curriculum").glob("*.json")), read_curriculum, notes)
    return RunData(
        path=path,
        experiment=experiment,
        experiment_text=text,
        status=status[0] if status else {},
        space=space,
        judged_space=judged_space,
        episodes=join_episodes([p.protagonist for p in parts], space),
        antagonist=join_episodes([p.antagonist for p in parts], space),
        played=join_levels([p.played for p in parts], space),
        evaluations=tuple(sorted(evaluations, key=lambda e: e.step)),
        curricula=tuple(sorted(curricula, key=lambda c: c.step)),
        notes=tuple(notes),
    )


def _read_space(path: Path) -> TaskSpace:
    try:
        return TaskSpace.from_json(read_object(path))
    except (OSError, ValueError, TaskError) as error:
        raise UsageError(f"{path} does not describe a task space: {error}") from error


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


def read_object(path: Path) -> Mapping[str, Any]:
    """A JSON object. Raises `OSError` or `ValueError`."""
    value = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(value, Mapping):
        raise ValueError(f"expected a JSON object, got {type(value).__name__}")
    return value


def _read_parts(files: list[Path], space: TaskSpace, kept: KeptFiles, notes: list[str]) -> list[Part]:
    """The log's parts. How many levels are kept of each follows from the length of all."""
    if space.has_unit_cube:
        return _read_all(files, kept.reader(lambda file: read_part(file, space, 0, 1), "part"), notes)
    count = kept.reader(row_count, "rows")
    counts = dict(_read_all(files, lambda file: (file, count(file)), notes))
    every = _spread(sum(counts.values()))
    starts = dict(zip(counts, accumulate(counts.values(), initial=0), strict=False))

    def read(file: Path) -> Part:
        start = starts[file]
        return kept.reader(lambda file: read_part(file, space, start, every), ("part", start, every))(file)

    return _read_all(list(counts), read, notes)


def _spread(episodes: int) -> int:
    """Of how many episodes one is looked at. Powers of two: a log that grows must not be read anew each time."""
    return 1 << (max(1, -(-episodes // SAMPLED_LEVELS)) - 1).bit_length()


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)


def _evaluation(data: Mapping[str, Any], space: TaskSpace) -> Evaluation:
    tasks = data["tasks"]
    costs = {**(data.get("costs") or {}), "seconds": data.get("seconds")}
    return Evaluation(
        step=int(data["step"]),
        mastered_percent=_number(data.get("mastered_percent")),
        mean_return=_number(data.get("mean_return")),
        mean_discounted_return=_number(data.get("mean_discounted_return")),
        tasks=np.array([space.vector(t["task"]) for t in tasks], dtype=np.float64).reshape(-1, space.size),
        returns=np.array([_number(t.get("return")) for t in tasks], dtype=np.float64),
        mastered=np.array([_number(t.get("mastered")) for t in tasks], dtype=np.float64),
        solve_rates=np.array([_number(t.get("solve_rate")) for t in tasks], dtype=np.float64),
        costs={name: _number(cost) for name, cost in costs.items() if cost is not None},
    )


def _curriculum(path: Path, space: TaskSpace) -> Curriculum:
    data = read_object(path)
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
    tasks = np.array([task for task in samples if task is not None], dtype=np.float64).reshape(-1, space.size)
    levels = tuple(_level(entry, space) for entry in data.get("levels") or [])
    if not space.has_unit_cube:
        for task in (*tasks, *(level.task for level in levels)):
            space.task(task)  # complains about what is no level and could not be drawn
    pairs = [[_number(number) for number in pair] for pair in data.get("buffer") or []]
    buffer = np.array(pairs, dtype=np.float64).reshape(-1, 2)
    return Curriculum(int(data["step"]), tuple(parts), tasks, levels, buffer)


def _level(entry: Mapping[str, Any], space: TaskSpace) -> Level:
    task = _finite(entry["task"], (space.size,))
    if task is None:
        raise ValueError("a level with numbers that are not finite")
    origin = (int(entry[name]) for name in ("number", "parent", "generation"))
    return Level(task, _number(entry["score"]), _number(entry["staleness"]), *origin)


def _finite(value: Any, shape: tuple[int, ...]) -> Vector | None:
    """``value`` as an array of ``shape``, ``None`` when a number in it is not finite."""
    array = np.asarray(value, dtype=np.float64)
    if array.shape != shape:
        raise ValueError(f"numbers of shape {array.shape} where {shape} was expected")
    return array if np.isfinite(array).all() else None


def _weight_and_progress(entry: Mapping[str, Any]) -> tuple[float, float]:
    return _number(entry.get("weight")), _number(entry.get("learning_progress"))
