"""Sub-goals from BabyAI's bot: for missions in words, of which the planner cannot tell what they want.

The bot plays the level to its end in a copy of the environment, and what it does on the way are the sub-goals: the
cells in which something was picked up, opened or closed, in their order; those in which it was put down only where the
mission is to put something somewhere. The last one is what ends the episode; where that is to look at something ("go to
the red ball"), the cell of what is looked at.

The bot sees only what the agent sees. It explores, so that there may be sub-goals that a shorter way does without. That
something was gone to in the middle of a mission ("go to the key, then open the door") is no sub-goal, since nothing in
its cell changes.
"""

from __future__ import annotations

import contextlib
import io
from typing import Any

import gymnasium as gym

from teachrl.config.settings import Settings
from teachrl.errors import UsageError
from teachrl.guides.subgoals.level import GridLevel, Subgoal, Thing, read_level

try:
    from minigrid.core.roomgrid import RoomGrid
    from minigrid.envs.babyai.core.verifier import ObjDesc, PickupInstr
    from minigrid.utils.baby_ai_bot import BabyAIBot
except ImportError as error:
    raise UsageError("the provider bot needs the extra: pip install 'teachrl[minigrid]'") from error

UNSUPPORTED = (
    *("BabyAI-PutNextS5N2Carrying-v0", "BabyAI-PutNextS6N3Carrying-v0", "BabyAI-PutNextS7N4Carrying-v0"),
    "BabyAI-KeyInBox-v0",
)
"""What the bot's authors say that it cannot solve."""
MOST_AIMS = 200
"""How many new aims the bot may have before it acts. Where it succeeds it has up to about 10; in circles, no end."""


class BotConfig(Settings):
    """The provider ``bot`` has no settings."""


class Bot:
    """See the module's text. For BabyAI's levels, and MiniGrid's rooms in which one thing is to be picked up.

    Levels are named by their seed. Raises `UsageError` for any others, and where the bot does not succeed.
    """

    Config = BotConfig

    def __init__(self, config: BotConfig | None = None) -> None:
        self.config = config or BotConfig()

    @property
    def identity(self) -> dict[str, Any]:
        """Nothing but its version."""
        return {"bot": 1}

    def subgoals(self, level: GridLevel) -> tuple[Subgoal, ...]:
        """See the module's text."""
        env = _copy(level)
        try:
            return _played(env, level)
        except UsageError:
            raise
        except Exception as error:  # its assertions, and whatever else happens where it is lost
            raise _no_answer(level, f"it gave up ({str(error) or type(error).__name__})") from None


def _no_answer(level: GridLevel, why: str) -> UsageError:
    hint = "" if level.objective is None else "; take the provider planner, which knows the whole level"
    return UsageError(f"BabyAI's bot has no sub-goals for level {level.key} of {level.environment}: {why}{hint}")


def _copy(level: GridLevel) -> Any:
    """The environment at the start of the level, with an instruction for the bot."""
    if level.environment in UNSUPPORTED:
        raise _no_answer(level, "it cannot solve this environment")
    if not level.environment.startswith(("MiniGrid-", "BabyAI-")) or not level.key.isdecimal():
        raise _no_answer(level, "it plays BabyAI's levels and MiniGrid's rooms, by their seeds")
    with contextlib.redirect_stdout(io.StringIO()):  # BabyAI tells of levels that it throws away
        env: Any = gym.make(level.environment, disable_env_checker=True).unwrapped
        env.reset(seed=int(level.key))
    has_rooms = isinstance(env, RoomGrid)
    if not has_rooms:
        raise _no_answer(level, "it knows only levels that are made of rooms in rows and columns")
    if read_level(env, level.environment, level.key) != level:
        raise _no_answer(level, "the environment makes another level of this seed when it is made by its id alone")
    if not hasattr(env, "instrs"):
        wanted = _wanted(level)
        env.instrs = PickupInstr(ObjDesc(wanted.kind, wanted.color))  # type: ignore[no-untyped-call]
        env.instrs.reset_verifier(env)
    return env


def _wanted(level: GridLevel) -> Thing:
    """What is to be picked up."""
    objective = level.objective
    thing = level.thing_at(objective.cell) if objective is not None and objective.kind == "pickup" else None
    if thing is None:
        raise _no_answer(level, f"{level.mission!r} is no mission of BabyAI, nor that something is to be picked up")
    return thing


class _Aims(list[Any]):
    """The bot's stack, which stops a bot that goes in circles without acting."""

    left = MOST_AIMS

    def append(self, aim: Any) -> None:
        self.left -= 1
        if self.left < 0:
            raise RuntimeError("it goes in circles")
        super().append(aim)


def _played(env: Any, level: GridLevel) -> tuple[Subgoal, ...]:
    bot: Any = BabyAIBot(env)  # type: ignore[no-untyped-call]
    bot.stack = _Aims(bot.stack)
    puts = "put " in level.mission
    subgoals: list[Subgoal] = []
    action = None
    for _ in range(int(env.max_steps)):
        bot.stack.left = MOST_AIMS
        action = bot.replan(action)
        if action == env.actions.done:
            raise _no_answer(level, "it took the mission for accomplished when it was not")
        acts = action in (env.actions.pickup, env.actions.toggle) or (action == env.actions.drop and puts)
        before = _in_front(env, level) if acts else None
        _, reward, terminated, _, _ = env.step(action)
        after = _in_front(env, level) if acts or terminated else None
        if before != after and (there := before or after) is not None:
            subgoals.append(Subgoal(there.cell, there.name))
        if terminated and reward > 0:
            return tuple(subgoals)
    raise _no_answer(level, f"it did not succeed within {env.max_steps} steps")


def _in_front(env: Any, level: GridLevel) -> Thing | None:
    x, y = (int(number) for number in env.front_pos)
    return read_level(env, level.environment, level.key).thing_at((x, y))
