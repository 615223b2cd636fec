"""The experiment: one validated model that YAML files, flags and Python all build. Light to import."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Literal, Self

from pydantic import Field, field_validator
from pydantic import model_validator as check_model

from teachrl.config.distillation import DistillConfig
from teachrl.config.settings import Name, Number, Options, Settings, Whole
from teachrl.config.validation import validated
from teachrl.config.workers import WorkerConfig, check_workers
from teachrl.config.yaml_files import dump, parse, plain
from teachrl.errors import UsageError
from teachrl.tasks.knowledge import KnowledgeLevel

# The part of an experiment that a plain string stands for, and the fields that belong to that choice alone.
KEYS = {"env": "id", "teacher": "name", "student": "name", "starts": "bank", "guide": "name", "workers": "count"}
OWN_FIELDS = ("preset", "options", "return_range", "mastery_return")


class EnvConfig(Settings):
    """Where the student practises."""

    id: Name = Field(description="a registered gymnasium id, or 'module:callable' of your own that returns an env")
    options: Options = Field(default={}, description="constructor arguments of the environment")
    n_envs: Whole = Field(default=8, ge=1, le=1024, description="how many copies are stepped side by side")
    return_range: tuple[Number, Number] | None = Field(
        default=None, description="lowest and highest return of an episode; overrides what the environment declares"
    )
    mastery_return: Number | None = Field(
        default=None, description="return from which a task counts as mastered; overrides what the environment declares"
    )
    on_error: Literal["abort", "skip"] = Field(
        default="abort", description="what to do when an episode fails: end the run, or drop the episode and go on"
    )

    @check_model(mode="after")
    def _ordered(self) -> Self:
        if self.return_range is not None and not self.return_range[0] < self.return_range[1]:
            raise ValueError(f"return_range must rise from low to high; got {list(self.return_range)}")
        return self


class TeacherChoice(Settings):
    """Who decides what is practised next."""

    name: Name = Field(
        default="alp-gmm", description="a name from `teachrl list teachers`, or 'module:Class' of your own"
    )
    preset: Name = Field(default="default", description="a named set of the teacher's options")
    options: Options = Field(default={}, description="the teacher's settings, over those of the preset")
    knowledge: KnowledgeLevel = Field(
        default="target",
        description="what the teacher is told of what the environment declares about its tasks: none; mastery_range "
        "(what success is); easy_start (also which are easy); target (also which are wanted in the end)",
    )


class StudentChoice(Settings):
    """Who practises."""

    name: Name = Field(default="ppo", description="a name from `teachrl list students`, or 'module:Class' of your own")
    preset: Name | None = Field(default=None, description="a named set of the student's options")
    options: Options = Field(
        default={}, description="the student's settings (for SB3: any keyword), over those of the preset"
    )
    distill: DistillConfig | None = Field(
        default=None, description="what the student also learns from a mentor or an earlier run; null: nothing"
    )


class StartConfig(Settings):
    """Where episodes may begin, beside the true start. The teacher chooses among them; evaluation never does."""

    bank: Name = Field(description="file with snapshots, from `teachrl snapshots`")
    truncate_after: Whole | None = Field(
        default=None, ge=1, description="steps after which an episode from a snapshot is cut off; null: not early"
    )
    task: Literal["snapshot", "chosen"] = Field(
        default="snapshot",
        description="which task an episode from a snapshot plays: snapshot, the one on which it was taken; chosen, the "
        "one that the teacher chooses beside the start, where the environment's states fit any task",
    )


class GuideChoice(Settings):
    """Who helps on the way, while the student trains; when it is judged, nobody does."""

    name: Name = Field(description="a name from `teachrl list guides`, or 'module:Class' of your own")
    options: Options = Field(default={}, description="the guide's settings")


class CallbackChoice(Settings):
    """What watches or logs the run, and does not change its numbers."""

    name: Name = Field(description="a name from `teachrl list callbacks`, or 'module:Class' of your own")
    options: Options = Field(default={}, description="the callback's arguments")


class Experiment(Settings):
    """Everything that decides how a run goes."""

    env: EnvConfig = Field(description="the environment: its id, or a mapping with id, options, n_envs, ...")
    teacher: TeacherChoice = Field(
        default=TeacherChoice(), description="the teacher: its name, or a mapping with name, preset, options"
    )
    student: StudentChoice = Field(
        default=StudentChoice(), description="the student: its name, or a mapping with name, preset, options"
    )
    starts: StartConfig | None = Field(
        default=None, description="other starts than the true one: the file of a bank, or a mapping with bank, ..."
    )
    guide: GuideChoice | None = Field(
        default=None, description="help on the way through an episode: its name, or a mapping with name, options"
    )
    steps: Whole = Field(
        default=1_000_000, ge=1, le=10**12, description="environment steps to train for, all copies together"
    )
    seed: Whole = Field(default=0, ge=0, lt=2**32, description="seed of everything random in the run")
    evaluate_every: Whole = Field(
        default=100_000, ge=0, le=10**12, description="environment steps between evaluations; 0: only at the end"
    )
    checkpoint_every: Whole = Field(
        default=100_000, ge=1, le=10**12, description="environment steps between checkpoints"
    )
    keep_checkpoints: Whole = Field(
        default=2, ge=1, le=10**6, description="how many of the latest checkpoints stay on disk"
    )
    test_set: Name | None = Field(
        default=None,
        description="a name from `teachrl list test-sets` or a JSON file; "
        "null: the environment's own, or 50 uniform tasks",
    )
    threads: Whole = Field(
        default=1,
        ge=1,
        le=256,
        description="torch threads: more pay off for large networks only; numbers depend on them",
    )
    backend: Literal["local", "ray"] = Field(
        default="local", description="where environments run: local, in this process; ray, in processes of their own"
    )
    workers: WorkerConfig | None = Field(
        default=None,
        description="who collects: their number, or a mapping with count, ...; null: the run itself, which tells the "
        "teacher of each episode before the next begins",
    )
    callbacks: tuple[CallbackChoice, ...] = Field(
        default=(CallbackChoice(name="tensorboard"),),
        description="what watches the run: a list of names, or of mappings with name, options; numbers do not depend "
        "on them",
    )
    name: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._-]*$",
        max_length=150,
        description="folder of the run: letters, digits, '.', '_' and '-', not starting with a dot; "
        "null: made from environment, teacher, student and seed",
    )

    @field_validator(*KEYS, mode="before")
    @classmethod
    def _by_name(cls, value: Any, info: Any) -> Any:
        if info.field_name == "guide" and value == "none":  # as runs of version 0.1 have it
            return None
        return {KEYS[info.field_name]: value} if stands_for(info.field_name, value) else value

    @field_validator("callbacks", mode="before")
    @classmethod
    def _callbacks_by_name(cls, value: Any) -> Any:
        listed = value if isinstance(value, (list, tuple)) else [value]
        return [{"name": one} if isinstance(one, str) else one for one in listed]

    @check_model(mode="after")
    def _workers_fit(self) -> Self:
        check_workers(self.backend, self.workers, self.env.n_envs)
        return self


def parse_mapping(text: str, source: str) -> dict[str, Any]:
    """The mapping that an experiment's YAML text holds. ``source`` is named in errors. Raises `UsageError`."""
    data = parse(text, source)
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise UsageError(
            f"{source} line 1: an experiment is a mapping such as 'env: teachrl/StumpTracks-v0'; "
            f"this is a {type(data).__name__}"
        )
    return data


