"""ExploRS: rewards that a learner's own success designs, with a bonus for what it has seldom seen. No expert.

Source: Devidze, Kamalaruban, Singla: "Exploration-guided reward shaping for reinforcement learning under sparse
rewards", NeurIPS 2022. What is learnt from is R(s, a) + phi(s, a) + B(s'): the model's own reward, a self-supervised
one, and a bonus lambda / sqrt((lambda / largest)^2 + N(s')) for the number N of visits, counted at each step; none in
terminal states. phi follows the gradient of what the learner, improved once under it, would truly earn:

    phi(s, a) += rate * sum over recent steps of pi(a | s) (G - V(s)) * d/dphi [phi(s, a) - sum_b pi(b | s) phi(s, b)]

with the return to go G of the model's own rewards, and V, a running mean of it.

Deviations: the visits of evaluation are not counted (theirs were). REINFORCE's step is along the mean over all steps of
its episodes, which the paper does not say.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import numpy as np
from pydantic import Field

from benchmarks.tabular_rewards.learners import Player, SoftmaxPolicy, TabularEpisode
from teachrl.config.settings import Settings, Whole
from teachrl_envs.tabular.mdp import Numbers, TabularMDP


class ExploRSConfig(Settings):
    """Settings of ExploRS with a tabular REINFORCE learner; the defaults are the published ones."""

    self_supervised: bool = Field(default=True, description="whether phi is learnt")
    exploration: float = Field(default=1.0, ge=0, description="lambda of the bonus; 0: none")
    largest_bonus: float = Field(default=1.0, gt=0, description="bonus of what was never visited")
    reward_rate: float = Field(default=0.01, gt=0, description="step size of phi")
    value_rate: float = Field(default=0.01, gt=0, description="step size of V")
    reward_every: Whole = Field(default=5, ge=1, description="episodes from one update of phi and V to the next")
    learner_rate: float = Field(default=0.1, gt=0, description="step size of the learner")
    learner_every: Whole = Field(default=2, ge=1, description="episodes from one update of the learner to the next")
    buffer: Whole = Field(default=10, ge=1, description="latest episodes from which phi is updated")
    recent: Whole = Field(default=5, ge=1, description="latest episodes from which the learner learns")


class ExploRS:
    """The designer: ``reward (S, A)`` is phi, ``visits (S,)`` are counts."""

    def __init__(self, mdp: TabularMDP, config: ExploRSConfig) -> None:
        self.mdp, self.config = mdp, config
        states, actions = mdp.rewards.shape
        self.reward, self.visits, self._values = np.zeros((states, actions)), np.zeros(states), np.zeros(states)

    def visited(self, episode: TabularEpisode) -> Numbers:
        """Count the states that an episode came to, one after the other; the bonus at each of its steps."""
        bonuses = np.zeros(len(episode.actions))
        for t, state in enumerate(episode.states[1:].tolist()):
            self.visits[state] += 1
            if not self.mdp.terminal[state] and self.config.exploration:
                scale = self.config.exploration
                bonuses[t] = scale / np.sqrt((scale / self.config.largest_bonus) ** 2 + self.visits[state])
        return bonuses

    def designed(self, episode: TabularEpisode, bonuses: Numbers) -> Numbers:
        """What the learner is paid at each step."""
        return episode.rewards + bonuses + self.reward[episode.states[:-1], episode.actions]

    def update(self, episodes: list[TabularEpisode], policy: Numbers) -> None:
        """Improve phi and V on recent episodes; ``policy (S, A)`` is the learner's, as it is now."""
        returns = [episode.returns(self.mdp.discount) for episode in episodes]
        if self.config.self_supervised:
            for episode, worth in zip(episodes, returns, strict=True):
                left = episode.states[:-1]
                weights = self.config.reward_rate * episode.chances * (worth - self._values[left])
                np.add.at(self.reward, (left, episode.actions), weights)
                np.add.at(self.reward, left, -policy[left] * weights[:, None])
        for episode, worth in zip(episodes, returns, strict=True):
            left = episode.states[:-1]
            visits = np.bincount(left, minlength=len(self._values))
            errors = np.bincount(left, worth - self._values[left], minlength=len(self._values))
            self._values += self.config.value_rate * errors / np.maximum(visits, 1)


def train_explors(
    mdp: TabularMDP,
    episodes: int,
    max_steps: int,
    rng: np.random.Generator,
    config: ExploRSConfig | None = None,
    until: Callable[[float], bool] = lambda mean_return: False,
) -> Numbers:
    """The true discounted return of each training episode of a REINFORCE learner under ExploRS.

    ``until`` is asked about the mean of the last 100 episodes after each hundred, and ends the training.
    """
    config = config or ExploRSConfig()
    designer, player = ExploRS(mdp, config), Player(mdp, max_steps)
    states, actions = mdp.rewards.shape
    learner = SoftmaxPolicy(states, actions, config.learner_rate)
    played: deque[tuple[TabularEpisode, Numbers]] = deque(maxlen=max(config.buffer, config.recent))
    earned: list[float] = []
    for number in range(1, episodes + 1):
        episode = player.play(learner.probabilities, rng)
        played.append((episode, designer.visited(episode)))
        earned.append(float(episode.returns(mdp.discount)[0]))
        if number % config.reward_every == 0:
            designer.update([one for one, _ in list(played)[-config.buffer :]], learner.probabilities)
        if number % config.learner_every == 0:
            recent = list(played)[-config.recent :]
            paid = [one.returns(mdp.discount, designer.designed(one, bonuses)) for one, bonuses in recent]
            learner.learn([one for one, _ in recent], paid)
        if number % 100 == 0 and until(float(np.mean(earned[-100:]))):
            break
    return np.array(earned)
