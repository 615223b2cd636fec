"""Made-up run directories whose tasks are levels."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from teachrl.records.episodes import Episode
from teachrl.runs.directory import RunDirectory
from teachrl.tasks.spaces import Vector
from teachrl_envs.maze.level_space import LevelTaskSpace

SPACE = LevelTaskSpace(2, 3)
OPEN = SPACE.vector({"rows": [">..", "..G"]})


def episode(task: Vector, **fields: Any) -> Episode:
    known = {"task": task, "episode_return": 1.0, "discounted_return": 1.0, "length": 10, "success": True}
    known |= {"terminated": True, "origin": "random", "teacher_version": 0, "env_index": 0, "number": 0, "seed": 0}
    return Episode(**(known | {"step": 100} | fields))


def level_run(path: Path, *parts: Sequence[Episode], curriculum: dict[str, Any] | None = None) -> Path:
    """A run directory with this log, a part for each sequence, and this one moment of the curriculum."""
    path.mkdir()
    (path / "experiment.yaml").write_text("env: teachrl/Maze-v0\nseed: 0\n")
    (path / "task_space.json").write_text(json.dumps(SPACE.to_json()))
    for folder in ("episodes", "curriculum"):
        (path / folder).mkdir()
    for n, episodes in enumerate(parts):
        RunDirectory(path).write_episodes(n, episodes, SPACE)
    if curriculum is not None:
        (path / "curriculum" / "step_000000000100.json").write_text(json.dumps({"step": 100, **curriculum}))
    return path
