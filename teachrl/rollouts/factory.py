"""From an experiment to those who collect for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from teachrl.config.experiment import Experiment
from teachrl.errors import UsageError
from teachrl.factory.environment import TrainingEnv
from teachrl.guides.base import LearningGuide
from teachrl.rollouts.task_sources import LiveTasks, PrefetchedTasks, RoundTasks
from teachrl.rollouts.worker import RolloutWorker
from teachrl.rollouts.worker_group import WorkerBackend, WorkerGroup
from teachrl.students.base import Student

Rollouts = RolloutWorker | WorkerGroup
Source = LiveTasks | PrefetchedTasks | RoundTasks


def build_rollouts(
    experiment: Experiment,
    where: TrainingEnv,
    source: Source,
    students: Mapping[str, Student],
    on_failure: Callable[[dict[str, Any]], str],
    keep_steps: bool,
) -> Rollouts:
    """The run itself, or workers, as the experiment says. Raises `TeachrlError` when workers cannot be had."""
    settings, workers = experiment.env, experiment.workers
    if workers is None:
        assert not isinstance(source, PrefetchedTasks)
        return RolloutWorker(
            where.make,
            settings.n_envs,
            where.facts,
            source,
            seed=experiment.seed,
            discount=students["protagonist"].discount,
            on_error=settings.on_error,
            on_failure=on_failure,
            keep_steps=keep_steps,
        )
    assert not isinstance(source, LiveTasks)
    if workers.mode == "asynchronous" and isinstance(source, RoundTasks):
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
    transport = _transport(experiment, list(students), keep_steps)
    return WorkerGroup(workers, settings.n_envs, students, source, transport, guide, on_failure)


def _transport(experiment: Experiment, students: list[str], keep_steps: bool) -> WorkerBackend:
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
