"""From an experiment to those who collect for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from teachrl.config.experiment import Experiment
from teachrl.errors import UsageError
from teachrl.factory.environment import TrainingEnv
from teachrl.files import StateTree
from teachrl.guides.base import LearningGuide
from teachrl.records.episodes import Fragment
from teachrl.rollouts.task_sources import LiveTasks, PrefetchedTasks, RoundTasks
from teachrl.rollouts.worker import RolloutWorker
from teachrl.rollouts.worker_group import WorkerBackend, WorkerGroup
from teachrl.students.base import Student

Tasks = LiveTasks | PrefetchedTasks | RoundTasks


class Rollouts(Protocol):
    """Collects fragments for a run; `RolloutWorker` does so in this process, `WorkerGroup` with workers."""

    steps: int
    """Environment steps of the run so far."""
    skipped: int
    """Episodes that failed and were left out."""

    @property
    def metrics(self) -> Mapping[str, float]:
        """Metrics of the last fragment, to be logged."""

    @property
    def places(self) -> Sequence[str]:
        """Host and process of each worker; empty where the run itself collects."""

    def collect(self, student: Student, n_steps: int) -> Fragment:
        """Play ``n_steps`` vector steps. Raises `TeachrlError` when an environment fails."""

    def restart(self) -> None:
        """Give up the open episodes: the next `collect` begins new ones."""

    def state(self) -> StateTree:
        """Return everything that affects the next fragment."""

    def restore(self, state: StateTree) -> None:
        """Go on exactly where `state` was taken."""

    def close(self) -> None:
        """Close all environments."""


def build_rollouts(
    experiment: Experiment,
    where: TrainingEnv,
    tasks: Tasks,
    students: Mapping[str, Student],
    on_failure: Callable[[dict[str, Any]], str],
    keep_steps: bool,
) -> Rollouts:
    """The run itself, or workers, as the experiment says. Raises `TeachrlError` when workers cannot be had."""
    settings, workers = experiment.env, experiment.workers
    if workers is None:
        assert not isinstance(tasks, PrefetchedTasks), "a schedule that prefetches needs workers"
        return RolloutWorker(
            where.make,
            settings.n_envs,
            where.facts,
            tasks,
            seed=experiment.seed,
            discount=students["protagonist"].discount,
            on_error=settings.on_error,
            on_failure=on_failure,
            keep_steps=keep_steps,
        )
    assert not isinstance(tasks, LiveTasks), "workers need a schedule that prefetches"
    if workers.mode == "asynchronous" and isinstance(tasks, RoundTasks):
        raise UsageError(
            "workers.mode asynchronous: this teacher plans whole rounds, in which every level is played to the end "
            "before it is judged, so nobody can be ahead; leave the mode synchronous"
        )
    guide = where.guide if isinstance(where.guide, LearningGuide) else None
    if guide is not None and guide.watches:
        raise UsageError(
            f"the guide {type(guide).__name__} takes note of every step in this process, and workers have environments "
            "of their own: leave workers out, or choose another guide"
        )
    backend = _backend(experiment, list(students), keep_steps)
    return WorkerGroup(workers, settings.n_envs, students, tasks, backend, guide, on_failure)


def _backend(experiment: Experiment, students: list[str], keep_steps: bool) -> WorkerBackend:
    if experiment.backend == "local":
        from teachrl.rollouts.local_backend import LocalBackend

        return LocalBackend(experiment, students, keep_steps)
    try:
        from teachrl.rollouts.ray_backend import RayBackend
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "ray":
            raise
        raise UsageError("backend ray needs the package ray: pip install 'teachrl[ray]'") from None
    return RayBackend(experiment, students, keep_steps)
