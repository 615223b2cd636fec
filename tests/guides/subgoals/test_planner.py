"""The planner: its plans solve the real environments, its sub-goals are the published lists, reached in order."""

from __future__ import annotations

from collections import deque
from typing import Any

import gymnasium as gym
import minigrid  # noqa: F401  (registers its environments)
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teachrl.errors import UsageError
from teachrl.guides.subgoals.grid_world import DROP, FORWARD, LEFT, PICKUP, RIGHT, TOGGLE, World
from teachrl.guides.subgoals.level import GridLevel, agent_cell, codes_at, read_level
from teachrl.guides.subgoals.planner import Planner

OBSTRUCTED = ["1Dl-v0", "1Dlh-v0", "1Dlhb-v0", "2Dl-v0", "2Dlh-v0", "2Dlhb-v1", "1Q-v1", "2Q-v1", "Full-v1"]
IDS = [
    *["Empty-8x8-v0", "Empty-Random-6x6-v0", "FourRooms-v0", "DoorKey-5x5-v0", "DoorKey-8x8-v0", "DoorKey-16x16-v0"],
    *["MultiRoom-N2-S4-v0", "MultiRoom-N4-S5-v1", "MultiRoom-N6-v0"],
    *[f"KeyCorridor{size}-v0" for size in ("S3R1", "S3R2", "S3R3", "S4R3", "S5R3", "S6R3")],
    *["UnlockPickup-v0", "BlockedUnlockPickup-v0"],
    *[f"ObstructedMaze-{kind}" for kind in OBSTRUCTED],
]
PUBLISHED = {
    "KeyCorridorS3R3-v0": ["key", "locked door", "ball"],
    "KeyCorridorS6R3-v0": ["key", "locked door", "ball"],
    "ObstructedMaze-1Dlh-v0": ["box", "locked door", "ball"],
    "ObstructedMaze-1Dlhb-v0": ["box", "ball", "locked door", "ball"],
    "MultiRoom-N2-S4-v0": ["closed door", "goal"],
    "MultiRoom-N4-S5-v1": ["closed door", "closed door", "closed door", "goal"],
}


def made(name: str) -> Any:
    env: Any = gym.make(f"MiniGrid-{name}", disable_env_checker=True).unwrapped
    env.gen_obs = lambda: None  # nothing here looks
    return env


def level_of(env: Any, seed: int) -> GridLevel:
    env.reset(seed=seed)
    return read_level(env, env.spec.id, str(seed))


def colourless(name: str) -> str:
    return " ".join(word for word in name.split() if word in ("locked", "closed", "key", "door", "ball", "box", "goal"))


@pytest.mark.parametrize("name", IDS)
def test_plans_solve_the_level_and_reach_its_subgoals_in_order(name: str) -> None:
    env, planner = made(name), Planner()
    for seed in range(20):
        level = level_of(env, seed)
        plan, subgoals = planner.plan(level), planner.subgoals(level)
        assert level.objective is not None
        assert subgoals[-1].cell == level.objective.cell
        assert len({subgoal.cell for subgoal in subgoals}) == len(subgoals)
        before, turn = [codes_at(env, subgoal.cell) for subgoal in subgoals], 0
        for steps, action in enumerate(plan, start=1):  # noqa: B007
            _, reward, terminated, truncated, _ = env.step(action)
            while turn < len(subgoals) and (
                agent_cell(env) == subgoals[turn].cell or codes_at(env, subgoals[turn].cell) != before[turn]
            ):
                turn += 1
            if terminated or truncated:
                break
        assert terminated
        assert reward > 0
        assert steps == len(plan)
        assert turn == len(subgoals)


@pytest.mark.parametrize("name", PUBLISHED)
def test_lists_are_the_published_ones(name: str) -> None:
    env = made(name)
    for seed in range(20):
        assert [colourless(s.name) for s in Planner().subgoals(level_of(env, seed))] == PUBLISHED[name]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31 - 1), st.sampled_from(["KeyCorridorS6R3-v0", "ObstructedMaze-Full-v1", "DoorKey-6x6-v0"]))
def test_any_seed(seed: int, name: str) -> None:
    env = made(name)
    plan = Planner().plan(level_of(env, seed))
    *_, (_, reward, terminated, _, _) = [env.step(action) for action in plan]
    assert terminated
    assert reward > 0


def shortest_plan(level: GridLevel) -> int:
    """The length of the shortest plan, by trying everything."""
    assert level.objective is not None
    first = World(level)
    seen = {signature(first)}
    queue = deque([first])
    while queue:
        world = queue.popleft()
        for action in (LEFT, RIGHT, FORWARD, PICKUP, DROP, TOGGLE):
            following = World(level)
            following.things, following.stance = dict(world.things), world.stance
            following.carried, following.actions = world.carried, list(world.actions)
            following.act(action)
            if level.objective.kind == "reach":
                done = following.stance.cell == level.objective.cell
            else:
                done = following.carried is not None and following.carried.cell == level.objective.cell
            if done:
                return len(following.actions)
            if signature(following) not in seen:
                seen.add(signature(following))
                queue.append(following)
    raise AssertionError("no way")


def signature(world: World) -> tuple[Any, ...]:
    return world.stance, world.carried, frozenset(world.things.values())


def test_plans_are_short() -> None:
    for name in ("KeyCorridorS3R1-v0", "DoorKey-5x5-v0", "MultiRoom-N2-S4-v0"):
        env = made(name)
        for seed in range(5):
            level = level_of(env, seed)
            assert shortest_plan(level) <= len(Planner().plan(level)) <= 1.35 * shortest_plan(level) + 2


def test_levels_that_cannot_be_solved_or_read_are_refused() -> None:
    env = made("ObstructedMaze-2Dlhb-v0")  # of which MiniGrid covers some keys with balls
    faults = []
    for seed in range(40):
        try:
            Planner().plan(level_of(env, seed))
        except UsageError as error:
            faults.append(str(error))
    assert faults
    assert all("key to be had" in fault for fault in faults)
    babyai: Any = gym.make("BabyAI-GoToObj-v0", disable_env_checker=True).unwrapped
    with pytest.raises(UsageError, match="provider bot"):
        Planner().plan(level_of(babyai, 0))
