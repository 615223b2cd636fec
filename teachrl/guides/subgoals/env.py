"""Environments in which sub-goals are shown and paid, and those of the same shape in which a student does without."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import gymnasium as gym
import numpy as np
from gymnasium import spaces

from teachrl.config.experiment import EnvConfig
from teachrl.environments import Env, environment_facts
from teachrl.errors import UsageError
from teachrl.guides.subgoals.encodings import Encoding
from teachrl.guides.subgoals.level import Cell, Codes, Subgoal, agent_cell, codes_at
from teachrl.tasks.spaces import DiscreteTaskSpace, ProductTaskSpace, Task

TASK, SUBGOAL = "task", "subgoal"


class Way(NamedTuple):
    """The sub-goals of a level without the last one, its longer side, and its limit of steps."""

    subgoals: tuple[Subgoal, ...]
    side: int
    max_steps: int


class SubgoalSettings(Protocol):
    """The options of a guide that its environment reads; `SubgoalConfig` documents them."""

    @property
    def choices(self) -> int: ...
    @property
    def drop(self) -> float: ...
    @property
    def show(self) -> bool: ...
    @property
    def weight(self) -> float: ...


class SubgoalSource(Protocol):
    """What a guided environment needs of its guide."""

    settings: EnvConfig
    encoding: Encoding

    @property
    def config(self) -> SubgoalSettings:
        """The guide's options."""

    def way(self, env: Any, name: str, key: str) -> Way:
        """Return the sub-goals of the level that a bare environment has just begun."""


class Unguided(gym.Wrapper[Any, Any, Any, Any]):
    """Appends to each observation what stands for no sub-goal."""

    def __init__(self, env: Env, encoding: Encoding) -> None:
        super().__init__(env)
        seen = env.observation_space
        assert isinstance(seen, spaces.Box)
        low = np.concatenate([seen.low, np.full(encoding.size, encoding.low)], dtype=np.float32)
        high = np.concatenate([seen.high, np.full(encoding.size, encoding.high)], dtype=np.float32)
        self.observation_space = spaces.Box(low, high, dtype=np.float32)
        self._nothing, self._size = encoding.nothing, seen.shape[0]

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        observation, info = self.env.reset(seed=seed, options=options)
        return self._with(observation, self._nothing), info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        observation, reward, terminated, truncated, info = self.env.step(action)
        return self._with(observation, self._nothing), reward, terminated, truncated, info

    def _with(self, observation: Any, told: Any) -> Any:
        extended = np.empty(self._size + len(told), dtype=np.float32)
        extended[: self._size], extended[self._size :] = observation, told
        return extended


