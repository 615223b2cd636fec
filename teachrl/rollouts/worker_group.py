"""Several workers as one: requests go out with tasks for a whole fragment, and their results are merged into one."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np

from teachrl.config.workers import WorkerConfig
from teachrl.errors import TeachrlError
from teachrl.files import StateTree
from teachrl.guides.base import LearningGuide
from teachrl.records.episodes import Episode, Fragment
from teachrl.rollouts.episodes import PlannedTask
from teachrl.rollouts.merging import in_order, merged
from teachrl.rollouts.messages import CollectRequest, CollectResult, PolicySnapshot
from teachrl.rollouts.task_sources import PrefetchedTasks, RoundTasks
from teachrl.students.base import Student

# Over-provisioning factor for tasks, and the assumed episodes per environment before any episode length is known.
SLACK = 1.5
UNKNOWN = 4.0
REMEMBERED_LENGTHS = 100


class WorkerBackend(Protocol):
    """The workers, wherever they are."""

    losses: int

    def start(self, index: int, request: CollectRequest, version: PolicySnapshot) -> None:
        """Let a worker that is idle begin."""

    def wait(self, indices: Sequence[int]) -> tuple[int, CollectResult]:
        """Wait for the first result of these workers: the worker's index and the result. Raises `TeachrlError`."""

    def places(self) -> list[str]:
        """Host and process of each, as far as they have answered."""

    def states(self) -> list[StateTree]:
        """`RemoteWorker.state` of all workers."""

    def restore(self, states: Sequence[StateTree]) -> None:
        """`RemoteWorker.restore` of all workers."""

    def close(self) -> None:
        """End them."""


@dataclass
class WorkerCounters:
    """What did not go as it should, since the run began.

    ``stale``: fragments that were dropped as too old; ``repeated``: episodes on a task that was planned once and begun
    twice; ``lost``: workers, each with its half fragment.
    """

    stale: int = 0
    repeated: int = 0
    lost: int = 0


@dataclass
class _Member:
    """What the run knows of one worker: the tasks that wait for it, and whether its next episodes are new ones."""

    tasks: deque[PlannedTask] = field(default_factory=deque)
    fresh: bool = True
    busy: bool = False


