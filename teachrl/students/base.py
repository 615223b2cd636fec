"""What every student is: it acts, and it learns from fragments."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from teachrl.files import StateTree
from teachrl.records.episodes import Array, Decision, Fragment
from teachrl.records.level_scores import FragmentValues

__all__ = ["Decision", "Student", "StudentContext"]


@dataclass(frozen=True)
class StudentContext:
    """What a student is told before it starts.

    ``total_steps`` is the length of the run in environment steps, over all ``n_envs`` environments, for schedules.
    ``only_acts``: it is a worker's copy, which never learns and needs no room for experience.
    """

    observation_space: gym.Space[Any]
    action_space: gym.Space[Any]
    n_envs: int
    seed: int
    total_steps: int
    only_acts: bool = False


class Student(ABC):
    """A learning agent. A class of your own needs a constructor ``(context, **options)`` and the methods below.

    ``fragment_steps``: vector steps collected before each `learn`. ``discount``: γ, for discounted returns.
    ``gae_lambda``: λ of the advantages by which regret teachers judge levels.
    ``memory_size``: how many numbers an episode's memory has; 0 for a student that acts on the observation alone.
    ``acting_generators``: those of its own from which `act` draws, beside numpy's and torch's global ones.
    ``needs_privileged``: whether it is to be told in training what the environment has in ``info["privileged"]``.
    """

    fragment_steps: int
    discount: float
    gae_lambda: float = 0.95
    memory_size: int = 0
    needs_privileged: bool = False
    acting_generators: tuple[np.random.Generator, ...] = ()

    @abstractmethod
    def act(self, observations: Array, memory: Array, deterministic: bool = False) -> Decision:
        """Choose actions for ``observations (N, *observation)``.

        ``memory (N, memory_size)`` is what the student gave back with its last `Decision` in the same episodes, and
        zero where one begins. Who collects or evaluates keeps it, so that several can let one student play.
        With ``deterministic=True`` (evaluation) it must neither explore nor change anything in the student, its random
        generators included.
        """

    def act_with_privileged(self, observations: Array, privileged: Array, memory: Array) -> Decision:
        """Replace `act` in training, for a student that ``needs_privileged``; ``privileged`` is ``(N, ...)``."""
        raise NotImplementedError(f"{type(self).__name__} asks for what is privileged and makes no use of it")

    @abstractmethod
    def learn(self, fragment: Fragment) -> dict[str, float]:
        """Learn from one fragment; returns metrics to log, under tags such as ``train/loss``."""

    def values(self, observations: Array) -> NDArray[np.float64]:
        """Estimated discounted return from each of ``observations (N, ...)``, shape ``(N,)``.

        Optional: only teachers that ask for ``start_value`` need it. In the units of the environment's rewards.
        """
        raise NotImplementedError

    def fragment_values(self, fragment: Fragment) -> FragmentValues:
        """`values` along a fragment, for teachers that judge levels by them; before `learn` changes the student."""
        steps, n = fragment.rewards.shape
        values = self.values(fragment.observations.reshape(-1, *fragment.observations.shape[2:])).reshape(steps, n)
        return FragmentValues(values, self.values(fragment.last_observations), self._final_values(fragment))

    def _final_values(self, fragment: Fragment) -> dict[tuple[int, int], float]:
        """`values` of the last observations of truncated episodes."""
        cut = [key for key in fragment.final_observations if not fragment.terminated[key]]
        if not cut:
            return {}
        values = self.values(np.stack([fragment.final_observations[key] for key in cut]))
        return dict(zip(cut, values.tolist(), strict=True))

    @abstractmethod
    def weights(self) -> StateTree:
        """All that deterministic acting needs, as a tree of dicts, JSON values and arrays."""

    @abstractmethod
    def load_weights(self, weights: StateTree) -> None:
        """Act as the student whose `weights` these are."""

    def exploration(self) -> StateTree:
        """What exploring needs beyond `weights` and changes with learning, such as how many steps are behind."""
        return {}

    def load_exploration(self, exploration: StateTree) -> None:
        """Explore as the student whose `exploration` this is."""
        del exploration  # nothing to take over

    @abstractmethod
    def state(self) -> StateTree:
        """Everything that affects what comes next (weights, optimisers, generators), except experience.

        Keep `weights` under the key ``"weights"``: evaluation and replay load a checkpoint by that entry alone.
        """

    @abstractmethod
    def restore(self, state: StateTree) -> None:
        """Go on exactly where `state` was taken."""

    def experience_count(self) -> int:
        """How many rows of experience have been stored so far, for students with a replay buffer."""
        return 0

    def experience_kept(self) -> int:
        """The most rows a restored student can use."""
        return 0

    def experience(self, start: int, stop: int) -> dict[str, NDArray[Any]]:
        """Rows ``start ... stop - 1`` of the stored experience; checkpoints append them to what they already have."""
        raise NotImplementedError(f"{type(self).__name__} stores no experience")

    def load_experience(self, start: int, rows: Mapping[str, NDArray[np.generic]]) -> None:
        """Put rows back, of which the first had the number ``start``; called in order, before `restore`."""
        raise NotImplementedError(f"{type(self).__name__} stores no experience")
