"""WHAT to practise: one file a teacher. The table below is all that the rest of the house knows of them by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from teachrl.config.registry import Entry, Registry
from teachrl.config.validation import validated
from teachrl.errors import UsageError, unknown_name
from teachrl.records.curriculum import Curriculum, Gaussian, Region
from teachrl.tasks.spaces import TaskSpace
from teachrl.teachers.base import Plan, Signal, Teacher, TeacherConfig, TeacherContext
from teachrl.teachers.rounds import RoundTeacher

__all__ = [
    "TEACHERS",
    "Curriculum",
    "Gaussian",
    "Plan",
    "Region",
    "RoundTeacher",
    "Signal",
    "Teacher",
    "TeacherConfig",
    "TeacherContext",
    "make_teacher",
    "teacher_settings",
]

TEACHERS = Registry(
    "teacher",
    {
        "plr": Entry(
            "teachrl.teachers.level_replay.plr:PlrTeacher",
            "levels played again by score and staleness (Jiang et al. 2021)",
            "methods/plr",
        ),
        "robust-plr": Entry(
            "teachrl.teachers.level_replay.plr:RobustPlrTeacher",
            "PLR that only learns from replayed levels (Jiang et al. 2021)",
            "methods/plr",
        ),
        "accel": Entry(
            "teachrl.teachers.level_replay.accel:AccelTeacher",
            "robust PLR that edits its levels (Parker-Holder et al. 2022)",
            "methods/accel",
        ),
        "sfl": Entry(
            "teachrl.teachers.level_replay.sfl:SflTeacher",
            "levels that the student solves about half the time (Rutherford et al. 2024)",
            "methods/sfl",
        ),
        "paired": Entry(
            "teachrl.teachers.adversarial.paired:PairedTeacher",
            "an agent builds tasks on which one student beats another (Dennis et al. 2020)",
            "methods/paired",
        ),
        "minimax": Entry(
            "teachrl.teachers.adversarial.minimax:MinimaxTeacher",
            "an agent builds the tasks on which the student fares worst",
            "methods/paired",
        ),
        "repaired": Entry(
            "teachrl.teachers.adversarial.repaired:RepairedTeacher",
            "robust PLR over levels that PAIRED builds (Jiang et al. 2021)",
            "methods/paired",
        ),
        "clutr": Entry(
            "teachrl.teachers.adversarial.clutr:ClutrTeacher",
            "points of a level VAE's latent space, for the regret of two students (Azad et al. 2023)",
            "methods/clutr",
        ),
        "domain-randomization": Entry(
            "teachrl.teachers.baselines.random:RandomTeacher",
            "`random`, by the name it has where tasks are levels",
            "methods/random",
        ),
        "random": Entry(
            "teachrl.teachers.baselines.random:RandomTeacher",
            "uniform over the task space; the baseline of every comparison",
            "methods/random",
        ),
        "target": Entry(
            "teachrl.teachers.baselines.target:TargetTeacher",
            "only the tasks that are wanted in the end; no curriculum",
            "methods/random",
        ),
        "alp-gmm": Entry(
            "teachrl.teachers.learning_progress.alp_gmm:AlpGmmTeacher",
            "Gaussian mixture over absolute learning progress (Portelas et al. 2019)",
            "methods/alp_gmm",
        ),
        "oracle": Entry(
            "teachrl.teachers.baselines.oracle:OracleTeacher",
            "a hand-made window that slides from the easy to the hard end (Portelas et al. 2019)",
            "methods/oracle",
        ),
        "adr": Entry(
            "teachrl.teachers.baselines.adr:AdrTeacher",
            "ranges that widen while their ends are mastered (OpenAI 2019)",
            "methods/adr",
        ),
        "riac": Entry(
            "teachrl.teachers.learning_progress.riac:RiacTeacher",
            "regions that split where learning progress differs (Baranes & Oudeyer 2009)",
            "methods/riac",
        ),
        "covar-gmm": Entry(
            "teachrl.teachers.learning_progress.covar_gmm:CovarGmmTeacher",
            "Gaussian mixture over the covariance of return and time (Moulin-Frier et al. 2014)",
            "methods/covar_gmm",
        ),
        "spdl": Entry(
            "teachrl.teachers.self_paced.spdl:SpdlTeacher",
            "a Gaussian that moves to the wanted tasks as the student's value allows (Klink et al. 2020)",
            "methods/spdl",
        ),
        "goal-gan": Entry(
            "teachrl.teachers.generative.goal_gan:GoalGanTeacher",
            "a generative network proposes goals of intermediate difficulty (Florensa et al. 2018)",
            "methods/goal_gan",
        ),
        "setter-solver": Entry(
            "teachrl.teachers.generative.setter_solver:SetterSolverTeacher",
            "a flow sets tasks that succeed as often as it is asked for (Racanière et al. 2020)",
            "methods/setter_solver",
        ),
        "learning-progress": Entry(
            "teachrl.teachers.discrete.learning_progress:LearningProgressTeacher",
            "the cells whose success rate changes fastest (Kanitscheider et al. 2021)",
            "methods/learning_progress",
        ),
        "procurl": Entry(
            "teachrl.teachers.discrete.procurl:ProCuRLTeacher",
            "the cells where success is uncertain, near the wanted ones if asked (Tzannetos et al. 2023)",
            "methods/procurl",
        ),
        "cyclical": Entry(
            "teachrl.teachers.discrete.cyclical:CyclicalTeacher",
            "the easiest share of the cells, growing and shrinking in cycles (Kesgin & Amasyali 2022)",
            "methods/cyclical",
        ),
        "sequence": Entry(
            "teachrl.teachers.composite.sequence:SequenceTeacher",
            "one teacher after another, each until it has done its part",
            "methods/composition",
        ),
        "mixture": Entry(
            "teachrl.teachers.composite.mixture:MixtureTeacher",
            "each task from one of several teachers, by fixed probabilities",
            "methods/composition",
        ),
        "product": Entry(
            "teachrl.teachers.composite.product:ProductTeacher",
            "different teachers for different parameters of one task",
            "methods/composition",
        ),
        "s3rl": Entry(
            "teachrl.teachers.starts.s3rl:S3RLTeacher",
            "starts from clusters of a trained policy's snapshots (S3RL, 2024)",
            "methods/snapshot_starts",
        ),
        "reverse": Entry(
            "teachrl.teachers.starts.reverse:ReverseTeacher",
            "starts near success, then further back (Florensa et al. 2017)",
            "methods/snapshot_starts",
        ),
        "regret-starts": Entry(
            "teachrl.teachers.starts.regret_starts:RegretStartsTeacher",
            "snapshots played again by score, as PLR does levels",
            "methods/snapshot_starts",
        ),
        "replayed": Entry(
            "teachrl.teachers.composite.replayed:ReplayedTeacher",
            "the tasks of an earlier run again, in order or shuffled",
            "methods/composition",
        ),
        "currot": Entry(
            "teachrl.teachers.self_paced.currot:CurrotTeacher",
            "particles transported to the wanted tasks through those that are mastered (Klink et al. 2022)",
            "methods/currot",
        ),
    },
    group="teachrl.teachers",
)


def teacher_settings(name: str, preset: str = "default", options: Mapping[str, Any] | None = None) -> TeacherConfig:
    """The full settings of a teacher: its preset, overridden by ``options``. Raises `UsageError`."""
    teacher_class = TEACHERS.load(name)
    if not (isinstance(teacher_class, type) and issubclass(teacher_class, Teacher)):
        raise UsageError(f"teacher {name!r} is not a subclass of teachrl.Teacher")
    if preset not in teacher_class.presets:
        raise unknown_name(f"preset of teacher {name}", preset, teacher_class.presets)
    return validated(teacher_class.Config, {**teacher_class.presets[preset], **(options or {})}, f"teacher {name}")


def make_teacher(
    name: str,
    context: TeacherContext | TaskSpace,
    preset: str = "default",
    options: Mapping[str, Any] | None = None,
    *,
    seed: int = 0,
    return_range: tuple[float, float] | None = None,
) -> Teacher:
    """Build a teacher by name, or ``module:Class`` for your own.

    ``context`` is all that the teacher may know. In its place a task space may stand: then the context is made of it, a
    generator of ``seed``, and the lowest and highest return of an episode, which most teachers need.

    Raises `UsageError`, also when the teacher needs knowledge or success that the context does not have, or a unit cube
    where the tasks are whole levels.
    """
    if isinstance(context, TaskSpace):
        context = TeacherContext(context, np.random.default_rng(seed), return_range)
    config = teacher_settings(name, preset, options)
    teacher_class: type[Teacher] = TEACHERS.load(name)
    who = f"teacher {name!r}"
    if not context.space.has_unit_cube and not teacher_class.takes_levels:
        raise UsageError(
            f"{who} works on boxes of numbers, and tasks here are whole levels, {context.space!r}; "
            "teachers for levels: " + ", ".join(n for n in TEACHERS.entries if TEACHERS.load(n).takes_levels)
        )
    for piece in teacher_class.required_knowledge(config):
        context.knowledge.check(piece, who)
    teacher = teacher_class(context, config)
    if "success" in teacher.signals:
        context.knowledge.check("mastery_range", who)
    return teacher
