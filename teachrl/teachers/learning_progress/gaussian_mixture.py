"""Gaussian mixtures over tasks, and what the teachers that practise with one have in common (ALP-GMM, Covar-GMM)."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Sequence
from functools import cache
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from teachrl.records.curriculum import Curriculum, Gaussian
from teachrl.records.episodes import Episode
from teachrl.tasks.spaces import Vector
from teachrl.teachers.base import Plan, Teacher, TeacherConfig, TeacherContext


class GaussianMixtureConfig(TeacherConfig):
    """Settings that all teachers with a mixture share."""

    fit_rate: int = Field(
        250, ge=10, description="episodes between two fits; also how many of the latest each fit uses"
    )
    random_task_ratio: float = Field(0.2, ge=0, le=1, description="share of tasks drawn uniformly")
    min_components: int = Field(2, ge=1, description="fewest Gaussians tried")
    max_components: int = Field(10, ge=1, description="most Gaussians tried, included")
    criterion: Literal["aic", "bic"] = Field("aic", description="information criterion that picks the mixture")
    units: Literal["unit_cube", "native"] = Field("unit_cube", description="where distances between tasks are measured")
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


class GaussianMixtureTeacher(Teacher):
    """Every ``fit_rate`` episodes fits mixtures to the last ``fit_rate`` points and keeps the best.

    A point is the task followed by the ``signal_size`` numbers of `_signals`. A task is drawn from a Gaussian chosen in
    proportion to its `_learning_progress`, or, in a share ``random_task_ratio`` of the cases, uniformly. The first
    ``fit_rate`` tasks are uniform (bootstrap). When not one mixture can be fitted (points that coincide), the last one
    stays and ``failed_fits`` counts it.
    """

    signal_size: ClassVar[int]
    config: GaussianMixtureConfig
    saved = ("_window", "_means", "_covariances", "_episodes", "_fits", "failed_fits")

    def __init__(self, context: TeacherContext, config: GaussianMixtureConfig) -> None:
        super().__init__(context, config)
        if config.returns != "raw":
            self.unit_return(0.0, clip=False)  # raises now, not after the first episode, when there is no range
        size = self.space.size + self.signal_size
        self._window = np.zeros((config.fit_rate, size))
        self._means = np.zeros((0, size))
        self._covariances = np.zeros((0, size, size))
        self._episodes = 0
        self._fits = 0
        self.failed_fits = 0

    @abstractmethod
    def _signals(self, point: Vector, episode: Episode) -> Sequence[float]:
        """What stands beside the task in a point of the mixture, ``signal_size`` numbers."""

    @abstractmethod
    def _learning_progress(self) -> NDArray[np.float64]:
        """The learning progress of each Gaussian, shape ``(k,)``."""

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
        progress = float(self._learning_progress()[index])
        reason = {"gaussian": index, "probability": float(weights[index]), "learning_progress": progress}
        return self._to_task(point[: self.space.size]), "gaussian", reason

    def _weights(self) -> NDArray[np.float64]:
        progress = np.maximum(self._learning_progress(), 0.0)
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

    def _scaled(self, value: float) -> float:
        """A return as ``returns`` wants it."""
        if self.config.returns == "raw":
            return value
        return self.unit_return(value, clip=self.config.returns == "scaled_clipped")

    def update(self, episodes: Sequence[Episode]) -> None:
        for episode in episodes:
            point = self._from_task(episode.task)
            self._window[self._episodes % self.config.fit_rate] = [*point, *self._signals(point, episode)]
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

    def curriculum(self) -> Curriculum:
        if not len(self._means):
            return Curriculum()
        size = self.space.size
        scale = self.space.high - self.space.low if self.config.units == "unit_cube" else np.ones(size)
        offset = self.space.low if self.config.units == "unit_cube" else np.zeros(size)
        progress = self._learning_progress()
        gaussians = [
            Gaussian(
                mean=(offset + mean[:size] * scale).tolist(),
                covariance=(covariance[:size, :size] * np.outer(scale, scale)).tolist(),
                weight=float(weight) * (1 - self.config.random_task_ratio),
                learning_progress=float(progress[index]),
            )
            for index, (mean, covariance, weight) in enumerate(
                zip(self._means, self._covariances, self._weights(), strict=True)
            )
        ]
        return Curriculum(tuple(gaussians), random_ratio=self.config.random_task_ratio)


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
    when not one mixture could be fitted. One BLAS thread: with more, these small fits take ten times as long.
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
