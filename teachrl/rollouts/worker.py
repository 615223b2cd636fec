"""A worker: a vector of environments in this process, stepped together, each episode on the task it was given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from teachrl.environments import Env, EnvironmentFacts
from teachrl.errors import TeachrlError
from teachrl.records.episodes import Array, Decision, Episode, Fragment
from teachrl.rollouts.episodes import EpisodeTracker
from teachrl.rollouts.task_sources import TaskSource
from teachrl.rollouts.vector_env import EpisodeError, make_vector_env
from teachrl.students.base import Student

# After this many failures without one whole episode in between, skipping on would only hide a broken environment.
FAILURE_LIMIT = 20


class RolloutWorker:
    """Collects fragments.

    Tasks arrive with no lag: when an episode ends, its record goes to the source, and the task that the source answers
    with is the one of that same environment's next reset. Each episode has a seed of its own, derived from the run's
    seed, the environment's index and the episode's number. ``on_failure`` gets the JSON record of every failed episode
    and returns where it was put. With ``keep_steps``, episodes carry their transitions. ``first_env`` is where its
    environments are among all of the run's, for their seeds; ``numbers`` those of their first episodes, else 0.
    """

    def __init__(
        self,
        make_env: Callable[[], Env],
        n_envs: int,
        facts: EnvironmentFacts,
        source: TaskSource,
        *,
        seed: int,
        discount: float,
        on_error: Literal["abort", "skip"] = "abort",
        on_failure: Callable[[dict[str, Any]], str] | None = None,
        keep_steps: bool = False,
        first_env: int = 0,
        numbers: Sequence[int] = (),
    ) -> None:
        self._source = source
        self._seed = seed
        self._on_error = on_error
        self._on_failure = on_failure
        self.tracker = EpisodeTracker(make_vector_env(make_env, n_envs, facts), facts, discount, keep_steps, first_env)
        self._rows = np.arange(n_envs)
        self._first_env = first_env
        self.numbers = list(numbers) or [0] * n_envs  # of the next episode of each environment
        self.steps = 0
        self.step_increment = 1  # how many of the run's steps are made while this worker makes one
        self.skipped = 0
        self._failures_in_a_row = 0
        self._observations: Array | None = None
        self._starts = np.ones(n_envs, dtype=np.bool_)
        self._memory = np.zeros((n_envs, 0), dtype=np.float32)

    def collect(self, student: Student, n_steps: int) -> Fragment:
        """Play ``n_steps`` vector steps with ``student`` exploring. Raises `TeachrlError` when an environment fails."""
        n = len(self.tracker)
        if self._observations is None:
            self._observations = np.stack([self._begin(i, None) for i in range(n)])
            self._memory = np.zeros((n, student.memory_size), dtype=np.float32)
        memory = self._memory
        rewards = np.zeros((n_steps, n))
        terminated, truncated, starts = (np.zeros((n_steps, n), dtype=np.bool_) for _ in range(3))
        observations, decisions = [], []
        finals: dict[tuple[int, int], Array] = {}
        episodes: list[Episode] = []
        for t in range(n_steps):
            if student.needs_privileged:
                decision = student.act_with_privileged(self._observations, self.tracker.privileged(), self._memory)
            else:
                decision = student.act(self._observations, self._memory)
            observations.append(self._observations)
            decisions.append(decision)
            starts[t] = self._starts
            rows = rewards[t], terminated[t], truncated[t]
            self._observations = self._step_all(t, decision.actions, *rows, finals, episodes)
            self._starts = terminated[t] | truncated[t]
            if decision.memory is not None:
                self._memory = np.where(self._starts[:, None], np.float32(0.0), decision.memory)
        return Fragment(
            np.stack(observations),
            np.stack([d.actions for d in decisions]),
            rewards,
            terminated,
            truncated,
            starts,
            self._observations,
            self._starts.copy(),
            finals,
            _stack_extras(decisions),
            tuple(episodes),
            memory,
            self._memory,
        )

    def restart(self) -> None:
        """Give up the open episodes: the next `collect` asks for tasks and begins new ones."""
        self._observations = None
        self._starts = np.ones(len(self.tracker), dtype=np.bool_)

    def _step_all(
        self,
        t: int,
        actions: Array,
        rewards: Array,
        terminated: Array,
        truncated: Array,
        finals: dict[tuple[int, int], Array],
        episodes: list[Episode],
    ) -> Array:
        """Step every environment once, write what step ``t`` gave, and begin the next episode wherever one ended."""
        self.steps += len(self.tracker) * self.step_increment
        stepped = self.tracker.step(self._rows, actions)
        following = stepped.observations
        rewards[:], terminated[:], truncated[:] = stepped.rewards, stepped.terminated, stepped.truncated
        for i in range(len(self.tracker)):
            if not (stepped.terminated[i] or stepped.truncated[i] or i in stepped.faults):
                continue
            episode = None
            if i in stepped.faults:
                self._handle(i, stepped.faults[i])
                # The broken step is cut off where it began: no reward, and the student values its last good state.
                assert self._observations is not None
                rewards[i], terminated[i], truncated[i] = 0.0, False, True
                finals[t, i] = self._observations[i]
            else:
                finals[t, i] = following[i].copy()
                episode = self.tracker.episode(i, self.steps, bool(terminated[i]))
                episodes.append(episode)
                self._failures_in_a_row = 0
            following[i] = self._begin(i, episode)
        return following

    def _begin(self, i: int, finished: Episode | None) -> Array:
        """Start the next episode of environment ``i`` on the task that the source gives."""
        while True:
            number = self.numbers[i]
            self.numbers[i] += 1
            try:
                return self.tracker.reset(i, self._source.next_task(i, finished), number, self._episode_seed(i, number))
            except EpisodeError as fault:
                self._handle(i, fault)
                finished = None

    def _handle(self, i: int, fault: EpisodeError) -> None:
        """Record a failed episode; abort, or see to it that the next episode starts clean."""
        failure, number = self.tracker.failure(i, fault.reason), self.tracker[i].number
        where = self._on_failure(failure) if self._on_failure else "nowhere"
        self._failures_in_a_row += 1
        self.skipped += 1
        what = (
            f"environment {i} failed at step {failure['step']} of its episode {number}: {fault.reason}\n"
            f"  task {failure['task']}, seed {failure['seed']}; the episode with its actions is saved in {where}"
        )
        if self._on_error == "abort":
            raise TeachrlError(f"{what}\n  To leave such episodes out and go on, set env.on_error to skip.") from fault
        if self._failures_in_a_row >= FAILURE_LIMIT:
            raise TeachrlError(f"{self._failures_in_a_row} episodes in a row failed; the last: {what}") from fault
        self.tracker.renew(i)

    def _episode_seed(self, i: int, number: int) -> int:
        return int(np.random.SeedSequence(self._seed, spawn_key=(self._first_env + i, number)).generate_state(1)[0])

    def state(self) -> dict[str, Any]:
        """Counters and the open episodes."""
        return {
            "steps": self.steps,
            "skipped": self.skipped,
            "failures_in_a_row": self._failures_in_a_row,
            "starts": self._starts.copy(),
            "memory": self._memory.copy(),
            "observations": None if self._observations is None else self._observations.copy(),
            "numbers": list(self.numbers),
            "slots": {} if self._observations is None else self.tracker.state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on where `state` was taken, by playing the open episodes again. Raises `TeachrlError` when they differ."""
        self.steps, self.skipped = state["steps"], state["skipped"]
        self._failures_in_a_row = state["failures_in_a_row"]
        self.numbers = list(state["numbers"])
        self._starts, self._memory = np.array(state["starts"]), np.array(state["memory"])
        if state["observations"] is None:
            return
        saved = np.array(state["observations"])
        try:
            self._observations = self.tracker.replay(state["slots"])
        except EpisodeError as fault:
            raise TeachrlError(f"cannot resume: an open episode failed when it was played again: {fault}") from fault
        if not np.array_equal(self._observations, saved):
            raise TeachrlError(
                "cannot resume exactly: an environment, given the same task, seed and actions, came to another state. "
                "Its episodes depend on something else (an unseeded generator, what was played before); mend that, or "
                "start anew with --overwrite."
            )

    @property
    def metrics(self) -> Mapping[str, float]:
        """Empty: nothing about collecting in the run's own process has to be logged."""
        return {}

    @property
    def places(self) -> Sequence[str]:
        """Empty: it collects in the run's own process."""
        return ()

    def close(self) -> None:
        """Close all environments."""
        self.tracker.close()


def _stack_extras(decisions: Sequence[Decision]) -> dict[str, Array]:
    return {name: np.stack([d.extras[name] for d in decisions]) for name in decisions[0].extras}
