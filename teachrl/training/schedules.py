"""How collecting, learning and teaching follow each other: episode by episode, or in rounds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace

from teachrl.errors import UsageError
from teachrl.guides.base import LearningGuide
from teachrl.records.episodes import Episode
from teachrl.records.level_scores import RoundResult, round_result
from teachrl.rollouts.factory import Rollouts
from teachrl.rollouts.task_sources import LiveTasks, PrefetchedTasks, RoundTasks
from teachrl.students.base import Student
from teachrl.teachers.base import Teacher
from teachrl.teachers.rounds import RoundTeacher


@dataclass
class Costs:
    """What a run has cost so far, in the two currencies that no clock measures.

    Environment steps of all students: ``training_steps`` that a student learnt from, ``scoring_steps`` that were played
    only to judge levels, ``evaluation_steps`` on the test set. ``updates`` counts calls of the first student's `learn`:
    for PPO, one cycle of all its epochs.
    """

    training_steps: int = 0
    scoring_steps: int = 0
    evaluation_steps: int = 0
    updates: int = 0

    def to_json(self) -> dict[str, int]:
        """The four numbers by name."""
        return asdict(self)


@dataclass(frozen=True)
class Advance:
    """What one fragment, or one round of fragments, brought: the episodes that ended, and metrics to log."""

    episodes: tuple[Episode, ...]
    metrics: Mapping[str, float]


class EpisodeSchedule:
    """The student learns from every fragment. The teacher answers each episode with the next task, or, ``ahead``,
    chooses for a fragment and learns from its episodes afterwards.
    """

    def __init__(self, teacher: Teacher, student: Student, guide: LearningGuide | None, ahead: bool) -> None:
        self.source = PrefetchedTasks(teacher) if ahead else LiveTasks(teacher)
        self._student = student
        self._guide = guide
        self._tells_values = "start_value" in teacher.signals

    @property
    def teacher_seconds(self) -> float:
        """What the teacher has cost since this was made."""
        return self.source.seconds

    def advance(self, worker: Rollouts, costs: Costs) -> Advance:
        """One fragment."""
        before = worker.steps
        fragment = worker.collect(self._student, self._student.fragment_steps)
        metrics = self._student.learn(fragment)
        if self._guide is not None:
            self._guide.update(fragment)
        if self._tells_values:
            self.source.student_learned(self._student.values)
        costs.training_steps += worker.steps - before
        costs.updates += 1
        return Advance(fragment.episodes, {**metrics, **worker.metrics})


class RoundSchedule:
    """The teacher plans one level an environment; every student plays them for a fragment; the teacher is told how."""

    def __init__(self, teacher: RoundTeacher, students: Mapping[str, Student], n_envs: int) -> None:
        self.source = RoundTasks(teacher)
        self._students = students
        self._n_envs = n_envs

    @property
    def teacher_seconds(self) -> float:
        """What the teacher has cost since this was made."""
        return self.source.seconds

    def advance(self, worker: Rollouts, costs: Costs) -> Advance:
        """One round."""
        learn = self.source.plan(self._n_envs)
        before = worker.steps
        played = [self._play(worker, name, student, learn) for name, student in self._students.items()]
        steps = worker.steps - before
        costs.training_steps += steps if learn else 0
        costs.scoring_steps += 0 if learn else steps
        costs.updates += learn
        self.source.update_round([result for result, _ in played])
        # The others have metrics of the same names; what is logged is the first student's.
        return Advance(tuple(e for result, _ in played for e in result.episodes), {**played[0][1], **worker.metrics})

    def _play(
        self, worker: Rollouts, name: str, student: Student, learn: bool
    ) -> tuple[RoundResult, Mapping[str, float]]:
        fragment = worker.collect(student, student.fragment_steps)
        worker.restart()  # the next to play, and a checkpoint, find no open episodes
        fragment = replace(fragment, episodes=tuple(replace(e, player=name) for e in fragment.episodes))
        result = round_result(fragment, student.fragment_values(fragment), student.discount, student.gae_lambda)
        return result, student.learn(fragment) if learn else {}


Schedule = EpisodeSchedule | RoundSchedule
"""Plays a run on by the least that can be checkpointed, `advance`; ``source`` is where the worker gets its tasks."""


def make_schedule(
    teacher: Teacher,
    make_student: Callable[[int], Student],
    n_envs: int,
    guide: LearningGuide | None = None,
    ahead: bool = False,
) -> tuple[Schedule, dict[str, Student]]:
    """The pace that a teacher asks for, and its students by name; ``make_student`` builds the one of a number.

    ``ahead``: tasks are chosen for workers that cannot ask for each.

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
    return EpisodeSchedule(teacher, first, guide, ahead), students
