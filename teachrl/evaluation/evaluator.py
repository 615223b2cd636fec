"""Evaluation on frozen test sets: in environments and with seeds of its own, a quota for every task."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from teachrl.environments import Env, EnvironmentFacts
from teachrl.errors import TeachrlError, UsageError
from teachrl.factory.student import TrainedStudent, load_student
from teachrl.records.episodes import Array, Episode
from teachrl.records.evaluation import EvaluationResult, TaskResult
from teachrl.rollouts.episodes import EpisodeTracker, PlannedTask
from teachrl.rollouts.vector_env import EpisodeError, make_vector_env
from teachrl.students.base import Student
from teachrl.tasks.spaces import Task
from teachrl.tasks.test_sets import TestSet, choose_test_set

# Enough to fill a batch for the network; more only costs memory, unless the environments come batched.
PARALLEL_ENVS = 16
PARALLEL_BATCHED = 256
Key = tuple[int, int]  # of an episode: which task, and how often it was played before


class Evaluator:
    """Plays every task of a test set its number of times. Environments are made once and used again."""

    def __init__(self, make: Callable[[], Env], facts: EnvironmentFacts, test_set: TestSet, discount: float) -> None:
        self.test_set = test_set
        self._facts = facts
        episodes = len(test_set.tasks) * test_set.episodes_per_task
        counts = min(PARALLEL_ENVS, episodes), min(PARALLEL_BATCHED, episodes)
        self._tracker = EpisodeTracker(make_vector_env(make, counts[0], facts, counts[1]), facts, discount)

    def evaluate(self, student: Student, deterministic: bool = True) -> EvaluationResult:
        """Results by task, in the order of the set.

        A task's return is the mean over its episodes; its solve rate is the share of episodes that succeeded, and it is
        mastered when that is more than half. Both are ``None`` when the environment knows no success. Raises
        `TeachrlError` when an environment fails.

        With ``deterministic=False``, actions are drawn as in training, with torch's generator, which is seeded with the
        test set's seed and then put back. What else such acting changes in a student is not: evaluate one that will not
        be trained on.
        """
        with _own_randomness(None if deterministic else self.test_set.seed):
            records = self._play(student, deterministic)
        quota = range(self.test_set.episodes_per_task)
        return self._result([[records[i, k] for k in quota] for i in range(len(self.test_set.tasks))], deterministic)

    def _play(self, student: Student, deterministic: bool) -> dict[Key, Episode]:
        quota = range(self.test_set.episodes_per_task)
        waiting = iter([(i, k) for i in range(len(self.test_set.tasks)) for k in quota])
        records: dict[Key, Episode] = {}
        playing: dict[int, Key] = {}
        space, n = self._facts.observation_space, len(self._tracker)
        observations = np.zeros((n, *(space.shape or ())), dtype=space.dtype)
        memory = np.zeros((n, student.memory_size), dtype=np.float32)
        free = list(range(n))
        while True:
            for row, key in zip(free, waiting, strict=False):
                playing[row] = key
                observations[row], memory[row] = self._begin(row, key), 0.0
            if not playing:
                return records
            rows = np.array(sorted(playing))
            decision = student.act(observations[rows], memory[rows], deterministic=deterministic)
            observations[rows], ended = self._step(rows, decision.actions)
            if decision.memory is not None:
                memory[rows] = decision.memory
            for row, terminated in ended.items():
                records[playing.pop(row)] = self._tracker.episode(row, 0, terminated)
            free = list(ended)

    def _begin(self, row: int, key: Key) -> Array:
        task, episode = key
        vector = self._facts.task_space.vector(self.test_set.tasks[task])
        seed = np.random.SeedSequence(self.test_set.seed, spawn_key=key).generate_state(1)[0]
        try:
            return self._tracker.reset(row, PlannedTask(vector, "test set", 0), episode, int(seed))
        except EpisodeError as fault:
            raise TeachrlError(f"evaluation on task {self.test_set.tasks[task]} failed: {fault}") from fault

    def _step(self, rows: NDArray[np.int64], actions: Array) -> tuple[Array, dict[int, bool]]:
        """Observations, and for each row that ended whether it was terminated."""
        stepped = self._tracker.step(rows, actions)
        for row, fault in stepped.faults.items():
            raise TeachrlError(f"evaluation on task {self._tracker.task(row)} failed: {fault}") from fault
        outcomes = zip(rows.tolist(), stepped.terminated, stepped.truncated, strict=True)
        return stepped.observations, {row: terminated for row, terminated, cut in outcomes if terminated or cut}

    def _result(self, by_task: list[list[Episode]], deterministic: bool) -> EvaluationResult:
        tasks = tuple(_task_result(*played) for played in zip(self.test_set.tasks, by_task, strict=True))
        mastered = [task.mastered for task in tasks if task.mastered is not None]
        solve_rates = [task.solve_rate for task in tasks if task.solve_rate is not None]
        return EvaluationResult(
            test_set=self.test_set.name,
            mastered_percent=100 * float(np.mean(mastered)) if mastered else None,
            mean_solve_rate=float(np.mean(solve_rates)) if solve_rates else None,
            mean_return=float(np.mean([task.episode_return for task in tasks])),
            mean_discounted_return=float(np.mean([task.discounted_return for task in tasks])),
            steps=sum(e.length for episodes in by_task for e in episodes),
            tasks=tasks,
            episodes_per_task=self.test_set.episodes_per_task,
            deterministic=deterministic,
        )

    def close(self) -> None:
        """Close all environments."""
        self._tracker.close()


def _task_result(task: Task, episodes: list[Episode]) -> TaskResult:
    successes = [e.success for e in episodes if e.success is not None]
    solve_rate = float(np.mean(successes)) if successes else None
    return TaskResult(
        task=task,
        episode_return=float(np.mean([e.episode_return for e in episodes])),
        discounted_return=float(np.mean([e.discounted_return for e in episodes])),
        length=float(np.mean([e.length for e in episodes])),
        solve_rate=solve_rate,
        mastered=None if solve_rate is None else solve_rate > 0.5,
    )


@contextmanager
def _own_randomness(seed: int | None) -> Iterator[None]:
    """With a seed, what is drawn inside from torch's generator follows from it, and the generator is put back."""
    if seed is None:
        yield
        return
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield


