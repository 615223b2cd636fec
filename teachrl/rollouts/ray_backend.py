"""Ray actors as rollout workers: one remote call per fragment, and every wait has a timeout."""

from __future__ import annotations

import copy
import logging
import math
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import ray
from ray.exceptions import ActorDiedError, GetTimeoutError, RayActorError, RayError

from teachrl.config.experiment import Experiment
from teachrl.errors import TeachrlError
from teachrl.files import StateTree
from teachrl.rollouts.messages import CollectRequest, CollectResult, PolicySnapshot
from teachrl.rollouts.remote_worker import RemoteWorker

# A new worker imports and builds everything before it can answer: so many more seconds are its own.
MAKING = 60.0
PLACEMENTS = {"pack": "DEFAULT", "spread": "SPREAD"}


@dataclass
class _Pending:
    """A request that is being carried out."""

    reference: Any
    request: CollectRequest
    version: PolicySnapshot
    since: float
    made: bool = False


class RayBackend:
    """See `WorkerBackend`. Connects to the cluster that RAY_ADDRESS names, or starts Ray on this machine.

    A worker that died (also with its node) or answers nothing for ``workers.patience`` seconds is ended and made anew
    from the experiment; it gets the same request and the same policy snapshot again, and its half fragment is
    dropped. After ``workers.losses`` in a row, without a whole fragment in between, the run ends with `TeachrlError`.
    """

    def __init__(self, experiment: Experiment, students: Sequence[str], keep_steps: bool) -> None:
        assert experiment.workers is not None
        self._experiment, self._settings = experiment, experiment.workers
        self._students, self._keep_steps = tuple(students), keep_steps
        self._started_ray = _connect(self._settings.count * self._settings.cpus)
        self.losses = self._in_a_row = 0
        self._pending: dict[int, _Pending] = {}
        self._references: dict[str, tuple[int, Any]] = {}
        self._numbers: list[tuple[int, ...]] = [()] * self._settings.count
        self._places: list[Any] = [None] * self._settings.count
        self._actors = [self._make(index) for index in range(self._settings.count)]
        self._wait_until_made()

    def _make(self, index: int) -> Any:
        settings = self._settings
        actor = ray.remote(RemoteWorker).options(
            num_cpus=settings.cpus,
            num_gpus=settings.gpus,
            max_restarts=0,
            scheduling_strategy=PLACEMENTS[settings.placement],
        )
        numbers = self._numbers[index]
        made: Any = actor.remote(self._experiment, index, self._students, keep_steps=self._keep_steps, numbers=numbers)
        self._places[index] = made.place.remote()
        return made

    def _wait_until_made(self) -> None:
        ready = self._places
        done, missing = ray.wait(ready, num_returns=len(ready), timeout=self._settings.patience + MAKING)
        try:
            ray.get(done)
        except RayError as error:
            self.close()
            raise TeachrlError(f"a worker cannot be made: {_reason(error)}") from error
        if missing:
            resources = ray.cluster_resources()  # type: ignore[no-untyped-call]
            have = {name: resources.get(name, 0) for name in ("CPU", "GPU")}
            self.close()
            raise TeachrlError(
                f"{len(done)} of {len(ready)} workers were ready after {self._settings.patience + MAKING:g} s. Each "
                f"asks for {self._settings.cpus:g} CPU and {self._settings.gpus:g} GPU, and the whole cluster has "
                f"{have['CPU']:g} and {have['GPU']:g}: lower workers.count, cpus or gpus, or raise workers.patience"
            )

    def start(self, index: int, request: CollectRequest, version: PolicySnapshot) -> None:
        """Send the request; the policy snapshot goes by reference and is stored once."""
        reference = self._actors[index].collect.remote(request, self._stored(request.student, version))
        self._pending[index] = _Pending(reference, request, version, time.monotonic())

    def _stored(self, student: str, version: PolicySnapshot) -> Any:
        number, reference = self._references.get(student, (-1, None))
        if number != version.number:
            reference = ray.put(version)
            self._references[student] = version.number, reference
        return reference

    def wait(self, indices: Sequence[int]) -> tuple[int, CollectResult]:
        """See `WorkerBackend`."""
        while True:
            references = {self._pending[index].reference: index for index in indices}
            ready, _ = ray.wait(list(references), num_returns=1, timeout=self._time_left(indices))
            if not ready:
                for index in [i for i in indices if self._time_left([i]) <= 0]:
                    self._replace(index, f"no answer within {self._settings.patience:g} s")
                continue
            index = references[ready[0]]
            self._replace_overdue([i for i in indices if i != index])
            try:
                result = ray.get(ready[0])
            except RayActorError as error:
                self._replace(index, _reason(error))
                continue
            except RayError as error:
                raise TeachrlError(f"worker {index} failed: {_reason(error)}") from error
            self._in_a_row = 0
            del self._pending[index]
            self._numbers[index] = result.numbers
            return index, _owned(result)

    def _time_left(self, indices: Sequence[int]) -> float:
        return max(0.0, min(self._end_of_patience(index) for index in indices) - time.monotonic())

    def _end_of_patience(self, index: int) -> float:
        """Patience begins when the worker is made."""
        pending = self._pending[index]
        if not pending.made and ray.wait([self._places[index]], timeout=0)[0]:
            pending.made, pending.since = True, time.monotonic()
        return pending.since + self._settings.patience + (0.0 if pending.made else MAKING)

    def _replace_overdue(self, indices: Sequence[int]) -> None:
        """Others may always be ready first; who hangs must not hide behind them."""
        late = {self._pending[i].reference: i for i in indices if self._time_left([i]) <= 0}
        if late:
            ready, _ = ray.wait(list(late), num_returns=len(late), timeout=0)
            for reference in set(late) - set(ready):
                self._replace(late[reference], f"no answer within {self._settings.patience:g} s")

    def _replace(self, index: int, reason: str) -> None:
        """A new worker in the place of a lost one, with the same request if it had one. Raises `TeachrlError`."""
        self.losses += 1
        self._in_a_row += 1
        if self._in_a_row > self._settings.losses:
            raise TeachrlError(
                f"{self._in_a_row} workers were lost in a row, and workers.losses allows {self._settings.losses}; the "
                f"last, worker {index}: {reason}"
            )
        ray.kill(self._actors[index])
        self._actors[index] = self._make(index)
        if index in self._pending:
            lost = self._pending.pop(index)
            self.start(index, lost.request, lost.version)

    def places(self) -> list[str]:
        """See `WorkerBackend`."""
        ready, _ = ray.wait(self._places, num_returns=len(self._places), timeout=0)
        return [_place(place) if place in ready else "" for place in self._places]

    def states(self) -> list[StateTree]:
        """See `WorkerBackend`. Workers that are collecting answer when they are done."""
        return [self._state(index) for index in range(len(self._actors))]

    def _state(self, index: int) -> StateTree:
        while True:
            try:
                state = ray.get(self._actors[index].state.remote(), timeout=self._settings.patience)
                return copy.deepcopy(state)
            except (RayActorError, GetTimeoutError) as error:
                self._replace(index, _reason(error))

    def restore(self, states: Sequence[StateTree]) -> None:
        """See `WorkerBackend`."""
        for index, state in enumerate(states):
            self._numbers[index] = tuple(state["worker"]["numbers"])
        calls = zip(self._actors, states, strict=True)
        try:
            ray.get([actor.restore.remote(state) for actor, state in calls], timeout=self._settings.patience)
        except RayError as error:
            raise TeachrlError(_reason(error)) from error

    def close(self) -> None:
        """End the workers, and Ray if it was started here."""
        if not ray.is_initialized():
            return
        for actor in self._actors:
            ray.kill(actor)
        self._pending.clear()
        self._references.clear()
        if self._started_ray:
            ray.shutdown()


