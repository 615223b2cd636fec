"""Replayed: the tasks of an earlier run, in the same order or shuffled, whatever the student does.

The yoked control: what is left of a curriculum's effect when its tasks stay and their order, or their fit to this very
student, goes. A run under ``order: shuffled`` tells the effect of the choice of tasks from that of their order.

The log is in the order in which episodes ended. When it is used up, it starts again; ``shuffled`` is shuffled anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from teachrl.errors import TeachrlError, UsageError
from teachrl.files import StateTree
from teachrl.records.curriculum import Curriculum
from teachrl.records.episode_log import task_vectors
from teachrl.records.episodes import Episode
from teachrl.runs.episodes import read_episodes, read_task_space
from teachrl.teachers.base import Plan, Teacher, TeacherConfig, TeacherContext

PICTURED = 200


class ReplayedConfig(TeacherConfig):
    """Settings of a replayed log."""

    run: str = Field(min_length=1, description="folder of the run whose tasks are played")
    order: Literal["same", "shuffled"] = Field("same", description="the log's own order, or a random one")


class ReplayedTeacher(Teacher):
    """See the module's text. ``reason`` holds ``episode``: its place in the log, from 0, and ``pass``, from 0.

    Raises `UsageError` when the log is missing or empty, or is about another task space.
    """

    takes_levels = True
    Config = ReplayedConfig
    config: ReplayedConfig
    rules = {
        "same": "The task of episode {episode:.0f} of the replayed log, in its order (pass {pass:.0f}).",
        "shuffled": "The task of episode {episode:.0f} of the replayed log, in random order (pass {pass:.0f}).",
    }
    saved = ("_log", "_pass", "_position", "_seed")

    def __init__(self, context: TeacherContext, config: ReplayedConfig) -> None:
        super().__init__(context, config)
        run = Path(config.run)
        there = read_task_space(run)
        if there != self.space:
            raise UsageError(
                f"the tasks of {run} are of another task space and cannot be replayed here: {there} there, "
                f"{self.space} here; choose a run on the same environment, with the same options"
            )
        self._tasks = task_vectors(read_episodes(run), there)
        self._log = hashlib.sha256(np.ascontiguousarray(self._tasks).tobytes()).hexdigest()
        self._pass = -1
        self._next_pass()

    def _next_pass(self) -> None:
        self._pass += 1
        self._position = 0
        self._seed = int(self.rng.integers(2**63))
        self._arrange()

    def _arrange(self) -> None:
        n = len(self._tasks)
        shuffled = self.config.order == "shuffled"
        self._order: NDArray[np.int64] = np.random.default_rng(self._seed).permutation(n) if shuffled else np.arange(n)

    def plan(self, n: int) -> Plan:
        reasons = [self._advance() for _ in range(n)]
        tasks = self._tasks[[reason["episode"] for reason in reasons]]
        return Plan(tasks, (self.config.order,) * n, 0, tuple(reasons))

    def _advance(self) -> dict[str, int]:
        if self._position == len(self._tasks):
            self._next_pass()
        episode = int(self._order[self._position])
        self._position += 1
        return {"episode": episode, "pass": self._pass}

    def update(self, episodes: Sequence[Episode]) -> None:
        del episodes

    def curriculum(self) -> Curriculum:
        """The next tasks of this pass."""
        coming = self._tasks[self._order[self._position :][:PICTURED]]
        return Curriculum(samples=tuple(coming.tolist()), random_ratio=0.0)

    def restore(self, state: StateTree) -> None:
        if state["log"] != self._log:
            raise TeachrlError(
                f"the log of {self.config.run} is not the one that this run began to replay: put it back as it was, or "
                "start anew with --overwrite"
            )
        super().restore(state)
        self._arrange()
