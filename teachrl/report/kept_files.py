"""What was read of files, kept for as long as they stay as they are."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
Stamp = tuple[int, int]


def stamp(path: Path) -> Stamp:
    """Time of change (ns) and size: as long as both are the same, a file counts as unchanged. Raises `OSError`."""
    found = path.stat()
    return found.st_mtime_ns, found.st_size


class KeptFiles:
    """Reads each file once, and again when it has changed. Not for several threads at once."""

    def __init__(self) -> None:
        self._kept: dict[tuple[Path, Hashable], tuple[Stamp, Any]] = {}
        self._asked: set[tuple[Path, Hashable]] = set()

    def reader(self, read: Callable[[Path], T], what: Hashable) -> Callable[[Path], T]:
        """``read``, done only where a file has changed. ``what`` tells apart different things read of one file."""

        def remembered(path: Path) -> T:
            key = path, what
            self._asked.add(key)
            # Before reading: a file that changes meanwhile is read again the next time.
            now = stamp(path)
            before = self._kept.get(key)
            if before is None or before[0] != now:
                self._kept[key] = before = now, read(path)
            value: T = before[1]
            return value

        return remembered

    def forget_the_rest(self) -> None:
        """Drop what was not asked for since this was called last."""
        self._kept = {key: value for key, value in self._kept.items() if key in self._asked}
        self._asked.clear()
