"""GoalGAN: practise goals of intermediate difficulty, proposed by a generative adversarial network.

Source: Florensa, Held, Geng, Abbeel, "Automatic goal generation for reinforcement learning agents", ICML 2018 (arXiv
1705.06366), sections 4.1 to 4.3 and algorithm 1. The sizes of the networks and the numbers are those of the baseline of
Klink et al. 2020, "Self-paced deep reinforcement learning" (arXiv 2004.11812), which TeachMyAgent uses as well.

A generator turns noise into goals. Each is played ``n_rollouts`` times, and is of intermediate difficulty when its
share of successes lies between ``min_success`` and ``max_success``. After ``update_size`` goals, a discriminator learns
to tell goals of intermediate difficulty from others and from the generator's own (least squares: +1 against -1), and
the generator learns to make goals that it rates +1. Goals that the student has mastered are kept, spread out, and a
share ``old_goal_ratio`` of the choices takes one of them, against forgetting. Before the first task, the networks are
trained on easy tasks: ``knowledge.initial`` where granted, otherwise a Gaussian at a random place with a standard
deviation of 10 % of each range.

Presets and deviations:

* ``default``: fewer training steps, so that teaching stays cheap; a share ``random_task_ratio`` of the new goals is
  uniform, because networks that start where every goal is too easy, or too hard, would never be trained again;
  distances between mastered goals in the unit cube.
* ``tma2021``: the settings of the TeachMyAgent benchmark: no uniform goals, distances in task units.
* ``spdl2021``: the settings of the self-paced papers for PPO on the gate task, otherwise as ``tma2021``.
* An episode finds its goal by the goal's number in ``Plan.reasons``, so results may come in any order. The originals
  look up the task's floats, and keep for ever what never comes.
* At most `MAX_OPEN_GOALS` goals wait for results. Beyond that the oldest is given up: a failed episode never comes.
* At most ``success_capacity`` mastered goals are kept; beyond that a new one takes the place of the nearest.
* A parameter with a single value is left out. Computing is in the unit cube, where the noise has one size for every
  parameter, as it has in the originals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from teachrl.errors import UsageError
from teachrl.files import StateTree
from teachrl.records.curriculum import Curriculum
from teachrl.records.episodes import Episode
from teachrl.tasks.knowledge import TaskDistribution
from teachrl.tasks.spaces import Vector
from teachrl.teachers.base import Plan, Signal, Teacher, TeacherConfig, TeacherContext
from teachrl.teachers.generative.goal_gan_networks import GoalGenerator

PRETRAINING_TASKS = 1000
MAX_OPEN_GOALS = 2048
PICTURE_SIZE = 100
PUBLISHED = {"iterations": 250, "random_task_ratio": 0.0, "success_capacity": 10_000, "units": "native"}


class GoalGanConfig(TeacherConfig):
    """Settings of GoalGAN."""

    noise: float = Field(
        0.1, ge=0, description="standard deviation of the noise on every goal, as a share of each parameter's range"
    )
    n_rollouts: int = Field(2, ge=1, description="episodes played on each new goal")
    min_success: float = Field(
        0.25, ge=0, le=1, description="lowest share of successes of a goal of intermediate difficulty"
    )
    max_success: float = Field(
        0.75, ge=0, le=1, description="highest share of successes of a goal of intermediate difficulty"
    )
    update_size: int = Field(100, ge=1, description="goals played to the end between two trainings of the networks")
    iterations: int = Field(60, ge=1, description="steps of each network in a training")
    pretraining_iterations: int = Field(500, ge=1, description="steps of each network on easy tasks, before the start")
    old_goal_ratio: float = Field(0.1, ge=0, le=1, description="share of the choices that repeat a mastered goal")
    random_task_ratio: float = Field(0.1, ge=0, le=1, description="share of the new goals drawn uniformly")
    success_distance: float = Field(
        0.01, ge=0, description="distance that keeps mastered goals apart, as a share of the space's diagonal"
    )
    success_capacity: int = Field(1000, ge=1, description="most mastered goals kept")
    units: Literal["unit_cube", "native"] = Field(
        "unit_cube", description="where distances between mastered goals are measured"
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.min_success > self.max_success:
            raise ValueError(f"min_success ({self.min_success}) is above max_success ({self.max_success})")
        return self


@dataclass
class Goal:
    """A goal whose results are not all in. Counts are of attempts: chosen, played to the end, successful."""

    number: int
    point: list[float]
    origin: str
    reason: dict[str, float]
    chosen: int = 0
    played: int = 0
    successes: int = 0


class GoalGanTeacher(Teacher):
    """See the module's text. Points are in the unit cube of the ``d`` parameters that vary."""

    Config = GoalGanConfig
    presets = {
        "default": {},
        "tma2021": PUBLISHED,
        "spdl2021": {**PUBLISHED, "noise": 0.025},
    }
    rules = {
        "goal": "Attempt {attempt:.0f} at goal {goal:.0f} of the generator, which the discriminator rated {rating:.2f} "
        "(1 stands for intermediate difficulty, -1 for any other goal).",
        "random": "Attempt {attempt:.0f} at goal {goal:.0f}, which was drawn uniformly, as a share {probability:.0%} "
        "of new goals is.",
        "old_goal": "Close to one of {mastered:.0f} mastered goals, as a share {probability:.0%} of the choices is.",
    }
    saved = {
        "_generator": "networks",
        "_pretrained": "pretrained",
        "_newest": "newest",
        "_mastered": "mastered",
        "_trainings": "trainings",
    }
    config: GoalGanConfig

    def __init__(self, context: TeacherContext, config: GoalGanConfig) -> None:
        super().__init__(context, config)
        ranges = self.space.high - self.space.low
        self._free = np.flatnonzero(ranges)
        d = len(self._free)
        if not d:
            raise UsageError("goal-gan needs a task parameter that varies; in this task space each has a single value")
        scale = ranges[self._free] if config.units == "native" else np.ones(d)
        self._distance_scale = scale / np.linalg.norm(scale)
        self._generator = GoalGenerator(self.rng, d)
        self._pretrained = False
        self._open: dict[int, Goal] = {}
        self._newest = -1
        self._labelled = np.zeros((config.update_size, d))
        self._labels = np.zeros(config.update_size, dtype=bool)
        self._n_labelled = 0
        self._mastered = np.zeros((0, d))
        self._trainings = 0

    @property
    def signals(self) -> frozenset[Signal]:
        return frozenset({"success"})

    def plan(self, n: int) -> Plan:
        if not self._pretrained:
            self._pretrain()
        chosen = [self._choose() for _ in range(n)]
        tasks, origins, reasons = zip(*chosen, strict=True)
        return Plan(np.array(tasks), origins, self._trainings, reasons)

    def _pretrain(self) -> None:
        easy = self.context.knowledge.initial
        if easy is None:
            easy = TaskDistribution(self.space.sample(self.rng, 1)[0], 0.1 * (self.space.high - self.space.low))
        points = self._to_points(easy.sample(self.space, self.rng, PRETRAINING_TASKS))
        wanted = np.ones(len(points), dtype=bool)
        self._generator.train(self.rng, points, wanted, self.config.pretraining_iterations)
        self._pretrained = True

    def _choose(self) -> tuple[Vector, str, dict[str, float]]:
        goal = self._open.get(self._newest)
        reason: dict[str, float]
        if goal is None or goal.chosen == self.config.n_rollouts:
            if len(self._mastered) and self.rng.random() < self.config.old_goal_ratio:
                old = self._mastered[self.rng.integers(len(self._mastered))]
                reason = {"mastered": len(self._mastered), "probability": self.config.old_goal_ratio}
                return self._to_task(self._noisy(old)), "old_goal", reason
            goal = self._new_goal()
        goal.chosen += 1
        reason = {"goal": goal.number, "attempt": goal.chosen, **goal.reason}
        return self._to_task(np.array(goal.point)), goal.origin, reason

    def _new_goal(self) -> Goal:
        if self.rng.random() < self.config.random_task_ratio:
            origin, proposed = "random", self.rng.random(len(self._free))
            reason = {"probability": self.config.random_task_ratio}
        else:
            origin, proposed = "goal", self._noisy(np.clip(self._generator.propose(self.rng, 1)[0], 0.0, 1.0))
            reason = {"rating": float(self._generator.rate(proposed[None])[0])}
        # The point of the task that will be played, where whole numbers are whole.
        point = self._to_points(self._to_task(proposed)).tolist()
        self._newest += 1
        goal = Goal(self._newest, point, origin, reason)
        self._open[self._newest] = goal
        if len(self._open) > MAX_OPEN_GOALS:
            del self._open[next(iter(self._open))]
        return goal

    def _noisy(self, point: Vector) -> Vector:
        noisy: Vector = np.clip(point + self.rng.normal(0.0, self.config.noise, point.shape), 0.0, 1.0)
        return noisy

    def _to_points(self, tasks: Vector) -> Vector:
        return self.space.to_unit(tasks)[..., self._free]

    def _to_task(self, point: Vector) -> Vector:
        unit = np.zeros(self.space.size)
        unit[self._free] = point
        return self.space.from_unit(unit)

    def update(self, episodes: Sequence[Episode]) -> None:
        for episode in episodes:
            number = int(episode.reason.get("goal", -1))
            goal = self._open.get(number)
            if goal is None or episode.success is None:
                continue
            goal.played += 1
            goal.successes += episode.success
            if goal.played == self.config.n_rollouts:
                del self._open[number]
                self._label(np.array(goal.point), goal.successes / goal.played)

    def _label(self, point: Vector, share: float) -> None:
        self._labelled[self._n_labelled] = point
        self._labels[self._n_labelled] = self.config.min_success <= share <= self.config.max_success
        self._n_labelled += 1
        if share > self.config.max_success:
            self._remember(point)
        if self._n_labelled == self.config.update_size:
            if self._labels.any():  # without an example of what is wanted there is nothing to learn
                self._generator.train(self.rng, self._labelled, self._labels, self.config.iterations)
                self._trainings += 1
            self._n_labelled = 0

    def _remember(self, point: Vector) -> None:
        """Keep a mastered goal, unless one as close as that is kept already."""
        distances = np.linalg.norm((self._mastered - point) * self._distance_scale, axis=1)
        if (distances <= self.config.success_distance).any():
            return
        if len(self._mastered) == self.config.success_capacity:
            self._mastered[distances.argmin()] = point
        else:
            self._mastered = np.concatenate([self._mastered, point[None]])

    def curriculum(self) -> Curriculum:
        # A generator of its own: drawing a picture must not change the next task.
        points = np.clip(self._generator.propose(np.random.default_rng(0), PICTURE_SIZE), 0.0, 1.0)
        samples = tuple(self._to_task(point).tolist() for point in points)
        return Curriculum(samples=samples, random_ratio=self.config.random_task_ratio)

    def state(self) -> StateTree:
        return {
            **super().state(),
            "open": [asdict(goal) for goal in self._open.values()],
            "labelled": self._labelled[: self._n_labelled].copy(),
            "labels": self._labels[: self._n_labelled].copy(),
        }

    def restore(self, state: StateTree) -> None:
        super().restore(state)
        self._open = {goal["number"]: Goal(**goal) for goal in state["open"]}
        self._n_labelled = len(state["labels"])
        self._labelled[: self._n_labelled] = state["labelled"]
        self._labels[: self._n_labelled] = state["labels"]
