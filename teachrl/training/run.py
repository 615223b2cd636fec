"""The loop of one run: collect, learn, tell the teacher, evaluate, checkpoint."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
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
from teachrl.files import read_tree, write_json
from teachrl.guides.base import LearningGuide
from teachrl.records.episodes import Episode
from teachrl.rollouts.factory import build_rollouts
from teachrl.runs.directory import RunDirectory
from teachrl.signals import stop_signals
from teachrl.students.base import Student, StudentContext
from teachrl.tasks.test_sets import choose_test_set
from teachrl.training.schedules import Costs, Update, make_schedule
from teachrl.training.tensorboard import TensorboardLog

# Streams of randomness that must never meet: the environments use (env index, episode) below these.
TEACHER_STREAM = 2**31
RECENT_EPISODES = 100


@dataclass(frozen=True)
class Progress:
    """How a run stands. ``mean_return`` is over the last 100 episodes, ``mastered_percent`` of the last evaluation."""

    step: int
    total_steps: int
    steps_per_second: float
    mean_return: float | None
    mastered_percent: float | None
    episodes: int


@dataclass(frozen=True)
class RunResult:
    """How a run ended, and where it is."""

    path: Path
    status: Literal["finished", "interrupted"]
    step: int


def train(
    experiment: Experiment,
    runs_dir: Path = Path("runs"),
    mode: Literal["auto", "resume", "overwrite"] = "auto",
    on_progress: Callable[[Progress], None] | None = None,
) -> RunResult:
    """Run an experiment, from its last checkpoint if there is one. Raises `TeachrlError` when the run fails.

    SIGTERM and Ctrl-C end it at the next fragment, with a checkpoint. A run that is already finished is left alone.
    """
    directory = RunDirectory(runs_dir / run_name(experiment))
    directory.check(experiment, mode)
    # Built before anything is written: a request that cannot work leaves no trace.
    run = Run(experiment, directory)
    try:
        with directory.locked():
            directory.prepare(experiment, empty=mode == "overwrite")
            try:
                return run.play(on_progress or (lambda progress: None))
            except Exception as error:
                run.write_status("failed", str(error))
                raise
    finally:
        run.close()


class Run:
    """One experiment being played: its teacher, its student, its worker, and its directory."""

    def __init__(self, experiment: Experiment, directory: RunDirectory) -> None:
        self.experiment, self.directory = experiment, directory
        torch.set_num_threads(experiment.threads)
        settings = experiment.env
        where = training_env(experiment, load_values)
        facts = where.facts
        self.space = facts.task_space
        rng = np.random.default_rng(np.random.SeedSequence(experiment.seed, spawn_key=(TEACHER_STREAM,)))
        self.teacher = build_teacher(experiment, facts, rng, where.bank)
        self.guide = where.guide if isinstance(where.guide, LearningGuide) else None
        make_student = partial(self._make_student, facts)
        self.schedule, self.students = make_schedule(
            self.teacher, make_student, settings.n_envs, self.guide, prefetch=experiment.workers is not None
        )
        self.student = self.students["protagonist"]
        test_set = choose_test_set(experiment.test_set, settings.id, where.evaluation_env.facts.task_space)
        discount = self.student.discount
        keep_steps = "transitions" in self.teacher.signals
        self.worker = build_rollouts(
            experiment, where, self.schedule.tasks, self.students, directory.write_failure, keep_steps
        )
        self.evaluator = Evaluator(where.evaluation_env.make, where.evaluation_env.facts, test_set, discount)
        self.judged_space = where.evaluation_env.facts.task_space
        self.costs = Costs()
        self._pending: list[Episode] = []
        self._recent: deque[float] = deque(maxlen=RECENT_EPISODES)
        self._episodes = 0
        self._mastered: float | None = None
        self._seconds_before = self._teacher_seconds_before = 0.0
        self._experience_counts: list[int] = []
        self._evaluated = self._saved = -1

    def _make_student(self, facts: EnvironmentFacts, number: int) -> Student:
        experiment, settings = self.experiment, self.experiment.student
        spaces = (facts.observation_space, facts.action_space)
        context = StudentContext(*spaces, experiment.env.n_envs, experiment.seed + number, experiment.steps)
        return build_student(settings, facts, context)

    def play(self, on_progress: Callable[[Progress], None]) -> RunResult:
        """Train until the steps are spent or a signal comes."""
        write_json(self.directory.path / "task_space.json", self.space.to_json())
        write_json(self.directory.path / "evaluation_space.json", self.judged_space.to_json())
        write_json(self.directory.path / "test_set.json", self.evaluator.test_set.description)
        self.checkpoints = self.directory.checkpoints(self.experiment.keep_checkpoints)
        self._resume()
        self._started, self._first_step = time.perf_counter(), self.worker.steps
        total = self.experiment.steps
        log = TensorboardLog(self.directory.path / "tensorboard", self.worker.steps)
        with stop_signals() as stopped:
            while self.worker.steps < total and not stopped.is_set():
                self._advance(log)
                on_progress(self.progress())
            finished = self.worker.steps >= total
            if finished and self._evaluated != self.worker.steps:
                self._evaluate(log)
                on_progress(self.progress())
            self._checkpoint()
            log.close()
            self.write_status("finished" if finished else "interrupted")
        return RunResult(self.directory.path, "finished" if finished else "interrupted", self.worker.steps)

    def _advance(self, log: TensorboardLog) -> None:
        """One fragment: play it, learn from it, and evaluate and save when it is time."""
        before = self.worker.steps
        done = self.schedule.advance(self.worker, self.costs)
        # The log keeps neither observations nor steps, so they need not stay in memory until the checkpoint.
        self._pending += [replace(e, first_observation=None, transitions=None) for e in done.episodes]
        self._episodes += len(done.episodes)
        self._recent.extend(e.episode_return for e in done.episodes if not e.from_snapshot)
        step = self.worker.steps
        if _passed(self.experiment.evaluate_every, before, step):
            self._evaluate(log)
        if _passed(self.experiment.checkpoint_every, before, step):
            self._log(log, done)
            self._checkpoint()
            self.write_status("running")
        elif done.metrics and _passed(1000, before, step):
            self._log(log, done)

    def _evaluate(self, log: TensorboardLog) -> None:
        step = self.worker.steps
        evaluation = self.evaluator.evaluate(self.student)
        self.costs.evaluation_steps += evaluation["steps"]
        costs = {"costs": self.costs.to_json(), "seconds": self._seconds()}
        self.directory.write_evaluation(step, {**evaluation, **costs})
        self._mastered, self._evaluated = evaluation["mastered_percent"], step
        log.evaluated(step, evaluation)

    def _log(self, log: TensorboardLog, done: Update) -> None:
        progress = self.progress()
        share = self._teacher_seconds() / max(self._seconds(), 1e-9)
        log.collected(self.worker.steps, done, progress.mean_return, progress.steps_per_second, share)

    def _checkpoint(self) -> None:
        """Write what the checkpoint refers to first, the checkpoint itself last: killed in between, it never was."""
        step = self.worker.steps
        if step == self._saved:
            return
        self.directory.write_episodes(step, self._pending, self.space)
        self._pending = []
        self.directory.write_curriculum(step, self.teacher.curriculum())
        self._append_experience()
        run = {
            "episodes": self._episodes,
            "recent": list(self._recent),
            "mastered": self._mastered,
            "evaluated": self._evaluated,
            "seconds": self._seconds(),
            "teacher_seconds": self._teacher_seconds(),
            "costs": self.costs.to_json(),
            "experience_counts": self._experience_counts,
        }
        parts = {_file(name): student.state() for name, student in self.students.items()}
        parts |= {"teacher": self.teacher.state(), "worker": self.worker.state(), "run": run}
        if self.guide is not None:
            parts["guide"] = self.guide.state()
        self.checkpoints.save(step, parts)
        # Rows that not even the oldest kept checkpoint would load are dropped after the new one stands.
        self.directory.drop_experience(self._experience_counts[0] - self.student.experience_kept())
        self._saved = step

    def _append_experience(self) -> None:
        count, kept = self.student.experience_count(), self.student.experience_kept()
        start = max(self._experience_counts[-1] if self._experience_counts else 0, count - kept)
        if count > start:
            self.directory.write_experience(start, self.student.experience(start, count))
        self._experience_counts = [*self._experience_counts, count][-self.experiment.keep_checkpoints :]

    def _resume(self) -> None:
        """Go on from the newest checkpoint, or from nothing, and remove what was written after it."""
        self.checkpoints.clean()
        newest = self.checkpoints.latest()
        if newest is None:
            self.directory.cut_back(-1, 0)
            return
        run = read_tree(newest / "run.npz")
        self._experience_counts = run["experience_counts"]
        worker = read_tree(newest / "worker.npz")
        self.directory.cut_back(worker["steps"], self._experience_counts[-1])
        self.worker.restore(worker)
        oldest = self._experience_counts[-1] - self.student.experience_kept()
        for start, stop, file in self.directory.experience_parts():
            if stop > oldest:
                self.student.load_experience(start, read_tree(file))
        self.teacher.restore(read_tree(newest / "teacher.npz"))
        if self.guide is not None:  # after the worker, whose open episodes it may have seen again
            self.guide.restore(read_tree(newest / "guide.npz"))
        for name, student in self.students.items():
            student.restore(read_tree(newest / f"{_file(name)}.npz"))
        self._episodes, self._mastered = run["episodes"], run["mastered"]
        self._recent.extend(run["recent"])
        self._evaluated = self._evaluated_at(run["evaluated"])
        self._saved, self._seconds_before = worker["steps"], run["seconds"]
        self._teacher_seconds_before, self.costs = run["teacher_seconds"], Costs(**run["costs"])

    def _evaluated_at(self, step: int) -> int:
        """A longer run must evaluate again at its end, whatever the shorter one did."""
        return step if (self.directory.path / "evaluations" / f"step_{step:012d}.json").exists() else -1

    def _seconds(self) -> float:
        return self._seconds_before + time.perf_counter() - self._started

    def _teacher_seconds(self) -> float:
        return self._teacher_seconds_before + self.schedule.teacher_seconds

    def progress(self) -> Progress:
        """How the run stands now."""
        seconds = max(time.perf_counter() - self._started, 1e-9)
        return Progress(
            step=self.worker.steps,
            total_steps=self.experiment.steps,
            steps_per_second=(self.worker.steps - self._first_step) / seconds,
            mean_return=float(np.mean(self._recent)) if self._recent else None,
            mastered_percent=self._mastered,
            episodes=self._episodes,
        )

    def write_status(self, status: str, error: str | None = None) -> None:
        """Write how the run stands into its directory."""
        seconds = self._seconds() if hasattr(self, "_started") else self._seconds_before
        self.directory.write_status(
            status=status,
            step=self.worker.steps,
            total_steps=self.experiment.steps,
            episodes=self._episodes,
            seconds=seconds,
            teacher_seconds=self._teacher_seconds(),
            costs=self.costs.to_json(),
            skipped_episodes=self.worker.skipped,
            workers={"places": list(self.worker.places), "metrics": dict(self.worker.metrics)},
            error=error,
        )

    def close(self) -> None:
        """Close all environments."""
        self.worker.close()
        self.evaluator.close()


def _file(student: str) -> str:
    """The name of a student's part of a checkpoint; evaluation and films read the first one's."""
    return "student" if student == "protagonist" else student


def _passed(every: int, before: int, now: int) -> bool:
    """Whether a multiple of ``every`` lies in ``(before, now]``; never when ``every`` is 0."""
    return every > 0 and before // every != now // every
