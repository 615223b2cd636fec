"""EXPRD: rewards in few states that tell a student soon what is right, and change nothing about what is best.

Source: Devidze, Radanovic, Kamalaruban, Singla: "Explicable reward design for reinforcement learning agents", NeurIPS
2021. Given an optimal policy pi, rewards are wanted under which every action that is not optimal loses at least as much
as it loses at the least in truth (the gap, invariance), which are not zero only in the goal's state and a few others
(explicable), and under which the loss shows within h steps, for several h (informative).

For one policy and one set of states, the best such rewards solve a linear program (problem P1); sets of states are
grown greedily by what each adds to informativeness (P2), with a weighted prior on sets if wanted (P3).

Informativeness is the mean over horizons and states of the largest shortfall of an action's loss within h steps below
the state's gap, negated: 0 is the highest.

Deviations: other optimal actions than the policy's may not gain on it either; the gaps alone allow that, and then what
is best by the rewards can be bad in truth. The solver is HiGHS (theirs: ECOS). The program's rewards are not unique,
its value is; ``thrift`` prefers small ones at next to no loss.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import linprog

from teachrl.errors import TeachrlError
from teachrl_envs.tabular.mdp import Numbers, TabularMDP

HORIZONS = (1, 4, 8, 16, 32)
SLACK = 1 + 1e-5
"""By how much gaps are divided, so that rounding does not make the program infeasible."""
TIE_SLACK = 1e-6
"""What an action that is as good as the policy's may gain on it, for the same reason."""

Prior = Callable[[Collection[int]], float]
"""How welcome a set of states is."""


@dataclass(frozen=True)
class Design:
    """``rewards (S, A)``, their ``informativeness`` (0 at most), and the states that were added to the goal's."""

    rewards: Numbers
    informativeness: float
    states: tuple[int, ...]


