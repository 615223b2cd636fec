"""The messages of a worker: one `CollectRequest` per fragment goes out, one `CollectResult` comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from teachrl.files import StateTree
from teachrl.records.episodes import Fragment
from teachrl.rollouts.episodes import PlannedTask


@dataclass(frozen=True)
class PolicySnapshot:
    """All that acting depends on and learning changes, of one student: its weights, how it explores, and its guide.

    ``number`` grows with each change of the student of this name.
    """

    number: int
    weights: StateTree
    exploration: StateTree
    guide: StateTree | None = None


@dataclass(frozen=True)
class CollectRequest:
    """Collect ``n_steps`` vector steps with the student of this name.

    ``tasks`` are for the episodes to begin, in the order in which they begin; with ``held``, one for each environment,
    which keeps it. ``restart``: give up the open episodes first. Episodes count the run's steps: ``step`` are behind
    it, and each of the worker's own stands for ``step_increment``, as others collect at the same time.
    """

    student: str
    n_steps: int
    tasks: tuple[PlannedTask, ...]
    held: bool = False
    restart: bool = False
    step: int = 0
    step_increment: int = 1


@dataclass(frozen=True)
class CollectResult:
    """The answer to a `CollectRequest`: the fragment, or why there is none.

    ``version`` of the student that acted; ``taken`` tasks were begun and ``repeated`` of them a second time, as the
    request had too few; ``numbers`` are those of the next episodes of the worker's environments; ``skipped`` episodes
    failed, of which ``failures`` are the records.
    """

    version: int
    fragment: Fragment | None
    taken: int
    repeated: int
    numbers: tuple[int, ...]
    skipped: int
    failures: tuple[Mapping[str, Any], ...] = ()
    error: str | None = field(default=None)
