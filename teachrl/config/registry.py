"""Names for the things a user chooses: teachers and students, built in or their own ``module:Class``."""

from __future__ import annotations

import importlib
import importlib.metadata
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from teachrl.errors import UsageError, unknown_name


@dataclass(frozen=True)
class Entry:
    """One registered name: where its class lives (imported only when used) and what it is, in a sentence."""

    target: str
    summary: str
    page: str = ""
    """Its page below ``docs/``, without the ending, where it has one."""


class Registry:
    """Maps names to classes without importing them, so that listing stays fast.

    Other packages add names by entry points of ``group``, ``name = "module:Class"`` in their ``pyproject.toml``. A name
    that is built in cannot be replaced.
    """

    def __init__(self, kind: str, entries: Mapping[str, Entry], group: str | None = None) -> None:
        self.kind = kind
        self.built_in = entries
        self._group = group

    @cached_property
    def entries(self) -> dict[str, Entry]:
        """All names: those that are built in, then those of installed packages."""
        if self._group is None:
            return dict(self.built_in)
        points = importlib.metadata.entry_points(group=self._group)
        added = {point.name: Entry(point.value, f"from the package {_package(point)}") for point in points}
        return {**self.built_in, **{name: entry for name, entry in added.items() if name not in self.built_in}}

    def load(self, name: str) -> Any:
        """Import what ``name`` stands for. ``module:Class`` is taken as it is. Raises `UsageError`."""
        if ":" in name:
            return import_object(name, self.kind)
        if name not in self.entries:
            raise unknown_name(self.kind, name, self.entries)
        return import_object(self.entries[name].target, self.kind)


def _package(point: importlib.metadata.EntryPoint) -> str:
    return "unknown" if point.dist is None else point.dist.name


def import_object(target: str, kind: str) -> Any:
    """Import ``module:attribute``; modules in the working directory are found too. Raises `UsageError`."""
    module_name, _, attribute = target.partition(":")
    if not module_name or not attribute.isidentifier():
        raise UsageError(
            f"a {kind} of your own is named 'module:Name', for example 'my_project.agents:MyAgent'; got {target!r}"
        )
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        # The module is the user's: whatever its import raises is told in one line, with the name that led to it.
        raise UsageError(
            f"{kind} {target!r}: importing {module_name!r} failed: {type(error).__name__}: {error}"
        ) from error
    try:
        return getattr(module, attribute)
    except AttributeError:
        raise unknown_name(
            f"name in module {module_name}", attribute, [n for n in dir(module) if not n.startswith("_")]
        ) from None
