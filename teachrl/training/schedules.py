"""How collecting, learning and teaching follow each other: episode by episode, or in rounds.

`Schedule.advance` is the training loop's one step, the same for every kind of teacher: plan, collect, learn, report.
`EpisodeSchedule.report` and `RoundSchedule.report` are the only callers of `Teacher.update` and
`RoundTeacher.update_round`.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace

from teachrl.errors import UsageError
from teachrl.guides.base import LearningGuide
from teachrl.records.episodes import Episode, Fragment
from teachrl.records.level_scores import RoundResult, round_result
from teachrl.rollouts.factory import Rollouts, Tasks
from teachrl.rollouts.task_sources import LiveTasks, PrefetchedTasks, RoundTasks
from teachrl.students.base import Student
from teachrl.teachers.base import Plan, Teacher
from teachrl.teachers.rounds import RoundTeacher


@dataclass
class Costs:
    """What a run has cost so far, in the two currencies that no clock measures.

    Environment steps of all students: ``training_steps`` that a student learnt from, ``scoring_steps`` that were played
    only to score levels, ``evaluation_steps`` on the test set. ``updates`` counts calls of the first student's `learn`:
    for PPO, one cycle of all its epochs.
    """

    training_steps: int = 0
    scoring_steps: int = 0
    evaluation_steps: int = 0
    updates: int = 0

    def add(self, steps: int, learn: bool) -> None:
        """Count the steps of one fragment, or of one round of fragments."""
        if learn:
            self.training_steps += steps
            self.updates += 1
        else:
            self.scoring_steps += steps

    def to_json(self) -> dict[str, int]:
        """Return the four numbers by name."""
        return asdict(self)


@dataclass(frozen=True)
class Update:
    """What one fragment, or one round of fragments, brought: the episodes that ended, and metrics to log."""

    episodes: tuple[Episode, ...]
    metrics: Mapping[str, float]


class Schedule(ABC):
    """Advances a run by the least that can be checkpointed. ``tasks`` is where the rollouts get their tasks."""

    tasks: Tasks

    def __init__(self, teacher: Teacher, students: Mapping[str, Student]) -> None:
        self._teacher = teacher
        self._students = students
        self.teacher_seconds = 0.0
        """What the teacher has cost since this was made."""

    def advance(self, rollouts: Rollouts, costs: Costs) -> Update:
        """Plan, collect, learn and report, once."""
        learn = self.begin()
        before = rollouts.steps
        fragments: list[Fragment] = []
        metrics: list[Mapping[str, float]] = []
        for name, student in self._students.items():
            fragment = rollouts.collect(student, student.fragment_steps)
            fragments.append(self.collected(rollouts, name, fragment))
            metrics.append(student.learn(fragments[-1]) if learn else {})
        costs.add(rollouts.steps - before, learn)
        self.end(fragments)
        # The others have metrics of the same names; what is logged is the first student's.
        return Update(tuple(e for fragment in fragments for e in fragment.episodes), {**metrics[0], **rollouts.metrics})

    def begin(self) -> bool:
        """Plan what has to be planned before collecting. Returns whether the students are to learn."""
        return True

    def collected(self, rollouts: Rollouts, name: str, fragment: Fragment) -> Fragment:
        """Take note of a student's fragment before the student learns from it."""
        return fragment

    @abstractmethod
    def end(self, fragments: Sequence[Fragment]) -> None:
        """Report what was played, once the students have learnt from it."""

    @contextmanager
    def _teaching(self) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.teacher_seconds += time.perf_counter() - start

    def _plan(self, n: int) -> Plan:
        with self._teaching():
            return self._teacher.plan(n)


class EpisodeSchedule(Schedule):
    """The student learns from every fragment, and the teacher from every episode.

    The teacher learns from an episode before it chooses the next task of that environment; ``prefetch``: it chooses for
    a fragment in advance, and learns from its episodes afterwards.
    """

    def __init__(self, teacher: Teacher, student: Student, guide: LearningGuide | None, prefetch: bool) -> None:
        super().__init__(teacher, {"protagonist": student})
        self.tasks = PrefetchedTasks(self._plan) if prefetch else LiveTasks(self._plan, self.report)
        self._prefetch = prefetch
        self._student, self._guide = student, guide
        self._wants_values = "start_value" in teacher.signals

    def report(self, episodes: Sequence[Episode]) -> None:
        """Let the teacher learn from finished episodes, in the order in which they ended."""
        if episodes:
            with self._teaching():
                self._teacher.update(episodes)

    def end(self, fragments: Sequence[Fragment]) -> None:
        (fragment,) = fragments
        if self._prefetch:
            self.report(fragment.episodes)
        if self._guide is not None:
            self._guide.update(fragment)
        if self._wants_values:
            with self._teaching():
                self._teacher.student_learned(self._student.values)


class RoundSchedule(Schedule):
    """The teacher plans one level per environment; every student plays them all for a fragment."""

    def __init__(self, teacher: RoundTeacher, students: Mapping[str, Student], n_envs: int) -> None:
        super().__init__(teacher, students)
        self.tasks: RoundTasks = RoundTasks()
        self._rounds = teacher
        self._n_envs = n_envs
        self._results: list[RoundResult] = []

    def begin(self) -> bool:
        plan = self._plan(self._n_envs)
        self.tasks.hold(plan)
        self._results = []
        return plan.learn

    def collected(self, rollouts: Rollouts, name: str, fragment: Fragment) -> Fragment:
        """Estimate values and advantages before the student learns, and give up the open episodes."""
        rollouts.restart()  # the next student, and a checkpoint, find no open episodes
        student = self._students[name]
        fragment = replace(fragment, episodes=tuple(replace(e, player=name) for e in fragment.episodes))
        values = student.fragment_values(fragment)
        self._results.append(round_result(fragment, values, student.discount, student.gae_lambda))
        return fragment

    def report(self, results: Sequence[RoundResult]) -> None:
        """Let the teacher learn from a round, one result per student."""
        with self._teaching():
            self._rounds.update_round(results)

    def end(self, fragments: Sequence[Fragment]) -> None:
        self.report(self._results)


def make_schedule(
    teacher: Teacher,
    make_student: Callable[[int], Student],
    n_envs: int,
    guide: LearningGuide | None = None,
    prefetch: bool = False,
) -> tuple[Schedule, dict[str, Student]]:
    """Return the schedule that a teacher asks for, and its students by name.

    ``make_student`` builds the student of a number. ``prefetch``: tasks are chosen in advance, for workers.

    Raises `UsageError` when the teacher needs the students' estimates of returns and they give none, and when a guide
    that learns from one student would see several, or see them by rounds.
    """
    names = teacher.students if isinstance(teacher, RoundTeacher) else ("protagonist",)
    students = {name: make_student(i) for i, name in enumerate(names)}
    first = students["protagonist"]
    needs_values = isinstance(teacher, RoundTeacher) or "start_value" in teacher.signals
    if needs_values and type(first).values is Student.values:
        raise UsageError(
            f"{type(teacher).__name__} needs the student's estimates of returns, and {type(first).__name__} has no "
            "method `values`: give it one, or choose another teacher"
        )
    if isinstance(teacher, RoundTeacher):
        if guide is not None:
            raise UsageError(
                f"the guide {type(guide).__name__} learns with the student, episode by episode, and "
                f"{type(teacher).__name__} plans whole rounds: choose another teacher, or a guide that is fixed"
            )
        return RoundSchedule(teacher, students, n_envs), students
    return EpisodeSchedule(teacher, first, guide, prefetch), students
