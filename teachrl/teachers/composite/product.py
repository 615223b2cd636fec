"""Product: different teachers for different parameters of the same task.

Our own composition. Every parameter belongs to exactly one part. A part's teacher sees a task space of its parameters
only, and learns from every episode what came of its share of the task.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from math import prod

import numpy as np
from pydantic import Field

from teachrl.errors import UsageError
from teachrl.records.curriculum import Curriculum, Gaussian, Region
from teachrl.records.episodes import Episode
from teachrl.tasks.spaces import TaskSpace
from teachrl.teachers.base import Plan, TeacherConfig, TeacherContext
from teachrl.teachers.composite.base import CompositeTeacher, Part, TeacherChoice, selected

SEPARATOR = " & "
MAX_PICTURED = 50


class PartConfig(TeacherConfig):
    """One part of a product."""

    parameters: tuple[str, ...] = Field(
        min_length=1, description="names of task parameters; the name of a product space's part means all of that part"
    )
    teacher: TeacherChoice = Field(description="the teacher: its name, or a mapping with name, preset, options")


class ProductConfig(TeacherConfig):
    """Settings of a product."""

    parts: tuple[PartConfig, ...] = Field(description="the parts; each parameter of the task belongs to exactly one")


class ProductTeacher(CompositeTeacher):
    """See the module's text. ``origin`` joins those of the parts, in their order, with `` & ``."""

    takes_levels = False  # a level has no parameters that could be shared out
    Config = ProductConfig
    config: ProductConfig
    members = "parts"

    def __init__(self, context: TeacherContext, config: ProductConfig) -> None:
        parts = _parts(context.space, config)
        super().__init__(context, config, [part.teacher for part in config.parts], parts)

    def plan(self, n: int) -> Plan:
        plans = [self._ask(i, n) for i in range(len(self._teachers))]
        tasks = np.empty((n, self.space.size))
        for part, plan in zip(self._parts, plans, strict=True):
            tasks[:, part.indices] = plan.tasks
        origins = tuple(self._joined([plan.origins[k] for plan in plans]) for k in range(n))
        reasons = tuple({name: x for plan in plans for name, x in plan.reasons[k].items()} for k in range(n))
        return Plan(tasks, origins, sum(self._versions), reasons)

    def _joined(self, origins: Sequence[str]) -> str:
        # Doubled, an ampersand of a part's own (it may be a product too) is not taken for the separator.
        named = zip(self._names, origins, strict=True)
        return SEPARATOR.join(f"{name}/{origin}".replace("&", "&&") for name, origin in named)

    def _divided(self, origin: str) -> list[str]:
        """The origins of the parts; empty texts for an episode that was planned elsewhere."""
        origins = [part.replace("&&", "&") for part in origin.split(SEPARATOR)]
        if len(origins) != len(self._teachers):
            return [""] * len(self._teachers)
        return [self._own_origin(i, part) for i, part in enumerate(origins)]

    def update(self, episodes: Sequence[Episode]) -> None:
        for episode in episodes:
            for i, origin in enumerate(self._divided(episode.origin)):
                self._teachers[i].update([self._returned(i, episode, origin)])

    def explain(self, origin: str, reason: Mapping[str, float]) -> str:
        if not origin:
            return super().explain(origin, reason)
        return " ".join(
            f"{', '.join(self.config.parts[i].parameters)} ({self._names[i]}): {self._explained(i, own, reason)}"
            for i, own in enumerate(self._divided(origin))
        )

    def curriculum(self) -> Curriculum:
        """Every combination of what the parts draw, the `MAX_PICTURED` heaviest of them.

        Regions together are a region. Together with a Gaussian, a region is drawn as the Gaussian of its mean and
        variance. Samples of a part are not drawn: they say nothing about the rest of the task.
        """
        pictures = [teacher.curriculum() for teacher in self._teachers]
        shapes = [_shapes(curriculum, part) for curriculum, part in zip(pictures, self._parts, strict=True)]
        # The first combination, uniform in each part, is the whole's own uniform share.
        combinations = list(itertools.product(*shapes))[1:]
        combinations.sort(key=lambda combination: -prod(shape.weight for shape in combination))
        drawn = [c for c in combinations[:MAX_PICTURED] if all(shape.weight > 0 for shape in c)]
        gaussians = [self._gaussian(c) for c in drawn if any(isinstance(shape, Gaussian) for shape in c)]
        regions = [self._region(c) for c in drawn if not any(isinstance(shape, Gaussian) for shape in c)]
        return Curriculum(tuple(gaussians), tuple(regions), random_ratio=prod(p.random_ratio for p in pictures))

    def _gaussian(self, shapes: Sequence[Gaussian | Region]) -> Gaussian:
        mean, covariance = np.empty(self.space.size), np.zeros((self.space.size, self.space.size))
        for part, shape in zip(self._parts, shapes, strict=True):
            block = np.ix_(part.indices, part.indices)
            if isinstance(shape, Gaussian):
                mean[part.indices], covariance[block] = shape.mean, shape.covariance
            else:
                low, high = np.array(shape.low), np.array(shape.high)
                mean[part.indices], covariance[block] = (low + high) / 2, np.diag((high - low) ** 2 / 12)
        progress = sum(shape.learning_progress for shape in shapes)
        return Gaussian(mean.tolist(), covariance.tolist(), prod(shape.weight for shape in shapes), progress)

    def _region(self, shapes: Sequence[Gaussian | Region]) -> Region:
        low, high = self.space.low.copy(), self.space.high.copy()
        for part, shape in zip(self._parts, shapes, strict=True):
            assert isinstance(shape, Region)
            low[part.indices], high[part.indices] = shape.low, shape.high
        progress = sum(shape.learning_progress for shape in shapes)
        return Region(low.tolist(), high.tolist(), prod(shape.weight for shape in shapes), progress)


def _shapes(curriculum: Curriculum, part: Part) -> list[Gaussian | Region]:
    """What a part draws; first its uniform share, as a region."""
    uniform = Region(part.space.low.tolist(), part.space.high.tolist(), curriculum.random_ratio, 0.0)
    return [uniform, *curriculum.gaussians, *curriculum.regions]


def _parts(space: TaskSpace, config: ProductConfig) -> list[Part]:
    parts = []
    for i, part in enumerate(config.parts):
        try:
            parts.append(selected(space, part.parameters))
        except UsageError as error:
            raise UsageError(f"parts.{i}.parameters: {error}") from None
    for k, name in enumerate(space.names):
        owners = [f"parts.{i}" for i, part in enumerate(parts) if k in part.indices]
        if len(owners) != 1:
            where = "is in " + (" and ".join(owners) if owners else "none of the parts")
            raise UsageError(f"each parameter of the task belongs to exactly one part; {name!r} {where}")
    return parts
