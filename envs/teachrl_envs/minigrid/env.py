"""Levels of any MiniGrid or BabyAI environment as tasks, with flat observations."""

from __future__ import annotations

import contextlib
import difflib
import io
from typing import Any, Literal

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.error import DependencyNotInstalled
from numpy.typing import NDArray

from teachrl_envs.tasks import BoxTaskSpace, task_from_options

try:
    import minigrid  # noqa: F401  (registers its environments)
    from minigrid.envs.dynamicobstacles import DynamicObstaclesEnv

    from teachrl_envs.minigrid.view import CellCodes, flat_view
except ImportError as error:
    raise DependencyNotInstalled("teachrl/MiniGrid-v0 needs the extra: pip install 'teachrl[minigrid]'") from error
from teachrl_envs.minigrid.mission import WORDS, mission_numbers

Observation = NDArray[np.float32]
DIRECTIONS = 4


class MiniGridLevels(gymnasium.Wrapper[Any, Any, Any, Any]):
    """A MiniGrid or BabyAI environment whose levels are tasks: ``teachrl/MiniGrid-v0``.

    **Task.** ``reset(options={"task": {"seed": 17}})``: the level that the environment makes of this seed. Without a
    task, one is drawn by the reset's own seed. What else is random in an episode (obstacles that move) follows from the
    reset's seed too, so that two episodes on one level differ. A reset without a seed goes on with the random numbers
    of the last episode.

    **Action.** MiniGrid's: 0 turn left, 1 turn right, 2 go forward, 3 pick up, 4 drop, 5 toggle, 6 done.

    **Observation.** ``float32`` in [0, 1]. First the ``view * view`` cells that the agent sees, row by row from the
    farthest, the agent in the middle of the last row: for each MiniGrid's kind, colour and state, divided by 10, all 0
    where it cannot see; these are the numbers of MiniGrid's ``image``, in the order of a picture. Then 1 at the
    direction in which it looks (right, down, left, up) and 0 at the other three. With ``mission="words"`` the mission
    follows, see `mission.mission_numbers`.

    **Reward.** The environment's: ``1 - 0.9 t / T`` for success at step ``t`` of at most ``T``, else 0; with obstacles
    that move, -1 for a collision. ``info["success"]`` says at each step whether the mission was accomplished.

    The rules are MiniGrid's, also where they are odd (an empty box that is toggled is gone). Its own observations are
    not built at all, which is most of what a step costs. Everything else of the environment is to be found under
    ``unwrapped``.

    Args:
        minigrid_id: a registered id of MiniGrid or BabyAI.
        seeds: how many levels there are to choose from, numbered from 0.
        mission: "none", or "words" for missions that differ from level to level.
        render_mode: as of the environment itself: None, "human" or "rgb_array".

    Raises `TaskError` (at `reset`) for a task that is no such level, and `ValueError` for wrong arguments.
    """

    reports_success = True

    def __init__(
        self,
        minigrid_id: str,
        *,
        seeds: int = 10_000,
        mission: Literal["none", "words"] = "none",
        render_mode: str | None = None,
    ) -> None:
        if isinstance(seeds, bool) or not isinstance(seeds, int) or seeds < 1:
            raise ValueError(f"seeds must be a whole number, 1 or more; got {seeds!r}")
        if mission not in ("none", "words"):
            raise ValueError(f"mission is 'none' or 'words'; got {mission!r}")
        with contextlib.redirect_stdout(io.StringIO()):
            super().__init__(gymnasium.make(_known(minigrid_id), disable_env_checker=True, render_mode=render_mode))
        self.minigrid_id = minigrid_id
        bare: Any = self.env.unwrapped
        self._bare, self._codes, self._tells_mission = bare, CellCodes(), mission == "words"
        self._size = bare.agent_view_size**2 * 3 + DIRECTIONS
        self._said = np.zeros(2 * len(WORDS) if self._tells_mission else 0, dtype=np.float32)
        self.observation_space = spaces.Box(0.0, 1.0, (self._size + len(self._said),), np.float32)
        self.task_space = BoxTaskSpace({"seed": (0, seeds - 1)}, integer=["seed"])
        self.return_range = (-1.0 if isinstance(bare, DynamicObstaclesEnv) else 0.0, 1.0)
        bare.gen_obs = self._observe

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Start an episode on ``options["task"]``. ``info["task"]`` is the task in use."""
        # MiniGrid's own generator makes the level, and is put aside for that: without a seed, the stream goes on.
        rng = self._bare.np_random if seed is None else np.random.default_rng(seed)
        vector = task_from_options(self.task_space, options)
        if vector is None:
            vector = self.task_space.sample(rng, 1)[0]
        task = self.task_space.task(vector)
        with contextlib.redirect_stdout(io.StringIO()):  # BabyAI tells of levels that it throws away
            _, info = self.env.reset(seed=task["seed"])
        self._bare.np_random = rng
        if self._tells_mission:
            self._said = mission_numbers(self._bare.mission)
        return self._observe(), {**info, "task": task}

    def step(self, action: Any) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """One of MiniGrid's actions."""
        observation, paid, terminated, truncated, info = self.env.step(action)
        reward = float(paid)
        info["success"] = bool(terminated and reward > 0)
        return observation, reward, terminated, truncated, info

    def _observe(self) -> Observation:
        """In the place of MiniGrid's own ``gen_obs``."""
        observation = np.empty(self._size + len(self._said), dtype=np.float32)
        flat_view(self._bare, self._codes, observation)
        observation[self._size :] = self._said
        return observation


def _known(name: str) -> str:
    known = [entry for entry in gymnasium.registry if entry.startswith(("MiniGrid-", "BabyAI-"))]
    if name not in known:
        close = difflib.get_close_matches(str(name), known, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise ValueError(
            f"minigrid_id must be one of MiniGrid's or BabyAI's, such as 'MiniGrid-DoorKey-8x8-v0'; got {name!r}{hint}"
        )
    return name
