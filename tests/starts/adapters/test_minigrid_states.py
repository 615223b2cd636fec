"""Restored MiniGrid objects are the ones that the environment's own attributes, lists and instructions refer to."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import minigrid  # noqa: F401  (registers MiniGrid-... and BabyAI-...)
import pytest

from teachrl.errors import UsageError
from teachrl.starts.adapters.registry import adapter_for


def stand_before(env: Any, thing: Any) -> None:
    """Put the agent to the left of ``thing``, looking at it."""
    x, y = next((i % env.width, i // env.width) for i, there in enumerate(env.grid.grid) if there is thing)
    env.grid.set(x - 1, y, None)
    env.agent_pos, env.agent_dir = (x - 1, y), 0


def find(env: Any, kind: str) -> Any:
    return next(thing for thing in env.grid.grid if thing is not None and thing.type == kind)


def restored_twin(env: gym.Env[Any, Any], name: str, seed: int) -> Any:
    twin = gym.make(name)
    twin.reset(seed=seed)
    adapter_for(twin).restore(twin.unwrapped, adapter_for(env).save(env.unwrapped))
    return twin


def test_what_came_out_of_a_box_is_the_boxs_own_content() -> None:
    name = "MiniGrid-ObstructedMaze-1Dlh-v0"
    env, fresh = gym.make(name), gym.make(name)
    env.reset(seed=0)
    fresh.reset(seed=0)
    key = find(fresh.unwrapped, "box").contains
    stand_before(env.unwrapped, find(env.unwrapped, "box"))
    env.step(env.unwrapped.actions.toggle)
    state = adapter_for(env).save(env.unwrapped)
    adapter_for(fresh).restore(fresh.unwrapped, state)
    assert find(fresh.unwrapped, "key") is key
    env.step(env.unwrapped.actions.pickup)
    fresh.reset(seed=0)
    adapter_for(fresh).restore(fresh.unwrapped, adapter_for(env).save(env.unwrapped))
    assert fresh.unwrapped.carrying.type == "key"
    assert not any(thing is not None and thing.type == "box" for thing in fresh.unwrapped.grid.grid)


def test_a_mission_can_be_finished_with_the_object_it_is_about() -> None:
    name = "MiniGrid-KeyCorridorS3R3-v0"
    env = gym.make(name)
    env.reset(seed=0)
    stand_before(env.unwrapped, env.unwrapped.obj)
    twin = restored_twin(env, name, 0)
    _, reward, terminated, _, _ = twin.step(twin.unwrapped.actions.pickup)
    assert terminated
    assert reward == env.step(env.unwrapped.actions.pickup)[1] > 0


def act_on(env: gym.Env[Any, Any], x: int, y: int, action: int) -> tuple[bool, float]:
    """An action on a cell, wherever the agent was. Returns whether the mission is over, and the reward."""
    env.unwrapped.agent_pos, env.unwrapped.agent_dir = (x - 1, y), 0
    _, reward, terminated, _, _ = env.step(action)
    return terminated, float(reward)


def test_an_instruction_knows_what_was_carried_and_where_things_were_moved() -> None:
    """Put one object next to another that was moved before."""
    name = "BabyAI-PutNextS7N4Carrying-v0"
    env = gym.make(name)
    env.reset(seed=0)
    level, actions = env.unwrapped, env.unwrapped.actions
    moved, fixed = level.instrs.desc_move.obj_set[0], level.instrs.desc_fixed.obj_set[0]
    old = level.instrs.desc_fixed.obj_poss[0]
    free = [(x, y) for x in range(1, 6) for y in range(1, 6) if level.grid.get(x, y) is None]
    (x, y), parking = next(
        (cell, other)
        for cell in free
        for other in free
        if (cell[0], cell[1] + 1) in free and abs(cell[0] - other[0]) + abs(cell[1] - other[1]) > 2
    )
    assert level.carrying is moved
    for cell, action in ((parking, actions.drop), (old, actions.pickup), ((x, y), actions.drop)):
        assert not act_on(env, *cell, action)[0]
    assert not act_on(env, *parking, actions.pickup)[0]
    twin = restored_twin(env, name, 0)
    assert level.carrying is moved
    assert level.grid.get(x, y) is fixed
    assert twin.unwrapped.instrs.desc_fixed.obj_poss == level.instrs.desc_fixed.obj_poss
    over, reward = act_on(twin, x, y + 1, actions.drop)
    assert over
    assert reward == act_on(env, x, y + 1, actions.drop)[1] > 0


def test_obstacles_are_those_of_the_list_and_in_its_order() -> None:
    name = "MiniGrid-Dynamic-Obstacles-8x8-v0"
    env = gym.make(name)
    env.reset(seed=0)
    for _ in range(10):
        env.step(env.unwrapped.actions.left)
    twin = restored_twin(env, name, 0).unwrapped
    assert [o.cur_pos for o in twin.obstacles] == [tuple(map(int, o.cur_pos)) for o in env.unwrapped.obstacles]
    assert all(twin.grid.get(*obstacle.cur_pos) is obstacle for obstacle in twin.obstacles)


def test_a_minigrid_state_after_the_wrong_reset_is_refused() -> None:
    env = gym.make("MiniGrid-KeyCorridorS3R3-v0")
    env.reset(seed=0)
    state = adapter_for(env).save(env.unwrapped)
    env.reset(seed=1)
    with pytest.raises(UsageError, match="own seed and task"):
        adapter_for(env).restore(env.unwrapped, state)
