"""The names of a run's files and folders. No other module spells them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

SUBFOLDERS = ("episodes", "evaluations", "curriculum", "experience", "checkpoints", "failures", "tensorboard")
CONTENTS = (
    "experiment.yaml and task_space.json, and as the run goes on status.json, episodes/, evaluations/ and curriculum/"
)
"""What a run directory has, for error messages."""


@dataclass(frozen=True)
class RunFiles:
    """Where the files of a run lie. ``docs/run_directory.md`` describes each of them.

    None of them need exist. Lists hold the files that are there, sorted by name, which is their order in time.
    """

    path: Path

    @property
    def experiment(self) -> Path:
        """The resolved experiment."""
        return self.path / "experiment.yaml"

    @property
    def task_space(self) -> Path:
        """The tasks that the teacher chooses from."""
        return self.path / "task_space.json"

    @property
    def evaluation_space(self) -> Path:
        """The tasks of the test set."""
        return self.path / "evaluation_space.json"

    @property
    def test_set(self) -> Path:
        """The run's test set."""
        return self.path / "test_set.json"

    @property
    def status(self) -> Path:
        """How the run stands."""
        return self.path / "status.json"

    @property
    def lock(self) -> Path:
        """The file that is locked while a process trains."""
        return self.path / "run.lock"

    @property
    def scalars(self) -> Path:
        """The table of scalars, of the callback ``csv``."""
        return self.path / "scalars.csv"

    @property
    def tensorboard(self) -> Path:
        """The folder of event files, of the callback ``tensorboard``."""
        return self.path / "tensorboard"

    @property
    def checkpoints(self) -> Path:
        """The folder of checkpoints."""
        return self.path / "checkpoints"

    @property
    def report(self) -> Path:
        """The report on this run, or on all runs in a folder of runs."""
        return self.path / "report.html"

    @property
    def missing(self) -> list[str]:
        """Names of those files that every run directory has and this one lacks."""
        return [file.name for file in (self.experiment, self.task_space) if not file.is_file()]

    def episodes_at(self, step: int) -> Path:
        """Return the part of the episode log that is written at ``step``."""
        return self.path / "episodes" / f"part-{step:012d}.parquet"

    def evaluation_at(self, step: int) -> Path:
        """Return the evaluation at ``step``."""
        return self.path / "evaluations" / f"step_{step:012d}.json"

    def curriculum_at(self, step: int) -> Path:
        """Return the curriculum at ``step``."""
        return self.path / "curriculum" / f"step_{step:012d}.json"

    def experience_between(self, start: int, stop: int) -> Path:
        """Return the replay buffer's rows from ``start`` up to ``stop``."""
        return self.path / "experience" / f"rows-{start:012d}-{stop:012d}.npz"

    def failure(self, number: int) -> Path:
        """Return the record of a failed episode."""
        return self.path / "failures" / f"episode-{number:04d}.json"

    @property
    def episodes(self) -> list[Path]:
        """The parts of the episode log."""
        return sorted((self.path / "episodes").glob("part-*.parquet"))

    @property
    def evaluations(self) -> list[Path]:
        """The evaluations."""
        return sorted((self.path / "evaluations").glob("step_*.json"))

    @property
    def curricula(self) -> list[Path]:
        """The curricula."""
        return sorted((self.path / "curriculum").glob("step_*.json"))

    @property
    def experience(self) -> list[Path]:
        """The parts of the replay buffer."""
        return sorted((self.path / "experience").glob("rows-*.npz"))

    @property
    def failures(self) -> list[Path]:
        """The records of failed episodes."""
        return sorted((self.path / "failures").glob("episode-*.json"))
