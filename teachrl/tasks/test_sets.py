"""Frozen test sets: versioned JSON files of tasks with a hash, so that a number always means the same tasks."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from teachrl.errors import TeachrlError, UsageError, unknown_name
from teachrl.files import read_json
from teachrl.tasks.spaces import Task, TaskError, TaskSpace
from teachrl_envs.specs import ENV_SPECS
from teachrl_envs.test_sets.make import canonical_hash

GENERATED_TASKS = 50
EPISODES_OF_ONE = 10
GENERATED_SEED = 31


@dataclass(frozen=True)
class TestSet:
    """Tasks to evaluate on, each ``episodes_per_task`` times, with episode seeds derived from ``seed``."""

    __test__ = False  # not a test, whatever pytest thinks of the name

    name: str
    tasks: tuple[Task, ...]
    episodes_per_task: int
    seed: int
    description: dict[str, Any]


def packaged_test_sets() -> dict[str, Path]:
    """Name with version, such as ``stump-tracks-grid-v1``, to file."""
    folder = Path(str(resources.files("teachrl_envs") / "test_sets"))
    return {file.stem: file for file in sorted(folder.glob("*.json"))}


def choose_test_set(wanted: str | None, env_id: str, space: TaskSpace) -> TestSet:
    """The test set that an experiment asks for, or the first packaged one that fits, or 50 uniform tasks.

    Raises `UsageError` for an unknown name, an altered file or tasks that the environment does not have.
    """
    packaged = packaged_test_sets()
    if wanted is not None:
        file = packaged.get(wanted, Path(wanted))
        if not file.is_file():
            raise unknown_name("test set", wanted, packaged)
        return load_test_set(file, space)
    for name in (name for spec in ENV_SPECS if spec.id == env_id for name in spec.test_sets):
        if TaskSpace.from_json(read_json(packaged[name])["task_space"]) == space:
            return load_test_set(packaged[name], space)
    return uniform_test_set(env_id, space)


def load_test_set(file: Path, space: TaskSpace) -> TestSet:
    """Read a file, check its hash and every task."""
    try:
        description = read_json(file)
        if description["sha256"] != canonical_hash(description):
            raise UsageError(f"test set {file} has been altered: its content does not have the hash it states")
        tasks = tuple(description["tasks"])
        for task in tasks:
            space.vector(task)
        name = f"{description['name']}-v{description['version']}"
        return TestSet(name, tasks, int(description["episodes_per_task"]), int(description["seed"]), description)
    except TaskError as error:
        raise UsageError(f"test set {file} does not fit the environment: {error}") from None
    except (KeyError, TypeError, ValueError, TeachrlError) as error:
        if isinstance(error, UsageError):
            raise
        raise UsageError(f"{file} is no test set: {type(error).__name__}: {error}") from None


def uniform_test_set(env_id: str, space: TaskSpace) -> TestSet:
    """Fifty uniform tasks from a fixed seed, for environments without a set of their own; where there is one, that."""
    alone = np.array_equal(space.low, space.high)
    n, episodes = (1, EPISODES_OF_ONE) if alone else (GENERATED_TASKS, 1)
    vectors = space.sample(np.random.default_rng(GENERATED_SEED), n)
    tasks = [space.task(vector) for vector in vectors]
    description: dict[str, Any] = {
        "format": 1,
        "name": f"uniform-{n}",
        "version": 1,
        "env": env_id,
        "description": f"{n} uniform tasks, generator seed {GENERATED_SEED}",
        "task_space": space.to_json(),
        "tasks": tasks,
        "episodes_per_task": episodes,
        "seed": GENERATED_SEED,
    }
    description["sha256"] = canonical_hash(description)
    return TestSet(f"uniform-{n}-v1", tuple(tasks), episodes, GENERATED_SEED, description)
