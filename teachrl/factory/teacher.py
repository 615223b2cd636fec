"""From an experiment to its teacher: what it is told, and how it may employ an agent of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import Space

from teachrl.config.experiment import Experiment
from teachrl.environments import EnvironmentFacts, require_tasks
from teachrl.starts.bank import Bank
from teachrl.students.base import Student, StudentContext
from teachrl.students.registry import make_student
from teachrl.teachers.base import Snapshots, Teacher, TeacherContext
from teachrl.teachers.registry import make_teacher

# Far from the seeds of the students, which are the run's own and the few after it.
AGENT_SEED = 2**30


# They vary nothing, so they can also teach where there is nothing to vary.
WITHOUT_TASKS = ("random", "domain-randomization")


def build_teacher(
    experiment: Experiment, facts: EnvironmentFacts, rng: np.random.Generator, bank: Bank | None = None
) -> Teacher:
    """The teacher as it is before it has learnt anything; ``rng`` is its own. Raises `UsageError`."""

    def make_agent(name: str, options: Mapping[str, Any], seen: Space[Any], acts: Space[Any], n_envs: int) -> Student:
        context = StudentContext(seen, acts, n_envs, experiment.seed + AGENT_SEED, experiment.steps)
        return make_student(name, context, None, options)

    teacher = experiment.teacher
    if teacher.name not in WITHOUT_TASKS:
        require_tasks(facts, experiment.env, f"teacher {teacher.name!r}")
    knowledge = facts.knowledge.limited_to(teacher.knowledge)
    context = TeacherContext(
        facts.task_space, rng, facts.return_range, knowledge, experiment.env.n_envs, make_agent, known_snapshots(bank)
    )
    return make_teacher(teacher.name, context, teacher.preset, teacher.options)


def known_snapshots(bank: Bank | None) -> Snapshots | None:
    """What a teacher is told of a bank."""
    if bank is None:
        return None
    successful = bank.episode_successes[bank.episodes]
    return Snapshots(bank.values, bank.elapsed, bank.remaining, successful, bank.observations)
