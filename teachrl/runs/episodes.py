"""Reads the episode log of a run directory, in the order in which the episodes ended."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from teachrl.errors import TeachrlError, UsageError
from teachrl.files import read_json
from teachrl.records.episode_log import ORDER
from teachrl.tasks.spaces import TaskError, TaskSpace


def read_task_space(run: Path) -> TaskSpace:
    """The tasks that the teacher of a run chose from. Raises `UsageError` when ``run`` is no run directory."""
    file = run / "task_space.json"
    if not file.is_file():
        raise UsageError(f"{run} is no run directory: it has no task_space.json (`teachrl train` makes one)")
    try:
        return TaskSpace.from_json(read_json(file))
    except TaskError as error:
        raise TeachrlError(f"{file}: {error}") from None


def read_episodes(run: Path) -> Any:
    """The log as a pyarrow table, with the columns that ``docs/run_directory.md`` lists.

    Raises `UsageError` when it is empty and `TeachrlError` when a part cannot be read.
    """
    # Plain files, not a dataset: the columns' names have dots, which other readers take for nested fields.
    tables = [_read(file) for file in sorted((run / "episodes").glob("part-*.parquet"))]
    if not tables:
        raise UsageError(f"{run} has no episodes in its log yet: they are written at each checkpoint")
    return pa.concat_tables(tables).sort_by(ORDER)


def _read(file: Path) -> Any:
    try:
        return pq.ParquetFile(file).read()
    except (OSError, pa.ArrowException) as error:
        raise TeachrlError(f"{file} cannot be read: {error}") from error
