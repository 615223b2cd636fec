"""Every registered teacher on every kind of task space, and with every registered environment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import teachrl_envs  # noqa: F401  (registers the environments)
from teachrl.config.experiment import Experiment
from teachrl.errors import UsageError
from teachrl.files import read_tree, write_tree
from teachrl.tasks.spaces import BoxTaskSpace
from teachrl.teachers.base import Teacher
from teachrl.teachers.rounds import RoundTeacher
from teachrl.training.run import train
from tests.support.every_teacher import (
    ALL_PRESETS,
    ENV_OPTIONS,
    ENVIRONMENTS,
    LACKING,
    LEVELS,
    MAZES,
    N_ENVS,
    OPTIONS,
    PRESETS,
    ROUND_TEACHERS,
    SAME_FOR_ALL_SEEDS,
    SPACES,
    TEACHER_NAMES,
    TEACHERS_FOR_LEVELS,
    build,
    play,
    play_rounds,
    supported,
)
from tests.support.made_up_rounds import play_round


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize(("teacher", "preset"), PRESETS)
def test_tasks_are_valid_and_state_goes_on_identically(teacher: str, preset: str, space: str, tmp_path: Path) -> None:
    one = supported(teacher, preset, space)
    for unit in play(one, 280):
        assert SPACES[space].contains(SPACES[space].task(SPACES[space].from_unit(unit)))
    write_tree(tmp_path / "teacher.npz", one.state())
    two = supported(teacher, preset, space, seed=9)
    two.restore(read_tree(tmp_path / "teacher.npz"))
    assert np.array_equal(play(one, 280), play(two, 280))


@pytest.mark.parametrize(("teacher", "preset"), PRESETS)
def test_same_seed_same_tasks_other_seed_other_tasks(teacher: str, preset: str) -> None:
    first, again, other = (play(build(teacher, preset, SPACES["box"], seed), 300) for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert teacher in SAME_FOR_ALL_SEEDS or not np.array_equal(first, other)


@pytest.mark.parametrize("value", [0.0, 1e9, -1e9])
@pytest.mark.parametrize(("teacher", "preset"), PRESETS)
def test_constant_and_huge_returns_do_not_crash(teacher: str, preset: str, value: float) -> None:
    tasks = play(build(teacher, preset, SPACES["box"]), 300, returns=value)
    assert np.isfinite(tasks).all()
    assert (tasks >= 0).all()
    assert (tasks <= 1).all()


@pytest.mark.parametrize("teacher", TEACHER_NAMES)
def test_units_of_a_task_do_not_matter(teacher: str) -> None:
    # A power of two scales without rounding, so that equal really means equal.
    small = BoxTaskSpace({"a": (0.0, 1.0), "b": (0.0, 1.0)})
    large = BoxTaskSpace({"a": (0.0, 1.0), "b": (0.0, 1024.0)})
    assert np.array_equal(*(play(build(teacher, "default", space), 400) for space in (small, large)))


@pytest.mark.parametrize(("teacher", "preset"), PRESETS)
def test_every_choice_can_be_explained_and_drawn(teacher: str, preset: str) -> None:
    chosen = build(teacher, preset, SPACES["box"])
    play(chosen, 300)
    if isinstance(chosen, RoundTeacher):
        plans = [play_round(chosen, N_ENVS, lambda task: float(task[0])) for _ in range(20)]
    else:
        plans = [chosen.plan(20)]
    for plan in plans:
        assert len(plan.tasks) == len(plan.origins)
        for i, origin in enumerate(plan.origins):
            sentence = chosen.explain(origin, plan.reasons[i] if plan.reasons else {})
            assert sentence.endswith(".")
            assert "rule" not in sentence, f"no sentence for the origin {origin!r}"
    curriculum = chosen.curriculum()
    assert 0 <= curriculum.random_ratio <= 1
    assert (
        curriculum.gaussians
        or curriculum.regions
        or curriculum.samples
        or curriculum.levels
        or curriculum.random_ratio > 0
    )


@pytest.mark.parametrize(("teacher", "preset"), [(t, p) for t, p in ALL_PRESETS if t in TEACHERS_FOR_LEVELS])
def test_levels_are_valid_and_state_goes_on_identically(teacher: str, preset: str, tmp_path: Path) -> None:
    one, two = build(teacher, preset, MAZES), build(teacher, preset, MAZES, seed=9)

    def tasks(chosen: Teacher) -> np.ndarray:
        return play_rounds(chosen, 12) if isinstance(chosen, RoundTeacher) else chosen.plan(50).tasks

    for task in tasks(one):
        MAZES.level(task)
    write_tree(tmp_path / "teacher.npz", one.state())
    two.restore(read_tree(tmp_path / "teacher.npz"))
    assert np.array_equal(tasks(one), tasks(two))


@pytest.mark.parametrize("teacher", ROUND_TEACHERS)
def test_what_rounds_cost_does_not_grow(teacher: str) -> None:
    chosen = build(teacher, "default", SPACES["box"])

    def largest_state() -> int:
        sizes = []
        for _ in range(24):
            play(chosen, 10)
            sizes.append(numbers_in(chosen.state()))
        return max(sizes)

    play(chosen, 200)
    early = largest_state()
    play(chosen, 1000)
    assert largest_state() == early


def numbers_in(tree: Any) -> int:
    if isinstance(tree, dict):
        return sum(map(numbers_in, tree.values()))
    if isinstance(tree, list):
        return sum(map(numbers_in, tree))
    return int(np.size(tree))


@pytest.mark.parametrize("env", ENVIRONMENTS)
@pytest.mark.parametrize("teacher", TEACHER_NAMES)
def test_every_teacher_teaches_on_every_environment(teacher: str, env: str, tmp_path: Path) -> None:
    student: Any = {"name": "ppo", "options": {"n_steps": 64, "batch_size": 32, "n_epochs": 1}}
    if env == "teachrl/Hypercubes-v0":
        student = "simulated"
    settings = {"name": teacher, "options": OPTIONS.get(teacher, {})}
    where = {"id": env, "n_envs": 2, "options": ENV_OPTIONS.get(env, {})}
    fields = {"env": where, "teacher": settings, "student": student, "steps": 256}
    experiment = Experiment.model_validate({**fields, "evaluate_every": 0})
    refuses_levels = env in LEVELS and teacher not in TEACHERS_FOR_LEVELS
    if refuses_levels or env in LACKING.get(teacher, ()):
        with pytest.raises(UsageError, match="whole levels" if refuses_levels else "needs the knowledge|must know"):
            train(experiment, tmp_path)
        assert not list(tmp_path.iterdir())
        return
    outcome = train(experiment, tmp_path)
    assert outcome.status == "finished"
    assert len(list((outcome.path / "evaluations").iterdir())) == 1
