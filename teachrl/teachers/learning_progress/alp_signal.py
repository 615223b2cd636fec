"""Absolute learning progress from the nearest earlier task, the signal of ALP-GMM (Portelas et al. 2019, section 3)."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.spatial import cKDTree

from teachrl.records.state import Stateful
from teachrl.tasks.spaces import Vector

BUFFER_SIZE = 256
MIDDLE_SIZE = 16_384


class NearestTaskHistory:
    """All past (task, return) pairs, with exact nearest-neighbour look-up at a cost that stays flat.

    A k-d tree cannot grow, and one rebuilt at every episode costs more and more. So history lies in three
    consecutive parts: an old one under a large tree, a middle one under a small tree, and the newest pairs, searched
    one by one. Newest pairs move to the middle every `BUFFER_SIZE` episodes, the middle to the old every `MIDDLE_SIZE`,
    which makes the rebuilding some 40 µs an episode at 10⁶ of them, beside two tree queries. Memory:
    ``8 (size + 1)`` bytes an episode and the trees, below 100 MB at 10⁶ two-dimensional tasks.
    """

    def __init__(self, size: int) -> None:
        self._tasks = np.empty((0, size))
        self._returns = np.empty(0)
        self.count = 0
        self._old_end = 0
        self._middle_end = 0
        self._trees: list[tuple[int, Any]] = []

    def nearest_return(self, task: Vector) -> float:
        """The return of the past task closest to ``task`` (Euclidean). Needs ``count > 0``."""
        best_distance, best_index = np.inf, 0
        for start, tree in self._trees:
            distance, index = tree.query(task)
            if distance < best_distance:
                best_distance, best_index = float(distance), start + int(index)
        newest = self._tasks[self._middle_end : self.count]
        if len(newest):
            difference = newest - task
            squared = np.einsum("ij,ij->i", difference, difference)
            index = int(squared.argmin())
            if squared[index] < best_distance**2:
                best_index = self._middle_end + index
        return float(self._returns[best_index])

    def add(self, task: Vector, value: float) -> None:
        """Store one pair."""
        if self.count == len(self._returns):
            room = max(1024, self.count)
            self._tasks = np.concatenate([self._tasks, np.empty((room, self._tasks.shape[1]))])
            self._returns = np.concatenate([self._returns, np.empty(room)])
        self._tasks[self.count], self._returns[self.count] = task, value
        self.count += 1
        if self.count - self._middle_end >= BUFFER_SIZE:
            self._middle_end = self.count
            if self.count - self._old_end >= MIDDLE_SIZE:
                self._old_end = self.count
            self._plant(only_middle=self._old_end != self.count)

    def _plant(self, only_middle: bool) -> None:
        old = self._trees[:1] if only_middle and self._old_end else []
        if self._old_end and not old:
            old = [(0, cKDTree(self._tasks[: self._old_end].copy()))]
        middle = self._tasks[self._old_end : self._middle_end]
        self._trees = [*old, (self._old_end, cKDTree(middle.copy()))] if len(middle) else old

    def state(self) -> dict[str, Any]:
        """The pairs and where the parts end: equal trees answer ties equally."""
        return {
            "tasks": self._tasks[: self.count].copy(),
            "returns": self._returns[: self.count].copy(),
            "old_end": self._old_end,
            "middle_end": self._middle_end,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on where `state` was taken."""
        self._tasks, self._returns = np.array(state["tasks"]), np.array(state["returns"])
        self.count = len(self._returns)
        self._old_end, self._middle_end = state["old_end"], state["middle_end"]
        self._plant(only_middle=False)


class RecentTaskHistory(Stateful):
    """The last ``limit`` (task, return) pairs, searched one by one: a few µs an episode at the usual 500 to 2,000.

    Source of the limit: the ALP-GMM baseline of Klink et al. 2020, "Self-Paced Deep Reinforcement Learning"
    (arXiv 2004.11812), which keeps 500.
    """

    saved = ("_tasks", "_returns", "count")

    def __init__(self, size: int, limit: int) -> None:
        self._tasks = np.zeros((limit, size))
        self._returns = np.zeros(limit)
        self.count = 0

    def nearest_return(self, task: Vector) -> float:
        """The return of the closest task that is still kept (Euclidean). Needs ``count > 0``."""
        difference = self._tasks[: self.count] - task
        return float(self._returns[np.einsum("ij,ij->i", difference, difference).argmin()])

    def add(self, task: Vector, value: float) -> None:
        """Store one pair in place of the oldest."""
        place = self.count % len(self._returns)
        self._tasks[place], self._returns[place] = task, value
        self.count += 1


class AbsoluteLearningProgress:
    """ALP of a task: the absolute difference between its return and that of the nearest earlier task.

    All earlier tasks are searched, or the last ``history_size`` of them.
    """

    # With so few tasks the nearest one says nothing about progress; the original returns 0 for the first ones as well.
    MINIMUM_HISTORY = 5

    def __init__(self, size: int, history_size: int | None = None) -> None:
        self.history: NearestTaskHistory | RecentTaskHistory = (
            NearestTaskHistory(size) if history_size is None else RecentTaskHistory(size, history_size)
        )

    def observe(self, task: Vector, value: float) -> float:
        """The ALP of one finished episode, which is then added to the history."""
        progress = 0.0
        if self.history.count > self.MINIMUM_HISTORY:
            progress = abs(value - self.history.nearest_return(task))
        self.history.add(task, value)
        return progress
