"""ExploRS for any student with discrete actions: its own success designs a reward, and what is new pays a bonus.

Source: Devidze, Kamalaruban, Singla: "Exploration-guided reward shaping for reinforcement learning under sparse
rewards", NeurIPS 2022. A step pays R(s, a) + phi(s, a) + B(s'): the environment's own reward, a self-supervised one
(`RewardNetwork`), and a bonus lambda / sqrt((lambda / largest)^2 + N(s')) for the number N of visits, counted at each
step of all environments; none where an episode terminates.

Deviations, beside those of `RewardNetwork`: phi changes when the student has learnt from a fragment, by one update for
every `reward_every` episodes that ended in it. What a step was paid when it was played stays, so students with a replay
buffer also learn from rewards of the past. Visits are counted by cells of the observation, those of judging not at all.
"""

from __future__ import annotations

from collections import deque
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from pydantic import Field

from teachrl.config.experiment import EnvConfig
from teachrl.config.registry import import_object
from teachrl.config.settings import Name, Settings, Whole
from teachrl.environments import Env
from teachrl.errors import UsageError
from teachrl.guides.base import LearningGuide
from teachrl.guides.rewards.reward_network import PlayedEpisode, RewardNetwork
from teachrl.guides.rewards.visits import Visits
from teachrl.records.episodes import Fragment


class ExplorsConfig(Settings):
    """Settings of the guide ``explors``."""

    discount: float = Field(0.99, ge=0, le=1, description="the student's discount")
    exploration: float = Field(1.0, ge=0, description="lambda of the bonus; 0: none")
    largest_bonus: float = Field(1.0, gt=0, description="bonus of what was never visited")
    cell: float = Field(0.05, gt=0, description="visits are counted by cells of this width in each number observed")
    abstraction: Name | None = Field(
        None,
        description="'module:function' from observations (n, ...) to numbers (n, k) by whose cells visits are counted, "
        "in the place of the observation's own",
    )
    self_supervised: bool = Field(default=True, description="whether phi is learnt")
    largest_reward: float = Field(0.1, gt=0, description="bound of phi's size")
    hidden: Whole = Field(default=256, ge=1, description="units in the one hidden layer of each network")
    reward_rate: float = Field(1e-3, gt=0, description="step size of phi's network")
    value_rate: float = Field(5e-3, gt=0, description="step size of the critic")
    policy_rate: float = Field(5e-3, gt=0, description="step size of the network that imitates the student")
    reward_every: Whole = Field(default=20, ge=1, description="episodes from one update of phi to the next")
    buffer: Whole = Field(default=20, ge=1, description="latest episodes from which phi is updated")
    seed: Whole = Field(default=0, ge=0, description="of the networks' first weights")


def returns_to_go(rewards: NDArray[np.float64], discount: float) -> NDArray[np.float64]:
    """The discounted sum ``(L,)`` of each reward of ``rewards (L,)`` and those after it."""
    returns, total = np.zeros(len(rewards)), 0.0
    for t in range(len(rewards) - 1, -1, -1):
        returns[t] = total = rewards[t] + discount * total
    return returns


