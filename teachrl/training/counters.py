"""The numbers that a run keeps about itself: episodes, costs and wall time."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

import numpy as np

from teachrl.files import StateTree
from teachrl.records.state import Stateful
from teachrl.training.progress import Progress
from teachrl.training.schedules import Costs, Update

RECENT_EPISODES = 100


class RunCounters(Stateful):
    """Counts what a run has done, over all processes that worked on it.

    ``teacher_seconds`` returns the seconds that the teacher has taken in this process.
    """

    saved = ("costs", "episodes", "mastered", "evaluated", "_recent")

    def __init__(self, teacher_seconds: Callable[[], float]) -> None:
        self.costs = Costs()
        self.episodes = 0
        self.mastered: float | None = None
        self.evaluated = -1
        """The step of the last evaluation."""
        self._recent: deque[float] = deque(maxlen=RECENT_EPISODES)
        self._earlier_seconds = self._earlier_teacher_seconds = 0.0
        self._teacher_seconds = teacher_seconds
        self._started: float | None = None
        self._first_step = 0

    def start(self, step: int) -> None:
        """Start the clock at the first step of this process."""
        self._started, self._first_step = time.perf_counter(), step

    def count(self, update: Update) -> None:
        """Count the episodes of one update."""
        self.episodes += len(update.episodes)
        self._recent.extend(e.episode_return for e in update.episodes if not e.from_snapshot)

    @property
    def seconds(self) -> float:
        """Seconds of training."""
        return self._earlier_seconds + self._elapsed

    @property
    def teacher_seconds(self) -> float:
        """Seconds of training that the teacher took."""
        return self._earlier_teacher_seconds + self._teacher_seconds()

    @property
    def _elapsed(self) -> float:
        return 0.0 if self._started is None else time.perf_counter() - self._started

    def progress(self, step: int, total_steps: int) -> Progress:
        """Return how the run stands at ``step``."""
        return Progress(
            step=step,
            total_steps=total_steps,
            steps_per_second=(step - self._first_step) / max(self._elapsed, 1e-9),
            mean_return=float(np.mean(self._recent)) if self._recent else None,
            mastered_percent=self.mastered,
            episodes=self.episodes,
            teacher_share=self.teacher_seconds / max(self.seconds, 1e-9),
        )

    def state(self) -> StateTree:
        """Return everything that a resumed run goes on with."""
        return {**super().state(), "seconds": self.seconds, "teacher_seconds": self.teacher_seconds}

    def restore(self, state: StateTree) -> None:
        """Go on where `state` was taken."""
        super().restore(state)
        self._earlier_seconds, self._earlier_teacher_seconds = state["seconds"], state["teacher_seconds"]
