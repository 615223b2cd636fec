"""Teachers that plan whole rounds: one level for each environment, held for a fragment, judged at its end."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from teachrl.records.episodes import Episode
from teachrl.records.level_scores import RoundResult
from teachrl.teachers.base import Teacher


class RoundTeacher(Teacher):
    """Asked once a round for one level an environment, ``plan(n_envs)``; then all play, and `update_round` is told how.

    In a round every environment plays episode after episode on its level until the fragment ends; what is open then is
    given up. With ``Plan.learn`` False the student only plays: the round is there to score levels.

    ``students`` are those who play each round on the same levels, in this order; the first is the one that is trained
    for, evaluated and kept. The others are built from the same settings with seeds of their own.
    """

    students: ClassVar[tuple[str, ...]] = ("protagonist",)

    def update(self, episodes: Sequence[Episode]) -> None:
        """Nothing: a single episode says too little of a level, see `update_round`."""

    @abstractmethod
    def update_round(self, results: Sequence[RoundResult]) -> None:
        """Learn from the round just played, one outcome for each of `students`."""
