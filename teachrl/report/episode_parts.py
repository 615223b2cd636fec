"""The episode log, part by part. Where tasks are levels, only every so-manieth level is kept in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from teachrl.report.run_data import Episodes, PlayedLevels, Vector
from teachrl_envs.tasks import TaskSpace

BATCH = 65_536


@dataclass(frozen=True)
class Part:
    """What one file of the log holds: the episodes of each student, and some of the levels."""

    protagonist: Episodes
    antagonist: Episodes
    played: PlayedLevels


def row_count(path: Path) -> int:
    """Episodes in a file, from its footer alone."""
    return int(pq.ParquetFile(path).metadata.num_rows)


def read_part(path: Path, space: TaskSpace, start: int, every: int) -> Part:
    """Read a file whose first episode is the log's number ``start``; of levels, those of every ``every``-th episode.

    Raises `ValueError` or `KeyError` when it is no log of this space.
    """
    # A plain file, not a dataset: the columns' names have dots, which other readers take for nested fields.
    file = pq.ParquetFile(path)
    scalars = [name for name in file.schema_arrow.names if not name.startswith("task.")]
    table = file.read(columns=scalars)
    tasks = np.empty((table.num_rows, 0))
    played = no_levels(space)
    antagonists = _words(table, "player", "protagonist") == "antagonist"
    if space.has_unit_cube:
        tasks = np.concatenate([np.empty((0, space.size)), *_tasks(file, space, 0, 1)])
    else:
        levels = np.concatenate([np.empty((0, space.size)), *_tasks(file, space, start, every)])
        _check_levels(levels, space)
        rows = np.arange(-start % every, table.num_rows, every)
        own = ~antagonists[rows]
        played = _played(table, rows[own], levels[own])
    return Part(_episodes(table, tasks, ~antagonists), _episodes(table, tasks, antagonists), played)


def _tasks(file: pq.ParquetFile, space: TaskSpace, start: int, every: int) -> list[Vector]:
    """Task vectors of every ``every``-th episode, batch by batch: all levels of a long run would fill the memory."""
    names = [f"task.{name}" for name in space.names]
    found: list[Vector] = []
    for batch in file.iter_batches(BATCH, columns=names):
        rows = slice(-start % every, None, every)
        columns = [np.asarray(batch.column(name).to_numpy(zero_copy_only=False), dtype=np.float64) for name in names]
        found.append(np.column_stack([column[rows] for column in columns]))
        start += batch.num_rows
    return found


def _check_levels(levels: Vector, space: TaskSpace) -> None:
    """Numbers outside of the space would lead the solver out of the maze."""
    if not ((levels >= space.low) & (levels <= space.high)).all():
        raise ValueError(f"tasks that are no levels of {space!r}")


def _episodes(table: pa.Table, tasks: Vector, chosen: NDArray[np.bool_]) -> Episodes:
    step, returns = (_numbers(table, name)[chosen] for name in ("step", "return"))
    version, env_index = (_numbers(table, name)[chosen] for name in ("teacher_version", "env_index"))
    return Episodes(step, returns, tasks[chosen], version, env_index)


def _played(table: pa.Table, rows: NDArray[np.intp], levels: Vector) -> PlayedLevels:
    step, length, returns = (_numbers(table, name)[rows] for name in ("step", "length", "return"))
    return PlayedLevels(step, length, returns, _words(table, "origin", "")[rows], levels)


def _numbers(table: pa.Table, name: str) -> Vector:
    return np.asarray(table.column(name).to_numpy(), dtype=np.float64)


def _words(table: pa.Table, name: str, otherwise: str) -> Any:
    """A column of texts; older logs may lack it."""
    if name not in table.column_names:
        return np.full(table.num_rows, otherwise)
    return table.column(name).to_numpy().astype(np.str_)


def no_levels(space: TaskSpace) -> PlayedLevels:
    """Nothing played."""
    none = np.empty(0)
    return PlayedLevels(none, none, none, np.empty(0, dtype=np.str_), np.empty((0, space.size)))


def join_episodes(parts: Sequence[Episodes], space: TaskSpace) -> Episodes:
    """One after the other."""
    none = np.empty(0)
    nothing = Episodes(none, none, np.empty((0, space.size if space.has_unit_cube else 0)), none, none)
    return Episodes(*(_together([nothing, *parts], field.name) for field in fields(Episodes)))


def join_levels(parts: Sequence[PlayedLevels], space: TaskSpace) -> PlayedLevels:
    """One after the other."""
    return PlayedLevels(*(_together([no_levels(space), *parts], field.name) for field in fields(PlayedLevels)))


def _together(parts: Sequence[Any], name: str) -> Any:
    return np.concatenate([getattr(part, name) for part in parts])
