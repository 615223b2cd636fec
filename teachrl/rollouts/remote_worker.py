"""One worker, wherever it lives: its environments, the copies of the students that act in them, its random streams."""

from __future__ import annotations

import copy
import os
import platform
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from teachrl.config.experiment import Experiment, StudentChoice
from teachrl.errors import TeachrlError
from teachrl.factory.environment import TrainingEnv, training_env
from teachrl.factory.student import build_student, load_values
from teachrl.files import StateTree
from teachrl.guides.base import LearningGuide
from teachrl.nn.rng import IsolatedGlobalRNG
from teachrl.nn.tensors import set_threads
from teachrl.records.episodes import Episode
from teachrl.rollouts.episodes import PlannedTask
from teachrl.rollouts.messages import CollectRequest, CollectResult, PolicySnapshot
from teachrl.rollouts.worker import RolloutWorker
from teachrl.students.base import Student, StudentContext

# Below it are the streams of environments; above, those of the teacher.
WORKER_STREAM = 2**31 + 1


class RequestedTasks:
    """Hands out the tasks of a request: one after the other, over again when there are too few, or one a place."""

    def __init__(self) -> None:
        self._request: CollectRequest | None = None
        self.begun = 0

    def take(self, request: CollectRequest) -> None:
        """From now on, hand out the tasks of this request."""
        self._request, self.begun = request, 0

    def next_task(self, env_index: int, finished: Episode | None) -> PlannedTask:
        """See `TaskSource`."""
        assert self._request is not None, "no request was taken"
        tasks = self._request.tasks
        if self._request.held:
            return tasks[env_index]
        self.begun += 1
        return tasks[(self.begun - 1) % len(tasks)]


class RemoteWorker:
    """Worker ``index`` of an experiment; of its environments, the ``n_envs`` from ``index * n_envs`` on.

    The same requests and policy snapshots give the same results in whichever process. Students are named; a copy of
    each acts here. ``keep_steps``: episodes carry their transitions.
    """

    def __init__(
        self,
        experiment: Experiment,
        index: int,
        students: Sequence[str],
        *,
        keep_steps: bool = False,
        numbers: Sequence[int] = (),
    ) -> None:
        assert experiment.workers is not None
        set_threads(experiment.threads)
        self._n_envs = experiment.env.n_envs // experiment.workers.count
        self._failures: list[Mapping[str, Any]] = []
        self._rng = IsolatedGlobalRNG(_seed(experiment, index, 0))
        with self._rng.active():
            where = training_env(experiment, load_values)
            self._students = {
                name: _acting_copy(experiment, where, self._n_envs, _seed(experiment, index, 1 + i))
                for i, name in enumerate(students)
            }
        self._guide = where.guide if isinstance(where.guide, LearningGuide) else None
        self._source = RequestedTasks()
        self._worker = RolloutWorker(
            where.make,
            self._n_envs,
            where.facts,
            self._source,
            seed=experiment.seed,
            discount=next(iter(self._students.values())).discount,
            on_error=experiment.env.on_error,
            on_failure=self._note,
            keep_steps=keep_steps,
            first_env=index * self._n_envs,
            numbers=numbers,
        )
        self._loaded: dict[str, int] = {}

    def _note(self, failure: dict[str, Any]) -> str:
        self._failures.append(failure)
        return "the run's folder failures"

    def place(self) -> str:
        """Where it is, host and process; answered when all is made."""
        return f"{platform.node()} {os.getpid()}"

    def collect(self, request: CollectRequest, version: PolicySnapshot) -> CollectResult:
        """Play a fragment. A failed environment ends it, with the result's ``error``."""
        student = self._students[request.student]
        if self._loaded.get(request.student) != version.number:
            student.load_weights(version.weights)
            student.load_exploration(version.exploration)
            self._loaded[request.student] = version.number
        if self._guide is not None and version.guide is not None:
            self._guide.restore(version.guide)
        if request.restart:
            self._worker.restart()
        self._source.take(request)
        self._worker.steps, self._worker.step_increment = request.step, request.step_increment
        fragment, error = None, None
        skipped = self._worker.skipped
        with self._rng.active():
            try:
                fragment = self._worker.collect(student, request.n_steps)
            except TeachrlError as failure:
                error = str(failure)
        begun = self._source.begun
        taken = min(begun, len(request.tasks))
        failures, self._failures = tuple(self._failures), []
        numbers = tuple(self._worker.numbers)
        skipped = self._worker.skipped - skipped
        return CollectResult(version.number, fragment, taken, begun - taken, numbers, skipped, failures, error)

    def state(self) -> StateTree:
        """Everything that the next result depends on, apart from the request and the policy snapshot."""
        own = {
            name: [generator.bit_generator.state for generator in student.acting_generators]
            for name, student in self._students.items()
        }
        return {"worker": self._worker.state(), "generators": self._rng.state(), "own_generators": own}

    def restore(self, state: StateTree) -> None:
        """Go on where `state` was taken. Raises `TeachrlError` when open episodes come out otherwise."""
        with self._rng.active():
            self._worker.restore(state["worker"])
        self._rng.restore(state["generators"])
        for name, student in self._students.items():
            for generator, saved in zip(student.acting_generators, state["own_generators"][name], strict=True):
                generator.bit_generator.state = saved

    def close(self) -> None:
        """Close all environments."""
        self._worker.close()


def _seed(experiment: Experiment, index: int, stream: int) -> int:
    key = (WORKER_STREAM, index, stream)
    return int(np.random.SeedSequence(experiment.seed, spawn_key=key).generate_state(1)[0]) >> 1


def _acting_copy(experiment: Experiment, where: TrainingEnv, n_envs: int, seed: int) -> Student:
    facts = where.facts
    # A space draws from a generator that it holds, and two copies in one process must not share one.
    spaces = copy.deepcopy((facts.observation_space, facts.action_space))
    context = StudentContext(*spaces, n_envs, seed, experiment.steps, only_acts=True)
    return build_student(_acting_settings(experiment), facts, context)


def _acting_settings(experiment: Experiment) -> StudentChoice:
    """The student's settings with the worker's device in the place of the one on which it learns."""
    assert experiment.workers is not None
    settings, device = experiment.student, experiment.workers.device
    if device == "cpu" and "device" not in settings.options:
        return settings
    return settings.model_copy(update={"options": {**settings.options, "device": device}})
