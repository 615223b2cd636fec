"""Practise where half the episodes succeed: ``--teacher docs.examples.own_teacher:HalfwayTeacher``."""

from collections.abc import Sequence

import numpy as np
from pydantic import Field

from teachrl import Episode, Plan, Teacher, TeacherConfig, TeacherContext, UsageError, Vector


class HalfwayConfig(TeacherConfig):
    cells: int = Field(5, ge=1, description="cells along each dimension of the task space")
    random_task_ratio: float = Field(0.2, ge=0, le=1, description="share of tasks drawn uniformly")
    memory: float = Field(0.9, ge=0, lt=1, description="weight of a cell's past in its success rate")


class HalfwayTeacher(Teacher):
    """Cuts the task space into a grid; draws from the cell whose success rate is nearest to one half."""

    Config = HalfwayConfig
    config: HalfwayConfig
    saved = ("_rates", "_episodes")  # what a checkpoint holds beside the random generator

    def __init__(self, context: TeacherContext, config: HalfwayConfig) -> None:
        super().__init__(context, config)
        # A cell that was never played looks like the best one, so that each gets its turn.
        self._rates = np.full((config.cells,) * self.space.size, 0.5)
        self._episodes = 0

    def plan(self, n: int) -> Plan:
        chosen = [self._choose() for _ in range(n)]
        return Plan(np.array([t for t, _ in chosen]), tuple(o for _, o in chosen), version=self._episodes)

    def _choose(self) -> tuple[Vector, str]:
        if self.rng.random() < self.config.random_task_ratio:
            return self.space.sample(self.rng, 1)[0], "random"
        distance = np.abs(self._rates - 0.5)
        cell = self.rng.choice(np.argwhere(distance == distance.min()))
        point = (cell + self.rng.random(self.space.size)) / self.config.cells
        return self.space.from_unit(point), f"cell {tuple(cell.tolist())}"

    def update(self, episodes: Sequence[Episode]) -> None:
        for episode in episodes:
            if episode.success is None:
                raise UsageError(
                    "HalfwayTeacher learns from success, and this environment reports none: give it "
                    "info['success'], or set env.mastery_return in the experiment"
                )
            unit = self.space.to_unit(episode.task)
            cell = tuple(np.minimum((unit * self.config.cells).astype(int), self.config.cells - 1))
            self._rates[cell] += (1 - self.config.memory) * (episode.success - self._rates[cell])
            self._episodes += 1
