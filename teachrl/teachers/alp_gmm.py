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
* A candidate mixture that cannot be fitted (points that coincide) is left out of the choice; when none can be, the last
  mixture stays and ``failed_fits`` counts it.
* Mixtures are fitted with one BLAS thread: with more, these small fits take ten times as long.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import cache
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from teachrl.episodes import Episode
from teachrl.tasks import Vector
from teachrl.teachers.base import Curriculum, Gaussian, Lesson, Plan, State, Teacher, TeacherConfig
from teachrl.teachers.learning_progress import AbsoluteLearningProgress

SIGNALS = {"return": "episode_return", "discounted_return": "discounted_return"}


class AlpGmmConfig(TeacherConfig):
    """Settings of ALP-GMM."""

    fit_rate: int = Field(
        250, ge=10, description="episodes between two fits; also how many of the latest each fit uses"
    )
    random_task_ratio: float = Field(0.2, ge=0, le=1, description="share of tasks drawn uniformly")
    min_components: int = Field(2, ge=1, description="fewest Gaussians tried")
    max_components: int = Field(10, ge=1, description="most Gaussians tried, included")
    criterion: Literal["aic", "bic"] = Field("aic", description="information criterion that picks the mixture")
    units: Literal["unit_cube", "native"] = Field("unit_cube", description="where distances between tasks are measured")
    signal: Literal["return", "discounted_return"] = Field(
        "return", description="which return of an episode progress is measured in"
    )
    history_size: int | None = Field(
        None, ge=10, description="how many of the latest episodes the nearest task is looked for in; null for all"
    )
    returns: Literal["scaled", "scaled_clipped", "raw"] = Field(
        "scaled", description="scale returns by the environment's declared range, clip them to it as well, or neither"
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.min_components > self.max_components:
            raise ValueError(f"min_components ({self.min_components}) is above max_components ({self.max_components})")
        if self.max_components > self.fit_rate:
            raise ValueError(f"max_components ({self.max_components}) needs at least as many points: raise fit_rate")
        return self


class AlpGmmTeacher(Teacher):
    """See the module's text. The first ``fit_rate`` tasks are uniform (bootstrap)."""

    Config = AlpGmmConfig
    presets = {  # noqa: RUF012
        "default": {},
        "corl2019": {"units": "native", "returns": "scaled_clipped"},
        "tma2021": {
            "units": "native",
            "returns": "raw",
            "fit_rate": 150,
            "random_task_ratio": 0.05,
            "max_components": 9,
        },
    }
    rules = {  # noqa: RUF012
        "bootstrap": "Drawn uniformly: there is no mixture yet.",
        "random": "Drawn uniformly, as a share {probability:.0%} of all tasks is.",
        "gaussian": "Drawn from Gaussian {gaussian:.0f} of the mixture, which was chosen with probability "
        "{probability:.0%} because of its mean absolute learning progress, {learning_progress:.3g}.",
    }
    config: AlpGmmConfig

    def __init__(self, lesson: Lesson, config: AlpGmmConfig) -> None:
        super().__init__(lesson, config)
        if config.returns != "raw":
            self.unit_return(0.0, clip=False)  # raises now, not after the first episode, when there is no range
        size = self.space.size
        self._progress = AbsoluteLearningProgress(size, config.history_size)
        self._window = np.zeros((config.fit_rate, size + 1))
        self._means = np.zeros((0, size + 1))
        self._covariances = np.zeros((0, size + 1, size + 1))
        self._episodes = 0
        self._fits = 0
        self.failed_fits = 0

    def plan(self, n: int) -> Plan:
        chosen = [self._choose() for _ in range(n)]
        tasks, origins, reasons = zip(*chosen, strict=True)
        return Plan(np.array(tasks), origins, self._fits, reasons)

    def _choose(self) -> tuple[Vector, str, dict[str, float]]:
        if not len(self._means):
            return self.space.sample(self.rng, 1)[0], "bootstrap", {}
        if self.rng.random() < self.config.random_task_ratio:
            return self.space.sample(self.rng, 1)[0], "random", {"probability": self.config.random_task_ratio}
        weights = self._weights()
        index = int(self.rng.choice(len(self._means), p=weights))
        point = self.rng.multivariate_normal(self._means[index], self._covariances[index], method="cholesky")
        progress = float(self._means[index, -1])
        reason = {"gaussian": index, "probability": float(weights[index]), "learning_progress": progress}
        return self._to_task(point[:-1]), "gaussian", reason

    def _weights(self) -> NDArray[np.float64]:
        progress = np.maximum(self._means[:, -1], 0.0)
        total = progress.sum()
        if total <= 0 or not np.isfinite(total):
            return np.full(len(progress), 1 / len(progress))
        weights: NDArray[np.float64] = progress / total
        return weights

    def _from_task(self, task: Vector) -> Vector:
        return self.space.to_unit(task) if self.config.units == "unit_cube" else task

    def _to_task(self, point: Vector) -> Vector:
        if self.config.units == "unit_cube":
            return self.space.from_unit(point)
        # A round trip through the cube clips to the bounds and puts whole numbers on whole numbers.
        return self.space.from_unit(self.space.to_unit(np.clip(point, self.space.low, self.space.high)))

    def update(self, episodes: Sequence[Episode]) -> None:
        for episode in episodes:
            value = float(getattr(episode, SIGNALS[self.config.signal]))
            if self.config.returns != "raw":
                value = self.unit_return(value, clip=self.config.returns == "scaled_clipped")
            point = self._from_task(episode.task)
            self._window[self._episodes % self.config.fit_rate] = [*point, self._progress.observe(point, value)]
            self._episodes += 1
            if self._episodes % self.config.fit_rate == 0:
                self._fit()

    def _fit(self) -> None:
        seed = int(self.rng.integers(2**31))
        components = range(self.config.min_components, self.config.max_components + 1)
        best = fit_best_mixture(self._window, components, self.config.criterion, seed)
        if best is None:
            self.failed_fits += 1
            return
        self._means, self._covariances = best
        self._fits += 1

    def picture(self) -> Curriculum:
        if not len(self._means):
            return Curriculum()
        scale = self.space.high - self.space.low if self.config.units == "unit_cube" else np.ones(self.space.size)
        offset = self.space.low if self.config.units == "unit_cube" else np.zeros(self.space.size)
        gaussians = [
            Gaussian(
                mean=(offset + mean[:-1] * scale).tolist(),
                covariance=(covariance[:-1, :-1] * np.outer(scale, scale)).tolist(),
                weight=float(weight) * (1 - self.config.random_task_ratio),
                learning_progress=float(mean[-1]),
            )
            for mean, covariance, weight in zip(self._means, self._covariances, self._weights(), strict=True)
        ]
        return Curriculum(tuple(gaussians), random_ratio=self.config.random_task_ratio)

    def state(self) -> State:
        return {
            "rng": self.rng.bit_generator.state,
            "history": self._progress.history.state(),
            "window": self._window.copy(),
            "means": self._means,
            "covariances": self._covariances,
            "episodes": self._episodes,
            "fits": self._fits,
            "failed_fits": self.failed_fits,
        }

    def restore(self, state: State) -> None:
        self.rng.bit_generator.state = state["rng"]
        self._progress.history.restore(state["history"])
        self._window = np.array(state["window"])
        self._means, self._covariances = np.array(state["means"]), np.array(state["covariances"])
        self._episodes, self._fits, self.failed_fits = state["episodes"], state["fits"], state["failed_fits"]


@cache
def _blas() -> Any:
    """The BLAS libraries of this process: finding them takes milliseconds, so it is done once."""
    import sklearn.mixture  # noqa: F401  (it must be loaded before the libraries are looked up)
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def fit_best_mixture(
    points: NDArray[np.float64], components: Sequence[int], criterion: str, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Fit a full-covariance mixture for each number of components; return (means, covariances) of the best.

    ``points`` has shape ``(n, d)``; means ``(k, d)``, covariances ``(k, d, d)``. Lower `criterion` is better. ``None``
    when not one mixture could be fitted.
    """
    import sklearn
    from sklearn.mixture import GaussianMixture

    best, best_score = None, np.inf
    with _blas().limit(limits=1), sklearn.config_context(assume_finite=True), warnings.catch_warnings():
        # An EM that stops at its iteration limit, or k-means on coinciding points, still gives a usable mixture.
        warnings.filterwarnings("ignore", module="sklearn")
        for k in components:
            mixture = GaussianMixture(k, covariance_type="full", random_state=seed)
            try:
                mixture.fit(points)
            except ValueError:  # a covariance that is not positive definite
                continue
            score = float(getattr(mixture, criterion)(points))
            if score < best_score:
                best, best_score = (mixture.means_, mixture.covariances_), score
    return best
