"""Reading a run directory: only YAML, JSON and Parquet, so a report on somebody else's run executes nothing of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import yaml

from teachrl.errors import UsageError
from teachrl.records.curriculum import Curriculum, Matrix, Numbers
from teachrl.records.evaluation import EvaluationResult
from teachrl.report.episode_parts import Part, join_episodes, join_levels, read_part, row_count
from teachrl.report.kept_files import KeptFiles
from teachrl.report.run_data import Evaluation, RunData
from teachrl.runs.files import CONTENTS, RunFiles
from teachrl.runs.reading import read_curriculum, read_evaluation, read_object
from teachrl_envs.tasks import TaskError, TaskSpace

T = TypeVar("T")

SAMPLED_LEVELS = 20_000


def read_run(path: Path, kept: KeptFiles | None = None) -> RunData:
    """Read a run directory. Raises `UsageError` when ``path`` is none or its description is malformed.

    Who reads the same run again and again gives what is ``kept`` of it: then only what has changed is read.
    """
    kept = kept if kept is not None else KeptFiles()
    files = RunFiles(path)
    if files.missing:
        what = f"it lacks {' and '.join(files.missing)}" if path.is_dir() else "there is no such directory"
        raise UsageError(f"{path} is no run directory: {what}. A run directory has {CONTENTS}.")
    text, experiment = _read_experiment(files.experiment)
    space = _read_space(files.task_space)
    judged_space = _read_space(files.evaluation_space) if files.evaluation_space.is_file() else space
    notes: list[str] = []
    status = _read_all([files.status] if files.status.exists() else [], read_object, notes)
    parts = _read_parts(files.episodes, space, kept, notes)
    evaluation = kept.reader(lambda file: _evaluation(read_evaluation(file), judged_space), "evaluation")
    evaluations = _read_all(files.evaluations, evaluation, notes)
    curriculum = kept.reader(lambda file: _curriculum(read_curriculum(file), space), "curriculum")
    curricula = _read_all(files.curricula, curriculum, notes)
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


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def _evaluation(result: EvaluationResult, space: TaskSpace) -> Evaluation:
    tasks = result.tasks
    seconds = {} if result.seconds is None else {"seconds": result.seconds}
    return Evaluation(
        step=result.step,
        mastered_percent=_number(result.mastered_percent),
        mean_return=result.mean_return,
        mean_discounted_return=result.mean_discounted_return,
        tasks=np.array([space.vector(task.task) for task in tasks], dtype=np.float64).reshape(-1, space.size),
        returns=np.array([task.episode_return for task in tasks], dtype=np.float64),
        mastered=np.array([_number(task.mastered) for task in tasks], dtype=np.float64),
        solve_rates=np.array([_number(task.solve_rate) for task in tasks], dtype=np.float64),
        costs={**result.costs, **seconds},
    )


def _curriculum(curriculum: Curriculum, space: TaskSpace) -> Curriculum:
    """Return what can be drawn of a curriculum: without parts and samples whose numbers are not finite.

    Raises `ValueError` for what is not of this space.
    """
    vector, square = (space.size,), (space.size, space.size)
    samples = [task for task in curriculum.samples if _is_finite(task, vector)]
    levels = curriculum.levels
    if not all(_is_finite(level.task, vector) for level in levels):
        raise ValueError("a level with numbers that are not finite")
    if not space.has_unit_cube:
        for task in (*samples, *(level.task for level in levels)):
            space.task(np.asarray(task))  # complains about what is no level and could not be drawn
    return replace(
        curriculum,
        gaussians=tuple(
            one for one in curriculum.gaussians if _is_finite(one.mean, vector) & _is_finite(one.covariance, square)
        ),
        regions=tuple(one for one in curriculum.regions if _is_finite(one.low, vector) & _is_finite(one.high, vector)),
        samples=np.array(samples, dtype=np.float64).reshape(-1, space.size),
        buffer=np.asarray(curriculum.buffer).reshape(-1, 2),
    )


def _is_finite(numbers: Numbers | Matrix, shape: tuple[int, ...]) -> bool:
    """Whether all numbers are finite. Raises `ValueError` when they do not have the shape."""
    array = np.asarray(numbers)
    if array.shape != shape:
        raise ValueError(f"numbers of shape {array.shape} where {shape} was expected")
    return bool(np.isfinite(array).all())
