"""Setter-Solver: a network sets tasks that should succeed as often as it is asked for.

Source: Racanière, Lampinen, Santoro, Reichert, Firoiu, Lillicrap, "Automated curriculum generation through
setter-solver interactions", ICLR 2020 (arXiv 1909.12892), sections 3.1 to 3.3; without the loss for wanted goals.

A feasibility is drawn uniformly from (0, 1), and the setter, a conditional flow, turns noise and that feasibility into
a task. A judge learns to predict success from the task. The setter learns from three losses: the judge's prediction for
its tasks should be the feasibility asked for (feasibility); tasks that succeeded should be likely (validity); its tasks
should be spread out (coverage). Both learn every ``update_rate`` episodes.

Presets and deviations:

* ``default``: the setter starts spread over the task space, steps are larger, and the judge takes more of them on
  episodes further back: the published setter starts in the middle of the space and hardly leaves it. In the
  feasibility loss, the judge's logits count as at most ``logit_limit``: where it is sure of failure (or success)
  everywhere, differences between its answers say nothing, and would draw all tasks to a single point. Noise on
  successful tasks goes both ways.
* ``tma2021``: the settings of the TeachMyAgent benchmark: one step of each network an update, a judge with two hidden
  layers (its first is left out), latents that are recovered from the tasks played, noise in one direction only.
* Without a success in the batch the validity loss is left out. The original takes the mean of nothing, which is no
  number.
* Feasibilities stay `MARGIN` away from 0 and 1, whose logits are infinite.
* A parameter with a single value is left out. Computing is in the unit cube, as in the original.
* Tasks are made ``update_rate`` at a time, because one costs as much as many.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from teachrl.errors import UsageError
from teachrl.nn.networks import Learner, perceptron, tensor
from teachrl.records.curriculum import Curriculum
from teachrl.records.episodes import Episode
from teachrl.tasks.spaces import Vector
from teachrl.teachers.base import Plan, Signal, Teacher, TeacherConfig, TeacherContext
from teachrl.teachers.generative.setter_solver_flow import ConditionalFlow

JUDGE_WIDTH = 64
MARGIN = 1e-6
PICTURE_SIZE = 100


class SetterSolverConfig(TeacherConfig):
    """Settings of Setter-Solver."""

    update_rate: int = Field(50, ge=2, description="episodes between two updates of the networks")
    noise: float = Field(
        0.1, ge=0, le=1, description="width of the uniform noise on successful tasks that the setter learns from"
    )
    noise_side: Literal["both", "above"] = Field("both", description="whether that noise lowers parameters as well")
    hidden_size: int = Field(64, ge=1, description="width of the setter's networks")
    judge_layers: int = Field(3, ge=1, description="hidden layers of the judge, 64 wide")
    judge_steps: int = Field(10, ge=1, description="gradient steps of the judge at each update")
    memory: int = Field(500, ge=2, description="how many of the latest episodes the judge learns from")
    learning_rate: float = Field(3e-3, gt=0, description="step size of Adam, for both networks")
    latents: Literal["fresh", "recovered"] = Field(
        "fresh", description="where the noise of the setter's losses comes from: drawn, or recovered from played tasks"
    )
    logit_limit: float | None = Field(
        4.0, gt=0, description="beyond this the judge's logits make no difference to the setter; null for no limit"
    )
    spread_start: bool = Field(True, description="let the first tasks be spread over the task space")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.memory < self.update_rate:
            raise ValueError(f"memory ({self.memory}) is below update_rate ({self.update_rate})")
        return self


class SetterSolverTeacher(Teacher):
    """See the module's text. Points are in the unit cube of the ``d`` parameters that vary."""

    Config = SetterSolverConfig
    presets = {
        "default": {},
        "tma2021": {
            "noise_side": "above",
            "judge_layers": 2,
            "judge_steps": 1,
            "memory": 50,
            "learning_rate": 3e-4,
            "latents": "recovered",
            "logit_limit": None,
            "spread_start": False,
        },
    }
    rules = {
        "setter": "Set by the setter, which was asked for a task that succeeds in {feasibility:.0%} of all attempts; "
        "the judge expects {expected_success:.0%}.",
    }
    config: SetterSolverConfig
    saved = ("_setter", "_judge", "_played", "_waiting", "_since_update", "_updates")

    def __init__(self, context: TeacherContext, config: SetterSolverConfig) -> None:
        super().__init__(context, config)
        self._free = np.flatnonzero(self.space.high - self.space.low)
        d = len(self._free)
        if not d:
            raise UsageError("setter-solver needs a task parameter that varies; here each has a single value")
        adam = partial(torch.optim.Adam, lr=config.learning_rate, fused=True)
        self._setter = Learner(ConditionalFlow(self.rng, d, config.hidden_size, config.spread_start), adam)
        sizes = (d, *[JUDGE_WIDTH] * config.judge_layers, 1)
        self._judge = Learner(perceptron(self.rng, sizes, nn.ReLU), adam)
        # Rows [point, feasibility, success] of the latest episodes, and [point, feasibility, expected success] of the
        # tasks that wait to be planned.
        self._played = np.zeros((0, d + 2))
        self._waiting = np.zeros((0, d + 2))
        self._since_update = 0
        self._updates = 0

    @property
    def signals(self) -> frozenset[Signal]:
        return frozenset({"success"})

    def plan(self, n: int) -> Plan:
        while len(self._waiting) < n:
            self._waiting = np.concatenate([self._waiting, self._set_tasks(self.rng, self.config.update_rate)])
        chosen, self._waiting = self._waiting[:n], self._waiting[n:]
        reasons = tuple({"feasibility": float(row[-2]), "expected_success": float(row[-1])} for row in chosen)
        return Plan(self._to_tasks(chosen[:, :-2]), ("setter",) * n, self._updates, reasons)

    def _set_tasks(self, rng: np.random.Generator, n: int) -> NDArray[np.float64]:
        latents, feasibilities = self._draw(rng, n)
        with torch.no_grad():
            points, _ = self._setter.network(latents, feasibilities)
            expected = torch.sigmoid(self._judge.network(points))
        rows: NDArray[np.float64] = torch.cat([points, feasibilities, expected], dim=1).double().numpy()
        return rows

    def _draw(self, rng: np.random.Generator, n: int) -> tuple[Tensor, Tensor]:
        return tensor(rng.normal(size=(n, len(self._free)))), tensor(rng.uniform(MARGIN, 1 - MARGIN, (n, 1)))

    def _to_tasks(self, points: Vector) -> Vector:
        unit = np.zeros((len(points), self.space.size))
        unit[:, self._free] = points
        return self.space.from_unit(unit)

    def update(self, episodes: Sequence[Episode]) -> None:
        for episode in episodes:
            if episode.success is None or "feasibility" not in episode.reason:
                continue
            point = self.space.to_unit(episode.task)[self._free]
            row = [*point, episode.reason["feasibility"], float(episode.success)]
            self._played = np.concatenate([self._played[-self.config.memory + 1 :], [row]])
            self._since_update += 1
            if self._since_update == self.config.update_rate:
                self._learn()

    def _learn(self) -> None:
        played = tensor(self._played)
        for _ in range(self.config.judge_steps):
            batch = played[torch.from_numpy(self.rng.permutation(len(played))[: self.config.update_rate])]
            expected = self._judge.network(batch[:, :-2])
            self._judge.descend(binary_cross_entropy_with_logits(expected, batch[:, -1:]))
        self._setter.descend(self._setter_loss(played[-self.config.update_rate :]))
        self._waiting = self._waiting[:0]  # the setter that made them is no more
        self._since_update = 0
        self._updates += 1

    def _setter_loss(self, latest: Tensor) -> Tensor:
        points, feasibilities, success = latest[:, :-2], latest[:, -2:-1], latest[:, -1] > 0
        if self.config.latents == "fresh":
            latents, asked = self._draw(self.rng, len(latest))
        else:
            with torch.no_grad():
                latents, asked = self._setter.network.inverse(points, feasibilities)[0], feasibilities
        tasks, log_density = self._setter.network(latents, asked)
        expected = self._judge.network(tasks)
        if self.config.logit_limit is not None:
            expected = expected.clamp(-self.config.logit_limit, self.config.logit_limit)
        feasibility: Tensor = (expected - torch.logit(asked)).square().mean()
        coverage: Tensor = log_density.mean()
        if not success.any():
            return feasibility + coverage
        return feasibility + coverage - self._log_density(points[success], feasibilities[success]).mean()

    def _log_density(self, points: Tensor, feasibilities: Tensor) -> Tensor:
        """How likely the setter is to set ``points``, with noise."""
        low = -self.config.noise / 2 if self.config.noise_side == "both" else 0.0
        noise = tensor(self.rng.uniform(low, low + self.config.noise, points.shape))
        log_density: Tensor = self._setter.network.inverse((points + noise).clamp(0.0, 1.0), feasibilities)[1]
        return log_density

    def curriculum(self) -> Curriculum:
        # A generator of its own: drawing a picture must not change the next task.
        points = self._set_tasks(np.random.default_rng(0), PICTURE_SIZE)[:, :-2]
        return Curriculum(samples=tuple(self._to_tasks(points).tolist()), random_ratio=0.0)