class ExplorsGuide(LearningGuide):
    """See the module's text."""

    Config = ExplorsConfig
    watches = True
    config: ExplorsConfig

    def __init__(self, config: ExplorsConfig, settings: EnvConfig) -> None:
        super().__init__(config, settings)
        self.visits = Visits(config.cell)
        self.network: RewardNetwork | None = None
        self._abstraction = import_object(config.abstraction, "abstraction") if config.abstraction else None
        self._ended: list[PlayedEpisode] = []
        self._recent: deque[PlayedEpisode] = deque(maxlen=config.buffer)
        self._episodes = 0

    def guided(self, env: Env) -> Env:
        if not isinstance(env.action_space, spaces.Discrete):
            raise UsageError(
                f"guide explors weighs a student's actions against all others, so it needs discrete ones; "
                f"{self.settings.id} has {env.action_space}"
            )
        if self.network is None and self.config.self_supervised:
            self.network = self._make(spaces.flatdim(env.observation_space), int(env.action_space.n))
        return Explored(env, self)

    def _make(self, size: int, actions: int) -> RewardNetwork:
        config, rng = self.config, np.random.default_rng(self.config.seed)
        rates = config.reward_rate, config.value_rate, config.policy_rate
        return RewardNetwork(size, actions, rng, config.hidden, config.largest_reward, rates)

    def bonus(self, observation: Any, seen: NDArray[np.float32]) -> float:
        """Count a visit, and what it pays."""
        if not self.config.exploration:
            return 0.0
        place = seen if self._abstraction is None else np.asarray(self._abstraction(np.asarray(observation)[None]))[0]
        scale = self.config.exploration
        return float(scale / np.sqrt((scale / self.config.largest_bonus) ** 2 + self.visits.count(place)))

    def designed(self, seen: NDArray[np.float32], action: int) -> float:
        """Phi of an action, from 0, where this is seen."""
        return 0.0 if self.network is None else self.network.reward(seen, action)

    def ended(self, seen: list[NDArray[np.float32]], actions: list[int], rewards: list[float]) -> None:
        """Keep an episode for the next `update`; ``rewards`` are the environment's own."""
        if self.network is not None:
            returns = returns_to_go(np.array(rewards), self.config.discount)
            self._ended.append(PlayedEpisode(np.stack(seen), np.array(actions, dtype=np.int64), returns))

    def update(self, fragment: Fragment) -> None:
        for episode in self._ended:
            self._recent.append(episode)
            self._episodes += 1
            if self.network is not None and self._episodes % self.config.reward_every == 0:
                self.network.learn(self._recent)
        self._ended.clear()

    def state(self) -> dict[str, Any]:
        """After `update`, when no episode waits for it. Open ones are the worker's to play again."""
        recent = [{"seen": one.seen, "actions": one.actions, "returns": one.returns} for one in self._recent]
        network = None if self.network is None else self.network.state()
        return {"visits": self.visits.state(), "network": network, "recent": recent, "episodes": self._episodes}

    def restore(self, state: dict[str, Any]) -> None:
        """Visits that were counted while open episodes were played again are forgotten: they are in ``state``."""
        self.visits.restore(state["visits"])
        if self.network is not None:
            self.network.restore(state["network"])
        self._recent.clear()
        self._recent.extend(PlayedEpisode(**one) for one in state["recent"])
        self._episodes = state["episodes"]


class Explored(gym.Wrapper[Any, Any, Any, Any]):
    """Pays what the guide designs, and tells it of episodes. ``info["own_reward"]`` is the environment's own."""

    def __init__(self, env: Env, guide: ExplorsGuide) -> None:
        super().__init__(env)
        self._guide = guide
        self._first: int = int(env.action_space.start)  # type: ignore[attr-defined]

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        observation, info = self.env.reset(seed=seed, options=options)
        self._seen, self._actions, self._rewards = [self._flat(observation)], list[int](), list[float]()
        return observation, info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        observation, reward, terminated, truncated, info = self.env.step(action)
        self._actions.append(int(action) - self._first)
        self._rewards.append(float(reward))
        paid = self._rewards[-1] + self._guide.designed(self._seen[-1], self._actions[-1])
        seen = self._flat(observation)
        if not terminated:
            paid += self._guide.bonus(observation, seen)
        if terminated or truncated:
            self._guide.ended(self._seen, self._actions, self._rewards)
        else:
            self._seen.append(seen)
        return observation, paid, terminated, truncated, {**info, "own_reward": reward}

    def _flat(self, observation: Any) -> NDArray[np.float32]:
        return np.asarray(spaces.flatten(self.env.observation_space, observation), dtype=np.float32)
