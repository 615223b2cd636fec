"""ALP-GMM: practise where absolute learning progress is high, found by a Gaussian mixture.

Source: Portelas, Colas, Hofmann, Oudeyer, "Teacher algorithms for curriculum learning of Deep RL in continuously
parameterized environments", CoRL 2019 (arXiv 1910.07224), section 3 and algorithm 1.

Every episode gives a point [task, ALP], where ALP is the absolute difference between its return and the return of the
nearest earlier task. Every ``fit_rate`` episodes, mixtures with 2 to 10 Gaussians are fitted to the last ``fit_rate``
points and the one with the best criterion is kept. A task is drawn from a Gaussian chosen in proportion to its mean
ALP, or, in a share ``random_task_ratio`` of the cases, uniformly.

Presets and deviations:

* ``default`` computes in the unit cube and scales returns by the environment's declared range, without clipping:
  neither the units of a task nor those of the reward then change the curriculum. The original does neither for tasks.
* ``corl2019``: task units as they are, returns scaled to [0, 1] and clipped, fits every 250, 20 % random, 2 to 10
  Gaussians: the settings of the paper.
* ``tma2021``: raw task units and raw returns, fits every 150, 5 % random, 2 to 9 Gaussians: the settings of the
  TeachMyAgent benchmark (whose code leaves out the upper end of the range it documents).
* ``spdl2021``: raw task units, raw discounted returns, the last 500 episodes searched, fits every 100, 30 % random, 2
  to 10 Gaussians: the baseline of the self-paced papers (Klink et al. 2020) for PPO on the gate task.
* A candidate mixture that cannot be fitted (points that coincide) is left out of the choice; when none can be, the last
  mixture stays and ``failed_fits`` counts it.
* Mixtures are fitted with one BLAS thread: with more, these small fits take ten times as long.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from teachrl.files import StateTree
from teachrl.records.episodes import Episode
from teachrl.tasks.spaces import Vector
from teachrl.teachers.base import TeacherContext
from teachrl.teachers.learning_progress.alp_signal import AbsoluteLearningProgress
from teachrl.teachers.learning_progress.gaussian_mixture import GaussianMixtureConfig, GaussianMixtureTeacher

SIGNALS = {"return": "episode_return", "discounted_return": "discounted_return"}


class AlpGmmConfig(GaussianMixtureConfig):
    """Settings of ALP-GMM."""

    signal: Literal["return", "discounted_return"] = Field(
        "return", description="which return of an episode progress is measured in"
    )
    history_size: int | None = Field(
        None, ge=10, description="how many of the latest episodes the nearest task is looked for in; null for all"
    )


class AlpGmmTeacher(GaussianMixtureTeacher):
    """See the module's text. The first ``fit_rate`` tasks are uniform (bootstrap)."""

    Config = AlpGmmConfig
    presets = {
        "default": {},
        "corl2019": {"units": "native", "returns": "scaled_clipped"},
        "tma2021": {
            "units": "native",
            "returns": "raw",
            "fit_rate": 150,
            "random_task_ratio": 0.05,
            "max_components": 9,
        },
        "spdl2021": {
            "units": "native",
            "returns": "raw",
            "signal": "discounted_return",
            "history_size": 500,
            "fit_rate": 100,
            "random_task_ratio": 0.3,
        },
    }
    rules = {
        "bootstrap": "Drawn uniformly: there is no mixture yet.",
        "random": "Drawn uniformly, as a share {probability:.0%} of all tasks is.",
        "gaussian": "Drawn from Gaussian {gaussian:.0f} of the mixture, which was chosen with probability "
        "{probability:.0%} because of its mean absolute learning progress, {learning_progress:.3g}.",
    }
    signal_size = 1
    config: AlpGmmConfig

    def __init__(self, context: TeacherContext, config: AlpGmmConfig) -> None:
        super().__init__(context, config)
        self._progress = AbsoluteLearningProgress(self.space.size, config.history_size)

    def _signals(self, point: Vector, episode: Episode) -> Sequence[float]:
        value = self._scaled(float(getattr(episode, SIGNALS[self.config.signal])))
        return [self._progress.observe(point, value)]

    def _learning_progress(self) -> NDArray[np.float64]:
        progress: NDArray[np.float64] = self._means[:, -1]
        return progress

    def state(self) -> StateTree:
        return {**super().state(), "history": self._progress.history.state()}

    def restore(self, state: StateTree) -> None:
        super().restore(state)
        self._progress.history.restore(state["history"])
