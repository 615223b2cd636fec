"""How much is to be learnt on a level, estimated from one fragment: the scores by which regret teachers choose levels.

Sources: Jiang et al. 2021, "Prioritized Level Replay" (arXiv 2010.03934) and "Replay-Guided Adversarial Environment
Design" (arXiv 2110.02439) for the value losses and MaxMC; Rutherford et al. 2024, "No Regrets" (arXiv 2408.15099) for
learnability. A score is taken over all steps, or all ended episodes, that a level had in the fragment, in whichever
environments it was played. All are higher where more is to be learnt.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from teachrl.records.episodes import Array, Episode, Fragment

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class FragmentValues:
    """A student's estimates of the discounted return along a fragment, in the units of the environment's rewards.

    ``values (T, N)`` at each observation, ``last (N,)`` at the last observations, ``final[t, i]`` at the last
    observation of an episode that was cut off at step ``t`` in environment ``i``.
    """

    values: Numbers
    last: Numbers
    final: Mapping[tuple[int, int], float]


@dataclass(frozen=True)
class RoundResult:
    """How one student did in a round, in which environment ``i`` was held on one level from beginning to end.

    ``values (T, N)`` and ``advantages (T, N)`` by generalised advantage estimation; ``episodes`` are those that ended,
    ``env_index`` says where.
    """

    values: Numbers
    advantages: Numbers
    episodes: tuple[Episode, ...]

    def returns(self, environments: Array) -> list[float]:
        """Undiscounted returns of the episodes that ended in these environments."""
        return [e.episode_return for e in self.episodes if e.env_index in environments]


def round_result(fragment: Fragment, estimates: FragmentValues, discount: float, gae_lambda: float) -> RoundResult:
    """What a fragment says of the levels that it was held on.

    A truncated episode goes on in thought: its last reward is followed by the value of its own last observation. So
    does the episode that the end of the fragment cuts off.
    """
    steps, n = fragment.rewards.shape
    advantages = np.zeros((steps, n))
    following, carried = estimates.last.astype(np.float64), np.zeros(n)
    for t in range(steps - 1, -1, -1):
        ended = fragment.terminated[t] | fragment.truncated[t]
        following = np.where(ended, 0.0, following)
        for i in np.flatnonzero(fragment.truncated[t] & ~fragment.terminated[t]):
            following[i] = estimates.final[t, int(i)]
        errors = fragment.rewards[t] + discount * following - estimates.values[t]
        carried = errors + discount * gae_lambda * np.where(ended, 0.0, carried)
        advantages[t], following = carried, estimates.values[t]
    return RoundResult(np.asarray(estimates.values, dtype=np.float64), advantages, fragment.episodes)


def positive_value_loss(played: RoundResult, environments: Array, best_return: float | None = None) -> float | None:
    """PVL: the mean over steps of ``max(A_t, 0)``, the λ-return's excess over the value."""
    return float(np.maximum(played.advantages[:, environments], 0.0).mean())


def value_l1(played: RoundResult, environments: Array, best_return: float | None = None) -> float | None:
    """The mean over steps of ``|A_t|``."""
    return float(np.abs(played.advantages[:, environments]).mean())


def max_monte_carlo(played: RoundResult, environments: Array, best_return: float | None = None) -> float | None:
    """MaxMC: the mean over steps of ``R_max - V_t``; ``None`` while no episode has ended on the level.

    ``R_max`` is the best undiscounted return that the level ever paid, ``best_return`` included; ``V_t`` is discounted,
    as in the authors' code, so that a discount below 1 leaves a rest where the student is optimal.
    """
    known = [*played.returns(environments), *([] if best_return is None else [best_return])]
    return max(known) - float(played.values[:, environments].mean()) if known else None


def learnability(played: RoundResult, environments: Array, best_return: float | None = None) -> float | None:
    """``p (1 - p)`` of the share ``p`` of ended episodes that succeeded; ``None`` where none ended."""
    success = [bool(e.success) for e in played.episodes if e.env_index in environments and e.success is not None]
    return float(np.mean(success) * (1 - np.mean(success))) if success else None


def oracle_regret(played: RoundResult, environments: Array, optimal_return: float | None) -> float | None:
    """The optimal return of the level less the mean of what the student earned.

    ``None`` where no episode ended, or nobody knows the optimal return.
    """
    returns = played.returns(environments)
    return optimal_return - float(np.mean(returns)) if returns and optimal_return is not None else None


Score = Callable[[RoundResult, Array, "float | None"], "float | None"]
Need = Literal["success", "optimal_return"]


@dataclass(frozen=True)
class LevelScore:
    """A score by which levels can be chosen, and what must be there for it.

    ``compute(played, environments, return)`` takes the best return that the level ever paid or, where it ``needs``
    the ``"optimal_return"``, the best that can be had. ``"success"``: the episodes must tell whether they succeeded.
    """

    compute: Score
    needs: Need | None = None


SCORES: Mapping[str, LevelScore] = {
    "positive_value_loss": LevelScore(positive_value_loss),
    "value_l1": LevelScore(value_l1),
    "max_monte_carlo": LevelScore(max_monte_carlo),
    "learnability": LevelScore(learnability, needs="success"),
    "oracle_regret": LevelScore(oracle_regret, needs="optimal_return"),
}


def same_levels(tasks: NDArray[Any]) -> list[Array]:
    """For each distinct row of ``tasks (N, size)``, in order of first appearance, the environments that played it."""
    where: dict[bytes, list[int]] = {}
    for i, task in enumerate(np.ascontiguousarray(tasks)):
        where.setdefault(task.tobytes(), []).append(i)
    return [np.array(environments) for environments in where.values()]
