"""Teachers where tasks are whole levels, which have no unit cube: who takes them, and how the others refuse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from teachrl.errors import UsageError
from teachrl.teachers.base import Teacher, TeacherContext
from teachrl.teachers.registry import TEACHERS, make_teacher
from teachrl.training.teaching_env import Teaching
from teachrl_envs.maze.level_space import LevelTaskSpace

SPACE = LevelTaskSpace(4, 5, generator="dcd")


def build(teacher: str, options: dict[str, Any] | None = None, seed: int = 0) -> Teacher:
    return make_teacher(teacher, TeacherContext(SPACE, np.random.default_rng(seed), (0.0, 1.0)), options=options)


def test_random_draws_from_the_generator_of_the_space() -> None:
    tasks = build("random").plan(20).tasks
    assert np.array_equal(tasks, SPACE.sample(np.random.default_rng(0), 20))
    one, two = build("random", seed=1), build("random", seed=2)
    one.plan(3)
    two.restore(one.state())
    assert np.array_equal(one.plan(5).tasks, two.plan(5).tasks)


def test_teachers_of_numbers_refuse_and_name_those_for_levels() -> None:
    with pytest.raises(UsageError, match=r"'alp-gmm' works on boxes .* whole levels.* teachers for levels: .*") as e:
        build("alp-gmm")
    named = str(e.value).split("teachers for levels: ")[1].split(", ")
    assert {"random", "plr", "accel", "sfl"} < set(named) < set(TEACHERS.entries)
    assert "alp-gmm" not in named


def test_a_teacher_made_of_teachers_takes_levels_when_its_teachers_do() -> None:
    members = [{"teacher": "random", "weight": 1.0}, {"teacher": "random", "weight": 2.0}]
    for task in build("mixture", {"teachers": members}).plan(10).tasks:
        SPACE.level(task)
    members[1]["teacher"] = "riac"
    with pytest.raises(UsageError, match=r"teachers\.1: teacher 'riac' works on boxes"):
        build("mixture", {"teachers": members})
    stages = [{"teacher": "random", "bounds": {"goal": [0, 3]}, "until": {"episodes": 5}}, {"teacher": "random"}]
    with pytest.raises(UsageError, match="tasks of a LevelTaskSpace cannot be divided or narrowed"):
        build("sequence", {"stages": stages})


def test_teaching_as_an_environment_refuses_too() -> None:
    with pytest.raises(UsageError, match=r"points of a unit cube, and LevelTaskSpace\(13, 13"):
        Teaching(env="teachrl/Maze-v0", student="ppo")
