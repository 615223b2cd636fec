"""Learners for finite models, as the papers on designed rewards use them: softmax REINFORCE and Q-learning."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from teachrl.guides.rewards.explors_guide import returns_to_go
from teachrl_envs.tabular.mdp import Numbers, TabularMDP

Steps = NDArray[np.int64]


@dataclass(frozen=True)
class TabularEpisode:
    """``states (L + 1,)``, ``actions (L,)``, the model's own ``rewards (L,)``, how likely actions were ``(L,)``."""

    states: Steps
    actions: Steps
    rewards: Numbers
    chances: Numbers

    def returns(self, discount: float, rewards: Numbers | None = None) -> Numbers:
        """Discounted returns to go ``(L,)``, of the model's own rewards or of others."""
        return returns_to_go(self.rewards if rewards is None else rewards, discount)


class Player:
    """Plays episodes of a model with a policy ``(S, A)`` of probabilities."""

    def __init__(self, mdp: TabularMDP, max_steps: int) -> None:
        self.mdp, self.max_steps = mdp, max_steps
        self._cumulative = mdp.transitions.cumsum(axis=-1)
        self._start = mdp.start.cumsum()

    def play(self, policy: Numbers, rng: np.random.Generator) -> TabularEpisode:
        """One episode, to a terminal state or the limit of steps."""
        last, chosen = len(policy) - 1, policy.cumsum(axis=1)
        luck = rng.random((self.max_steps, 2))
        states = [min(int(np.searchsorted(self._start, rng.random(), side="right")), last)]
        actions: list[int] = []
        while len(actions) < self.max_steps and not self.mdp.terminal[states[-1]]:
            state, (first, second) = states[-1], luck[len(actions)]
            action = min(int(np.searchsorted(chosen[state], first, side="right")), policy.shape[1] - 1)
            actions.append(action)
            states.append(min(int(np.searchsorted(self._cumulative[state, action], second, side="right")), last))
        visited, acted = np.array(states), np.array(actions, dtype=np.int64)
        left = visited[:-1]
        return TabularEpisode(visited, acted, self.mdp.rewards[left, acted], policy[left, acted])


class SoftmaxPolicy:
    """A policy with a preference for each state and action, improved by REINFORCE."""

    def __init__(self, states: int, actions: int, rate: float) -> None:
        self._preferences, self._rate = np.zeros((states, actions)), rate
        self.probabilities = np.full((states, actions), 1 / actions)

    def learn(self, episodes: Sequence[TabularEpisode], returns: Sequence[Numbers]) -> None:
        """One step along the mean over all steps of the score, weighted by the return to go."""
        gradient = np.zeros_like(self._preferences)
        for episode, worth in zip(episodes, returns, strict=True):
            left = episode.states[:-1]
            np.add.at(gradient, (left, episode.actions), worth)
            np.add.at(gradient, left, -self.probabilities[left] * worth[:, None])
        self._preferences += self._rate * gradient / sum(len(episode.actions) for episode in episodes)
        weights = np.exp(self._preferences - self._preferences.max(axis=1, keepdims=True))
        self.probabilities = weights / weights.sum(axis=1, keepdims=True)


def q_learning(
    mdp: TabularMDP,
    rewards: Numbers,
    episodes: int,
    max_steps: int,
    rng: np.random.Generator,
    rate: float = 0.5,
    epsilon: float = 0.1,
    on_episode: Callable[[int, Numbers], bool] = lambda number, values: False,
) -> Numbers:
    """Q ``(S, A)`` after learning from designed ``rewards (S, A)``; ``on_episode`` ends it by returning True."""
    values, cumulative = np.zeros_like(mdp.rewards), mdp.transitions.cumsum(axis=-1)
    start, actions = mdp.start.cumsum(), mdp.rewards.shape[1]
    for number in range(1, episodes + 1):
        state = int(np.searchsorted(start, rng.random(), side="right"))
        for luck in rng.random((max_steps, 3)):
            explores = luck[0] < epsilon
            best = np.flatnonzero(values[state] == values[state].max())
            action = int(luck[1] * actions) if explores else int(best[int(luck[1] * len(best))])
            following = min(int(np.searchsorted(cumulative[state, action], luck[2], side="right")), len(values) - 1)
            target = rewards[state, action] + mdp.discount * values[following].max() * (not mdp.terminal[following])
            values[state, action] += rate * (target - values[state, action])
            state = following
            if mdp.terminal[state]:
                break
        if on_episode(number, values):
            break
    return values


def greedy_policy(values: Numbers) -> Numbers:
    """The probabilities ``(S, A)`` of always taking the first of the best actions."""
    return np.asarray(np.eye(values.shape[1])[values.argmax(axis=1)])
