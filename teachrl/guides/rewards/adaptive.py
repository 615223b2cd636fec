"""Rewards that are informative for the learner as it is now, and leave the best policy as it is.

Source: Devidze et al., AAMAS 2024 (adaptive, expert-driven reward design: informativeness for the current learner).
With the learner's policy pi, an optimal policy's advantage A, and the states that the learner and a teacher visit, the
rewards sought maximise, over h = 1 steps,

    sum over s, a of mu(s, a) nu(s) pi(a | s) (A(s, a) - sum_b pi(b | s) A(s, b)) (R(s, a) - sum_b pi(b | s) R(s, b))

under EXPRD's constraints: every action that is not optimal loses its gap against the optimal one, and no reward is
larger than a bound. It is linear in R: one linear program. mu(s, a) = pi(a | s) mu(s) is how often the learner acts so,
nu(s) how often a teacher is there who takes a random action four times in ten, both discounted and without the end.

Deviations: rewards may be in all states (theirs were indicators of blocks of states, or of a tree's leaves).
The objective is divided by the sum of its coefficients' sizes, and ``thrift`` times the rewards' mean size taken off,
so that rewards which do nothing are zero. The solver is HiGHS.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.optimize import linprog

from teachrl.errors import TeachrlError
from teachrl.guides.rewards.exprd import RewardDesigner
from teachrl_envs.tabular.mdp import Numbers, TabularMDP

TEACHER_EPSILON = 0.4


class AdaptiveDesigner:
    """Designs rewards for one model and policies of learners; ``largest`` bounds each reward's size."""

    def __init__(self, mdp: TabularMDP, largest: float = 10.0, thrift: float = 1e-2) -> None:
        self.mdp, self.largest, self.thrift = mdp, largest, thrift
        self._invariant = RewardDesigner(mdp, horizons=(1,), largest=largest)
        values = mdp.optimal_values()
        self._advantages = mdp.action_values(values) - values[:, None]
        actions = mdp.rewards.shape[1]
        best = np.eye(actions)[self._invariant.policy]
        self._visited = visits(mdp, (1 - TEACHER_EPSILON) * best + TEACHER_EPSILON / actions)

    def coefficients(self, policy: Numbers) -> Numbers:
        """Of each reward in the objective, ``(S, A)``, for a learner's policy ``(S, A)`` of probabilities."""
        gained = self._advantages - (policy * self._advantages).sum(axis=1, keepdims=True)
        places = visits(self.mdp, policy) * self._visited
        weights = places[:, None] * policy**2 * gained
        of_all: Numbers = weights - policy * weights.sum(axis=1, keepdims=True)
        return of_all

    def informativeness(self, rewards: Numbers, policy: Numbers) -> float:
        """Of rewards ``(S, A)`` for a learner with this policy."""
        return float((self.coefficients(policy) * rewards).sum())

    def is_invariant(self, rewards: Numbers) -> bool:
        """Whether what is optimal stays so, as `RewardDesigner.is_invariant`."""
        return self._invariant.is_invariant(rewards)

    def design(self, policy: Numbers) -> Numbers:
        """The most informative rewards ``(S, A)`` for this policy. Raises `TeachrlError` where none are allowed."""
        wanted = self.coefficients(policy).ravel()
        wanted = wanted / max(np.abs(wanted).sum(), np.finfo(np.float64).tiny)
        size, thrift = len(wanted), self.thrift / len(wanted)
        # A reward is the difference of two numbers, of which thrift makes one zero and their sum its size.
        cost = np.concatenate([thrift - wanted, thrift + wanted])
        rows = sparse.csr_matrix(np.hstack([-self._invariant.invariance, self._invariant.invariance]))
        most = np.where(self.mdp.terminal, 0.0, self.largest).repeat(self.mdp.rewards.shape[1])
        limits = np.stack([np.zeros(2 * size), np.tile(most, 2)], axis=1)
        solved = linprog(cost, rows, -self._invariant.least, bounds=limits)
        if not solved.success:
            raise TeachrlError(
                f"no rewards of size {self.largest:g} leave the optimal policy as it is: {solved.message}; allow "
                "larger ones"
            )
        rewards: Numbers = (solved.x[:size] - solved.x[size:]).reshape(self.mdp.rewards.shape)
        return rewards


def visits(mdp: TabularMDP, policy: Numbers) -> Numbers:
    """How often each state is visited under a policy ``(S, A)``, discounted: shares ``(S,)``, the end apart."""
    moves = np.einsum("sa,sat->st", policy, mdp.transitions)
    share = np.linalg.solve(np.eye(len(moves)) - mdp.discount * moves.T, mdp.start)
    share = np.where(mdp.terminal, 0.0, share)
    return np.asarray(share / share.sum())
