"""WHO practises: the learning agents behind one protocol."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from teachrl.config.registry import Entry, Registry
from teachrl.errors import UsageError
from teachrl.students.base import Decision, Student, StudentContext

__all__ = ["STUDENTS", "Decision", "Student", "StudentContext", "make_student"]

STUDENTS = Registry(
    "student",
    {
        "ppo": Entry("teachrl.students.sb3.on_policy:PPOStudent", "proximal policy optimisation, Stable-Baselines3"),
        "ppo-lstm": Entry(
            "teachrl.students.recurrent.ppo:RecurrentPPOStudent",
            "PPO with a memory, an LSTM, for what is only partly seen",
            "results/recurrent_ppo",
        ),
        "sac": Entry("teachrl.students.sb3.off_policy:SACStudent", "soft actor-critic, Stable-Baselines3"),
        "td3": Entry("teachrl.students.sb3.off_policy:TD3Student", "twin delayed DDPG, Stable-Baselines3"),
        "dqn": Entry("teachrl.students.sb3.off_policy:DQNStudent", "deep Q-network, Stable-Baselines3"),
        "simulated": Entry(
            "teachrl.students.simulated:SimulatedStudent",
            "no network: the rule-based learner of the hypercube toy",
            "results/toy",
        ),
    },
    group="teachrl.students",
)


def students_of(kind: type, without: type | None = None) -> str:
    """The registered students that are a ``kind``, but not a ``without``, as a phrase: ``sac, td3 and dqn``."""
    classes = {name: STUDENTS.load(name) for name in STUDENTS.entries}
    *others, last = (
        name
        for name, found in classes.items()
        if issubclass(found, kind) and (without is None or not issubclass(found, without))
    )
    return f"{', '.join(others)} and {last}" if others else last


def make_student(
    name: str, context: StudentContext, preset: str | None = None, options: Mapping[str, Any] | None = None
) -> Student:
    """Build a student by name, or ``module:Class`` for your own. Raises `UsageError`."""
    student_class = STUDENTS.load(name)
    if not (isinstance(student_class, type) and issubclass(student_class, Student)):
        raise UsageError(f"student {name!r} is not a subclass of teachrl.Student")
    settings = dict(options or {})
    if preset is not None:
        presets: Mapping[str, Mapping[str, Any]] = getattr(student_class, "presets", {})
        if preset not in presets:
            raise UsageError(f"student {name!r} has no preset {preset!r}; it has: {', '.join(presets) or 'none'}")
        settings = {**presets[preset], **settings}
    _check_options(name, student_class, settings)
    build: Callable[..., Student] = student_class
    student = build(context, **settings)
    if ":" in name and "weights" not in (kept := student.state()):
        raise UsageError(f"student {name!r}: state() must keep weights() under the key 'weights'; it has {list(kept)}")
    return student


def _check_options(name: str, student_class: type[Student], options: Mapping[str, Any]) -> None:
    try:
        inspect.signature(student_class).bind(None, **options)
    except TypeError as error:
        raise UsageError(f"student {name!r} cannot be built with the options {dict(options)}: {error}") from None