def stands_for(part: str, value: Any) -> bool:
    """Whether a plain value stands for a whole part of an experiment."""
    return isinstance(value, str) or (part == "workers" and isinstance(value, int) and not isinstance(value, bool))


def experiment_from_yaml_text(text: str, source: str) -> Experiment:
    """The inverse of `to_yaml`. ``source`` is named in errors. Raises `UsageError`."""
    return validated(Experiment, parse_mapping(text, source), source)


def to_yaml(experiment: Experiment) -> str:
    """The experiment with every field, as YAML that reads back equal."""
    return dump(experiment.model_dump())


def _flat(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _flat(item, f"{prefix}.{key}" if prefix else key)
    else:
        yield prefix, value


def differing_fields(there: Experiment, here: Experiment) -> list[str]:
    """What differs, a line a field: ``steps: 1000 there, 2000 here``."""
    before, after = dict(_flat(plain(there.model_dump()))), dict(_flat(plain(here.model_dump())))
    fields = [*before, *(field for field in after if field not in before)]
    texts = {
        f: (repr(before[f]) if f in before else "unset", repr(after[f]) if f in after else "unset") for f in fields
    }
    return [f"{field}: {old} there, {new} here" for field, (old, new) in texts.items() if old != new]


def run_name(experiment: Experiment) -> str:
    """The folder of the run: the experiment's name, or environment, teacher, student and seed."""
    if experiment.name is not None:
        return experiment.name
    parts = (experiment.env.id, experiment.teacher.name, experiment.student.name, f"s{experiment.seed}")
    safe = [re.sub(r"[^A-Za-z0-9._-]", "-", part)[:80].lstrip(".") or "-" for part in parts]
    return "__".join(safe)