class RewardDesigner:
    """Designs rewards for one model. ``goals`` are states whose rewards are free in any case.

    ``horizons`` are the h within which losses are to show; ``largest`` bounds each reward's size. Invariance is
    ``invariance (pairs, S * A) @ rewards.ravel() >= least (pairs,)``: what other actions lose against the policy's.
    """

    def __init__(
        self,
        mdp: TabularMDP,
        goals: Sequence[int] | None = None,
        horizons: Sequence[int] = HORIZONS,
        largest: float = 10.0,
        thrift: float = 0.0,
    ) -> None:
        self.mdp, self.horizons, self.largest, self.thrift = mdp, tuple(horizons), largest, thrift
        self.goals = tuple(np.flatnonzero(mdp.rewards.any(axis=1)).tolist()) if goals is None else tuple(goals)
        values = mdp.optimal_values()
        losses = values[:, None] - mdp.action_values(values)
        self.policy = losses.argmin(axis=1)
        worse = ~mdp.optimal_actions() & ~mdp.terminal[:, None]
        self._pairs = [(int(s), int(a)) for s, a in np.argwhere(worse)]
        self._place = {state: row for row, state in enumerate(np.flatnonzero(~mdp.terminal).tolist())}
        self.gaps = np.where(worse, losses, np.inf).min(axis=1)  # infinite where all actions are optimal
        self._wanted = np.array([self.gaps[state] for state, _ in self._pairs])
        moves = mdp.transitions[np.arange(len(values)), self.policy]
        ever = np.linalg.inv(np.eye(len(values)) - mdp.discount * moves)
        ties = mdp.optimal_actions() & ~mdp.terminal[:, None]
        ties[np.arange(len(values)), self.policy] = False
        as_good = [(int(s), int(a)) for s, a in np.argwhere(ties)]
        self.invariance = self._losses(ever, self._pairs + as_good)
        self.least = np.append(self._wanted / SLACK, np.full(len(as_good), -TIE_SLACK))
        self._within = [self._losses(_visits(mdp.discount * moves, h), self._pairs) for h in self.horizons]

    def _losses(self, visits: Numbers, pairs: Sequence[tuple[int, int]]) -> Numbers:
        """What an action loses against the policy's, linear in rewards: a row a pair, a column a reward."""
        states, actions = self.mdp.rewards.shape
        chosen = np.zeros((states, states * actions))
        chosen[np.arange(states), np.arange(states) * actions + self.policy] = 1
        following = self.mdp.transitions.reshape(states * actions, states)
        worth = np.eye(states * actions) + self.mdp.discount * following @ visits @ chosen
        return np.stack([worth[s * actions + self.policy[s]] - worth[s * actions + a] for s, a in pairs])

    def informativeness(self, rewards: Numbers) -> float:
        """Of any rewards ``(S, A)``."""
        shortfall = np.zeros((len(self.horizons), len(self._place)))
        rows = [self._place[state] for state, _ in self._pairs]
        for number, losses in enumerate(self._within):
            np.maximum.at(shortfall[number], rows, np.maximum(0, self._wanted - losses @ rewards.ravel()))
        return -float(shortfall.mean())

    def is_invariant(self, rewards: Numbers) -> bool:
        """Whether under these rewards the policy is a best one, and what is not optimal loses at least the gap."""
        return bool((self.invariance @ rewards.ravel() >= self.least - 1e-7).all())

    def design(self, states: Collection[int]) -> Design:
        """The most informative invariant rewards in ``states`` and the goals (P1). `TeachrlError` where none exist."""
        actions = self.mdp.rewards.shape[1]
        columns = [state * actions + a for state in sorted({*states, *self.goals}) for a in range(actions)]
        found = self._solve(columns)
        rewards = np.zeros_like(self.mdp.rewards)
        rewards.flat[columns] = found[: len(columns)]
        return Design(rewards, self.informativeness(rewards), tuple(states))

    def _solve(self, columns: list[int]) -> Numbers:
        """Rewards in ``columns``, then shortfalls by horizon and state, then the rewards' sizes."""
        rewards, short = len(columns), len(self.horizons) * len(self._place)
        zeros = np.zeros((len(self._pairs), short + rewards))
        blocks = [np.hstack([-self.invariance[:, columns], np.zeros((len(self.least), short + rewards))])]
        bounds = [-self.least]
        rows = np.array([self._place[state] for state, _ in self._pairs])
        for number, losses in enumerate(self._within):
            falls = zeros.copy()
            falls[np.arange(len(rows)), number * len(self._place) + rows] = -1
            blocks.append(np.hstack([-losses[:, columns], falls]))
            bounds.append(-self._wanted)
        for sign in (1, -1):
            blocks.append(np.hstack([sign * np.eye(rewards), np.zeros((rewards, short)), -np.eye(rewards)]))
            bounds.append(np.zeros(rewards))
        cost = np.concatenate([np.zeros(rewards), np.full(short, 1 / short), np.full(rewards, self.thrift)])
        limits = [(-self.largest, self.largest)] * rewards + [(0.0, None)] * (short + rewards)
        solved = linprog(cost, sparse.csr_matrix(np.vstack(blocks)), np.concatenate(bounds), bounds=limits)
        if not solved.success:
            raise TeachrlError(
                f"no rewards of size {self.largest:g} in these {len(columns)} places leave the optimal policy as it "
                f"is: {solved.message}"
            )
        found: Numbers = solved.x
        return found

    def greedy(self, budget: int, prior: Prior | None = None, weight: float = 0.0) -> list[Design]:
        """Designs with 0, 1, ... ``budget`` states, each with the state that adds most (P2; with a prior P3).

        What is maximised is informativeness + ``weight`` * ``prior`` of the set, goals included.
        """
        designs = [self.design(())]
        for _ in range(budget):
            chosen = designs[-1].states
            free = [state for state in self._place if state not in chosen and state not in self.goals]
            candidates = [self.design((*chosen, state)) for state in free]
            designs.append(max(candidates, key=lambda d: d.informativeness + weight * self._welcome(d.states, prior)))
        return designs

    def _welcome(self, states: Sequence[int], prior: Prior | None) -> float:
        return 0.0 if prior is None else prior({*states, *self.goals})


def facility_location(similarity: NDArray[np.float64]) -> Prior:
    """A submodular prior: the mean over states of the similarity ``(S, S)`` to the nearest state of the set."""
    return lambda states: float(similarity[:, sorted(states)].max(axis=1).mean())


def _visits(moves: Numbers, horizon: int) -> Numbers:
    """Discounted visits in the first ``horizon`` steps: the sum of the powers of ``moves`` below it."""
    visits, power = np.zeros_like(moves), np.eye(len(moves))
    for _ in range(horizon):
        visits += power
        power = power @ moves
    return visits
