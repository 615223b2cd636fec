"""The run directory: what lies where, written whole, and cut back to the last checkpoint when a run resumes."""

from __future__ import annotations

import fcntl
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import pyarrow.parquet as pq

from teachrl.config.experiment import Experiment, differing_fields, experiment_from_yaml_text, to_yaml
from teachrl.errors import TeachrlError, UsageError
from teachrl.files import read_json, write_bytes, write_json, write_tree
from teachrl.records.curriculum import Curriculum
from teachrl.records.episode_log import episode_table
from teachrl.records.episodes import Episode
from teachrl.records.evaluation import EvaluationResult
from teachrl.runs.checkpoints import CheckpointFolder
from teachrl.runs.files import SUBFOLDERS, RunFiles
from teachrl.runs.reading import read_evaluation
from teachrl.tasks.spaces import TaskSpace
from teachrl.tasks.test_sets import TestSet
from teachrl.versions import versions

# Seconds that a process which was stopped has to save, before another takes its run for busy.
ENDING = 10.0


class RunDirectory:
    """One experiment × one seed on disk. ``docs/run_directory.md`` describes every file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.files = RunFiles(path)

    @property
    def exists(self) -> bool:
        """Whether a run has been started here."""
        return self.files.experiment.is_file()

    @staticmethod
    def open(path: Path) -> RunDirectory:
        """An existing run. Raises `UsageError` when there is none at ``path``."""
        directory = RunDirectory(path)
        if not directory.exists:
            missing = directory.files.experiment.name
            raise UsageError(f"{path} is no run directory: it has no {missing} (`teachrl train` makes one)")
        return directory

    def experiment(self) -> Experiment:
        """The resolved experiment that the run was started with."""
        file = self.files.experiment
        return experiment_from_yaml_text(file.read_text(encoding="utf-8"), str(file))

    def check(self, experiment: Experiment, mode: str) -> None:
        """Whether ``experiment`` may be trained here; writes nothing.

        Raises `UsageError` when another experiment lives here, naming the fields that differ, and, with
        ``mode="resume"``, when there is nothing to resume. Resuming may raise ``steps``, nothing else.
        """
        if mode == "resume" and not self.exists:
            raise UsageError(f"nothing to resume: {self.path} is no run directory")
        if mode == "overwrite" or not self.exists:
            return
        before = self.experiment()
        longer = mode == "resume" and experiment.steps >= before.steps
        compared = before.model_copy(update={"steps": experiment.steps}) if longer else before
        # Callbacks may come and go: the numbers do not depend on them.
        compared = compared.model_copy(update={"callbacks": experiment.callbacks})
        differences = differing_fields(compared, experiment)
        if differences:
            raise UsageError(
                f"{self.path} holds another experiment:\n  " + "\n  ".join(differences) + "\nGive this one another "
                "--name, start anew with --overwrite, or use --resume with more steps to train on."
            )

    def prepare(self, experiment: Experiment, empty: bool) -> None:
        """Make the directory ready; with ``empty``, without what a run left in it. Call it under the lock."""
        for name in SUBFOLDERS:
            if empty:
                shutil.rmtree(self.path / name, ignore_errors=True)
            (self.path / name).mkdir(exist_ok=True)
        write_bytes(self.files.experiment, to_yaml(experiment).encode())

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Make the directory if need be, and keep a second process out of it.

        One that was stopped a moment ago may still be saving, so it is waited for. Raises `UsageError` when it stays.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        with self.files.lock.open("w") as file:
            deadline = time.monotonic() + ENDING
            while not _lock(file):
                if time.monotonic() > deadline:
                    raise UsageError(f"another process is training in {self.path}")
                time.sleep(0.1)
            yield

    def checkpoints(self, keep: int = 2) -> CheckpointFolder:
        """The run's checkpoints."""
        return CheckpointFolder(self.files.checkpoints, keep)

    def cut_back(self, step: int, experience: int) -> None:
        """Remove what was written after the checkpoint at ``step``, which had ``experience`` rows behind it."""
        for folder in ("episodes", "evaluations", "curriculum"):
            for file in (self.path / folder).iterdir():
                if file.name.startswith(".") or _step_of(file) > step:
                    file.unlink()
        for file in (self.path / "experience").iterdir():
            if file.name.startswith(".") or _rows_of(file)[1] > experience:
                file.unlink()

    def write_episodes(self, step: int, episodes: Sequence[Episode], space: TaskSpace) -> None:
        """Add the episodes since the last checkpoint as one parquet part."""
        if episodes:
            table = episode_table(episodes, space)
            file = self.files.episodes_at(step)
            temporary = file.with_name(f".{file.name}.tmp")
            pq.write_table(table, temporary)
            temporary.replace(file)

    def write_experience(self, start: int, rows: Mapping[str, Any]) -> None:
        """Add rows of a replay buffer, of which the first has the number ``start``."""
        stop = start + len(next(iter(rows.values())))
        file = self.files.experience_between(start, stop)
        temporary = file.with_name(f".{file.name}.tmp")
        write_tree(temporary, dict(rows))
        temporary.replace(file)

    def experience_parts(self) -> list[tuple[int, int, Path]]:
        """``(start, stop, file)`` of all parts, in order."""
        return [(*_rows_of(file), file) for file in self.files.experience]

    def drop_experience(self, before: int) -> None:
        """Remove the parts that end at or before row ``before``: no kept checkpoint needs them."""
        for _, stop, file in self.experience_parts():
            if stop <= before:
                file.unlink()

    def write_evaluation(self, evaluation: EvaluationResult) -> None:
        """Write one evaluation, which names its step."""
        write_json(self.files.evaluation_at(evaluation.step), evaluation.to_json())

    def evaluations(self) -> list[EvaluationResult]:
        """All evaluations, the earliest first. Raises `TeachrlError` for a file that cannot be read."""
        found = []
        for file in self.files.evaluations:
            try:
                found.append(read_evaluation(file))
            except (OSError, ValueError) as error:
                raise TeachrlError(f"{file} cannot be read: {error}") from error
        return found

    def has_evaluation(self, step: int) -> bool:
        """Whether an evaluation at ``step`` was written."""
        return self.files.evaluation_at(step).exists()

    def write_curriculum(self, step: int, curriculum: Curriculum) -> None:
        """Write what the teacher would draw at ``step``."""
        write_json(self.files.curriculum_at(step), replace(curriculum, step=step).to_json())

    def write_failure(self, failure: Mapping[str, Any]) -> str:
        """Save a failed episode; returns the file's path."""
        file = self.files.failure(len(self.files.failures))
        write_json(file, failure)
        return str(file)

    def write_tasks(self, task_space: TaskSpace, evaluation_space: TaskSpace, test_set: TestSet) -> None:
        """Write what the teacher chooses from, what is evaluated, and the test set."""
        write_json(self.files.task_space, task_space.to_json())
        write_json(self.files.evaluation_space, evaluation_space.to_json())
        write_json(self.files.test_set, test_set.description)

    def write_status(self, **status: Any) -> None:
        """Write how the run stands."""
        write_json(self.files.status, {**status, "updated": time.time(), "versions": versions()})

    def status(self) -> dict[str, Any]:
        """How the run stood when it last said so."""
        status: dict[str, Any] = read_json(self.files.status)
        return status


def _lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _step_of(file: Path) -> int:
    digits = file.stem.replace("-", "_").split("_")[-1]
    return int(digits) if digits.isdigit() else -1


def _rows_of(file: Path) -> tuple[int, int]:
    try:
        _, start, stop = file.stem.split("-")
        return int(start), int(stop)
    except ValueError:
        raise TeachrlError(f"{file} does not belong into a run directory") from None
