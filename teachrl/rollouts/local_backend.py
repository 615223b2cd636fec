"""Workers that take turns in the run's own process."""

from __future__ import annotations

from collections.abc import Sequence

from teachrl.config.experiment import Experiment
from teachrl.rollouts.messages import Delivery, Order, State, Version
from teachrl.rollouts.remote_worker import Collector


class InProcess:
    """See `Transport`. Nobody is ever lost."""

    def __init__(self, experiment: Experiment, students: Sequence[str], keep_steps: bool) -> None:
        assert experiment.workers is not None
        self.losses = 0
        self._collectors = [
            Collector(experiment, index, students, keep_steps=keep_steps) for index in range(experiment.workers.count)
        ]
        self._waiting: dict[int, tuple[Order, Version]] = {}

    def start(self, index: int, order: Order, version: Version) -> None:
        """It begins when it is waited for."""
        self._waiting[index] = order, version

    def wait(self, indices: Sequence[int]) -> tuple[int, Delivery]:
        """Let the first of them collect."""
        index = indices[0]
        return index, self._collectors[index].collect(*self._waiting.pop(index))

    def places(self) -> list[str]:
        """See `Transport`."""
        return [collector.place() for collector in self._collectors]

    def states(self) -> list[State]:
        """See `Transport`."""
        return [collector.state() for collector in self._collectors]

    def restore(self, states: Sequence[State]) -> None:
        """See `Transport`."""
        for collector, state in zip(self._collectors, states, strict=True):
            collector.restore(state)

    def close(self) -> None:
        """Close all environments."""
        for collector in self._collectors:
            collector.close()