def evaluate_run(
    run: Path,
    test_set: str | None = None,
    episodes: int | None = None,
    deterministic: bool = True,
    step: int | None = None,
) -> EvaluationResult:
    """Evaluate a run's newest checkpoint, or its newest up to ``step``, on its own test set or another one.

    ``episodes`` replaces the set's own number of episodes for each task. With ``deterministic=False``, actions are
    drawn from the policy. Raises `UsageError` for no episodes, and for students that cannot draw (`check_can_sample`).
    """
    trained = load_student(run, step)
    settings = trained.experiment.env
    chosen = choose_test_set(test_set or trained.experiment.test_set, settings.id, trained.facts.task_space)
    if episodes is not None:
        if episodes < 1:
            raise UsageError(f"episodes must be 1 or more; got {episodes}")
        chosen = replace(chosen, episodes_per_task=episodes)
    if not deterministic:
        check_can_sample(trained)
    evaluator = Evaluator(trained.make_env, trained.facts, chosen, trained.student.discount)
    try:
        result = evaluator.evaluate(trained.student, deterministic)
        return replace(result, run=str(run), step=trained.step)
    finally:
        evaluator.close()


def check_can_sample(trained: TrainedStudent) -> None:
    """Raise `UsageError` for a student whose actions cannot be drawn from its policy."""
    if trained.student.experience_kept():
        raise UsageError(
            f"{trained.experiment.student.name} learns from a replay buffer, and what it does in training is no sample "
            "of its policy; evaluate it deterministically, without --sampled"
        )
