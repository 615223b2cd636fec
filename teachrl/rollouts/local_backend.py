"""Workers that take turns in the run's own process."""

from __future__ import annotations

from collections.abc import Sequence

from teachrl.config.experiment import Experiment
from teachrl.files import StateTree
from teachrl.rollouts.messages import CollectRequest, CollectResult, PolicySnapshot
from teachrl.rollouts.remote_worker import RemoteWorker


class LocalBackend:
    """See `WorkerBackend`. No worker is ever lost."""

    def __init__(self, experiment: Experiment, students: Sequence[str], keep_steps: bool) -> None:
        assert experiment.workers is not None
        self.losses = 0
        self._workers = [
            RemoteWorker(experiment, index, students, keep_steps=keep_steps)
            for index in range(experiment.workers.count)
        ]
        self._waiting: dict[int, tuple[CollectRequest, PolicySnapshot]] = {}

    def start(self, index: int, request: CollectRequest, version: PolicySnapshot) -> None:
        """It begins when it is waited for."""
        self._waiting[index] = request, version

    def wait(self, indices: Sequence[int]) -> tuple[int, CollectResult]:
        """Let the first of them collect."""
        index = indices[0]
        return index, self._workers[index].collect(*self._waiting.pop(index))

    def places(self) -> list[str]:
        """See `WorkerBackend`."""
        return [remote_worker.place() for remote_worker in self._workers]

    def states(self) -> list[StateTree]:
        """See `WorkerBackend`."""
        return [remote_worker.state() for remote_worker in self._workers]

    def restore(self, states: Sequence[StateTree]) -> None:
        """See `WorkerBackend`."""
        for remote_worker, state in zip(self._workers, states, strict=True):
            remote_worker.restore(state)

    def close(self) -> None:
        """Close all environments."""
        for remote_worker in self._workers:
            remote_worker.close()
