"""SPDL, self-paced deep reinforcement learning: a Gaussian over tasks moves from easy ones to the wanted ones.

Source: Klink, D'Eramo, Peters, Pajarinen, "Self-Paced Deep Reinforcement Learning", NeurIPS 2020 (arXiv 2004.11812),
section 4 and algorithm 1, and the authors' code. Variant ``v2``: Klink, Abdulsamad, Belousov, D'Eramo, Peters,
Pajarinen, "A Probabilistic Interpretation of Self-Paced Learning with Applications to Reinforcement Learning",
JMLR 22, 2021.

Tasks are drawn from a Gaussian with full covariance. After a learning phase of the student, once an episode has ended
past the next multiple of ``update_every`` environment steps, the Gaussian is updated with the episodes since the last
update, the latest 1000 at most. The student's value of the first observation tells how well it will do on a task. With
``p`` the Gaussian and ``mu`` the target, and always subject to KL(p_old ‖ p) <= ``max_kl``:

* ``v1`` maximises the importance-weighted mean value minus alpha KL(p ‖ mu), where alpha is 0 for the first
  ``alpha_offset`` updates and then ``zeta`` x max(0, mean discounted return) / KL(p_old ‖ mu);
* ``v2`` minimises KL(p ‖ mu) while the weighted mean value stays at ``performance_threshold`` or above. Until the mean
  value has once been that high it maximises the value; when the value drops below later, the Gaussian stays.

While KL(p_old ‖ mu) is above ``kl_threshold``, the diagonal of the Cholesky factor, and so every standard deviation,
stays above ``std_floor``. An update is kept when it is feasible and better by the goal; otherwise the Gaussian stays.

Where it starts and where it goes are the environment's ``initial`` and ``target`` distributions when the experiment
grants them. Without the first it starts at a random mean with a standard deviation of 10 % of each range; without the
second it aims at the middle of the space with a quarter of each range (both as in TeachMyAgent).

Presets and deviations:

* ``default``: the settings of the paper's PPO on the gate task, and the mean value is taken off the values before they
  are weighted (``value_baseline``). In expectation that changes nothing; with few episodes it removes the pull towards
  the tasks that happened to be drawn, which becomes a push away from them when values are negative.
* ``spdl2021``: the same settings without the baseline, as published. The floors there, 0.2, 0.1875 and 0.1 in task
  units, are 2.5 % of each range, which is how ``std_floor`` is given here. ``performance_threshold`` is that of ``v2``.
* ``tma2021``: the settings of the TeachMyAgent benchmark (Romac et al. 2021). That code takes one natural-gradient step
  that may overshoot ``max_kl`` by half; here the limit holds.
* Everything is computed in the unit cube. Divergences do not depend on units, so neither do the published settings.
  Returns need no scaling: alpha is proportional to them.
* The solver is SLSQP in coordinates in which the present Gaussian is standard, not trust-constr in task units.
* alpha is limited by taking KL(p_old ‖ mu) as at least 1e-5, not by 1e5, which would depend on the units of the reward.
* The mean discounted return is that of the episodes that are used, the latest 1000 at most.
* A Gaussian that begins below the floor is widened to it at once. A standard deviation of 0 becomes 0.1 % of the range.
* As in the original, draws are clipped to the bounds, and the target does not draw before the mean discounted return is
  positive.
* Task dimensions with one value only are left out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from teachrl.errors import UsageError
from teachrl.files import StateTree
from teachrl.records.curriculum import Curriculum, Gaussian
from teachrl.records.episodes import Array, Episode
from teachrl.tasks.knowledge import TaskDistribution
from teachrl.tasks.spaces import Vector
from teachrl.teachers.base import Plan, Signal, Teacher, TeacherConfig, TeacherContext, Values
from teachrl.teachers.self_paced.gaussian_context import GaussianContext
from teachrl.teachers.self_paced.spdl_step import SMALLEST_DIVERGENCE, StepProblem

MOST_EPISODES = 1000
STD_FOR_ZERO = 1e-3
UNKNOWN_INITIAL_STD = 0.1
UNKNOWN_TARGET_STD = 0.25


class SpdlConfig(TeacherConfig):
    """Settings of SPDL."""

    variant: Literal["v1", "v2"] = Field("v1", description="penalised divergence (v1) or performance constraint (v2)")
    update_every: int = Field(2048, ge=1, description="environment steps between two updates; at most one a learning")
    update_offset: int = Field(10_240, ge=0, description="environment steps before the first update")
    zeta: float = Field(1.6, ge=0, description="v1: size of the penalty, as a share of the mean discounted return")
    alpha_offset: int = Field(10, ge=0, description="v1: how many of the first updates have no penalty")
    max_kl: float = Field(0.05, gt=0, le=5, description="largest KL divergence of an update, old from new, in nats")
    std_floor: Annotated[float, Field(ge=0)] | tuple[Annotated[float, Field(ge=0)], ...] = Field(
        0.025, description="least standard deviation far from the target, a share of the range: one, or one a parameter"
    )
    kl_threshold: float = Field(8000.0, ge=0, description="KL divergence to the target below which there is no floor")
    performance_threshold: float | None = Field(
        None, description="v2: mean value of first observations that must be kept, a discounted return"
    )
    value_baseline: bool = Field(True, description="take the mean off the values before they are weighted")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.variant == "v2" and self.performance_threshold is None:
            raise ValueError("variant v2 needs a performance_threshold: the discounted return that must be kept")
        return self


class SpdlTeacher(Teacher):
    """See the module's text."""

    Config = SpdlConfig
    presets = {
        "default": {},
        "spdl2021": {"value_baseline": False, "performance_threshold": 3.5},
        "tma2021": {
            "update_every": 50_000,
            "update_offset": 200_000,
            "zeta": 0.25,
            "max_kl": 0.1,
            "std_floor": 0.0,
            "value_baseline": False,
        },
    }
    rules = {
        "initial": "Drawn from the Gaussian of the start, whose KL divergence to the target is {divergence:.3g}.",
        "gaussian": "Drawn from the Gaussian after {updates:.0f} updates, whose KL divergence to the target is "
        "{divergence:.3g}; the last update saw a performance of {performance:.3g}.",
    }
    config: SpdlConfig
    saved = ("_due", "_updates", "_performance", "_reached", "_step")

    def __init__(self, context: TeacherContext, config: SpdlConfig) -> None:
        super().__init__(context, config)
        self._free = self.space.low < self.space.high
        self._floor = self._unit_floor()
        self._target = self._unit_target()
        self._gaussian = self._unit_initial()
        self._due = config.update_offset
        self._updates = 0
        self._performance = 0.0
        self._reached = False
        self._step = 0
        self._points: deque[Vector] = deque(maxlen=MOST_EPISODES)
        self._observations: deque[Array] = deque(maxlen=MOST_EPISODES)
        self._returns: deque[float] = deque(maxlen=MOST_EPISODES)

    @property
    def signals(self) -> frozenset[Signal]:
        return frozenset({"start_value"})

    def _unit_floor(self) -> Vector:
        floor = self.config.std_floor
        if isinstance(floor, tuple) and len(floor) != self.space.size:
            raise UsageError(
                f"std_floor has {len(floor)} numbers; give one for all parameters, or one for each of the "
                f"{self.space.size}: {', '.join(self.space.names)}"
            )
        shares = np.broadcast_to(np.asarray(floor, dtype=np.float64), (self.space.size,))
        return shares[self._free].copy()

    def _unit_target(self) -> GaussianContext:
        known = self.context.knowledge.target
        if known is not None:
            return self._to_unit(known)
        size = len(self._floor)
        return GaussianContext.diagonal(np.full(size, 0.5), np.full(size, UNKNOWN_TARGET_STD))

    def _unit_initial(self) -> GaussianContext:
        known, size = self.context.knowledge.initial, len(self._floor)
        if known is not None:
            start = self._to_unit(known)
        else:
            start = GaussianContext.diagonal(self.rng.random(size), np.full(size, UNKNOWN_INITIAL_STD))
        if start.divergence_from(self._target) > self.config.kl_threshold:
            return GaussianContext.diagonal(start.mean, np.maximum(np.diag(start.cholesky), self._floor))
        return start

    def _to_unit(self, known: TaskDistribution) -> GaussianContext:
        std = known.std[self._free] / self._task_units()
        mean = self.space.to_unit(known.mean)[self._free]
        return GaussianContext.diagonal(mean, np.where(std > 0, std, STD_FOR_ZERO))

    def _task_units(self) -> Vector:
        """Task units that make up a side of the cube, for each dimension with more than one value."""
        low, high = self.space.low, self.space.high
        sides: Vector = (high - low)[self._free] / (self.space.to_unit(high) - self.space.to_unit(low))[self._free]
        return sides

    def plan(self, n: int) -> Plan:
        unit = np.zeros((n, self.space.size))
        unit[:, self._free] = self._gaussian.sample(self.rng, n)
        origin = "gaussian" if self._updates else "initial"
        reason = {
            "updates": float(self._updates),
            "divergence": self._gaussian.divergence_from(self._target),
            "performance": self._performance,
        }
        return Plan(self.space.from_unit(unit), (origin,) * n, self._updates, (reason,) * n)

    def update(self, episodes: Sequence[Episode]) -> None:
        for episode in episodes:
            self._step = max(self._step, episode.step)
            if episode.first_observation is None:
                raise UsageError("SPDL needs the first observation of every episode (signal start_value)")
            self._points.append(self.space.to_unit(episode.task)[self._free])
            self._observations.append(episode.first_observation)
            self._returns.append(float(episode.discounted_return))

    def student_learned(self, values: Values) -> None:
        if self._step <= self._due or not self._points or not self._free.any():
            return
        # Updates that no learning phase came for are skipped, so that a backlog cannot grow.
        self._due += self.config.update_every * max(1, (self._step - self._due - 1) // self.config.update_every)
        estimates = np.asarray(values(np.stack(self._observations)), dtype=np.float64)
        divergence = self._gaussian.divergence_from(self._target)
        floor = self._floor if divergence > self.config.kl_threshold else np.zeros_like(self._floor)
        problem = StepProblem(
            self._gaussian,
            self._target,
            np.array(self._points),
            estimates,
            self.config.max_kl,
            floor,
            self.config.value_baseline,
        )
        found = self._penalized(problem, divergence) if self.config.variant == "v1" else self._constrained(problem)
        self._gaussian = found or self._gaussian
        self._updates += 1
        for buffer in (self._points, self._observations, self._returns):
            buffer.clear()

    def _penalized(self, problem: StepProblem, divergence: float) -> GaussianContext | None:
        self._performance = float(np.mean(self._returns))
        alpha = 0.0
        if self._updates >= self.config.alpha_offset:
            alpha = self.config.zeta * max(0.0, self._performance) / max(divergence, SMALLEST_DIVERGENCE)
        return problem.penalized(alpha)

    def _constrained(self, problem: StepProblem) -> GaussianContext | None:
        threshold = self.config.performance_threshold
        assert threshold is not None  # the settings were refused otherwise
        self._performance = float(problem.values.mean())
        if self._performance >= threshold:
            self._reached = True
            return problem.towards_target(threshold)
        return None if self._reached else problem.penalized(0.0)

    def curriculum(self) -> Curriculum:
        mean, covariance = self.space.low.copy(), np.zeros((self.space.size, self.space.size))
        sides = self._task_units()
        # The lower bound of whole numbers is the middle of their first cell, not the face of the cube.
        mean[self._free] += (self._gaussian.mean - self.space.to_unit(self.space.low)[self._free]) * sides
        covariance[np.ix_(self._free, self._free)] = self._gaussian.covariance * np.outer(sides, sides)
        return Curriculum((Gaussian(mean.tolist(), covariance.tolist(), 1.0, 0.0),), random_ratio=0.0)

    def state(self) -> StateTree:
        return {
            **super().state(),
            "mean": self._gaussian.mean.copy(),
            "cholesky": self._gaussian.cholesky.copy(),
            "points": np.array(self._points),
            "observations": np.array(self._observations),
            "returns": np.array(self._returns),
        }

    def restore(self, state: StateTree) -> None:
        super().restore(state)
        self._gaussian = GaussianContext(np.array(state["mean"]), np.array(state["cholesky"]))
        for name in ("points", "observations"):
            setattr(self, f"_{name}", deque(np.array(state[name]), MOST_EPISODES))
        self._returns = deque(np.array(state["returns"]).tolist(), MOST_EPISODES)
