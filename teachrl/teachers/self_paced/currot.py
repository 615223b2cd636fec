"""CURROT: particles travel to the wanted tasks, through tasks on which the student performs well enough.

Source: Klink, Yang, D'Eramo, Peters, Pajarinen, "Curriculum Reinforcement Learning via Constrained Optimal Transport",
ICML 2022 (PMLR 162). Written from the method's description; the authors' code was not consulted.

The curriculum is a set of particles in the space of tasks. It should come as near to the target distribution as it can,
in the Wasserstein distance, while every particle stays where the expected performance is at least ``threshold``, and
moves by no more than ``step`` in an update. Every ``update_every`` episodes:

1. expected performance is estimated by kernel regression (Nadaraya-Watson, Gaussian kernel) over the latest
   ``history_size`` episodes;
2. as many samples of the target are drawn as there are particles, and assigned to them so that the sum of squared
   distances is least, which is the optimal transport between the two sets;
3. each particle moves to the point nearest to its sample among ``candidates`` within its step: on the straight way, or
   at random around it, where the estimate is at least ``threshold``. Staying is one of them.

A particle whose own estimate is below the threshold looks for better ground first: it moves towards the nearest episode
that is estimated at the threshold or above, or in the best tenth while nothing is that good. With nothing better known
it stays. A task is a particle chosen uniformly, plus Gaussian noise of half a step in all (less when the particle is
nearer to its sample than a step), which is what the regression learns the surroundings from.

Particles start as samples of the environment's ``initial`` distribution and travel to its ``target`` distribution when
the experiment grants them; without the one or the other, that is the uniform distribution.

There is one preset, ``default``; the published settings are tied to the units of each of the paper's tasks. Deviations:

* Everything is computed in the unit cube, and lengths are shares of its diagonal. The paper measures in task units.
* Performance is success by default, with a threshold of one half; the paper's is the discounted return, which
  ``signal`` can choose.
* The limit on a step holds for every particle, which implies the paper's limit on the Wasserstein distance.
* A particle below the threshold moves as described; the paper keeps buffers of episodes above and below the threshold
  and chooses new particles from these.
* The noise shrinks as a particle arrives, so that a narrow target is practised as it is.
* Task dimensions with one value only are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from teachrl.records.curriculum import Curriculum
from teachrl.records.episodes import Episode
from teachrl.tasks.knowledge import TaskDistribution
from teachrl.tasks.spaces import Vector
from teachrl.teachers.base import Plan, Signal, Teacher, TeacherConfig, TeacherContext

Matrix = NDArray[np.float64]
MEASURES = {"success": "success", "return": "episode_return", "discounted_return": "discounted_return"}
STRAIGHT = np.linspace(0.0, 1.0, 5)
BEST_SHARE = 0.1


class CurrotConfig(TeacherConfig):
    """Settings of CURROT."""

    particles: int = Field(100, ge=1, description="how many tasks the curriculum is made of")
    update_every: int = Field(50, ge=1, description="episodes between two updates")
    signal: Literal["success", "return", "discounted_return"] = Field(
        "success", description="what performance is: success (0 or 1) or a return in the environment's units"
    )
    threshold: float = Field(0.5, description="expected performance that every particle must keep")
    step: float = Field(0.05, gt=0, le=1, description="furthest move of a particle, as a share of the cube's diagonal")
    bandwidth: float = Field(0.02, gt=0, le=1, description="width of the kernel, as a share of the cube's diagonal")
    history_size: int = Field(500, ge=1, description="how many of the latest episodes the regression uses")
    candidates: int = Field(20, ge=len(STRAIGHT), description="points a particle can move to, itself included")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.signal == "success" and not 0 < self.threshold <= 1:
            raise ValueError(f"threshold is a success rate in (0, 1]; got {self.threshold:g}. For a return set signal")
        return self


class CurrotTeacher(Teacher):
    """See the module's text."""

    Config = CurrotConfig
    rules = {
        "particle": "Drawn around particle {particle:.0f} of the curriculum after {updates:.0f} updates, at a distance "
        "of {distance:.3g} (unit cube) from where it goes, with an expected performance of {performance:.3g}.",
        "initial": "Drawn around particle {particle:.0f} of the curriculum, before its first update.",
    }
    config: CurrotConfig
    saved = ("_particles", "_distances", "_expected", "_tasks", "_performance", "_episodes", "_updates")

    def __init__(self, context: TeacherContext, config: CurrotConfig) -> None:
        super().__init__(context, config)
        self._free = self.space.low < self.space.high
        size = int(self._free.sum())
        self._step = config.step * np.sqrt(size)
        self._particles = self._draw(context.knowledge.initial)
        self._distances = np.full(config.particles, self._step)
        self._expected = np.zeros(config.particles)
        self._tasks = np.zeros((config.history_size, size))
        self._performance = np.zeros(config.history_size)
        self._episodes = 0
        self._updates = 0

    @property
    def signals(self) -> frozenset[Signal]:
        return frozenset({"success"}) if self.config.signal == "success" else frozenset()

    def _draw(self, known: TaskDistribution | None) -> Matrix:
        """As many points as there are particles, in the unit cube without fixed dimensions."""
        if known is None:
            return self.rng.random((self.config.particles, int(self._free.sum())))
        return self.space.to_unit(known.sample(self.space, self.rng, self.config.particles))[:, self._free]

    def plan(self, n: int) -> Plan:
        chosen = self.rng.integers(self.config.particles, size=n)
        # Half a step is the root mean square of the whole move, so each dimension has its share of it.
        noise = np.minimum(self._distances, self._step) / 2 / np.sqrt(max(self._particles.shape[1], 1))
        points = self._particles[chosen]
        unit = self._to_unit(points + noise[chosen, None] * self.rng.standard_normal(points.shape))
        reasons = tuple(
            {
                "particle": float(i),
                "updates": float(self._updates),
                "distance": float(self._distances[i]),
                "performance": float(self._expected[i]),
            }
            for i in chosen
        )
        origin = "particle" if self._updates else "initial"
        return Plan(self.space.from_unit(unit), (origin,) * n, self._updates, reasons)

    def _to_unit(self, points: Matrix) -> Matrix:
        unit = np.zeros((len(points), self.space.size))
        unit[:, self._free] = points
        return unit

    def update(self, episodes: Sequence[Episode]) -> None:
        for episode in episodes:
            place = self._episodes % self.config.history_size
            self._tasks[place] = self.space.to_unit(episode.task)[self._free]
            self._performance[place] = float(getattr(episode, MEASURES[self.config.signal]))
            self._episodes += 1
            if self._episodes % self.config.update_every == 0 and self._free.any():
                self._move()

    def _move(self) -> None:
        rows, targets = np.arange(self.config.particles), self._draw(self.context.knowledge.target)
        _, assigned = linear_sum_assignment(cdist(self._particles, targets, "sqeuclidean"))
        able = self._expect(self._particles) >= self.config.threshold
        aims = np.where(able[:, None], targets[assigned], self._better_ground())
        candidates = self._candidates(aims)
        expected = self._expect(candidates.reshape(-1, candidates.shape[-1])).reshape(candidates.shape[:2])
        distances = np.linalg.norm(candidates - aims[:, None], axis=-1)
        # Those in search of better ground cannot stay above a threshold that they do not reach.
        allowed = (expected >= self.config.threshold) | ~able[:, None]
        best = np.where(allowed, distances, np.inf).argmin(axis=1)
        self._particles = candidates[rows, best]
        # Whatever they aim at, those in search must go on looking around.
        self._distances = np.maximum(distances[rows, best], np.where(able, 0.0, self._step))
        self._expected = expected[rows, best]
        self._updates += 1

    def _expect(self, points: Matrix) -> Vector:
        """Expected performance at ``points (n, d)``, shape ``(n,)``; far from all episodes, that of the nearest."""
        known = min(self._episodes, self.config.history_size)
        width = self.config.bandwidth * np.sqrt(points.shape[1])
        exponent = cdist(points, self._tasks[:known], "sqeuclidean") / (-2 * width**2)
        weights = np.exp(exponent - exponent.max(axis=1, keepdims=True))
        expected: Vector = weights @ self._performance[:known] / weights.sum(axis=1)
        return expected

    def _better_ground(self) -> Matrix:
        """For each particle the nearest promising episode that is expected to go better, or where it is."""
        tasks = self._tasks[: min(self._episodes, self.config.history_size)]
        at_tasks, at_particles = self._expect(tasks), self._expect(self._particles)
        promising = at_tasks >= min(self.config.threshold, float(np.quantile(at_tasks, 1 - BEST_SHARE)))
        distances = cdist(self._particles, tasks)
        distances[~(promising & (at_tasks > at_particles[:, None]))] = np.inf
        nearest = distances.argmin(axis=1)
        found = np.isfinite(distances.min(axis=1))
        return np.where(found[:, None], tasks[nearest], self._particles)

    def _candidates(self, aims: Matrix) -> Matrix:
        """Points within a step of each particle, shape ``(particles, candidates, d)``; the first is where it is."""
        way = aims - self._particles
        length = np.linalg.norm(way, axis=1, keepdims=True)
        reach = way * np.minimum(1.0, self._step / np.maximum(length, 1e-12))
        straight = self._particles[:, None] + STRAIGHT[:, None] * reach[:, None]
        n, size = self._particles.shape
        number = self.config.candidates - len(STRAIGHT)
        directions = self.rng.standard_normal((n, number, size))
        directions /= np.maximum(np.linalg.norm(directions, axis=-1, keepdims=True), 1e-12)
        radii = self._step * self.rng.random((n, number, 1)) ** (1 / size)
        around = np.clip(self._particles[:, None] + radii * directions, 0.0, 1.0)
        return np.concatenate([straight, around], axis=1)

    def curriculum(self) -> Curriculum:
        tasks = self.space.from_unit(self._to_unit(self._particles))
        return Curriculum(samples=tuple(task.tolist() for task in tasks), random_ratio=0.0)
