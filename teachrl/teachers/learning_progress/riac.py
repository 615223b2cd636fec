"""RIAC: practise in the regions of the task space where absolute learning progress is high.

Source: Baranes and Oudeyer, "R-IAC: Robust intrinsically motivated exploration and active learning", IEEE Transactions
on Autonomous Mental Development 1(3), 2009; as a teacher of Deep RL: Portelas, Colas, Hofmann, Oudeyer, CoRL 2019
(arXiv 1910.07224), where it is a baseline.

The task space is one region at first. A region's absolute learning progress (ALP) is the absolute difference between
the mean returns of the older and of the newer half of its last episodes. A region that holds more than ``region_size``
episodes is cut in two by the best of ``split_attempts`` random cuts: the one that sets apart progress most. The region
stays beside its parts, so that tasks are drawn from regions of all sizes: uniformly in a region chosen in proportion to
its ALP; or, in a share ``mutation_ratio``, near the task of the lowest return in such a region; or, in a share
``random_task_ratio``, uniformly in the whole space.

Presets and deviations:

* ``default`` scores a cut by the difference of ALP times the numbers of episodes on both sides, as R-IAC is meant; the
  code of 2019 and 2021 leaves out these numbers by mistake. Mutations are as wide as the same share of each range.
* ``corl2019``: that mistake, returns scaled to [0, 1] and clipped, mutations of 0.1 in the units of the tasks, regions
  of 200 episodes, 50 cuts, sides of at least 1/15 of the range: the settings of the code of 2019.
* ``tma2021``: the same with raw returns, regions of 150 episodes, 75 cuts, sides of at least 1/10: the settings of the
  TeachMyAgent benchmark.
* In all presets: the parts of a region get their own ALP at once (the original gives both that of the last cut tried,
  until their next episode), cuts that leave too few episodes on a side are avoided by drawing from the others directly
  (the original draws again until it succeeds, which gives the same distribution and can take long), and everything
  random comes from the teacher's generator.
* Learning progress only matters in proportion, so raw returns do as well as scaled ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from teachrl.records.curriculum import Curriculum, Region
from teachrl.records.episodes import Episode
from teachrl.tasks.spaces import Vector
from teachrl.teachers.base import Plan, Teacher, TeacherConfig, TeacherContext
from teachrl.teachers.learning_progress.region_tree import RegionTree, SplitRules, SplitScore

MARGIN = 1e-5  # of the unit cube, between a mutation and the sides of its region


class RiacConfig(TeacherConfig):
    """Settings of RIAC."""

    region_size: int = Field(200, ge=20, description="episodes that a region holds; it splits when there are more")
    split_attempts: int = Field(50, ge=1, description="random cuts of which the best splits a region")
    split_score: SplitScore = Field(
        "weighted",
        description="what the best cut has most of: the difference of learning progress between its sides, weighted "
        "with the numbers of their episodes or as it is (difference)",
    )
    min_side: float = Field(1 / 15, ge=0.001, le=1, description="shortest side of a region, as a share of the range")
    min_points_ratio: float = Field(
        0.05, gt=0, le=0.5, description="fewest episodes on each side of a cut, as a share of region_size"
    )
    discard_ratio: float = Field(
        0.25, gt=0, le=0.5, description="share of region_size whose oldest episodes go when no cut is possible"
    )
    random_task_ratio: float = Field(0.2, ge=0, le=1, description="share of tasks drawn uniformly")
    mutation_ratio: float = Field(0.1, ge=0, le=1, description="share of tasks near the worst one of a region")
    mutation_std: float = Field(0.1, ge=0, description="standard deviation of a mutation, in `units`")
    units: Literal["unit_cube", "native"] = Field("unit_cube", description="where mutations are measured")
    returns: Literal["raw", "scaled_clipped"] = Field(
        "raw", description="take returns as they are, or scale and clip them to the environment's declared range"
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.random_task_ratio + self.mutation_ratio > 1:
            raise ValueError("random_task_ratio and mutation_ratio are shares of all tasks: together at most 1")
        return self


class RiacTeacher(Teacher):
    """See the module's text."""

    Config = RiacConfig
    presets = {
        "default": {},
        "corl2019": {"split_score": "difference", "units": "native", "returns": "scaled_clipped"},
        "tma2021": {
            "split_score": "difference",
            "units": "native",
            "region_size": 150,
            "split_attempts": 75,
            "min_side": 0.1,
        },
    }
    rules = {
        "random": "Drawn uniformly, as a share {probability:.0%} of all tasks is.",
        "region": "Drawn uniformly from region {region:.0f}, which was chosen with probability {probability:.2%} "
        "because of its absolute learning progress, {learning_progress:.3g}.",
        "mutation": "Drawn near the task of the lowest return in region {region:.0f}, which was chosen with "
        "probability {probability:.2%} because of its absolute learning progress, {learning_progress:.3g}.",
    }
    config: RiacConfig
    saved = ("_tree",)

    def __init__(self, context: TeacherContext, config: RiacConfig) -> None:
        super().__init__(context, config)
        if config.returns != "raw":
            self.unit_return(0.0, clip=True)  # raises now, not after the first episode, when there is no range
        rules = SplitRules(
            region_size=config.region_size,
            attempts=config.split_attempts,
            min_points=max(1, int(config.min_points_ratio * config.region_size)),
            min_side=config.min_side,
            discard_ratio=config.discard_ratio,
            score=config.split_score,
        )
        self._tree = RegionTree(self.space.size, rules)
        self._mutation_std = np.full(self.space.size, config.mutation_std)
        if config.units == "native":
            self._mutation_std *= self.space.to_unit(self.space.low + 1) - self.space.to_unit(self.space.low)

    def plan(self, n: int) -> Plan:
        chosen = [self._choose() for _ in range(n)]
        tasks, origins, reasons = zip(*chosen, strict=True)
        return Plan(np.array(tasks), origins, self._tree.size // 2, reasons)

    def _choose(self) -> tuple[Vector, str, dict[str, float]]:
        draw = self.rng.random()
        if draw < self.config.random_task_ratio:
            return self.space.sample(self.rng, 1)[0], "random", {"probability": self.config.random_task_ratio}
        weights = self._weights()
        index = int(self.rng.choice(len(weights), p=weights))
        region = self._tree.regions[index]
        low, high = region["low"], region["high"]
        reason = {"region": index, "probability": weights[index], "learning_progress": region["progress"]}
        reason = {name: float(number) for name, number in reason.items()}
        if draw < self.config.random_task_ratio + self.config.mutation_ratio and region["count"]:
            point = self._tree.worst_point(index) + self._mutation_std * self.rng.standard_normal(self.space.size)
            return self.space.from_unit(np.clip(point, low + MARGIN, high - MARGIN)), "mutation", reason
        return self.space.from_unit(self.rng.uniform(low, high)), "region", reason

    def _weights(self) -> NDArray[np.float64]:
        progress = self._tree.regions["progress"]
        total = progress.sum()
        if total <= 0 or not np.isfinite(total):
            return np.full(len(progress), 1 / len(progress))
        weights: NDArray[np.float64] = progress / total
        return weights

    def update(self, episodes: Sequence[Episode]) -> None:
        for episode in episodes:
            value = episode.episode_return
            if self.config.returns != "raw":
                value = self.unit_return(value, clip=True)
            point = self.space.to_unit(episode.task)
            leaf = self._tree.add(point, value)
            if self._tree.is_full(leaf):
                self._tree.split(leaf, self.rng)

    def curriculum(self) -> Curriculum:
        share = 1 - self.config.random_task_ratio
        regions = [
            Region(
                low=self.space.from_unit(region["low"]).tolist(),
                high=self.space.from_unit(region["high"]).tolist(),
                weight=float(weight) * share,
                learning_progress=float(region["progress"]),
            )
            for region, weight in zip(self._tree.regions, self._weights(), strict=True)
        ]
        return Curriculum(regions=tuple(regions), random_ratio=self.config.random_task_ratio)
