"""Saves a run's parts as one checkpoint, and goes on from the newest one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from teachrl.errors import TeachrlError
from teachrl.files import StateTree, read_tree
from teachrl.records.curriculum import Curriculum
from teachrl.records.episodes import Episode
from teachrl.runs.checkpoints import read_part
from teachrl.runs.directory import RunDirectory
from teachrl.students.base import Student
from teachrl.tasks.spaces import TaskSpace

FORMAT = 1
"""The format of checkpoints. Those of version 0.1 have no number, and are of format 1."""


class HasState(Protocol):
    """A part of a run that goes into its checkpoints."""

    def state(self) -> StateTree:
        """Return everything that affects what comes next."""

    def restore(self, state: StateTree) -> None:
        """Go on exactly where `state` was taken."""


class Checkpointer:
    """Writes and reads the checkpoints of a run.

    ``parts`` are saved under their names and restored in their order; the part ``worker`` comes first, because open
    episodes are played again before anything else is restored. ``counters`` share a file with the checkpointer's own
    numbers. Experience of ``student`` is appended in parts beside the checkpoints, and not written again with each.
    """

    def __init__(
        self,
        directory: RunDirectory,
        keep: int,
        parts: Mapping[str, HasState],
        counters: HasState,
        student: Student,
        space: TaskSpace,
    ) -> None:
        self._directory, self._keep = directory, keep
        self.parts, self._counters, self._student = parts, counters, student
        self._space = space
        self._pending: list[Episode] = []
        self._experience_counts: list[int] = []
        self._saved = -1

    def note(self, episodes: Sequence[Episode]) -> None:
        """Keep finished episodes for the log, which is written with the next checkpoint."""
        # The log has neither observations nor transitions, so they need not stay in memory until then.
        self._pending += [replace(e, first_observation=None, transitions=None) for e in episodes]

    def save(self, step: int, curriculum: Curriculum) -> Path | None:
        """Write a checkpoint; ``None`` when there already is one of this step.

        What the checkpoint refers to is written first and the checkpoint itself last, so that an interrupted save
        leaves the previous one valid.
        """
        if step == self._saved:
            return None
        self._directory.write_episodes(step, self._pending, self._space)
        self._pending = []
        self._directory.write_curriculum(step, curriculum)
        self._append_experience()
        own = {"format": FORMAT, "experience_counts": self._experience_counts}
        parts = {name: part.state() for name, part in self.parts.items()}
        path = self._directory.checkpoints(self._keep).save(step, {**parts, "run": {**self._counters.state(), **own}})
        # Rows that not even the oldest kept checkpoint would load are dropped after the new one stands.
        self._directory.drop_experience(self._experience_counts[0] - self._student.experience_kept())
        self._saved = step
        return path

    def _append_experience(self) -> None:
        count, kept = self._student.experience_count(), self._student.experience_kept()
        start = max(self._experience_counts[-1] if self._experience_counts else 0, count - kept)
        if count > start:
            self._directory.write_experience(start, self._student.experience(start, count))
        self._experience_counts = [*self._experience_counts, count][-self._keep :]

    def resume(self) -> None:
        """Go on from the newest checkpoint, or from nothing, and remove what was written after it.

        Raises `TeachrlError` for a checkpoint of a newer format, or one whose open episodes come out differently.
        """
        checkpoints = self._directory.checkpoints(self._keep)
        checkpoints.clean()
        newest = checkpoints.latest()
        if newest is None:
            self._directory.cut_back(-1, 0)
            return
        run = read_part(newest, "run")
        check_format(run, newest)
        self._experience_counts = run["experience_counts"]
        trees = {name: read_part(newest, name) for name in self.parts}
        step = trees["worker"]["steps"]
        self._directory.cut_back(step, self._experience_counts[-1])
        self._load_experience()
        for name, part in self.parts.items():
            part.restore(trees[name])
        self._counters.restore(run)
        self._saved = step

    def _load_experience(self) -> None:
        oldest = self._experience_counts[-1] - self._student.experience_kept()
        for start, stop, file in self._directory.experience_parts():
            if stop > oldest:
                self._student.load_experience(start, read_tree(file))


def check_format(run: StateTree, checkpoint: Path) -> None:
    """Raise `TeachrlError` when the counters of a checkpoint have a format that this version cannot read."""
    found = run.get("format", 1)
    if found > FORMAT:
        raise TeachrlError(
            f"{checkpoint} was written by a newer version of teachrl: its format is {found}, and this version "
            f"reads formats up to {FORMAT}. Install the newer version, or train anew with --overwrite."
        )
