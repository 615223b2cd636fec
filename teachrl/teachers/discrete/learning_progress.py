"""Learning progress over a finite set: practise the cells whose success rate is changing fastest, up or down.

Source: Kanitscheider et al., "Multi-task curriculum learning in a complex, visual, hard-exploration domain: Minecraft",
2021 (arXiv 2106.14876), the section on the learning-progress curriculum. The idea that a *teacher* measures the slope
of a *student*'s learning curve on each task, takes its absolute value so that forgotten tasks come back, and gives out
tasks as a bandit does, is that of Matiisen, Oliver, Cohen and Schulman, "Teacher-Student Curriculum Learning", 2017
(arXiv 1707.00183).

For each cell of a `TaskSet`, a fast exponential average follows the outcomes of its episodes, and a slow one follows
the fast one. Both are reweighted by f(p) = (1 - θ) p / (p + θ (1 - 2 p)), which for θ < 1/2 enlarges the differences
between small success rates. Learning progress is |f(fast) - f(slow)|. It is standardised over the cells (z-score), and
a sigmoid, centred on one quantile of the normal distribution and saturating at a higher one, turns it into weights that
are large only for the cells of the most progress. Probabilities are the normalised weights.

Presets and deviations:

* There is the preset ``default``. θ = 0.1 and the quantiles 90 % and 95 % are the paper's.
* The sigmoid is the logistic function; "saturates" is read as reaching 0.95.
* An average moves once for each episode of its own cell, by ``step_size``; the paper's move with the optimiser's steps,
  and its rates come from many episodes at once. Both averages begin at the first outcome of their cell, so that it is
  not taken for progress. A cell without episodes has no progress.
* Cells of any task space are tasks; the paper has a list of goals. A share ``random_task_ratio`` is uniform over the
  whole space, so that every cell is heard of again; without any progress all cells are equally likely.
* ``signal: return`` puts the return, scaled to [0, 1] by the environment's range and clipped, in the place of success;
  ``signal: guide`` the share of an episode's sub-goals that were reached, so that sub-goals can be the cells.
* Matiisen et al. use the slope alone, with ε-greedy, softmax or Thompson sampling; here it is only the source of words.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator
from scipy.special import logit, ndtri

from teachrl.records.episodes import Episode
from teachrl.teachers.base import TeacherContext
from teachrl.teachers.discrete.base import RANDOM_RULE, CellNumbers, TaskSetConfig, TaskSetTeacher
from teachrl.teachers.episode_score import episode_score, require_success

SATURATED = 0.95
LEAST_SPREAD = 1e-9
"""Rounding alone makes averages of a constant differ a little; below this spread all cells have the same progress."""


class LearningProgressConfig(TaskSetConfig):
    """Settings of the learning-progress teacher."""

    signal: Literal["success", "return", "guide"] = Field(
        "success",
        description="what progress is measured in: success; return, scaled by the environment's range; guide, the "
        "share of the sub-goals given that were reached",
    )
    step_size: float = Field(
        0.1, gt=0, le=1, description="how far the averages of a cell move towards what they follow, at each episode"
    )
    reweighting: float = Field(
        0.1, gt=0, le=0.5, description="θ of f(p) = (1 - θ) p / (p + θ (1 - 2 p)); 0.5 leaves success rates as they are"
    )
    focus_quantile: float = Field(
        0.9, gt=0, lt=1, description="quantile of the normal distribution at which the sigmoid over progress is 1/2"
    )
    saturation_quantile: float = Field(
        0.95, gt=0, lt=1, description="quantile at which the sigmoid is 0.95; the closer to focus_quantile, the steeper"
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.saturation_quantile <= self.focus_quantile:
            raise ValueError(
                f"saturation_quantile ({self.saturation_quantile}) must be above focus_quantile ({self.focus_quantile})"
            )
        return self


class LearningProgressTeacher(TaskSetTeacher):
    """See the module's text. Raises `UsageError` for sets that are too large and for signals that nobody gives."""

    Config = LearningProgressConfig
    origin = "cell"
    promise = "learning_progress"
    rules = {
        "random": RANDOM_RULE,
        "cell": "Drawn from cell {cell:.0f}, which was chosen with probability {probability:.2%} because of its "
        "learning progress, {learning_progress:.3g}; its success rate (or scaled return) is about {rate:.0%}.",
    }
    config: LearningProgressConfig
    saved = ("_fast", "_slow", "_progress", "_played")

    def __init__(self, context: TeacherContext, config: LearningProgressConfig) -> None:
        super().__init__(context, config)
        if config.signal == "success":
            require_success(context, "the learning-progress teacher")
        elif config.signal == "return":
            self.unit_return(0.0, clip=True)  # raises now, not after the first episode, when there is no range
        self._fast = np.zeros(self.task_set.size)
        self._slow = np.zeros(self.task_set.size)
        self._progress = np.zeros(self.task_set.size)
        self._played = np.zeros(self.task_set.size, dtype=bool)

    def update(self, episodes: Sequence[Episode]) -> None:
        for episode in episodes:
            cell = int(self.task_set.index_of(episode.task))
            value = episode_score(self, episode, self.config.signal)
            if not self._played[cell]:
                self._fast[cell] = self._slow[cell] = value
                self._played[cell] = True
            self._fast[cell] += self.config.step_size * (value - self._fast[cell])
            self._slow[cell] += self.config.step_size * (self._fast[cell] - self._slow[cell])
            averages = np.array([self._fast[cell], self._slow[cell]])
            self._progress[cell] = abs(np.diff(reweighted(averages, self.config.reweighting))[0])
            self._episodes += 1

    def weigh(self) -> tuple[CellNumbers, dict[str, CellNumbers]]:
        weights = self._focus(self._progress)
        return weights / weights.sum(), {"learning_progress": self._progress, "rate": self._fast}

    def _focus(self, progress: CellNumbers) -> CellNumbers:
        spread = progress.std()
        if spread < LEAST_SPREAD:
            return np.ones(len(progress))
        center, saturation = ndtri(self.config.focus_quantile), ndtri(self.config.saturation_quantile)
        slope = logit(SATURATED) / (saturation - center)
        scores = slope * ((progress - progress.mean()) / spread - center)
        # In logarithms, so that the best cell has the weight 1 however steep the sigmoid.
        logarithms = np.minimum(scores, 0) - np.log1p(np.exp(-np.abs(scores)))
        weights: CellNumbers = np.exp(logarithms - logarithms.max())
        return weights


def reweighted(rates: CellNumbers, theta: float) -> CellNumbers:
    """f(p) = (1 - θ) p / (p + θ (1 - 2 p)) of rates in [0, 1]: keeps 0 and 1, and takes θ to 1/2."""
    return (1 - theta) * rates / (rates + theta * (1 - 2 * rates))
