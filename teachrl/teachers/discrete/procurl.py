"""ProCuRL: practise where success is uncertain, neither too easy nor too hard for the student as it is now.

Source: Tzannetos, Ribeiro, Kamalaruban, Singla, "Proximal Curriculum for Reinforcement Learning Agents", TMLR 2023
(arXiv 2304.12877). A task i is drawn with probability ∝ exp(β PoS(i) (PoS* - PoS(i))), where PoS is the student's
probability of success and PoS* that of an optimal one, 1 when nothing is known of it: the product is largest at 1/2.

With ``target_similarity``, ProxCoRL: Tzannetos, Kamalaruban, Singla, "Proximal Curriculum with Task Correlations for
Deep Reinforcement Learning", IJCAI 2024 (arXiv 2405.02481): the product is multiplied by the largest similarity
exp(-||c - c_target||) of the task to the wanted ones.

Presets and deviations:

* There is the preset ``default``, with PoS* = 1. ``beta`` has no common published value; 20 is ours.
* Tasks are the cells of a `TaskSet`. PoS of a cell is estimated from the episodes played on it (the original plays
  extra rollouts, or takes values): a mean that starts with one half, counted as one episode, and forgets exponentially
  once the cell has had about ``1 / step_size`` episodes. So a cell that nobody has played looks like a promising one.
* ``signal: return`` puts the return, scaled to [0, 1] by the environment's range and clipped, in the place of success.
* ``signal: start_value`` takes PoS from the student's value of the latest first observation of each cell, scaled by
  ``value_range`` and clipped, each time the student has learnt. Cells without episodes stay at one half.
* Distances to targets are taken in the unit cube between the middles of cells and `TARGETS` tasks drawn once from the
  target distribution; the original takes raw contexts. The factor that the theory gives to the student's chances on
  the target itself is left out, as in the authors' code.
* A share ``random_task_ratio`` is uniform over the whole space, so that estimates do not go stale.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from pydantic import Field, field_validator
from scipy.spatial.distance import cdist

from teachrl.errors import UsageError
from teachrl.files import StateTree
from teachrl.records.episodes import Array, Episode
from teachrl.tasks.knowledge import Piece
from teachrl.teachers.base import Signal, TeacherContext, Values
from teachrl.teachers.discrete.base import RANDOM_RULE, CellNumbers, TaskSetConfig, TaskSetTeacher
from teachrl.teachers.episode_score import episode_score, require_success

TARGETS = 100
UNKNOWN = 0.5


class ProCuRLConfig(TaskSetConfig):
    """Settings of ProCuRL."""

    beta: float = Field(
        20.0, ge=0, allow_inf_nan=False, description="how strongly promising cells are preferred; 0: all equally likely"
    )
    signal: Literal["success", "return", "start_value"] = Field(
        "success",
        description="what the probability of success is estimated from: successes, returns scaled by the environment's "
        "range, or the student's values of first observations",
    )
    step_size: float = Field(
        0.1, gt=0, le=0.5, description="weight of the newest episode in the estimate of a cell that has had many"
    )
    value_range: tuple[float, float] | None = Field(
        None,
        description="values that stand for a probability of success of 0 and 1, with signal start_value; null for the "
        "environment's range of returns",
    )
    target_similarity: bool = Field(
        False, description="prefer cells near the wanted tasks (ProxCoRL); needs the knowledge 'target'"
    )

    @field_validator("value_range")
    @classmethod
    def _ordered(cls, value: tuple[float, float] | None) -> tuple[float, float] | None:
        if value is not None and not (np.isfinite(value).all() and value[0] < value[1]):
            raise ValueError(f"value_range must be two finite numbers, the lower one first; got {value}")
        return value


class ProCuRLTeacher(TaskSetTeacher):
    """See the module's text. Raises `UsageError` for sets that are too large and for signals that nobody gives.

    With ``start_value``, the first observation last seen in each cell is kept: memory, and the size of checkpoints,
    is up to the number of cells times that of an observation.
    """

    Config = ProCuRLConfig
    origin = "cell"
    promise = "potential"
    rules = {
        "random": RANDOM_RULE,
        "cell": "Drawn from cell {cell:.0f}, which was chosen with probability {probability:.2%}: success there is put "
        "at {success_probability:.0%}, a learning potential of {potential:.3g} (0.25 is the most).",
    }
    saved = ("_rates", "_counts", "_similarity")
    config: ProCuRLConfig

    def __init__(self, context: TeacherContext, config: ProCuRLConfig) -> None:
        super().__init__(context, config)
        if config.signal == "success":
            require_success(context, "ProCuRL")
        elif config.signal == "return":
            self.unit_return(0.0, clip=True)  # raises now, not after the first episode, when there is no range
        else:
            self._value_range()
        self._rates = np.full(self.task_set.size, UNKNOWN)
        self._counts = np.zeros(self.task_set.size, dtype=np.int64)
        self._similarity = self._similarities() if config.target_similarity else np.ones(self.task_set.size)
        self._first_observations: dict[int, Array] = {}

    @classmethod
    def required_knowledge(cls, config: Any) -> tuple[Piece, ...]:
        return ("target",) if config.target_similarity else ()

    @property
    def signals(self) -> frozenset[Signal]:
        return frozenset({"start_value"}) if self.config.signal == "start_value" else frozenset()

    def _value_range(self) -> tuple[float, float]:
        chosen = self.config.value_range or self.context.return_range
        if chosen is None:
            raise UsageError(
                "ProCuRL with signal start_value scales values by the environment's range of returns, and the "
                "environment declares none: set teacher.options.value_range, or env.return_range in the experiment"
            )
        return chosen

    def _similarities(self) -> CellNumbers:
        target = self.context.knowledge.target
        if target is None:  # `make_teacher` has checked; this is for those who build the class themselves
            raise UsageError(
                "ProCuRL with target_similarity needs the knowledge 'target', which the context does not hold"
            )
        tasks = self.space.to_unit(target.sample(self.space, self.rng, TARGETS))
        similarities: CellNumbers = np.exp(-cdist(self.task_set.unit_centers, tasks).min(axis=1))
        return similarities

    def update(self, episodes: Sequence[Episode]) -> None:
        for episode in episodes:
            cell = int(self.task_set.index_of(episode.task))
            if self.config.signal == "start_value":
                if episode.first_observation is not None:
                    self._first_observations[cell] = np.array(episode.first_observation)
            else:
                step = max(self.config.step_size, 1 / (self._counts[cell] + 2))
                self._rates[cell] += step * (episode_score(self, episode, self.config.signal) - self._rates[cell])
                self._counts[cell] += 1
            self._episodes += 1

    def student_learned(self, values: Values) -> None:
        if not self._first_observations:
            return
        low, high = self._value_range()
        estimates = (values(np.stack(list(self._first_observations.values()))) - low) / (high - low)
        cells = np.array(list(self._first_observations))
        self._rates[cells] = np.clip(np.where(np.isfinite(estimates), estimates, self._rates[cells]), 0.0, 1.0)

    def weigh(self) -> tuple[CellNumbers, dict[str, CellNumbers]]:
        potential = self._rates * (1 - self._rates) * self._similarity
        weights = np.exp(self.config.beta * (potential - potential.max()))
        return weights / weights.sum(), {"success_probability": self._rates, "potential": potential}

    def state(self) -> StateTree:
        observations = list(self._first_observations.values())
        return {
            **super().state(),
            "observed": list(self._first_observations),
            "first_observations": np.stack(observations) if observations else np.zeros(0),
        }

    def restore(self, state: StateTree) -> None:
        super().restore(state)
        observations = map(np.array, state["first_observations"])
        self._first_observations = dict(zip(state["observed"], observations, strict=True))
