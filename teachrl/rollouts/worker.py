"""A worker: a vector of environments in this process, stepped together, each episode on the task it was given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, Protocol

import numpy as np

from teachrl.environments import Env, EnvironmentFacts
from teachrl.episodes import Array, Decision, Episode, Fragment
from teachrl.errors import TeachrlError
from teachrl.rollouts.slot import EpisodeError, EpisodeSlot, PlannedTask
from teachrl.students.base import Student

# After this many failures without one whole episode in between, skipping on would only hide a broken environment.
FAILURE_LIMIT = 20


class TaskSource(Protocol):
    """Where a worker gets its tasks."""

    def next_task(self, env_index: int, finished: Episode | None) -> PlannedTask:
        """The next task of an environment, given the episode that just ended in it (``None``: none did)."""


class RolloutWorker:
    """Collects fragments.

    Tasks arrive with no lag: when an episode ends, its record goes to the source, and the task that the source answers
    with is the one of that same environment's next reset. Each episode has a seed of its own, derived from the run's
    seed, the environment's index and the episode's number. ``on_failure`` gets the JSON record of every failed episode
    and returns where it was put. With ``keep_steps``, episodes carry their transitions.
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
    ) -> None:
        self._make_env = make_env
        self._facts = facts
        self._source = source
        self._seed = seed
        self._on_error = on_error
        self._on_failure = on_failure
        self.slots = [
            EpisodeSlot(make_env(), facts.task_space, discount, facts.mastery_return, keep_steps) for _ in range(n_envs)
        ]
        self.steps = 0
        self.skipped = 0
        self._failures_in_a_row = 0
        self._observations: Array | None = None
        self._starts = np.ones(n_envs, dtype=np.bool_)
        self._memory = np.zeros((n_envs, 0), dtype=np.float32)

    def collect(self, student: Student, n_steps: int) -> Fragment:
        """Play ``n_steps`` vector steps with ``student`` exploring. Raises `TeachrlError` when an environment fails."""
        n = len(self.slots)
        if self._observations is None:
            self._observations = self._stack([self._begin(i, None) for i in range(n)])
            self._memory = np.zeros((n, student.memory_size), dtype=np.float32)
        memory = self._memory
        rewards = np.zeros((n_steps, n))
        terminated, truncated, starts = (np.zeros((n_steps, n), dtype=np.bool_) for _ in range(3))
        observations, decisions = [], []
        finals: dict[tuple[int, int], Array] = {}
        episodes: list[Episode] = []
        for t in range(n_steps):
            decision = student.act(self._observations, self._memory)
            observations.append(self._observations)
            decisions.append(decision)
            starts[t] = self._starts
            following = self._step_all(t, decision.actions, rewards, terminated, truncated, finals, episodes)
            self._observations = self._stack(following)
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
        self._starts = np.ones(len(self.slots), dtype=np.bool_)

    def _step_all(
        self,
        t: int,
        actions: Array,
        rewards: Array,
        terminated: Array,
        truncated: Array,
        finals: dict[tuple[int, int], Array],
        episodes: list[Episode],
    ) -> list[Array]:
        """Step every environment once, write row ``t``, and begin the next episode wherever one ended."""
        following: list[Array] = []
        self.steps += len(self.slots)
        for i, slot in enumerate(self.slots):
            try:
                observation, rewards[t, i], terminated[t, i], truncated[t, i] = slot.step(actions[i])
                if not np.isfinite(observation).all():
                    raise EpisodeError("the observation has NaN or infinite entries")
            except EpisodeError as fault:
                self._handle(slot, i, fault)
                # The broken step is cut off where it began: no reward, and the student values its last good state.
                assert self._observations is not None
                rewards[t, i], terminated[t, i], truncated[t, i] = 0.0, False, True
                finals[t, i] = self._observations[i]
                following.append(self._begin(i, None))
                continue
            if terminated[t, i] or truncated[t, i]:
                finals[t, i] = np.array(observation)
                episode = slot.episode(i, self.steps, bool(terminated[t, i]))
                episodes.append(episode)
                self._failures_in_a_row = 0
                observation = self._begin(i, episode)
            following.append(observation)
        return following

    def _begin(self, i: int, finished: Episode | None) -> Array:
        """Start the next episode of environment ``i`` on the task that the source gives."""
        while True:
            slot = self.slots[i]
            number = slot.number + 1
            try:
                observation = slot.reset(self._source.next_task(i, finished), number, self._episode_seed(i, number))
                if not np.isfinite(observation).all():
                    raise EpisodeError("the first observation has NaN or infinite entries")
                return observation
            except EpisodeError as fault:
                self._handle(slot, i, fault)
                finished = None

    def _handle(self, slot: EpisodeSlot, i: int, fault: EpisodeError) -> None:
        """Record a failed episode; abort, or replace the environment so that the next episode starts clean."""
        where = self._on_failure(slot.failure(fault.reason)) if self._on_failure else "nowhere"
        self._failures_in_a_row += 1
        self.skipped += 1
        what = (
            f"environment {i} failed at step {len(slot.actions)} of its episode {slot.number}: {fault.reason}\n"
            f"  task {slot.task}, seed {slot.seed}; the episode with its actions is saved in {where}"
        )
        if self._on_error == "abort":
            raise TeachrlError(f"{what}\n  To leave such episodes out and go on, set env.on_error to skip.") from fault
        if self._failures_in_a_row >= FAILURE_LIMIT:
            raise TeachrlError(f"{self._failures_in_a_row} episodes in a row failed; the last: {what}") from fault
        slot.env.close()
        slot.env = self._make_env()

    def _episode_seed(self, i: int, number: int) -> int:
        return int(np.random.SeedSequence(self._seed, spawn_key=(i, number)).generate_state(1)[0])

    def _stack(self, observations: Sequence[Array]) -> Array:
        return np.stack(observations).astype(self._facts.observation_space.dtype, copy=False)

    def state(self) -> dict[str, Any]:
        """Counters and the open episodes."""
        return {
            "steps": self.steps,
            "skipped": self.skipped,
            "failures_in_a_row": self._failures_in_a_row,
            "starts": self._starts.copy(),
            "memory": self._memory.copy(),
            "observations": None if self._observations is None else self._observations.copy(),
            "slots": {} if self._observations is None else {str(i): slot.state() for i, slot in enumerate(self.slots)},
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on where `state` was taken, by playing the open episodes again. Raises `TeachrlError` when they differ."""
        self.steps, self.skipped = state["steps"], state["skipped"]
        self._failures_in_a_row = state["failures_in_a_row"]
        self._starts, self._memory = np.array(state["starts"]), np.array(state["memory"])
        if state["observations"] is None:
            return
        saved = np.array(state["observations"])
        try:
            replayed = [slot.replay(state["slots"][str(i)]) for i, slot in enumerate(self.slots)]
        except EpisodeError as fault:
            raise TeachrlError(f"cannot resume: an open episode failed when it was played again: {fault}") from fault
        self._observations = self._stack(replayed)
        if not np.array_equal(self._observations, saved):
            raise TeachrlError(
                "cannot resume exactly: an environment, given the same task, seed and actions, came to another state. "
                "Its episodes depend on something else (an unseeded generator, what was played before); mend that, or "
                "start anew with --overwrite."
            )

    def close(self) -> None:
        """Close all environments."""
        for slot in self.slots:
            slot.env.close()


def _stack_extras(decisions: Sequence[Decision]) -> dict[str, Array]:
    return {name: np.stack([d.extras[name] for d in decisions]) for name in decisions[0].extras}
