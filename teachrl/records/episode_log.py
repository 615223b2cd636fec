"""The episode log as a table: one row per episode, one column per field and per task parameter."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from teachrl.errors import TeachrlError
from teachrl.records.episodes import Episode
from teachrl.tasks.spaces import TaskSpace, Vector

ORDER = [("step", "ascending"), ("env_index", "ascending")]


def episode_table(episodes: Sequence[Episode], space: TaskSpace) -> pa.Table:
    """Episodes as a table: one column a field, and one a task parameter (``task.<name>``, as in the task's vector)."""
    tasks = np.array([e.task for e in episodes])
    columns: dict[str, Any] = {
        "step": pa.array([e.step for e in episodes], pa.int64()),
        "env_index": pa.array([e.env_index for e in episodes], pa.int32()),
        "number": pa.array([e.number for e in episodes], pa.int64()),
        "seed": pa.array([e.seed for e in episodes], pa.int64()),
        "length": pa.array([e.length for e in episodes], pa.int64()),
        "return": pa.array([e.episode_return for e in episodes], pa.float64()),
        "discounted_return": pa.array([e.discounted_return for e in episodes], pa.float64()),
        "success": pa.array([e.success for e in episodes], pa.bool_()),
        "terminated": pa.array([e.terminated for e in episodes], pa.bool_()),
        "origin": pa.array([e.origin for e in episodes], pa.string()),
        "reason": pa.array([json.dumps(dict(e.reason)) for e in episodes], pa.string()),
        "teacher_version": pa.array([e.teacher_version for e in episodes], pa.int64()),
        "player": pa.array([e.player for e in episodes], pa.string()),
        "guide": pa.array([json.dumps(dict(e.guide)) for e in episodes], pa.string()),
        "from_snapshot": pa.array([e.from_snapshot for e in episodes], pa.bool_()),
    }
    columns |= {f"task.{name}": pa.array(tasks[:, i]) for i, name in enumerate(space.names)}
    return pa.table(columns)


def task_vectors(episodes: Any, space: TaskSpace) -> Vector:
    """The tasks of a log as vectors, shape ``(episodes, size)``. Raises `TeachrlError` when a parameter is missing."""
    missing = [name for name in space.names if f"task.{name}" not in episodes.column_names]
    if missing:
        raise TeachrlError(f"the episode log lacks task.{missing[0]}, which the run's task space has")
    return np.column_stack([np.asarray(episodes[f"task.{name}"], dtype=np.float64) for name in space.names])
