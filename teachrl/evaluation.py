"""Evaluation on frozen test sets: deterministic, in environments and with seeds of its own, a quota for every task."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from teachrl.checkpoints import read_tree
from teachrl.environments import Env, EnvironmentFacts, declared_facts, make_env
from teachrl.episodes import Array, Episode
from teachrl.errors import TeachrlError, UsageError
from teachrl.experiment import Experiment
from teachrl.rollouts.slot import EpisodeError, EpisodeSlot, PlannedTask
from teachrl.runs import RunDirectory
from teachrl.students import Classroom, Student, make_student
from teachrl.tasks import Task
from teachrl.test_sets import TestSet, choose_test_set

# Enough to fill a batch for the network; more only costs memory.
PARALLEL_ENVS = 16


@dataclass
class _Playing:
    """An episode that is going on: of which task and number, what is seen, and what the student has in mind."""

    slot: EpisodeSlot
    key: tuple[int, int]
    observation: Array
    memory: Array


class Evaluator:
    """Plays every task of a test set its number of times. Environments are made once and used again."""

    def __init__(self, make: Callable[[], Env], facts: EnvironmentFacts, test_set: TestSet, discount: float) -> None:
        self.test_set = test_set
        self._facts = facts
        n = min(PARALLEL_ENVS, len(test_set.tasks) * test_set.episodes_per_task)
        self._slots = [EpisodeSlot(make(), facts.task_space, discount, facts.mastery_return) for _ in range(n)]

    def evaluate(self, student: Student) -> dict[str, Any]:
        """Results by task, in the order of the set.

        A task's return is the mean over its episodes; it is mastered when more than half of them succeeded, and
        ``None`` when the environment knows no success. Raises `TeachrlError` when an environment fails.
        """
        quota = self.test_set.episodes_per_task
        waiting = [(i, k) for i in range(len(self.test_set.tasks)) for k in range(quota)]
        records: dict[tuple[int, int], Episode] = {}
        playing: list[_Playing] = []
        nothing = np.zeros(student.memory_size, dtype=np.float32)
        free = list(self._slots)
        while waiting or playing:
            while waiting and free:
                key, slot = waiting.pop(0), free.pop(0)
                playing.append(_Playing(slot, key, self._begin(slot, key), nothing))
            playing = self._step(student, playing, records, free)
        return self._summary([[records[i, k] for k in range(quota)] for i in range(len(self.test_set.tasks))])

    def _begin(self, slot: EpisodeSlot, key: tuple[int, int]) -> Array:
        task, episode = key
        vector = self._facts.task_space.vector(self.test_set.tasks[task])
        seed = np.random.SeedSequence(self.test_set.seed, spawn_key=key).generate_state(1)[0]
        try:
            return slot.reset(PlannedTask(vector, "test set", 0), episode, int(seed))
        except EpisodeError as fault:
            raise TeachrlError(f"evaluation on task {self.test_set.tasks[task]} failed: {fault}") from fault

    def _step(
        self,
        student: Student,
        playing: list[_Playing],
        records: dict[tuple[int, int], Episode],
        free: list[EpisodeSlot],
    ) -> list[_Playing]:
        batch = np.stack([p.observation for p in playing]).astype(self._facts.observation_space.dtype, copy=False)
        decision = student.act(batch, np.stack([p.memory for p in playing]), deterministic=True)
        still: list[_Playing] = []
        for row, (p, action) in enumerate(zip(playing, decision.actions, strict=True)):
            try:
                p.observation, _, terminated, truncated = p.slot.step(action)
            except EpisodeError as fault:
                raise TeachrlError(f"evaluation on task {p.slot.task} failed: {fault}") from fault
            if terminated or truncated:
                records[p.key] = p.slot.episode(0, 0, terminated)
                free.append(p.slot)
            else:
                p.memory = p.memory if decision.memory is None else decision.memory[row]
                still.append(p)
        return still

    def _summary(self, by_task: list[list[Episode]]) -> dict[str, Any]:
        tasks: list[dict[str, Any]] = []
        for task, episodes in zip(self.test_set.tasks, by_task, strict=True):
            successes = [e.success for e in episodes if e.success is not None]
            tasks.append(
                {
                    "task": task,
                    "return": float(np.mean([e.episode_return for e in episodes])),
                    "discounted_return": float(np.mean([e.discounted_return for e in episodes])),
                    "length": float(np.mean([e.length for e in episodes])),
                    "mastered": bool(np.mean(successes) > 0.5) if successes else None,
                }
            )
        mastered: list[bool] = [t["mastered"] for t in tasks if t["mastered"] is not None]
        return {
            "test_set": self.test_set.name,
            "mastered_percent": 100 * float(np.mean(mastered)) if mastered else None,
            "mean_return": float(np.mean([t["return"] for t in tasks])),
            "steps": sum(e.length for episodes in by_task for e in episodes),
            "mean_discounted_return": float(np.mean([t["discounted_return"] for t in tasks])),
            "tasks": tasks,
        }

    def close(self) -> None:
        """Close all environments."""
        for slot in self._slots:
            slot.env.close()


@dataclass(frozen=True)
class TrainedStudent:
    """The student of a run at its newest checkpoint, with what it takes to let it play."""

    experiment: Experiment
    facts: EnvironmentFacts
    student: Student
    step: int


def load_student(run: Path) -> TrainedStudent:
    """The student of a run directory. Raises `UsageError` when there is no run, or no checkpoint yet."""
    directory = RunDirectory.open(run)
    checkpoint = directory.checkpoints().latest()
    if checkpoint is None:
        raise UsageError(f"{run} has no checkpoint yet; train it first")
    experiment = directory.experiment()
    facts = declared_facts(experiment.env)
    student = make_student(
        experiment.student.name,
        Classroom(
            facts.observation_space, facts.action_space, experiment.env.n_envs, experiment.seed, experiment.steps
        ),
        experiment.student.preset,
        experiment.student.options,
    )
    student.load_weights(read_tree(checkpoint / "student.npz")["weights"])
    return TrainedStudent(experiment, facts, student, int(checkpoint.name.split("_")[1]))


def evaluate_run(run: Path, test_set: str | None = None) -> dict[str, Any]:
    """Evaluate the newest checkpoint of a run, on its own test set or another one."""
    trained = load_student(run)
    settings = trained.experiment.env
    chosen = choose_test_set(test_set or trained.experiment.test_set, settings.id, trained.facts.task_space)
    evaluator = Evaluator(lambda: make_env(settings), trained.facts, chosen, trained.student.discount)
    try:
        return {"run": str(run), "step": trained.step, **evaluator.evaluate(trained.student)}
    finally:
        evaluator.close()


def replay(run: Path, task: Task, output: Path, seed: int = 0) -> dict[str, Any]:
    """Film one episode of a run's student on ``task`` as a GIF. Returns its return and length."""
    import imageio.v3 as imageio

    trained = load_student(run)
    vector = trained.facts.task_space.vector(task)
    env = make_env(trained.experiment.env, render=True)
    frames = []
    try:
        slot = EpisodeSlot(env, trained.facts.task_space, trained.student.discount, trained.facts.mastery_return)
        observation = slot.reset(PlannedTask(vector, "replay", 0), 0, seed)
        memory = np.zeros((1, trained.student.memory_size), dtype=np.float32)
        done = False
        while not done:
            # Every second picture: a film of 25 pictures a second is as telling as one of 50, at half the size.
            if len(slot.actions) % 2 == 0:
                frames.append(env.render())
            batch = observation[None].astype(trained.facts.observation_space.dtype, copy=False)
            decision = trained.student.act(batch, memory, deterministic=True)
            memory = memory if decision.memory is None else decision.memory
            observation, _, terminated, truncated = slot.step(decision.actions[0])
            done = terminated or truncated
        frames.append(env.render())
        episode = slot.episode(0, len(slot.actions), terminated)
    except EpisodeError as fault:
        raise TeachrlError(f"the episode on task {task} failed: {fault}") from fault
    finally:
        env.close()
    output.parent.mkdir(parents=True, exist_ok=True)
    fps = env.metadata.get("render_fps", 30) / 2
    imageio.imwrite(output, np.stack([np.asarray(f) for f in frames]), extension=".gif", duration=1000 / fps, loop=0)
    return {"task": task, "return": episode.episode_return, "length": episode.length, "frames": len(frames)}
