"""One update of a Gaussian over tasks under a limit on its Kullback-Leibler divergence: the optimisation in SPDL.

Source: Klink et al. 2020, "Self-Paced Deep Reinforcement Learning" (arXiv 2004.11812), section 4, and Klink et al.
2021, "A Probabilistic Interpretation of Self-Paced Learning with Applications to Reinforcement Learning" (JMLR 22).

Everything is computed in the coordinates in which the present Gaussian has mean 0 and covariance 1. Divergences are the
same there, the solver sees numbers near 1 however narrow the target is, and the units of a task cancel out. Goals are
divided by their size at the start for the same reason, which moves no optimum.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import minimize

from teachrl.tasks.spaces import Vector
from teachrl.teachers.self_paced.gaussian_context import GaussianContext, Matrix

TOLERANCE = 1e-7
LOG_RATIO_LIMIT = 30.0
LOG_WIDTH_LIMIT = 10.0
SMALLEST_DIVERGENCE = 1e-5
Function = Callable[[Vector], tuple[float, Vector]]


@dataclass(frozen=True)
class StepProblem:
    """What an update is given.

    ``old`` is the present Gaussian and ``target`` the wanted one, of ``d`` dimensions. ``points (n, d)`` are tasks
    drawn from ``old``, and ``values (n,)`` the student's values of their first observations. ``max_divergence`` limits
    KL(old ‖ new); the diagonal of the new Cholesky factor stays above ``floor (d,)`` where the old one is above it,
    and does not shrink where it is not. With ``baseline``, the mean value is taken off before tasks are weighted.
    """

    old: GaussianContext
    target: GaussianContext
    points: Matrix
    values: Vector
    max_divergence: float
    floor: Vector
    baseline: bool

    def penalized(self, alpha: float) -> GaussianContext | None:
        """Maximise the weighted mean value minus ``alpha`` KL(new ‖ target). ``None`` when nothing better is found."""
        penalty = alpha * max(self.old.divergence_from(self.target), SMALLEST_DIVERGENCE)
        scale = float(np.abs(self._advantages).mean()) + penalty
        if not 0 < scale < np.inf:
            return None
        value, divergence = self._value(), self._target_divergence()

        def goal(parameters: Vector) -> tuple[float, Vector]:
            (gain, gain_gradient), (distance, distance_gradient) = value(parameters), divergence(parameters)
            return (alpha * distance - gain) / scale, (alpha * distance_gradient - gain_gradient) / scale

        return self._solve(goal, [])

    def towards_target(self, threshold: float) -> GaussianContext | None:
        """Minimise KL(new ‖ target) while the weighted mean value stays at ``threshold`` or above."""
        value, divergence = self._value(), self._target_divergence()
        scale = max(self.old.divergence_from(self.target), SMALLEST_DIVERGENCE)
        unit = float(np.abs(self._advantages).mean()) or 1.0
        offset = float(self.values.mean() - self._advantages.mean()) - threshold

        def goal(parameters: Vector) -> tuple[float, Vector]:
            distance, gradient = divergence(parameters)
            return distance / scale, gradient / scale

        def margin(parameters: Vector) -> tuple[float, Vector]:
            gain, gradient = value(parameters)
            return (offset + gain) / unit, gradient / unit

        return self._solve(goal, [margin])

    @property
    def _advantages(self) -> Vector:
        return self.values - self.values.mean() if self.baseline else self.values

    def _value(self) -> Function:
        """The importance-weighted mean of the advantages, as a function of the new parameters, and its gradient."""
        points, size = self.old.standardize(self.points), self.old.size
        advantages = self._advantages / len(points)
        old_log_density = GaussianContext(np.zeros(size), np.eye(size)).log_density(points)

        def value(parameters: Vector) -> tuple[float, Vector]:
            new = GaussianContext.from_parameters(parameters, size)
            log_ratio = new.log_density(points) - old_log_density
            inside = np.abs(log_ratio) < LOG_RATIO_LIMIT
            weighted = advantages * np.exp(np.clip(log_ratio, -LOG_RATIO_LIMIT, LOG_RATIO_LIMIT))
            return float(weighted.sum()), new.log_density_gradient(points, weighted * inside)

        return value

    def _target_divergence(self) -> Function:
        target, size = self.target.seen_from(self.old), self.old.size

        def divergence(parameters: Vector) -> tuple[float, Vector]:
            new = GaussianContext.from_parameters(parameters, size)
            return new.divergence_from(target), new.gradient_of_first(target)

        return divergence

    def _solve(self, goal: Function, margins: list[Function]) -> GaussianContext | None:
        """Minimise ``goal`` with every margin at 0 or above; the present Gaussian is the origin of the parameters."""
        size = self.old.size
        start = np.zeros(2 * size + size * (size - 1) // 2)
        margins = [*margins, self._divergence_margin]
        with np.errstate(divide="ignore"):
            floor = np.log(self.floor / np.diag(self.old.cholesky))
        lowest = np.clip(floor, -LOG_WIDTH_LIMIT, 0.0)
        bounds: list[tuple[float | None, float | None]] = [(None, None)] * len(start)
        bounds[size : 2 * size] = [(low, LOG_WIDTH_LIMIT) for low in lowest]
        result = minimize(
            goal,
            start,
            jac=True,
            method="SLSQP",
            bounds=bounds,
            constraints=[_constraint(margin) for margin in margins],
            options={"ftol": 1e-8, "maxiter": 100},
        )
        found = self._largest_feasible(result.x, margins)
        if found is None or not goal(found)[0] < goal(start)[0]:
            return None
        return GaussianContext.from_parameters(found, size).seen_by_all(self.old)

    def _divergence_margin(self, parameters: Vector) -> tuple[float, Vector]:
        """How far KL(old ‖ new) is below its limit, in parts of the limit."""
        size = self.old.size
        old, new = GaussianContext(np.zeros(size), np.eye(size)), GaussianContext.from_parameters(parameters, size)
        limit = self.max_divergence
        return (limit - old.divergence_from(new)) / limit, -new.gradient_of_second(old) / limit

    def _largest_feasible(self, found: Vector, margins: list[Function]) -> Vector | None:
        """``found``, or the furthest point on the way to it that keeps all margins; ``None`` if it is not finite."""

        def feasible(parameters: Vector) -> bool:
            return all(margin(parameters)[0] >= -TOLERANCE for margin in margins)

        if not np.isfinite(found).all():
            return None
        if feasible(found):
            return found
        low, high = 0.0, 1.0
        for _ in range(30):
            middle = (low + high) / 2
            low, high = (middle, high) if feasible(middle * found) else (low, middle)
        return low * found


def _constraint(margin: Function) -> dict[str, Any]:
    return {"type": "ineq", "fun": lambda x: margin(x)[0], "jac": lambda x: margin(x)[1]}
