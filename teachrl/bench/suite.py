"""What a suite is: one experiment, the variants that are compared, three budgets, and what is published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import Field

from teachrl.config.experiment import EnvConfig
from teachrl.config.loading import merge_settings
from teachrl.config.packaged import files_by_name, find
from teachrl.config.settings import Name, Number, Options, Settings, Whole
from teachrl.config.validation import validated
from teachrl.config.yaml_files import parse, read_text
from teachrl.errors import UsageError, unknown_name

BudgetName = Literal["smoke", "laptop", "paper"]
BUDGETS: tuple[BudgetName, ...] = ("smoke", "laptop", "paper")
Metric = Literal["mastered_percent", "mean_return", "mean_discounted_return", "mean_solve_rate"]
SUITES = "suites"  # their folder, within that of the experiments


class Budget(Settings):
    """How much a suite may cost."""

    seeds: Whole = Field(ge=1, le=1000, description="runs of each cell of the grid, with the seeds from 0 on")
    settings: Options = Field(default={}, description="what changes in the experiment at this budget")


class Published(Settings):
    """A number that somebody published for one row of the table."""

    teacher: Name = Field(description="the row, by its teacher")
    environment: Name | None = Field(default=None, description="the row's environment; null: the only one")
    student: Name | None = Field(default=None, description="the row's student; null: the only one")
    value: Number = Field(description="the number, in the units of the suite's metric")
    source: Name = Field(description="where it stands")


class Preparation(Settings):
    """A run that the others need, and the bank of snapshots that is made of it."""

    settings: Options = Field(description="what changes in the experiment, for each environment")
    seed: Whole = Field(default=100, ge=0, description="seed of that run, none of the others'")
    sampled: bool = Field(
        default=True, description="whether the bank's episodes draw actions, instead of the likeliest"
    )
    episodes: Whole = Field(default=10, ge=1, description="episodes in the bank")
    every: Whole = Field(default=10, ge=1, description="of whose steps every so-manieth is kept")


class Suite(Settings):
    """A grid of runs: environments x teachers x students x seeds."""

    title: Name = Field(description="what the suite is about, in a line")
    experiment: Options = Field(description="what all runs share, as in an experiment's file")
    environments: dict[str, Options] = Field(default={"": {}}, description="by name, what changes in the experiment")
    teachers: dict[str, Options] = Field(min_length=1, description="by name, what changes in the experiment")
    students: dict[str, Options] = Field(default={"": {}}, description="by name, what changes in the experiment")
    budgets: dict[BudgetName, Budget] = Field(min_length=1, description="by name: smoke, laptop, paper")
    metric: Metric = Field(default="mastered_percent", description="the number of an evaluation that counts")
    threshold: Number | None = Field(default=None, description="the value that runs are timed to; null: none")
    baseline: Name | None = Field(
        default=None, description="the teacher that others are compared with; null: the first"
    )
    gpus: Number = Field(
        default=0, ge=0, le=64, description="GPUs that a Ray cluster sets aside for each run, such as 0.25"
    )
    preparation: Preparation | None = Field(default=None, description="a run before the others; null: none is needed")
    published: tuple[Published, ...] = Field(default=(), description="numbers of others, to stand beside ours")


def load_suite(name: str) -> Suite:
    """A suite by its name from `suite_names`, or by the path of any YAML file, which wins.

    Raises `UsageError`, also for rows of published numbers, or a baseline, that no teacher has.
    """
    path = find("suite", name, SUITES)
    if not path.is_file():
        raise UsageError(f"there is no suite at {path}")
    data = parse(read_text(path), str(path))
    if not isinstance(data, Mapping):
        raise UsageError(f"{path}: a suite is a mapping with title, experiment, teachers, budgets; got {data!r}")
    suite = validated(Suite, data, str(path))
    named = [row.teacher for row in suite.published] + ([suite.baseline] if suite.baseline else [])
    for teacher in named:
        if teacher not in suite.teachers:
            raise unknown_name(f"teacher of the suite {name}", teacher, suite.teachers)
    return suite


def suite_names() -> list[str]:
    """The suites at hand: those that came with teachrl, and those in ``experiments/suites`` of this folder."""
    return list(files_by_name(SUITES))


def chosen(names: Mapping[str, Any], wanted: Sequence[str] | None, kind: str) -> list[str]:
    """The names that are asked for, all if nothing is. Raises `UsageError` for one that the suite does not have."""
    if wanted is None:
        return list(names)
    for name in wanted:
        if name not in names:
            raise unknown_name(f"{kind} of this suite", name, [n for n in names if n])
    return [name for name in names if name in wanted]


def settings_of(suite: Suite, budget: Budget, *changes: Mapping[str, Any]) -> dict[str, Any]:
    """The experiment's settings with those of the budget and some changes over them, the last win."""
    settings: dict[str, Any] = dict(suite.experiment)
    for change in (budget.settings, *changes):
        settings = merge_settings(settings, change)
    return settings


def n_envs(settings: Mapping[str, Any]) -> int:
    """Environments that a run steps side by side."""
    env = settings.get("env")
    default: int = EnvConfig.model_fields["n_envs"].default
    return int(env.get("n_envs", default)) if isinstance(env, Mapping) else default
