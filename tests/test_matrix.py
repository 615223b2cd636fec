"""Every registered teacher on every kind of task space, and with every registered environment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

import teachrl_envs  # noqa: F401  (registers the environments)
from teachrl.checkpoints import read_tree, write_tree
from teachrl.episodes import Episode
from teachrl.experiment import Experiment
from teachrl.tasks import BoxTaskSpace, DiscreteTaskSpace, ProductTaskSpace, TaskSpace
from teachrl.teachers import TEACHERS, Lesson, Teacher, make_teacher
from teachrl.training import train

SPACES: dict[str, TaskSpace] = {
    "box": BoxTaskSpace({"a": (-1.0, 2.0), "b": (0.0, 100.0)}),
    "one dimension": BoxTaskSpace({"a": (0.0, 1.0)}),
    "twenty dimensions": BoxTaskSpace({f"x{i}": (0.0, 1.0) for i in range(20)}),
    "fixed dimension": BoxTaskSpace({"a": (0.0, 1.0), "b": (2.0, 2.0)}),
    "integers": BoxTaskSpace({"a": (0, 5), "b": (0.0, 1.0)}, integer=["a"]),
    "discrete": DiscreteTaskSpace(["flat", "stairs", "gap"], name="terrain"),
    "product": ProductTaskSpace({"where": BoxTaskSpace({"x": (0.0, 1.0)}), "what": DiscreteTaskSpace(4)}),
}
PRESETS = [(t, p) for t in sorted(TEACHERS.entries) for p in sorted(TEACHERS.load(t).presets)]
ENVIRONMENTS = sorted(name for name in gym.registry if name.startswith("teachrl/"))


def build(teacher: str, preset: str, space: TaskSpace, seed: int = 0) -> Teacher:
    return make_teacher(teacher, Lesson(space, np.random.default_rng(seed), (-1.0, 3.0)), preset)


def play(teacher: Teacher, episodes: int, returns: Any = None) -> np.ndarray:
    tasks = []
    for i in range(episodes):
        plan = teacher.plan(1)
        tasks.append(plan.tasks[0])
        value = float(plan.tasks[0].sum()) * i / episodes if returns is None else returns
        teacher.update([Episode(plan.tasks[0], value, value, 1, value > 0, True, "", plan.version, 0, i, 0, i)])
    return np.array(tasks)


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize(("teacher", "preset"), PRESETS)
def test_tasks_are_valid_and_state_goes_on_identically(teacher: str, preset: str, space: str, tmp_path: Path) -> None:
    one = build(teacher, preset, SPACES[space])
    for task in play(one, 280):
        assert SPACES[space].contains(SPACES[space].task(task))
    write_tree(tmp_path / "teacher.npz", one.state())
    two = build(teacher, preset, SPACES[space], seed=9)
    two.restore(read_tree(tmp_path / "teacher.npz"))
    assert np.array_equal(play(one, 280), play(two, 280))


@pytest.mark.parametrize(("teacher", "preset"), PRESETS)
def test_same_seed_same_tasks_other_seed_other_tasks(teacher: str, preset: str) -> None:
    first, again, other = (play(build(teacher, preset, SPACES["box"], seed), 300) for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("value", [0.0, 1e9, -1e9])
@pytest.mark.parametrize(("teacher", "preset"), PRESETS)
def test_constant_and_huge_returns_do_not_crash(teacher: str, preset: str, value: float) -> None:
    tasks = play(build(teacher, preset, SPACES["box"]), 300, returns=value)
    assert np.isfinite(tasks).all()


@pytest.mark.parametrize("env", ENVIRONMENTS)
@pytest.mark.parametrize("teacher", sorted(TEACHERS.entries))
def test_every_teacher_teaches_on_every_environment(teacher: str, env: str, tmp_path: Path) -> None:
    student: Any = {"name": "ppo", "options": {"n_steps": 64, "batch_size": 32, "n_epochs": 1}}
    if env == "teachrl/Hypercubes-v0":
        student = "simulated"
    fields = {"env": {"id": env, "n_envs": 2}, "teacher": teacher, "student": student, "steps": 256}
    outcome = train(Experiment.model_validate({**fields, "evaluate_every": 0}), tmp_path)
    assert outcome.status == "finished"
    assert len(list((outcome.path / "evaluations").iterdir())) == 1