class Guided(Unguided):
    """Shows and pays sub-goals; see the module's text.

    ``info["guide"]``: how many were ``given``, how many of them ``reached`` in their turn, their share ``progress``
    (0 when none was given), and what was ``paid``.

    With ``choices``, a task is ``{"task": the environment's own, "subgoal": {"subgoal": k}}``: 0 for all in their
    order, k for the k-th alone (none, where there are fewer).
    """

    def __init__(self, env: Env, guide: SubgoalSource) -> None:
        super().__init__(env, guide.encoding)
        self._guide, self._config, self._encoding = guide, guide.config, guide.encoding
        self._bare: Any = env.unwrapped
        self._name = _level_name(env, guide.settings.id)
        if guide.config.choices:
            own = environment_facts(env, guide.settings).task_space
            numbers = DiscreteTaskSpace(guide.config.choices + 1, name=SUBGOAL)
            self.task_space = ProductTaskSpace({TASK: own, SUBGOAL: numbers})
            for name in ("initial_mean", "initial_std", "target_mean", "target_std"):
                setattr(self, name, None)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin an episode, and ask for its level's sub-goals."""
        chosen, options = self._split(options)
        observation, info = self.env.reset(seed=seed, options=options)
        own = info.get("task", {})
        way = self._guide.way(self._bare, self._name, _key(own, seed))
        subgoals = way.subgoals if chosen == 0 else way.subgoals[chosen - 1 : chosen]
        hidden = np.random.default_rng(seed).random(len(subgoals)) < self._config.drop
        self._begin(way, subgoals, hidden.tolist())
        if self._config.choices:
            info["task"] = {TASK: own, SUBGOAL: {SUBGOAL: chosen}}
        told = self._told(agent_cell(self._bare), self._before[0]) if subgoals else self._nothing
        return self._with(observation, told), info

    def _split(self, options: dict[str, Any] | None) -> tuple[int, dict[str, Any] | None]:
        """Which sub-goal was chosen, and what is left for the environment itself."""
        if not self._config.choices:
            return 0, options
        asked = self.task_space.task(self.task_space.vector((options or {}).get("task")))
        return asked[SUBGOAL][SUBGOAL], {"task": asked[TASK]}

    def _begin(self, way: Way, subgoals: Sequence[Subgoal], hidden: Any) -> None:
        self._way, self._subgoals, self._hidden = way, subgoals, hidden
        self._before: list[Codes] = [codes_at(self._bare, subgoal.cell) for subgoal in subgoals]
        self._turn = self._since = self._reached = 0
        self._paid = 0.0

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        observation, reward, terminated, truncated, info = self.env.step(action)
        info["own_reward"] = reward
        bonus, told = 0.0, self._nothing
        if self._turn < len(self._subgoals):
            bonus, told = self._advance()
        if terminated or truncated:
            given = len(self._subgoals)
            progress = self._reached / given if given else 0.0
            info["guide"] = {"given": given, "reached": self._reached, "progress": progress, "paid": self._paid}
        return self._with(observation, told), float(reward) + bonus, terminated, truncated, info

    def _advance(self) -> tuple[float, Any]:
        """Go on to the next sub-goal when this one has been reached, past those that were reached before their turn.

        What that pays, and what the student is told now.
        """
        self._since += 1
        agent, cell = agent_cell(self._bare), self._subgoals[self._turn].cell
        codes = codes_at(self._bare, cell)
        if agent != cell and codes == self._before[self._turn]:
            return 0.0, self._told(agent, codes)
        bonus = self._config.weight * (1 - self._since / self._way.max_steps)
        self._reached += 1
        self._paid += bonus
        self._since = 0
        self._pass()
        while self._turn < len(self._subgoals):
            cell = self._subgoals[self._turn].cell
            codes = codes_at(self._bare, cell)
            if agent != cell and codes == self._before[self._turn]:
                return bonus, self._told(agent, codes)
            self._pass()
        return bonus, self._nothing

    def _pass(self) -> None:
        """The next one's turn. Where it is in the same cell (a key in a box), it begins with what lies there now."""
        cell = self._subgoals[self._turn].cell
        self._turn += 1
        for later in range(self._turn, len(self._subgoals)):
            if self._subgoals[later].cell == cell:
                self._before[later] = codes_at(self._bare, cell)

    def _told(self, agent: Cell, codes: Codes) -> Any:
        """The current sub-goal, as the student sees it; ``codes`` are what lies in its cell."""
        if self._hidden[self._turn] or not self._config.show:
            return self._nothing
        subgoal = self._subgoals[self._turn]
        return self._encoding.encode(subgoal.name, subgoal.cell, codes, agent, self._way.side)


def _level_name(env: Env, otherwise: str) -> str:
    """The id of the environment that makes the levels, which may be inside of another one."""
    try:
        return str(env.get_wrapper_attr("minigrid_id"))
    except AttributeError:
        return otherwise


def _key(task: Task, seed: int | None) -> str:
    """What names the level within its environment."""
    if "seed" in task:
        return str(task["seed"])
    if "rows" in task:
        return "/".join(task["rows"])
    if seed is None:
        raise UsageError("sub-goals are given for a level, and this one has no name: reset with a seed")
    return str(seed)
