"""Building tasks move by move: the rules, for many tasks at once, and the environment in which one agent does it.

A *builder* starts from nothing and makes one move after another until a whole task stands there. It sees what stands so
far, which move it is, and noise, so that a policy without chance can still build different tasks.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.error import ResetNeeded
from numpy.typing import NDArray

from teachrl_envs.dimensions import TaskError
from teachrl_envs.tasks import TaskSpace, Vector

Observations = NDArray[np.float32]


class Builder(ABC):
    """Rules of building, for ``n`` tasks side by side.

    ``n_moves``: how many moves make a task. ``observation_space``: ``float32`` in [0, 1]: what stands so far (`_seen`),
    then 1 at the number of the coming move and 0 at the others, then ``noise`` numbers, uniform and new at each move.
    ``action_space``: of one move of one task.

    Raises `ValueError` for a length of the noise that is no whole number, 0 or more.
    """

    def __init__(self, n_moves: int, seen: int, noise: int, action_space: gymnasium.Space[Any]) -> None:
        if isinstance(noise, bool) or not isinstance(noise, int) or noise < 0:
            raise ValueError(f"noise, how many random numbers a builder sees, is a whole number from 0; got {noise!r}")
        self.n_moves, self._noise, self.action_space = n_moves, noise, action_space
        self.observation_space = spaces.Box(0.0, 1.0, (seen + n_moves + noise,), np.float32)
        self._made = n_moves

    def begin(self, rng: np.random.Generator, n: int) -> Observations:
        """Clear the ground for ``n`` new tasks. All chance comes from ``rng``. Returns ``(n, *observation)``."""
        self._rng, self._made = rng, 0
        self._clear(n)
        return self._observe()

    def move(self, actions: NDArray[Any]) -> Observations:
        """Make the next move of each task, ``actions (n, *action)``. Returns ``(n, *observation)``."""
        self._place(self._made, actions)
        self._made += 1
        return self._observe()

    def is_finished(self) -> bool:
        """Whether all moves have been made."""
        return self._made == self.n_moves

    @abstractmethod
    def tasks(self) -> Vector:
        """The finished tasks, vectors of shape ``(n, size)``."""

    @abstractmethod
    def facts(self) -> list[Mapping[str, float]]:
        """For each finished task, what a log should tell of it."""

    @abstractmethod
    def _clear(self, n: int) -> None: ...

    @abstractmethod
    def _place(self, number: int, actions: NDArray[Any]) -> None:
        """Move ``number``, from 0."""

    @abstractmethod
    def _seen(self) -> NDArray[Any]:
        """What stands so far, in [0, 1], shape ``(n, seen)``."""

    def _observe(self) -> Observations:
        seen = self._seen()
        moves = np.zeros((len(seen), self.n_moves))
        if not self.is_finished():
            moves[:, self._made] = 1.0
        noise = self._rng.random((len(seen), self._noise), dtype=np.float32)
        return np.concatenate([seen, moves, noise], axis=1, dtype=np.float32)


class CubeBuilder(Builder):
    """Builds tasks of a space with a unit cube: each move chooses one parameter, in the space's order.

    An action in [-1, 1] goes linearly to the parameter's range (`TaskSpace.from_unit`). Seen are the chosen parameters,
    scaled to [0, 1], and 0 for the others.

    Source: the teacher of Bipedal Walker in Jiang et al. 2021 (arXiv 2110.02439). Deviations: actions are clipped, not
    squashed; the move's number is seen as one of ``n_moves``.

    Raises `TaskError` for a space without a unit cube.
    """

    def __init__(self, space: TaskSpace, noise: int = 10) -> None:
        if not space.has_unit_cube:
            raise TaskError(f"parameters are chosen one by one in spaces with a unit cube; {space!r} has none")
        super().__init__(space.size, space.size, noise, spaces.Box(-1.0, 1.0, (1,), np.float32))
        self._space = space

    def tasks(self) -> Vector:
        return self._space.from_unit(self._unit)

    def facts(self) -> list[Mapping[str, float]]:
        return [{} for _ in self._unit]

    def _clear(self, n: int) -> None:
        self._unit = np.zeros((n, self._space.size))

    def _place(self, number: int, actions: NDArray[Any]) -> None:
        self._unit[:, number] = (np.clip(actions[:, 0], -1.0, 1.0) + 1.0) / 2.0

    def _seen(self) -> Vector:
        return self._unit


class Building(gymnasium.Env[NDArray[Any], Any]):
    """Building a task as an environment, in which anyone may train a teacher of their own.

    An episode is one task, in ``builder.n_moves`` steps; observations and actions are the builder's. The reward is 0
    but for the last step, where it is ``regret(vector)`` of the finished task, or 0 without such a function; that step
    terminates the episode, and its ``info["task"]`` is the task.

    Raises `ValueError` for actions that are none, `gymnasium.error.ResetNeeded` for a step after the end.
    """

    def __init__(self, builder: Builder, space: TaskSpace, regret: Callable[[Vector], float] | None = None) -> None:
        self.observation_space, self.action_space = builder.observation_space, builder.action_space
        self._builder, self._space, self._regret = builder, space, regret

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observations, dict[str, Any]]:
        """Clear the ground."""
        super().reset(seed=seed)
        return self._builder.begin(self.np_random, 1)[0], {}

    def step(self, action: Any) -> tuple[Observations, float, bool, bool, dict[str, Any]]:
        """Make one move."""
        if self._builder.is_finished():
            raise ResetNeeded("the task is finished or has not been begun; call reset() before step()")
        if action not in self.action_space:
            raise ValueError(f"a move must be in {self.action_space}; got {action!r}")
        seen = self._builder.move(np.asarray(action)[None])[0]
        if not self._builder.is_finished():
            return seen, 0.0, False, False, {}
        vector = self._builder.tasks()[0]
        reward = 0.0 if self._regret is None else float(self._regret(vector))
        return seen, reward, True, False, {"task": self._space.task(vector)}


class CubeBuilding(Building):
    """`Building` by `CubeBuilder`: tasks of ``space``, one parameter a step."""

    def __init__(self, space: TaskSpace, *, noise: int = 10, regret: Callable[[Vector], float] | None = None) -> None:
        super().__init__(CubeBuilder(space, noise), space, regret)