class WorkerGroup:
    """Collects as `RolloutWorker` does, with workers.

    The teacher chooses tasks when requests go out, for all episodes that are expected to begin, half as many more, and
    those that were left over come first the next time: so a task is at most a few episodes old, and every episode says
    which version of the teacher chose its task. When they do not suffice, they are begun again, and this is counted.
    In synchronous mode the same numbers come out wherever the workers are.
    """

    def __init__(
        self,
        settings: WorkerConfig,
        n_envs: int,
        students: Mapping[str, Student],
        source: PrefetchedTasks | RoundTasks,
        backend: WorkerBackend,
        guide: LearningGuide | None,
        on_failure: Callable[[dict[str, Any]], str],
    ) -> None:
        self._settings = settings
        self._per_worker = n_envs // settings.count
        self._students = students
        self._source = source
        self._backend = backend
        self._guide = guide
        self._on_failure = on_failure
        self._members = [_Member() for _ in range(settings.count)]
        self._versions: dict[str, PolicySnapshot] = {}
        self._lengths: deque[int] = deque(maxlen=REMEMBERED_LENGTHS)
        self._staleness = 0.0
        self.steps = self.skipped = 0
        self.counters = WorkerCounters()

    def collect(self, student: Student, n_steps: int) -> Fragment:
        """As many fragments of ``n_steps`` as there are workers, in one. Raises `TeachrlError`."""
        name = next(name for name, known in self._students.items() if known is student)
        version = self._publish(name)
        together = self._settings.mode == "synchronous"
        fragments, episodes = (self._all if together else self._first)(version, name, n_steps)
        self.counters.lost = self._backend.losses
        return replace(merged(fragments), episodes=tuple(episodes))

    def _all(self, version: PolicySnapshot, name: str, n_steps: int) -> tuple[list[Fragment], list[Episode]]:
        """One fragment of each worker."""
        indices = range(len(self._members))
        requests = [self._request(index, name, n_steps) for index in indices]
        for index, request in zip(indices, requests, strict=True):
            self._start(index, request, version)
        fragments = [self._accept(*self._backend.wait([index])) for index in indices]
        self._staleness = 0.0
        return fragments, self._count(fragments)

    def _first(self, version: PolicySnapshot, name: str, n_steps: int) -> tuple[list[Fragment], list[Episode]]:
        """The first fragments, whoever collects them; nobody waits. Episodes of those that are too old count too."""
        for index, member in enumerate(self._members):
            if not member.busy:
                self._start(index, self._request(index, name, n_steps), version)
        played: list[tuple[int, Fragment]] = []
        episodes: list[Episode] = []
        ages: list[int] = []
        while len(played) < len(self._members):
            index, result = self._backend.wait(range(len(self._members)))
            fragment = self._accept(index, result)
            episodes += self._count([fragment])
            age = version.number - result.version
            if age > self._settings.staleness:
                self.counters.stale += 1
            else:
                ages.append(age)
                played.append((index, fragment))
            self._start(index, self._request(index, name, n_steps), version)
        self._staleness = float(np.mean(ages))
        return [fragment for _, fragment in sorted(played, key=lambda one: one[0])], episodes

    def _start(self, index: int, request: CollectRequest, version: PolicySnapshot) -> None:
        self._members[index].busy = True
        self._backend.start(index, request, version)

    def _request(self, index: int, name: str, n_steps: int) -> CollectRequest:
        member = self._members[index]
        restart, member.fresh = member.fresh, False
        step_increment = len(self._members) if self._settings.mode == "synchronous" else 1
        rest: dict[str, Any] = {"restart": restart, "step": self.steps, "step_increment": step_increment}
        if isinstance(self._source, RoundTasks):
            first = index * self._per_worker
            held = tuple(self._source.held[first : first + self._per_worker])
            return CollectRequest(name, n_steps, held, held=True, **rest)
        missing = self._expected(n_steps, restart) - len(member.tasks)
        if missing > 0:
            member.tasks.extend(self._source.choose(missing))
        return CollectRequest(name, n_steps, tuple(member.tasks), **rest)

    def _expected(self, n_steps: int, fresh: bool) -> int:
        """How many tasks a request gets; never more than could begin."""
        likely = n_steps / float(np.mean(self._lengths)) if self._lengths else UNKNOWN
        return self._per_worker * (min(n_steps, math.ceil(SLACK * likely)) + fresh)

    def _accept(self, index: int, result: CollectResult) -> Fragment:
        """Store what came with a result. Raises `TeachrlError` when an environment failed that may not."""
        member = self._members[index]
        member.busy = False
        self.skipped += result.skipped
        for failure in result.failures:
            self._on_failure(dict(failure))
        if result.fragment is None:
            raise TeachrlError(f"worker {index}: {result.error}")
        if not isinstance(self._source, RoundTasks):
            for _ in range(result.taken):
                member.tasks.popleft()
            self.counters.repeated += result.repeated
        return result.fragment

    def _count(self, fragments: Sequence[Fragment]) -> list[Episode]:
        """Count the steps of fragments. Returns their episodes, in the order in which they ended."""
        episodes = in_order(fragments)
        self.steps += sum(fragment.rewards.size for fragment in fragments)
        self._lengths.extend(episode.length for episode in episodes)
        return episodes

    def _publish(self, name: str) -> PolicySnapshot:
        """The student's present version; a new one if anything has changed."""
        student, last = self._students[name], self._versions.get(name)
        guide = None if self._guide is None else self._guide.state()
        now = PolicySnapshot(0 if last is None else last.number + 1, student.weights(), student.exploration(), guide)
        if last is not None and all(
            _same(getattr(last, part), getattr(now, part)) for part in ("weights", "exploration", "guide")
        ):
            return last
        self._versions[name] = now
        return now

    @property
    def metrics(self) -> dict[str, float]:
        """What to log of the last fragment, and of the run."""
        counts = {f"workers/{name}": float(count) for name, count in vars(self.counters).items()}
        return {**counts, "workers/staleness": self._staleness}

    @property
    def places(self) -> Sequence[str]:
        """Host and process of each worker; empty for one that is being made."""
        return self._backend.places()

    def restart(self) -> None:
        """Give up the open episodes: the next `collect` begins new ones."""
        for member in self._members:
            member.fresh = True

    def state(self) -> StateTree:
        """Counters, the tasks that wait, and the workers."""
        return {
            "steps": self.steps,
            "skipped": self.skipped,
            "tally": vars(self.counters),
            "lengths": list(self._lengths),
            "members": [
                {"fresh": member.fresh, "tasks": [task.state() for task in member.tasks]} for member in self._members
            ],
            "workers": self._backend.states(),
        }

    def restore(self, state: StateTree) -> None:
        """Go on where `state` was taken. Raises `TeachrlError` when open episodes come out otherwise."""
        self.steps, self.skipped, self.counters = state["steps"], state["skipped"], WorkerCounters(**state["tally"])
        self._backend.losses = self.counters.lost
        self._lengths.extend(state["lengths"])
        for member, saved in zip(self._members, state["members"], strict=True):
            member.fresh, member.tasks = saved["fresh"], deque(map(PlannedTask.restored, saved["tasks"]))
        self._backend.restore(state["workers"])

    def close(self) -> None:
        """End the workers."""
        self._backend.close()


def _same(one: Any, other: Any) -> bool:
    """Whether two trees of dicts, lists, arrays and plain values are equal."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(value, other[key]) for key, value in one.items())
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        return np.array_equal(one, other)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other)
