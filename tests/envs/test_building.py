"""Building tasks move by move."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from gymnasium.utils.env_checker import check_env

import teachrl_envs  # noqa: F401  (registers the environments)
from teachrl_envs import BoxTaskSpace, DiscreteTaskSpace, ProductTaskSpace, TaskError
from teachrl_envs.level_building import CubeBuilder, CubeBuilding
from teachrl_envs.maze.level_building import MazeBuilder, MazeBuilding
from teachrl_envs.maze.level_space import LevelTaskSpace

SPACE = LevelTaskSpace(3, 4)


def build(env: gymnasium.Env[Any, Any], actions: list[Any], seed: int = 0) -> tuple[list[float], dict[str, Any]]:
    """Rewards and last info of one episode of exactly these actions."""
    env.reset(seed=seed)
    rewards, info = [], {}
    for i, action in enumerate(actions):
        _, reward, terminated, truncated, info = env.step(action)
        assert (terminated, truncated) == (i == len(actions) - 1, False)
        rewards.append(float(reward))
    return rewards, info


def rows_without_direction(info: dict[str, Any]) -> list[str]:
    return ["".join("A" if c in ">v<^" else c for c in row) for row in info["task"]["rows"]]


@pytest.mark.parametrize(
    ("actions", "rows"),
    [
        ([0, 5, 11, 3, 8], ["#..G", ".#..", "A..#"]),
        ([5, 5, 5, 3, 8], ["...G", ".#..", "A..."]),  # a wall on a wall changes nothing
        ([0, 5, 11, 5, 11], ["#...", ".G..", "...A"]),  # goal and agent remove walls
    ],
)
def test_walls_then_goal_then_agent(actions: list[int], rows: list[str]) -> None:
    _, info = build(MazeBuilding(3, 4, walls=3), actions)
    assert rows_without_direction(info) == rows


def test_an_agent_on_the_goal_goes_to_any_free_cell_and_looks_anywhere() -> None:
    builder = MazeBuilder(3, 4, walls=3)
    builder.begin(np.random.default_rng(0), 500)
    for cell in (0, 1, 2, 7, 7):
        builder.move(np.full(500, cell))
    levels = [SPACE.level(vector) for vector in builder.tasks()]
    assert {level.goal for level in levels} == {7}
    assert {level.agent for level in levels} == set(range(3, 12)) - {7}
    assert {level.direction for level in levels} == {0, 1, 2, 3}


def test_many_at_once_are_built_as_one_by_one() -> None:
    n, builder = 40, MazeBuilder(3, 4, walls=6, noise=0)
    actions = np.random.default_rng(1).integers(12, size=(8, n))
    actions[7] = np.where(actions[7] == actions[6], (actions[6] + 1) % 12, actions[7])  # so that nothing is random
    together = [builder.begin(np.random.default_rng(2), n), *(builder.move(move) for move in actions)]
    for i in range(n):
        env = MazeBuilding(3, 4, walls=6, noise=0)
        seen = [env.reset(seed=i)[0]]
        for move in actions[:, i]:
            observation, _, terminated, _, info = env.step(move)
            seen.append(observation)
        assert terminated
        assert np.array_equal(seen, np.array(together)[:, i])
        assert np.array_equal(SPACE.vector(info["task"])[:-2], builder.tasks()[i, :-2])
    assert [fact["walls"] for fact in builder.facts()] == builder.tasks()[:, :12].sum(axis=1).tolist()


def test_one_at_a_time_is_the_environment_noise_included() -> None:
    env, builder = MazeBuilding(3, 4, walls=2, noise=5), MazeBuilder(3, 4, walls=2, noise=5)
    assert np.array_equal(env.reset(seed=3)[0], builder.begin(np.random.default_rng(3), 1)[0])
    for cell in (4, 4, 9, 9):
        observation, _, _, _, info = env.step(cell)
        assert np.array_equal(observation, builder.move(np.array([cell]))[0])
    assert np.array_equal(SPACE.vector(info["task"]), builder.tasks()[0])


def test_the_builder_sees_the_maze_the_move_and_new_noise() -> None:
    builder = MazeBuilder(2, 2, walls=1, noise=3)
    seen = [builder.begin(np.random.default_rng(0), 2)]
    seen += [builder.move(np.array(cells)) for cells in ([0, 1], [2, 2], [3, 3])]
    planes = np.array(seen)[:, :, :12].reshape(4, 2, 3, 4)
    assert not planes[0].any()
    assert planes[3, 1].tolist() == [[0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    assert [observation[0, 12:15].tolist() for observation in seen] == [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0]]
    assert len(np.unique(np.array(seen)[:, :, 15:])) == 4 * 2 * 3


def test_the_last_step_pays_the_regret_of_the_finished_maze() -> None:
    rewards, info = build(MazeBuilding(3, 4, walls=3, regret=lambda vector: vector[:-3].sum()), [0, 5, 11, 3, 8])
    assert rewards == [0, 0, 0, 0, 3]
    assert SPACE.contains(info["task"])
    assert build(MazeBuilding(3, 4, walls=3), [0, 5, 11, 3, 8])[0] == [0] * 5


def test_parameters_are_chosen_one_by_one() -> None:
    size = BoxTaskSpace({"length": (0, 10), "legs": (2, 5)}, integer=["legs"])
    space = ProductTaskSpace({"size": size, "what": DiscreteTaskSpace(["a", "b", "c"])})
    env = CubeBuilding(space, noise=2, regret=lambda vector: vector[0])
    rewards, info = build(env, [np.array([x], dtype=np.float32) for x in (-0.5, 1.0, 0.0)])
    assert info["task"] == {"size": {"length": 2.5, "legs": 5}, "what": {"task": "b"}}
    assert rewards == [0, 0, 2.5]
    builder = CubeBuilder(space, noise=0)
    builder.begin(np.random.default_rng(0), 2)
    assert builder.move(np.array([[-0.5], [9.0]])).tolist() == [[0.25, 0, 0, 0, 1, 0], [1, 0, 0, 0, 1, 0]]
    with pytest.raises(TaskError, match="has none"):
        CubeBuilder(SPACE)


@pytest.mark.parametrize("env", ["maze", "cube"])
def test_gymnasium_accepts_it(env: str) -> None:
    made = (
        gymnasium.make("teachrl/MazeBuilding-v0", height=4, width=3, walls=2).unwrapped
        if env == "maze"
        else CubeBuilding(BoxTaskSpace({"a": (0, 1), "b": (0, 1)}))
    )
    check_env(made, skip_render_check=True)


def test_wrong_use_is_told() -> None:
    env = MazeBuilding(3, 4, walls=0)
    with pytest.raises(ResetNeeded):
        env.step(0)
    env.reset(seed=0)
    with pytest.raises(ValueError, match=r"Discrete\(12\); got 12"):
        env.step(12)
    with pytest.raises(TaskError, match=r"\[0, 10\]; got 11"):
        MazeBuilding(3, 4, walls=11)
    with pytest.raises(ValueError, match="noise"):
        MazeBuilding(3, 4, noise=-1)
