"""Curriculum reinforcement learning: teachers decide what a student practises next.

This module is the public API. Names are imported when they are first used, so that ``import teachrl`` is fast and a
teacher can be made without torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from teachrl.config.experiment import Experiment
    from teachrl.config.loading import load_experiment
    from teachrl.environments import make_env
    from teachrl.errors import TeachrlError, UsageError
    from teachrl.evaluation.evaluator import evaluate_run
    from teachrl.factory.student import load_student
    from teachrl.files import StateTree
    from teachrl.records.curriculum import Curriculum
    from teachrl.records.episodes import Array, Decision, Episode, Fragment
    from teachrl.records.evaluation import EvaluationResult
    from teachrl.records.level_scores import RoundResult
    from teachrl.students.base import Student, StudentContext
    from teachrl.tasks.spaces import BoxTaskSpace, DiscreteTaskSpace, ProductTaskSpace, TaskSpace, Vector
    from teachrl.teachers.base import Plan, Teacher, TeacherConfig, TeacherContext
    from teachrl.teachers.registry import make_teacher
    from teachrl.teachers.rounds import RoundTeacher
    from teachrl.training.callbacks import Callback
    from teachrl.training.progress import Progress, RunInfo, RunResult
    from teachrl.training.run import train
    from teachrl.training.schedules import Update

    __version__: str

__all__ = [
    "Array",
    "BoxTaskSpace",
    "Callback",
    "Curriculum",
    "Decision",
    "DiscreteTaskSpace",
    "Episode",
    "EvaluationResult",
    "Experiment",
    "Fragment",
    "Plan",
    "ProductTaskSpace",
    "Progress",
    "RoundResult",
    "RoundTeacher",
    "RunInfo",
    "RunResult",
    "StateTree",
    "Student",
    "StudentContext",
    "TaskSpace",
    "Teacher",
    "TeacherConfig",
    "TeacherContext",
    "TeachrlError",
    "Update",
    "UsageError",
    "Vector",
    "__version__",
    "evaluate_run",
    "load_experiment",
    "load_student",
    "make_env",
    "make_teacher",
    "train",
]

_HOMES = {
    "config.experiment": ("Experiment",),
    "config.loading": ("load_experiment",),
    "environments": ("make_env",),
    "errors": ("TeachrlError", "UsageError"),
    "evaluation.evaluator": ("evaluate_run",),
    "factory.student": ("load_student",),
    "files": ("StateTree",),
    "records.curriculum": ("Curriculum",),
    "records.episodes": ("Array", "Decision", "Episode", "Fragment"),
    "records.evaluation": ("EvaluationResult",),
    "records.level_scores": ("RoundResult",),
    "students.base": ("Student", "StudentContext"),
    "tasks.spaces": ("BoxTaskSpace", "DiscreteTaskSpace", "ProductTaskSpace", "TaskSpace", "Vector"),
    "teachers.base": ("Plan", "Teacher", "TeacherConfig", "TeacherContext"),
    "teachers.registry": ("make_teacher",),
    "teachers.rounds": ("RoundTeacher",),
    "training.callbacks": ("Callback",),
    "training.progress": ("Progress", "RunInfo", "RunResult"),
    "training.run": ("train",),
    "training.schedules": ("Update",),
}
_HOME = {name: f"teachrl.{module}" for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("teachrl")
    if name not in _HOME:
        raise AttributeError(f"module 'teachrl' has no attribute {name!r}; it has: {', '.join(__all__)}")
    value = globals()[name] = getattr(import_module(_HOME[name]), name)
    return value


def __dir__() -> list[str]:
    return __all__
