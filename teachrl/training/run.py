"""The training loop of one run: advance, evaluate, checkpoint, and tell the callbacks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from teachrl.config.experiment import Experiment, run_name
from teachrl.environments import EnvironmentFacts
from teachrl.evaluation.evaluator import Evaluator
from teachrl.factory.environment import training_env
from teachrl.factory.student import build_student, load_values
from teachrl.factory.teacher import build_teacher
from teachrl.guides.base import LearningGuide
from teachrl.rollouts.factory import build_rollouts
from teachrl.runs.directory import RunDirectory
from teachrl.signals import stop_signals
from teachrl.students.base import Student, StudentContext
from teachrl.tasks.test_sets import choose_test_set
from teachrl.training.callbacks import Callback, CallbackList, OnProgress, make_callback
from teachrl.training.checkpointing import Checkpointer, HasState
from teachrl.training.counters import RunCounters
from teachrl.training.progress import Progress, RunInfo, RunResult, Status, passed
from teachrl.training.schedules import make_schedule

# Streams of randomness that must never meet: the environments use (env index, episode) below these.
TEACHER_STREAM = 2**31


def train(
    experiment: Experiment,
    runs_dir: Path = Path("runs"),
    mode: Literal["auto", "resume", "overwrite"] = "auto",
    on_progress: Callable[[Progress], None] | None = None,
    callbacks: Sequence[Callback] = (),
) -> RunResult:
    """Run an experiment, from its last checkpoint if there is one. Raises `TeachrlError` when the run fails.

    SIGTERM and Ctrl-C end it at the next fragment, with a checkpoint. A run that is already finished is left alone.
    ``callbacks`` are added to those that the experiment names; ``on_progress`` is called after each fragment and each
    evaluation.
    """
    directory = RunDirectory(runs_dir / run_name(experiment))
    directory.check(experiment, mode)
    extra = [*callbacks, *([] if on_progress is None else [OnProgress(on_progress)])]
    # Built before anything is written: a request that cannot work leaves no trace.
    run = Run(experiment, directory, extra)
    try:
        with directory.locked():
            directory.prepare(experiment, empty=mode == "overwrite")
            try:
                return run.play()
            except Exception as error:
                run.write_status("failed", str(error))
                raise
    finally:
        run.close()


class Run:
    """One experiment being trained: its teacher, its students, its rollouts, and its directory."""

    def __init__(self, experiment: Experiment, directory: RunDirectory, callbacks: Sequence[Callback] = ()) -> None:
        self.experiment, self.directory = experiment, directory
        self.callbacks = CallbackList([*map(make_callback, experiment.callbacks), *callbacks])
        torch.set_num_threads(experiment.threads)
        where = training_env(experiment, load_values)
        evaluation_env = where.evaluation_env
        rng = np.random.default_rng(np.random.SeedSequence(experiment.seed, spawn_key=(TEACHER_STREAM,)))
        self.teacher = build_teacher(experiment, where.facts, rng, where.bank)
        guide = where.guide if isinstance(where.guide, LearningGuide) else None
        self.schedule, students = make_schedule(
            self.teacher,
            partial(_make_student, experiment, where.facts),
            experiment.env.n_envs,
            guide,
            prefetch=experiment.workers is not None,
        )
        self.student = students["protagonist"]
        test_set = choose_test_set(experiment.test_set, experiment.env.id, evaluation_env.facts.task_space)
        keep_steps = "transitions" in self.teacher.signals
        self.rollouts = build_rollouts(
            experiment, where, self.schedule.tasks, students, directory.write_failure, keep_steps
        )
        self.evaluator = Evaluator(evaluation_env.make, evaluation_env.facts, test_set, self.student.discount)
        self._spaces = where.facts.task_space, evaluation_env.facts.task_space
        self.counters = RunCounters(lambda: self.schedule.teacher_seconds)
        # Restored in this order: the rollouts play open episodes again, and a guide may have seen these.
        parts: dict[str, HasState] = {"worker": self.rollouts, "teacher": self.teacher}
        parts |= {} if guide is None else {"guide": guide}
        parts |= {"student" if name == "protagonist" else name: student for name, student in students.items()}
        self.checkpointer = Checkpointer(
            directory, experiment.keep_checkpoints, parts, self.counters, self.student, where.facts.task_space
        )
        self._stop_asked = False

    def play(self) -> RunResult:
        """Train until the steps are spent, a signal comes, or a callback asks to stop."""
        self._begin()
        status: Status = "failed"
        try:
            with stop_signals() as stopped:
                while self.rollouts.steps < self.experiment.steps and not stopped.is_set() and not self._stop_asked:
                    self._advance()
                finished = self.rollouts.steps >= self.experiment.steps
                if finished and self.counters.evaluated != self.rollouts.steps:
                    self._evaluate()
                self._checkpoint()
                status = "finished" if finished else "stopped" if self._stop_asked else "interrupted"
                self.write_status(status)
        finally:
            result = RunResult(self.directory.path, status, self.rollouts.steps)
            self.callbacks.on_end(result)
        return result

    def _begin(self) -> None:
        task_space, evaluation_space = self._spaces
        self.directory.write_tasks(task_space, evaluation_space, self.evaluator.test_set)
        self.checkpointer.resume()
        if not self.directory.has_evaluation(self.counters.evaluated):
            self.counters.evaluated = -1  # a longer run evaluates again at its end, whatever the shorter one did
        self.counters.start(self.rollouts.steps)
        self.callbacks.on_start(RunInfo(self.experiment, self.directory.path, self.rollouts.steps))

    def _advance(self) -> None:
        """Play and learn from one fragment, or one round of them; evaluate and save when it is time."""
        before = self.rollouts.steps
        update = self.schedule.advance(self.rollouts, self.counters.costs)
        self.checkpointer.note(update.episodes)
        self.counters.count(update)
        step = self.rollouts.steps
        if passed(self.experiment.evaluate_every, before, step):
            self._evaluate()
        self._stop_asked |= bool(self.callbacks.on_fragment(self.progress(), update))
        if passed(self.experiment.checkpoint_every, before, step):
            self._checkpoint()
            self.write_status("running")

    def _evaluate(self) -> None:
        step = self.rollouts.steps
        found = self.evaluator.evaluate(self.student)
        self.counters.costs.evaluation_steps += found.steps
        costs, seconds = self.counters.costs.to_json(), self.counters.seconds
        evaluation = replace(found, step=step, costs=costs, seconds=seconds)
        self.directory.write_evaluation(evaluation)
        self.counters.mastered, self.counters.evaluated = evaluation.mastered_percent, step
        self._stop_asked |= bool(self.callbacks.on_evaluation(self.progress(), evaluation))

    def _checkpoint(self) -> None:
        path = self.checkpointer.save(self.rollouts.steps, self.teacher.curriculum())
        if path is not None:
            self.callbacks.on_checkpoint(self.progress(), path)

    def progress(self) -> Progress:
        """Return how the run stands now."""
        return self.counters.progress(self.rollouts.steps, self.experiment.steps)

    def write_status(self, status: str, error: str | None = None) -> None:
        """Write how the run stands into its directory."""
        self.directory.write_status(
            status=status,
            step=self.rollouts.steps,
            total_steps=self.experiment.steps,
            episodes=self.counters.episodes,
            seconds=self.counters.seconds,
            teacher_seconds=self.counters.teacher_seconds,
            costs=self.counters.costs.to_json(),
            skipped_episodes=self.rollouts.skipped,
            workers={"places": list(self.rollouts.places), "metrics": dict(self.rollouts.metrics)},
            error=error,
        )

    def close(self) -> None:
        """Close all environments."""
        self.rollouts.close()
        self.evaluator.close()


def _make_student(experiment: Experiment, facts: EnvironmentFacts, number: int) -> Student:
    spaces = (facts.observation_space, facts.action_space)
    context = StudentContext(*spaces, experiment.env.n_envs, experiment.seed + number, experiment.steps)
    return build_student(experiment.student, facts, context)
