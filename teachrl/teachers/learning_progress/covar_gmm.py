"""Covar-GMM: practise where returns grow with time, found by a Gaussian mixture.

Source: Moulin-Frier, Nguyen, Oudeyer, "Self-organization of early vocal development in infants and machines: the role
of intrinsic motivation", Frontiers in Psychology 4:1006, 2014; as a teacher of Deep RL: Portelas, Colas, Hofmann,
Oudeyer, CoRL 2019 (arXiv 1910.07224), where it is a baseline.

Every ``fit_rate`` episodes, mixtures with 2 to 10 Gaussians are fitted to the points [task, time, return] of the last
``fit_rate`` episodes, where time runs from 0 to 1 over them, and the one with the best criterion is kept. The learning
progress of a Gaussian is its covariance between time and return, and 0 where that is negative. A task is drawn from a
Gaussian chosen in proportion to it, or, in a share ``random_task_ratio`` of the cases, uniformly.

Presets and deviations:

* ``default`` computes in the unit cube and scales returns by the environment's declared range, without clipping:
  neither the units of a task nor those of the reward then change the curriculum.
* ``corl2019``: task units as they are, returns scaled to [0, 1] and clipped, fits every 250, 20 % random, 2 to 10
  Gaussians.
* ``tma2021``: raw task units and raw returns, fits every 150, 10 % random, 2 to 14 Gaussians: the settings of the
  TeachMyAgent benchmark (whose code leaves out the upper end of the range it documents). There, the first tasks come
  from the distribution of easy tasks where that is known; here they are uniform.
* A candidate mixture that cannot be fitted (points that coincide) is left out of the choice; when none can be, the last
  mixture stays and ``failed_fits`` counts it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from teachrl.records.episodes import Episode
from teachrl.tasks.spaces import Vector
from teachrl.teachers.learning_progress.gaussian_mixture import GaussianMixtureConfig, GaussianMixtureTeacher


class CovarGmmConfig(GaussianMixtureConfig):
    """Settings of Covar-GMM."""


class CovarGmmTeacher(GaussianMixtureTeacher):
    """See the module's text. The first ``fit_rate`` tasks are uniform (bootstrap)."""

    Config = CovarGmmConfig
    presets = {
        "default": {},
        "corl2019": {"units": "native", "returns": "scaled_clipped"},
        "tma2021": {
            "units": "native",
            "returns": "raw",
            "fit_rate": 150,
            "random_task_ratio": 0.1,
            "max_components": 14,
        },
    }
    rules = {
        "bootstrap": "Drawn uniformly: there is no mixture yet.",
        "random": "Drawn uniformly, as a share {probability:.0%} of all tasks is.",
        "gaussian": "Drawn from Gaussian {gaussian:.0f} of the mixture, which was chosen with probability "
        "{probability:.0%} because of its covariance of return and time, {learning_progress:.3g}.",
    }
    signal_size = 2

    def _signals(self, point: Vector, episode: Episode) -> Sequence[float]:
        time = self._episodes % self.config.fit_rate / self.config.fit_rate
        return [time, self._scaled(episode.episode_return)]

    def _learning_progress(self) -> NDArray[np.float64]:
        progress: NDArray[np.float64] = np.maximum(self._covariances[:, -2, -1], 0.0)
        return progress