def _connect(cpus: float) -> bool:
    """Whether Ray was started here."""
    if ray.is_initialized():
        return False
    # Nothing is reported to anybody unless the user asks for it.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    address = os.environ.get("RAY_ADDRESS")
    own: dict[str, Any] = {}
    if not address:
        # "local", or Ray would look for a cluster that somebody else has started here.
        own = {"address": "local", "num_cpus": max(math.ceil(cpus), os.cpu_count() or 1), "include_dashboard": False}
    try:
        ray.init(log_to_driver=False, logging_level=logging.WARNING, **own)
    except (ConnectionError, RuntimeError, ValueError) as error:
        where = f"at RAY_ADDRESS={address}" if address else "on this machine"
        raise TeachrlError(f"there is no Ray {where}: {error}") from error
    return True


def _place(reference: Any) -> str:
    """Where a worker is; empty for one that was lost before it could say, and is replaced when it is waited for."""
    try:
        return str(ray.get(reference))
    except RayError:
        return ""


def _reason(error: Exception) -> str:
    """What a user needs of an error of Ray's: the worker's own message where it has one, else the last lines."""
    cause = getattr(error, "cause", None)
    if isinstance(cause, TeachrlError):
        return str(cause)
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if isinstance(error, ActorDiedError) and not any("Error" in line for line in lines[-1:]):
        return " ".join(lines[:1])
    return lines[-1] if lines else type(error).__name__


def _owned(result: CollectResult) -> CollectResult:
    """Arrays from Ray are windows on its store. What others keep for long is copied, so that the store can be emptied.

    The fragment's large arrays stay as they are: they are copied when fragments are merged.
    """
    fragment = result.fragment
    if fragment is None:
        return result
    episodes, finals = copy.deepcopy((fragment.episodes, dict(fragment.final_observations)))
    return replace(result, fragment=replace(fragment, episodes=episodes, final_observations=finals))
