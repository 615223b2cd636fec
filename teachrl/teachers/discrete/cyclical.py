"""Cyclical curriculum: the easiest tasks first, then more and more of them, then fewer again, and so on.

Source: Kesgin, Amasyali, "Cyclical Curriculum Learning", IEEE Transactions on Neural Networks and Learning Systems 2023
(arXiv 2202.05531, 2022), made for supervised learning. Training goes in passes over a part of the data. The size of the
part starts at a share ``start`` of the whole, is divided by ``alpha`` < 1 at each pass until it is ``end``, is then
multiplied by ``alpha`` at each pass until it is ``start`` again, and so forth.

Tasks are the cells of a `TaskSet`, ordered from easy to hard by the first of these that there is:

1. ``harder``, which says for some dimensions which end is hard: the key is the mean distance from their easy ends;
2. the knowledge ``easy_start``: the key is the distance from the mean of the easy tasks;
3. the order of the choices, when the space is a single dimension of choices.

Distances are taken in the unit cube. A task is drawn uniformly from the easiest share in use.

Presets and deviations:

* There is the preset ``default``; the shares 0.25 and 1 and the factor 0.5 are the defaults of the authors' code.
* The original draws each part by scores from the losses of a model trained before, so that easy data is only likelier.
  There are no such scores in reinforcement learning: the order is given, and the part is exactly the easiest share.
* A pass over the whole set takes ``episodes_per_pass`` finished episodes, one over a share of it that share of them.
  They need not fall on each task once.
* ``random_task_ratio``, 0 by default, draws a share from the whole space.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from teachrl.errors import UsageError, unknown_name
from teachrl.records.episodes import Episode
from teachrl.teachers.base import TeacherContext
from teachrl.teachers.discrete.base import RANDOM_RULE, CellNumbers, Cells, TaskSetConfig, TaskSetTeacher


class CyclicalConfig(TaskSetConfig):
    """Settings of the cyclical curriculum."""

    start: float = Field(0.25, gt=0, le=1, description="smallest share of the set in use, with which it starts")
    end: float = Field(1.0, gt=0, le=1, description="largest share of the set in use")
    alpha: float = Field(
        0.5, gt=0, lt=1, description="factor of the share from one pass to the next: divided by it up, multiplied down"
    )
    episodes_per_pass: int = Field(
        400, ge=1, description="episodes of a pass over the whole set; a pass over a share of it has that share of them"
    )
    harder: Mapping[str, Literal["high", "low"]] | None = Field(
        None,
        description="for each dimension that decides, which end is hard, such as {stump_height: high}; null for the "
        "knowledge 'easy_start' or the order of the choices",
    )
    random_task_ratio: float = Field(0.0, ge=0, le=1, description="share of tasks drawn uniformly from the whole space")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.start > self.end:
            raise ValueError(f"start ({self.start}) is above end ({self.end})")
        if self.harder is not None and not self.harder:
            raise ValueError("harder must name at least one dimension, or be null")
        return self


class CyclicalTeacher(TaskSetTeacher):
    """See the module's text. Raises `UsageError` for sets that are too large and when nothing says what is easy."""

    Config = CyclicalConfig
    origin = "easiest"
    rules = {
        "random": RANDOM_RULE,
        "easiest": "Drawn from the easiest {share:.0%} of the cells, which are in use at pass {pass:.0f} of the cycle; "
        "in the order from easy to hard, its cell is number {rank:.0f}.",
    }
    config: CyclicalConfig

    def __init__(self, context: TeacherContext, config: CyclicalConfig) -> None:
        super().__init__(context, config)
        # Rounded, so that cells at equal distances stay in the order of the set whatever the units.
        order = np.argsort(np.round(self._difficulty(), 9), kind="stable")
        self._ranks: Cells = np.empty(len(order), dtype=np.int64)
        self._ranks[order] = np.arange(len(order))
        self._shares = cycle_shares(config.start, config.end, config.alpha)
        lengths = np.maximum(np.round(np.array(self._shares) * config.episodes_per_pass), 1)
        self._ends = np.cumsum(lengths).astype(np.int64)

    def _difficulty(self) -> CellNumbers:
        """The key by which cells are ordered, shape ``(cells,)``: the lower, the easier."""
        centers, dimensions = self.task_set.unit_centers, self.space.dimensions
        if self.config.harder is not None:
            keys = [self._distance_from_easy_end(centers, name, end) for name, end in self.config.harder.items()]
            mean: CellNumbers = np.mean(keys, axis=0)
            return mean
        if self.context.knowledge.initial is not None:
            easy = self.space.to_unit(self.context.knowledge.initial.mean)
            distances: CellNumbers = np.linalg.norm(centers - easy, axis=1)
            return distances
        if len(dimensions) == 1 and dimensions[0].kind == "choice":
            return centers[:, 0]
        raise UsageError(
            "the cyclical teacher must know what is easy: set teacher.options.harder to the hard end of the dimensions "
            f"that decide, such as {{{self.space.names[0]}: high}}, or grant the knowledge 'easy_start' "
            "(teacher.knowledge) of an environment that declares `initial_mean` and `initial_std`"
        )

    def _distance_from_easy_end(self, centers: CellNumbers, name: str, hard_end: str) -> CellNumbers:
        if name not in self.space.names:
            raise unknown_name("task parameter in teacher.options.harder", name, self.space.names)
        values = centers[:, self.space.names.index(name)]
        return values if hard_end == "high" else 1 - values

    def update(self, episodes: Sequence[Episode]) -> None:
        self._episodes += len(episodes)

    def weigh(self) -> tuple[CellNumbers, dict[str, CellNumbers]]:
        place = int(np.searchsorted(self._ends, self._episodes % self._ends[-1], side="right"))
        share, cells = self._shares[place], len(self._ranks)
        active = self._ranks < max(1, np.ceil(share * cells - 1e-9))
        numbers = {"share": np.full(cells, share), "pass": np.full(cells, place + 1.0), "rank": self._ranks + 1.0}
        return active / active.sum(), numbers


def cycle_shares(start: float, end: float, alpha: float) -> tuple[float, ...]:
    """The shares of one cycle: from ``start`` up to below ``end``, then from ``end`` down to above ``start``."""
    if end <= start:
        return (end,)
    up, down = [start], [end]
    while up[-1] / alpha < end * (1 - 1e-9):
        up.append(up[-1] / alpha)
    while down[-1] * alpha > start * (1 + 1e-9):
        down.append(down[-1] * alpha)
    return (*up, *down)
