"""What use changes in a teacher, student or guide must be in its state."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from teachrl.config.experiment import Experiment
from teachrl.guides.base import LearningGuide
from teachrl.guides.registry import GUIDES as GUIDES_BY_NAME
from teachrl.runs.directory import RunDirectory
from teachrl.students.registry import STUDENTS as STUDENTS_BY_NAME
from teachrl.teachers.base import Plan
from teachrl.teachers.baselines.random import RandomTeacher
from teachrl.training.run import Run
from tests.support.attributes import attributes, undeclared
from tests.support.every_teacher import MAZES, PRESETS, SPACES, TEACHERS_FOR_LEVELS, build, play, play_rounds

# What is not in a state and need not be.
DERIVED = (
    r".*history\._(tasks|returns)",  # rows beyond `count` are room for what is to come
    r".*model\.rollout_buffer\..*",  # filled anew from each fragment before it is read
    r".*model\._last_obs",  # set from each fragment before it is read
)
STUDENTS: dict[str, tuple[str, dict[str, Any]]] = {
    "ppo": (
        "teachrl/PointMass-v0",
        {"n_steps": 64, "batch_size": 32, "normalize_observations": True, "normalize_rewards": True},
    ),
    "ppo-lstm": ("teachrl/PointMass-v0", {"n_steps": 64, "hidden_size": 8}),
    "sac": ("teachrl/PointMass-v0", {"buffer_size": 1000, "learning_starts": 50, "train_freq": 8}),
    "td3": ("teachrl/PointMass-v0", {"buffer_size": 1000, "learning_starts": 50, "train_freq": 8}),
    "dqn": ("CartPole-v1", {"buffer_size": 1000, "learning_starts": 50, "train_freq": 8}),
    "simulated": ("teachrl/Hypercubes-v0", {}),
}
GUIDES: dict[str, dict[str, Any]] = {
    "explors": {"reward_every": 2, "buffer": 4, "hidden": 8},
    "adaptive": {"every": 100},
}
LEARNING_GUIDES = sorted(
    name for name in GUIDES_BY_NAME.entries if issubclass(GUIDES_BY_NAME.load(name), LearningGuide)
)


def forgotten(teacher: str, preset: str, space: Any, use: Any) -> list[str]:
    one, other = build(teacher, preset, space), build(teacher, preset, space, seed=9)
    before = dict(attributes(one))
    use(one)
    other.restore(one.state())
    return [path for path in undeclared(before, one, other) if not any(re.fullmatch(p, path) for p in DERIVED)]


@pytest.mark.parametrize(("teacher", "preset"), PRESETS)
def test_what_teaching_changes_is_in_the_state(teacher: str, preset: str) -> None:
    assert forgotten(teacher, preset, SPACES["box"], lambda one: play(one, 120)) == []


@pytest.mark.parametrize("teacher", sorted(TEACHERS_FOR_LEVELS))
def test_what_teaching_changes_is_in_the_state_for_levels(teacher: str) -> None:
    def use(one: Any) -> None:
        if hasattr(one, "update_round"):
            play_rounds(one, 12)
        else:
            one.plan(50)

    assert forgotten(teacher, "default", MAZES, use) == []


def played_and_resumed(tmp_path: Path, **fields: Any) -> tuple[Run, Run]:
    """A run at its end, and the same one as it is when it was resumed from its last checkpoint."""
    settings = {"teacher": "random", "steps": 512, "evaluate_every": 0, **fields}
    experiment = Experiment.model_validate(settings)
    directory = RunDirectory(tmp_path / "run")
    one, two = Run(experiment, directory), Run(experiment, directory)
    with directory.locked():
        directory.prepare(experiment, empty=False)
        one.play()
    two.checkpointer.resume()
    return one, two


def remembered(one: Run, two: Run) -> dict[str, list[str]]:
    """What each part that a checkpoint saves does not remember."""
    found = {name: undeclared({}, part, two.checkpointer.parts[name]) for name, part in one.checkpointer.parts.items()}
    kept = {name: [p for p in paths if not any(re.fullmatch(d, p) for d in DERIVED)] for name, paths in found.items()}
    return {name: paths for name, paths in kept.items() if paths}


@pytest.mark.parametrize("name", sorted(STUDENTS))
def test_what_learning_changes_is_in_the_students_state(name: str, tmp_path: Path) -> None:
    env, options = STUDENTS[name]
    one, two = played_and_resumed(
        tmp_path, env={"id": env, "n_envs": 1 if name == "simulated" else 2}, student={"name": name, "options": options}
    )
    assert remembered(one, two) == {}


@pytest.mark.parametrize("name", LEARNING_GUIDES)
def test_what_learning_changes_is_in_the_guides_state(name: str, tmp_path: Path) -> None:
    student = {"name": "ppo", "options": {"n_steps": 64, "batch_size": 32, "n_epochs": 1}}
    env = {"id": "teachrl/Chain-v0", "n_envs": 2}
    one, two = played_and_resumed(tmp_path, env=env, student=student, guide={"name": name, "options": GUIDES[name]})
    assert "guide" in one.checkpointer.parts
    assert remembered(one, two) == {}


def test_every_student_is_tried() -> None:
    assert set(STUDENTS_BY_NAME.entries) == set(STUDENTS)


def test_a_teacher_with_an_undeclared_attribute_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def plan(self: Any, n: int) -> Plan:
        self.planned = getattr(self, "planned", 0) + n
        return Plan(self.space.sample(self.rng, n), ("random",) * n, 0)

    monkeypatch.setattr(RandomTeacher, "plan", plan)
    assert forgotten("random", "default", SPACES["box"], lambda one: play(one, 20)) == ["planned"]
