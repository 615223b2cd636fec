"""The toy of cells: which cell a task lies in, and the competence it pays."""

import gymnasium
import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from gymnasium.utils.env_checker import check_env

from teachrl_envs.hypercubes import Hypercubes
from teachrl_envs.tasks import TaskError


@pytest.mark.parametrize(
    ("task", "cell"),
    [
        ({"x0": 0.0, "x1": 0.0}, [0, 0]),
        ({"x0": 0.05, "x1": 0.95}, [0, 9]),
        ({"x0": 0.5, "x1": 0.499999}, [5, 4]),
        ({"x0": 1.0, "x1": 1.0}, [9, 9]),
    ],
)
def test_the_cell_of_a_task(task, cell):
    env = Hypercubes()
    observation, info = env.reset(seed=0, options={"task": task})
    assert observation.tolist() == cell
    assert info == {"task": task}
    assert env.observation_space.contains(observation)


@pytest.mark.parametrize(("dimensions", "cells"), [(1, 1), (1, 7), (3, 4), (6, 10)])
def test_cells_have_equal_shares_of_the_space(dimensions, cells):
    env = Hypercubes(dimensions, cells)
    assert env.task_space.names == tuple(f"x{i}" for i in range(dimensions))
    sample = env.task_space.sample(np.random.default_rng(0), 2000)
    seen = np.array([env.reset(options={"task": env.task_space.task(v)})[0] for v in sample])
    counts = np.bincount(seen.ravel(), minlength=cells)
    assert len(counts) == cells
    assert np.all(abs(counts - counts.mean()) < 5 * np.sqrt(counts.mean()))


@pytest.mark.parametrize(("action", "reward"), [(0.0, 0.0), (0.76, 0.76), (1.0, 1.0), (1.5, 1.0), (-0.1, 0.0)])
def test_one_step_pays_the_competence_and_ends(action, reward):
    env = Hypercubes()
    before, _ = env.reset(seed=0, options={"task": {"x0": 0.31, "x1": 0.62}})
    observation, paid, terminated, truncated, info = env.step(np.array([action]))
    assert (paid, terminated, truncated, info) == (reward, True, False, {})
    assert np.array_equal(observation, before)
    assert env.return_range[0] <= paid <= env.return_range[1]
    with pytest.raises(ResetNeeded, match="call reset"):
        env.step(np.array([action]))


def test_mastery_is_strictly_above_three_quarters():
    env = Hypercubes()
    returns = []
    for competence in (75, 76):
        env.reset(seed=0)
        returns.append(env.step(np.array([competence / 100]))[1] > env.mastery_return)
    assert returns == [False, True]


def test_without_a_task_the_origin_is_played():
    env = Hypercubes(3)
    env.reset(seed=0, options={"task": {"x0": 0.9, "x1": 0.9, "x2": 0.9}})
    observation, info = env.reset()
    assert observation.tolist() == [0, 0, 0]
    assert info == {"task": {"x0": 0.0, "x1": 0.0, "x2": 0.0}} == {"task": env.default_task}


@pytest.mark.parametrize("action", [0.5, np.zeros(2), np.zeros((1, 1)), np.array([np.nan])])
def test_a_wrong_action_is_an_error(action):
    env = Hypercubes()
    env.reset(seed=0)
    with pytest.raises(ValueError, match=r"an action is one number in \[0, 1\], of shape \(1,\); got "):
        env.step(action)


def test_a_task_outside_the_cube_is_an_error():
    with pytest.raises(TaskError, match=r"x1 must be a number in \[0, 1\]; got 1\.1"):
        Hypercubes().reset(options={"task": {"x0": 0.0, "x1": 1.1}})


@pytest.mark.parametrize("arguments", [{"dimensions": 0}, {"cells": 0}, {"cells": 2.5}, {"dimensions": True}])
def test_wrong_constructor_arguments_are_errors(arguments):
    with pytest.raises(ValueError, match=f"{next(iter(arguments))} must be a whole number, 1 or more"):
        Hypercubes(**arguments)


def test_a_render_mode_is_an_error():
    with pytest.raises(ValueError, match="render_mode must be None"):
        Hypercubes(render_mode="rgb_array")


def test_gymnasium_finds_nothing_wrong():
    check_env(gymnasium.make("teachrl/Hypercubes-v0", dimensions=3, cells=5).unwrapped)
