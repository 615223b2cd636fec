"""From an experiment to its student, with its mentor; and from a run to the student that it has trained."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from gymnasium import spaces

from teachrl.config.distillation import DistillConfig
from teachrl.config.experiment import Experiment, StudentChoice
from teachrl.config.registry import import_object
from teachrl.environments import Env, EnvironmentFacts
from teachrl.errors import UsageError
from teachrl.factory.environment import MakeEnv, evaluation_env
from teachrl.files import read_tree
from teachrl.records.episodes import Array
from teachrl.runs.checkpoints import read_part, step_of
from teachrl.runs.directory import RunDirectory
from teachrl.students.base import Student, StudentContext
from teachrl.students.registry import make_student, students_of

if TYPE_CHECKING:
    from teachrl.students.distillation.distillable import DistillableStudent
    from teachrl.students.distillation.mentor import Mentor


@dataclass(frozen=True)
class TrainedStudent:
    """The student of a run at its newest checkpoint, with what it takes to let it play."""

    experiment: Experiment
    facts: EnvironmentFacts
    student: Student
    step: int
    make_env: MakeEnv


def build_student(settings: StudentChoice, facts: EnvironmentFacts, context: StudentContext) -> Student:
    """The student that an experiment trains, with all that it learns from. Raises `UsageError`."""
    distill = settings.distill
    if distill is None or not (distill.imitates or distill.residual or distill.replay):
        return make_student(settings.name, context, settings.preset, settings.options)
    if distill.residual:
        return _on_top_of_a_mentor(settings, distill, facts, context)
    from teachrl.students.distillation.student import DistillationStudent

    # Before the student: building one seeds the generators that the student begins with.
    mentor = load_mentor(distill, facts) if distill.imitates else None
    student = _imitator(settings, context)
    if distill.beta and not distill.weight and not student.experience_kept():
        raise UsageError(
            f"student.distill.beta: {settings.name} learns from its own actions alone, so while the mentor acts it has "
            "nothing to learn from without a weight above 0"
        )
    sources: dict[str, Any] = {} if mentor is None else {"mentor": mentor.identity}
    if distill.replay is not None:
        sources["replay"] = _add_replay(student, distill.replay, distill.replay_share, facts)
    return DistillationStudent(student, mentor, distill, facts.action_space, context.seed, sources)


def _on_top_of_a_mentor(
    settings: StudentChoice, distill: DistillConfig, facts: EnvironmentFacts, context: StudentContext
) -> Student:
    from teachrl.students.distillation.residual import ResidualStudent, residual_context

    mentor, inside = load_mentor(distill, facts), residual_context(context)
    assert isinstance(context.action_space, spaces.Box)
    return ResidualStudent(_imitator(settings, inside), mentor, context.action_space, distill.residual_scale)


def _imitator(settings: StudentChoice, context: StudentContext) -> DistillableStudent:
    from teachrl.students.distillation.distillable import DistillableStudent

    student = make_student(settings.name, context, settings.preset, settings.options)
    simple = isinstance(context.action_space, (spaces.Discrete, spaces.Box))
    if not isinstance(student, DistillableStudent) or not simple:
        raise UsageError(
            f"student.distill is for the students {students_of(DistillableStudent)} with actions in Discrete or Box; "
            f"here is {settings.name} with {context.action_space}"
        )
    return student


def load_mentor(distill: DistillConfig, facts: EnvironmentFacts) -> Mentor:
    """The mentor of ``distill``, which plays what ``facts`` are of. Raises `UsageError` when it cannot."""
    from teachrl.students.distillation.distillable import DistillableStudent
    from teachrl.students.distillation.mentor import FunctionMentor, TrainedMentor

    name = distill.mentor
    assert name is not None
    seen = facts.privileged_space if distill.privileged else facts.observation_space
    if seen is None:
        raise UsageError(
            "student.distill.privileged: the environment declares no privileged_space, so it tells the mentor nothing "
            "(teachrl/Maze-v0 does with the option privileged: true)"
        )
    if ":" in name:
        return FunctionMentor(name, import_object(name, "mentor"), facts.action_space)
    if not RunDirectory(Path(name)).exists:
        raise UsageError(
            f"student.distill.mentor: {name} is no run directory; train the mentor first, or name 'module:function'"
        )
    trained = load_student(Path(name))
    _check_finished(Path(name), "mentor")
    if not isinstance(trained.student, DistillableStudent) or trained.student.memory_size:
        from teachrl.students.recurrent.ppo import RecurrentPPOStudent

        able = students_of(DistillableStudent, without=RecurrentPPOStudent)
        raise UsageError(f"mentor {name}: a {trained.experiment.student.name} cannot be one; {able} can")
    if trained.facts.action_space != facts.action_space:
        raise UsageError(f"mentor {name} acts in {trained.facts.action_space}, the student in {facts.action_space}")
    if trained.facts.observation_space.shape != seen.shape:
        hint = "" if distill.privileged else "; if it is to see info['privileged'], set student.distill.privileged"
        raise UsageError(
            f"mentor {name} sees observations in {trained.facts.observation_space}, and here are {seen}{hint}"
        )
    identity = {"run": name, "step": trained.step, "weights": _digest(trained.student.weights())}
    return TrainedMentor(trained.student, identity)


def _check_finished(run: Path, what: str) -> None:
    status = RunDirectory.open(run).status()["status"]
    if status != "finished":
        raise UsageError(f"{what} {run} is {status}: only a finished run stays what it is; train it to its end first")


def _digest(tree: Any) -> str:
    """A fingerprint of a tree of arrays and JSON values."""
    digest = hashlib.sha256()

    def take(value: Any) -> None:
        if isinstance(value, Mapping):
            for key in sorted(value):
                digest.update(key.encode())
                take(value[key])
        else:
            digest.update(value.tobytes() if isinstance(value, np.ndarray) else repr(value).encode())

    take(tree)
    return digest.hexdigest()


def _add_replay(student: DistillableStudent, name: str, share: float, facts: EnvironmentFacts) -> dict[str, Any]:
    """Let batches come from an earlier run's rows as well; what identifies these. Raises `UsageError`."""
    from teachrl.students.sb3.off_policy import OffPolicyStudent

    if not isinstance(student, OffPolicyStudent):
        able = students_of(OffPolicyStudent)
        raise UsageError(f"student.distill.replay is for students with a replay buffer: {able}")
    run = RunDirectory.open(Path(name))
    _check_finished(Path(name), "student.distill.replay:")
    theirs = evaluation_env(run.experiment()).facts
    if (theirs.observation_space, theirs.action_space) != (facts.observation_space, facts.action_space):
        raise UsageError(
            f"student.distill.replay: {name} was played in {theirs.observation_space} and {theirs.action_space}, the "
            f"student plays in {facts.observation_space} and {facts.action_space}"
        )
    parts = [read_tree(file) for _, _, file in run.experience_parts()]
    if not parts:
        able = students_of(OffPolicyStudent)
        raise UsageError(f"student.distill.replay: {name} has stored no experience; runs of {able} do")
    rows: dict[str, Array] = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    student.replay_earlier(rows, share)
    return {"run": name, "rows": len(rows["rewards"]), "rewards": _digest(rows["rewards"])}


