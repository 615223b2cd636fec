"""The checkpoints of a run: folders that appear whole, by one rename."""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path
from typing import Any

from teachrl.files import StateTree, read_tree, write_tree


def step_of(checkpoint: Path) -> int:
    """The environment step at which a checkpoint was taken, from its folder's name."""
    return int(checkpoint.name.split("_")[1])


def read_part(checkpoint: Path, name: str) -> StateTree:
    """Read one part of a checkpoint, such as ``student``. Raises `TeachrlError`."""
    return read_tree(_part(checkpoint, name))


def _part(checkpoint: Path, name: str) -> Path:
    return checkpoint / f"{name}.npz"


class CheckpointFolder:
    """The checkpoints of a run: folders ``step_000000012288`` that appear whole, by one rename."""

    def __init__(self, folder: Path, keep: int = 2) -> None:
        self.folder = folder
        self._keep = keep
        folder.mkdir(parents=True, exist_ok=True)

    def save(self, step: int, parts: dict[str, dict[str, Any]]) -> Path:
        """Write one ``.npz`` a part; then drop the oldest checkpoints beyond those to keep."""
        target = self.folder / f"step_{step:012d}"
        building = self.folder / f".{target.name}.{uuid.uuid4().hex}.tmp"
        building.mkdir()
        for name, tree in parts.items():
            write_tree(_part(building, name), tree)
        if target.exists():
            shutil.rmtree(target)
        building.rename(target)
        for old in self.all()[: -self._keep]:
            shutil.rmtree(old)
        return target

    def all(self) -> list[Path]:
        """Whole checkpoints, oldest first."""
        return sorted(self.folder.glob("step_*"))

    def latest(self) -> Path | None:
        """The newest whole checkpoint."""
        return self.all()[-1] if self.all() else None

    def clean(self) -> None:
        """Remove what a killed process left half-written."""
        for leftover in self.folder.glob(".*.tmp"):
            shutil.rmtree(leftover)
