"""Reverse: start near the end of successful episodes, and move back as the student masters what lies behind."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from teachrl.errors import UsageError
from teachrl.records.episodes import Episode
from teachrl.teachers.base import Plan, Signal, Teacher, TeacherConfig, TeacherContext
from teachrl.teachers.episode_score import success_of
from teachrl.teachers.starts.base import TRUE_START, snapshots_of


class ReverseConfig(TeacherConfig):
    """Settings of `ReverseTeacher`."""

    stages: int = Field(10, ge=1, description="in how many parts, equal by steps to the end, episodes are gone back")
    advance_at: float = Field(0.7, gt=0, le=1, description="success rate at the frontier that moves it back one part")
    window: int = Field(30, ge=1, description="episodes at the frontier over which the success rate is taken")
    revisit: float = Field(
        0.2,
        ge=0,
        lt=1,
        description="share of episodes that start anywhere behind the frontier, so nothing is forgotten",
    )


class ReverseTeacher(Teacher):
    """A frontier moves from the end of successful episodes to their start, then to the true start.

    Snapshots of successful episodes are sorted by the steps that remained to the end, and cut into ``stages`` equal
    ranges of it. Episodes start from the frontier's range; when ``window`` of them in a row have the success rate
    ``advance_at``, the next range is the frontier. After the last range it is the true start, and the count begins anew
    with each move. A share ``revisit`` starts from any snapshot already passed.

    Sources: Florensa et al. 2017, "Reverse Curriculum Generation" (arXiv 1707.05300); starting from states of a
    demonstration, latest first: Salimans and Chen 2018, "Learning Montezuma's Revenge from a Single Demonstration"
    (arXiv 1812.03381). Deviations: starts are a bank's snapshots where Florensa et al. walk at random from good ones;
    the frontier never moves forward again.

    Raises `UsageError` when there is no bank, or none of its episodes is known to have succeeded.
    """

    Config: ClassVar[type[TeacherConfig]] = ReverseConfig
    rules = {
        "frontier": "At the frontier, part {stage:.0f}: {remaining:.0f} steps remained to the end of the episode.",
        "revisit": "A start that was passed before, to keep it in practice: {remaining:.0f} steps remained.",
        "start": "The true start: the frontier has passed all snapshots.",
    }
    settings: ReverseConfig
    saved = ("_stage", "_successes")

    def __init__(self, context: TeacherContext, config: ReverseConfig) -> None:
        super().__init__(context, config)
        self.settings = config
        snapshots = snapshots_of(context, "reverse")
        good = np.flatnonzero(snapshots.successful == 1)
        if not len(good):
            raise UsageError(
                "teacher 'reverse' goes back from the end of successful episodes, and no episode of the bank is known "
                "to have succeeded: fill it from a better policy, and let the environment report success"
            )
        self._remaining = snapshots.remaining
        self._stages = _stages(good, snapshots.remaining[good], config.stages)
        self._stage = 0
        self._successes: deque[float] = deque(maxlen=config.window)

    @property
    def signals(self) -> frozenset[Signal]:
        return frozenset({"success"})

    def plan(self, n: int) -> Plan:
        chosen = [self._choose() for _ in range(n)]
        tasks = np.array([[choice] for choice, _ in chosen], dtype=np.float64)
        reasons = tuple(
            {"stage": self._stage} | ({"remaining": int(self._remaining[choice - 1])} if choice != TRUE_START else {})
            for choice, _ in chosen
        )
        return Plan(tasks, tuple(origin for _, origin in chosen), self._stage, reasons)

    def _choose(self) -> tuple[int, str]:
        if self._stage and self.rng.random() < self.settings.revisit:
            return int(self.rng.choice(np.concatenate(self._stages[: self._stage]))) + 1, "revisit"
        if self._stage == len(self._stages):
            return TRUE_START, "start"
        return int(self.rng.choice(self._stages[self._stage])) + 1, "frontier"

    def update(self, episodes: Sequence[Episode]) -> None:
        for episode in episodes:
            if episode.origin != "frontier" or episode.reason.get("stage") != self._stage:
                continue
            self._successes.append(success_of(episode))
            full = len(self._successes) == self.settings.window
            if full and float(np.mean(self._successes)) >= self.settings.advance_at:
                self._stage += 1
                self._successes.clear()


def _stages(snapshots: NDArray[Any], remaining: NDArray[np.int64], n: int) -> list[NDArray[Any]]:
    """The snapshots of each range of remaining steps, nearest the end first; empty ranges are left out."""
    edges = np.linspace(0, remaining.max(), n + 1)[1:-1]
    places = np.searchsorted(edges, remaining, side="left")
    return [snapshots[places == k] for k in range(n) if (places == k).any()]