def load_student(run: Path, step: int | None = None) -> TrainedStudent:
    """The student of a run directory, as of the newest checkpoint or the newest up to ``step``.

    Raises `UsageError` when there is no run, or no such checkpoint.
    """
    directory = RunDirectory.open(run)
    checkpoint = _checkpoint(run, directory.checkpoints().all(), step)
    experiment = directory.experiment()
    where = evaluation_env(experiment)
    facts = where.facts
    spaces_ = facts.observation_space, facts.action_space
    context = StudentContext(*spaces_, experiment.env.n_envs, experiment.seed, experiment.steps)
    settings = experiment.student
    if settings.distill is None or not settings.distill.residual:
        # What it learnt from has become its own: it plays without its mentor.
        settings = settings.model_copy(update={"distill": None})
    student = build_student(settings, facts, context)
    student.load_weights(read_part(checkpoint, "student")["weights"])
    return TrainedStudent(experiment, facts, student, step_of(checkpoint), where.make)


def load_values(run: Path, env: Env) -> Callable[[Array], Array]:
    """Load the value function of a run's student. Raises `UsageError` when it does not fit ``env``."""
    trained = load_student(run)
    student = trained.student
    if student.memory_size or type(student).values is Student.values:
        raise UsageError(f"guide potential: the student of {run} does not estimate values of single observations")
    if trained.facts.observation_space.shape != env.observation_space.shape:
        raise UsageError(
            f"guide potential: the student of {run} sees {trained.facts.observation_space}, and here is "
            f"{env.observation_space}"
        )
    return student.values


def _checkpoint(run: Path, checkpoints: list[Path], step: int | None) -> Path:
    if not checkpoints:
        raise UsageError(f"{run} has no checkpoint yet; train it first")
    kept = [checkpoint for checkpoint in checkpoints if step is None or step_of(checkpoint) <= step]
    if not kept:
        steps = ", ".join(f"{step_of(checkpoint):,}" for checkpoint in checkpoints)
        raise UsageError(
            f"{run} keeps no checkpoint up to step {step:,}, only {steps}; keep_checkpoints says how many are kept"
        )
    return kept[-1]
