"""Reads the episode log of a run directory, in the order in which the episodes ended."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from teachrl.errors import TeachrlError, UsageError
from teachrl.files import read_json
from teachrl.records.episode_log import ORDER, task_vectors
from teachrl.runs.files import RunFiles
from teachrl.tasks.spaces import TaskError, TaskSpace, Vector


def read_task_space(run: Path) -> TaskSpace:
    """The tasks that the teacher of a run chose from. Raises `UsageError` when ``run`` is no run directory."""
    file = RunFiles(run).task_space
    if not file.is_file():
        raise UsageError(f"{run} is no run directory: it has no {file.name} (`teachrl train` makes one)")
    try:
        return TaskSpace.from_json(read_json(file))
    except TaskError as error:
        raise TeachrlError(f"{file}: {error}") from None


def read_episodes(run: Path) -> Any:
    """The log as a pyarrow table, with the columns that ``docs/run_directory.md`` lists.

    Raises `UsageError` when it is empty and `TeachrlError` when a part cannot be read.
    """
    # Plain files, not a dataset: the columns' names have dots, which other readers take for nested fields.
    tables = [_read(file) for file in RunFiles(run).episodes]
    if not tables:
        raise UsageError(f"{run} has no episodes in its log yet: they are written at each checkpoint")
    return pa.concat_tables(tables).sort_by(ORDER)


def read_tasks(run: Path, space: TaskSpace) -> Vector:
    """Return the tasks of a log that is not empty, shape ``(episodes, size)``, and read nothing else of it.

    Raises `TeachrlError` when a part cannot be read or lacks a parameter.
    """
    columns = [f"task.{name}" for name in space.names]
    return np.concatenate([task_vectors(_read(file, columns), space) for file in RunFiles(run).episodes])


def _read(file: Path, columns: list[str] | None = None) -> Any:
    try:
        return pq.ParquetFile(file).read(columns)
    except (OSError, pa.ArrowException) as error:
        raise TeachrlError(f"{file} cannot be read: {error}") from error
