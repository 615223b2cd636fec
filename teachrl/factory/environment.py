"""Where a student practises and where it is judged: the environment of an experiment, with its starts and its guide."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from teachrl.config.experiment import Experiment, StartConfig
from teachrl.environments import Env, EnvironmentFacts, environment_facts, make_env
from teachrl.guides.base import Guide, LoadValues
from teachrl.guides.registry import make_guide
from teachrl.starts.bank import Bank, load_bank
from teachrl.starts.wrapper import SnapshotStarts


class MakeEnv(Protocol):
    """Makes one environment."""

    def __call__(self, render: bool = False) -> Env:
        """With ``render``, its `render` gives pictures."""


@dataclass(frozen=True)
class EvaluationEnv:
    """Where a student is judged: every episode from the true start, nobody helps, and it sees what it is used to."""

    make: MakeEnv
    facts: EnvironmentFacts


@dataclass(frozen=True)
class TrainingEnv:
    """Where a student practises: how to make the environment, and what it declares.

    ``bank`` is None where every episode begins at the true start, ``guide`` where nobody helps on the way; with neither
    it is the environment in which the student is judged.
    """

    make: Callable[[], Env]
    facts: EnvironmentFacts
    evaluation_env: EvaluationEnv
    bank: Bank | None
    guide: Guide | None


def evaluation_env(experiment: Experiment) -> EvaluationEnv:
    """Where the student of an experiment is judged."""
    return _evaluation_env(experiment, _guide(experiment))


def training_env(experiment: Experiment, load_values: LoadValues | None = None) -> TrainingEnv:
    """Read the bank and make the guide, if there are any. Raises `UsageError` when one does not fit the environment.

    ``load_values`` is for guides that use the values of an earlier run: `teachrl.factory.student.load_values`.
    """
    guide = _guide(experiment, load_values)
    where = _evaluation_env(experiment, guide)
    if experiment.starts is None and guide is None:
        return TrainingEnv(where.make, where.facts, where, None, None)
    make: Callable[[], Env] = lambda: make_env(experiment.env)  # noqa: E731  (the first of several layers)
    bank = None
    if experiment.starts is not None:
        make, bank = _with_starts(make, experiment, experiment.starts)
    if guide is not None:
        make = _with_guide(make, guide)
    return TrainingEnv(make, _facts(make, experiment), where, bank, guide)


def _guide(experiment: Experiment, load_values: LoadValues | None = None) -> Guide | None:
    chosen = experiment.guide
    if chosen is None:
        return None
    guide = make_guide(chosen.name, chosen.options, experiment.env)
    guide.load_values = load_values
    return guide


def _evaluation_env(experiment: Experiment, guide: Guide | None) -> EvaluationEnv:
    def make(render: bool = False) -> Env:
        env = make_env(experiment.env, render)
        return env if guide is None else guide.unguided(env)

    return EvaluationEnv(make, _facts(make, experiment))


def _facts(make: Callable[[], Env], experiment: Experiment) -> EnvironmentFacts:
    env = make()
    try:
        return environment_facts(env, experiment.env)
    finally:
        env.close()


def _with_starts(
    make: Callable[[], Env], experiment: Experiment, starts: StartConfig
) -> tuple[Callable[[], Env], Bank]:
    env = make()
    try:
        facts = environment_facts(env, experiment.env)
        bank = load_bank(Path(starts.bank), experiment.env, env, facts)
    finally:
        env.close()
    return lambda: SnapshotStarts(make(), bank, starts, facts), bank


def _with_guide(make: Callable[[], Env], guide: Guide) -> Callable[[], Env]:
    return lambda: guide.guided(make())
