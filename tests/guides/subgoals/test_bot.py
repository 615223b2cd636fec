"""BabyAI's bot as a provider: what it does to a level is listed, and where it fails it says so."""

from __future__ import annotations

import contextlib
import dataclasses
import io
from typing import Any

import gymnasium as gym
import minigrid  # noqa: F401  (registers its environments)
import pytest
from minigrid.envs.babyai.core.verifier import ObjDesc, PickupInstr
from minigrid.utils.baby_ai_bot import BabyAIBot

from teachrl.errors import UsageError
from teachrl.guides.subgoals import bot as bot_module
from teachrl.guides.subgoals.bot import Bot
from teachrl.guides.subgoals.level import Cell, GridLevel, Subgoal, agent_cell, codes_at, read_level

BABYAI = [
    *["GoToObj-v0", "GoToObjMazeS4-v0", "PutNextLocal-v0", "OpenDoorsOrderN4-v0", "UnlockLocal-v0", "UnlockPickup-v0"],
    *["BlockedUnlockPickup-v0", "KeyCorridorS3R3-v0", "SynthS5R2-v0", "MiniBossLevel-v0"],
]
ROOMS = ["KeyCorridorS3R3-v0", "UnlockPickup-v0", "BlockedUnlockPickup-v0", "ObstructedMaze-1Dl-v0"]
IDS = [*(f"BabyAI-{name}" for name in BABYAI), *(f"MiniGrid-{name}" for name in ROOMS)]


def begun(name: str, seed: int) -> tuple[Any, GridLevel]:
    with contextlib.redirect_stdout(io.StringIO()):
        env: Any = gym.make(name, disable_env_checker=True).unwrapped
        env.reset(seed=seed)
    return env, read_level(env, name, str(seed))


def played(env: Any, level: GridLevel, subgoals: tuple[Subgoal, ...]) -> tuple[int, Cell, float]:
    """The bot plays: how many sub-goals were reached in turn, the cell in front of it at the end, and its reward."""
    if level.objective is not None:
        wanted = level.thing_at(level.objective.cell)
        assert wanted is not None
        env.instrs = PickupInstr(ObjDesc(wanted.kind, wanted.color))
        env.instrs.reset_verifier(env)
    bot, action, over, turn, reward = BabyAIBot(env), None, False, 0, 0.0
    before = [codes_at(env, subgoal.cell) for subgoal in subgoals]
    while not over:
        action = bot.replan(action)
        _, reward, terminated, truncated, _ = env.step(action)
        over = terminated or truncated
        while turn < len(subgoals):
            cell = subgoals[turn].cell
            if cell != agent_cell(env) and codes_at(env, cell) == before[turn]:
                break
            turn += 1
            for later in range(turn, len(subgoals)):
                if subgoals[later].cell == cell:
                    before[later] = codes_at(env, cell)
    x, y = env.front_pos
    return turn, (int(x), int(y)), float(reward)


@pytest.mark.parametrize("name", IDS)
def test_what_the_bot_does_is_listed_in_order_and_the_last_ends_the_episode(name: str) -> None:
    for seed in range(4):
        env, level = begun(name, seed)
        subgoals = Bot().subgoals(level)
        turn, front, reward = played(env, level, subgoals)
        assert turn >= len(subgoals) - 1  # nothing changes where it only had to go to
        assert subgoals[-1].cell == front
        assert reward > 0


def test_lists_name_what_lies_there() -> None:
    _, level = begun("MiniGrid-UnlockPickup-v0", 0)
    key, door, box = Bot().subgoals(level)
    for subgoal, kind in ((key, "key"), (door, "door"), (box, "box")):
        there = level.thing_at(subgoal.cell)
        assert there is not None
        assert (there.kind, there.name) == (kind, subgoal.name)
    _, level = begun("BabyAI-PutNextLocal-v0", 0)
    taken, put = Bot().subgoals(level)
    assert taken.name == put.name == "green ball"
    assert level.thing_at(taken.cell) is not None
    assert level.thing_at(put.cell) is None


@pytest.mark.parametrize(
    ("name", "seed", "why"),
    [
        ("BabyAI-KeyInBox-v0", 0, "cannot solve this environment"),
        ("BabyAI-GoToImpUnlock-v0", 6, "gave up.*in circles"),
        ("MiniGrid-DoorKey-5x5-v0", 0, "rooms in rows and columns.*take the provider planner"),
        ("MiniGrid-ObstructedMaze-1Dlh-v0", 0, "gave up.*take the provider planner"),
        ("MiniGrid-Unlock-v0", 0, "no mission of BabyAI"),
    ],
)
def test_what_it_cannot_do_is_refused_by_name(name: str, seed: int, why: str) -> None:
    _, level = begun(name, seed)
    with pytest.raises(UsageError, match=f"level {seed} of {name}.*{why}") as error:
        Bot().subgoals(level)
    assert error.value.__cause__ is None


def test_levels_that_their_seed_does_not_make_are_refused() -> None:
    _, level = begun("BabyAI-GoToObj-v0", 3)
    with pytest.raises(UsageError, match="another level of this seed"):
        Bot().subgoals(dataclasses.replace(level, key="4"))
    with pytest.raises(UsageError, match="by their seeds"):
        Bot().subgoals(dataclasses.replace(level, environment="teachrl/Maze-v0", key="..#/..."))


def test_a_bot_that_never_succeeds_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    _, level = begun("BabyAI-GoToObj-v0", 3)
    for action, why in ((0, "did not succeed within 64 steps"), (6, "accomplished when it was not")):

        class Stubborn:
            chosen = action

            def __init__(self, env: Any) -> None:
                self.stack: list[Any] = []

            def replan(self, taken: Any) -> int:
                return self.chosen

        monkeypatch.setattr(bot_module, "BabyAIBot", Stubborn)
        with pytest.raises(UsageError, match=why):
            Bot().subgoals(level)
