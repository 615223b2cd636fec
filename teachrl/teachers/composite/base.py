"""What the teachers made of teachers share: choosing them, the part of the task space each sees, and asking them.

A sub-teacher is a teacher like any other. It has a random stream of its own, sees its part of the task space and of
what is known about it, and gets back the episodes of its tasks as if it had planned them alone. A composite's
``origin`` is ``NAME/rule``; its ``reason`` holds the numbers of sub-teacher ``i`` as ``i.number``, so composites nest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from teachrl.errors import UsageError, unknown_name
from teachrl.records.episodes import Episode
from teachrl.records.state import Saved
from teachrl.tasks.knowledge import Knowledge, TaskDistribution
from teachrl.tasks.spaces import BoxTaskSpace, DiscreteTaskSpace, ProductTaskSpace, TaskError, TaskSpace, Vector
from teachrl.teachers.base import Plan, Signal, Teacher, TeacherConfig, TeacherContext, Values
from teachrl.teachers.registry import TEACHERS, make_teacher, teacher_settings
from teachrl.teachers.rounds import RoundTeacher


class TeacherChoice(TeacherConfig):
    """A teacher inside another one: its name alone, or a mapping."""

    name: str = Field(description="a name from `teachrl list teachers`, or 'module:Class' of your own")
    preset: str = Field("default", description="a named set of the teacher's options")
    options: dict[str, Any] = Field(default={}, description="the teacher's settings, over those of the preset")

    @model_validator(mode="before")
    @classmethod
    def _by_name(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _known(self) -> Self:
        try:
            teacher_settings(self.name, self.preset, self.options)
        except UsageError as error:
            # Said as a value error, it gets the path to this place in front.
            raise ValueError(str(error).replace("\n", "\n  ")) from None
        if issubclass(TEACHERS.load(self.name), RoundTeacher):
            raise ValueError(
                f"teacher {self.name!r} plans a level for every environment at once and judges it by a whole fragment; "
                "it cannot be a part of a teacher that is told of single episodes, so let it teach alone"
            )
        return self


@dataclass(frozen=True)
class Part:
    """A part of a task space: some of its parameters, or a narrower range of them.

    ``space`` is what the sub-teacher sees; ``indices`` are the places of its entries in the whole vector; ``offset`` is
    what the whole vector's entries have above the part's, which is not 0 where the first choices are left out.
    """

    space: TaskSpace
    indices: NDArray[np.int64]
    offset: Vector

    def of(self, tasks: Vector) -> Vector:
        """The part's entries of whole tasks, shape ``(..., size)``."""
        return tasks[..., self.indices] - self.offset

    def knowledge(self, knowledge: Knowledge) -> Knowledge:
        """What is known about this part."""
        initial, target = (self._distribution(d) for d in (knowledge.initial, knowledge.target))
        return replace(knowledge, initial=initial, target=target)

    def _distribution(self, whole: TaskDistribution | None) -> TaskDistribution | None:
        if whole is None:
            return None
        mean = np.clip(self.of(whole.mean), self.space.low, self.space.high)
        return TaskDistribution(mean, whole.std[self.indices])


def whole_space(space: TaskSpace) -> Part:
    """The part that is everything."""
    return Part(space, np.arange(space.size), np.zeros(space.size))


def selected(space: TaskSpace, names: Sequence[str]) -> Part:
    """The parameters with these flat names; the name of a product's part stands for all of that part.

    Raises `UsageError` for a name that there is not.
    """
    kept = np.zeros(space.size, dtype=np.bool_)
    for name in names:
        found = [n == name or n.startswith(f"{name}.") for n in space.names]
        if not any(found):
            raise unknown_name("parameter", name, [*space.names, *getattr(space, "parts", ())])
        kept |= found
    part = _restricted(space, kept, space.low, space.high)
    return Part(part, np.flatnonzero(kept), np.zeros(part.size))


def narrowed(space: TaskSpace, bounds: Mapping[str, Any]) -> Part:
    """All parameters, some between tighter ``[low, high]``, both included, or fixed at a value.

    Of choices, the bounds are the first and the last, in the space's order. Raises `UsageError`.
    """
    low, high = space.low.copy(), space.high.copy()
    for name, value in bounds.items():
        if name not in space.names:
            raise unknown_name("parameter", name, space.names)
        i = space.names.index(name)
        ends = value if isinstance(value, (list, tuple)) else (value, value)
        if len(ends) != 2:
            raise UsageError(f"bounds of {name} are [low, high], or one value that fixes it; got {value!r}")
        try:
            low[i], high[i] = (space.dimensions[i].parse(end) for end in ends)
        except TaskError as error:
            raise UsageError(f"bounds: {error}") from None
        if low[i] > high[i]:
            raise UsageError(f"bounds of {name}: the lower one comes first; got {value!r}")
    part = _restricted(space, np.ones(space.size, dtype=np.bool_), low, high)
    choice = np.array([d.kind == "choice" for d in space.dimensions])
    return Part(part, np.arange(space.size), np.where(choice, low, 0.0))


def _restricted(space: TaskSpace, kept: NDArray[np.bool_], low: Vector, high: Vector) -> TaskSpace:
    """``space`` with only the kept entries, between ``low`` and ``high``. One part left of several stands alone."""
    if kept.all() and np.array_equal(low, space.low) and np.array_equal(high, space.high):
        return space
    if isinstance(space, ProductTaskSpace):
        parts, stop = {}, 0
        for name, part in space.parts.items():
            place, stop = slice(stop, stop + part.size), stop + part.size
            if kept[place].any():
                parts[name] = _restricted(part, kept[place], low[place], high[place])
        if len(parts) == 1 < len(space.parts):
            return next(iter(parts.values()))
        return ProductTaskSpace(parts)
    if isinstance(space, BoxTaskSpace):
        dimensions = [(d, (float(low[i]), float(high[i]))) for i, d in enumerate(space.dimensions) if kept[i]]
        whole = [d.name for d, _ in dimensions if d.kind == "integer"]
        return BoxTaskSpace({d.name: bounds for d, bounds in dimensions}, integer=whole)
    if isinstance(space, DiscreteTaskSpace):
        (dimension,) = space.dimensions
        return DiscreteTaskSpace(dimension.choices[int(low[0]) : int(high[0]) + 1], name=dimension.name)
    raise UsageError(f"tasks of a {type(space).__name__} cannot be divided or narrowed; it can only be taken whole")


class CompositeTeacher(Teacher):
    """A teacher made of teachers.

    ``members`` names the setting that lists them, for error messages; ``mark`` the number in ``reason`` that says whose
    a task is. ``teacher_version`` is the sum of the sub-teachers' versions.
    """

    takes_levels = True  # whether its sub-teachers do is checked when they are made
    members: ClassVar[str]
    mark: ClassVar[str]
    saved: ClassVar[Saved] = ("_versions", "_teachers")

    def __init__(
        self, context: TeacherContext, config: TeacherConfig, choices: Sequence[TeacherChoice], parts: Sequence[Part]
    ) -> None:
        super().__init__(context, config)
        self._names = [choice.name for choice in choices]
        self._parts = parts
        self._teachers: list[Teacher] = []
        for i, (choice, part, rng) in enumerate(zip(choices, parts, context.rng.spawn(len(choices)), strict=True)):
            known = part.knowledge(context.knowledge)
            own = TeacherContext(part.space, rng, context.return_range, known, snapshots=context.snapshots)
            try:
                self._teachers.append(make_teacher(choice.name, own, choice.preset, choice.options))
            except UsageError as error:
                raise UsageError(f"{self.members}.{i}: {error}") from None
        self._versions = [0] * len(choices)

    @property
    def signals(self) -> frozenset[Signal]:
        return frozenset[Signal]().union(*(teacher.signals for teacher in self._teachers))

    def student_learned(self, values: Values) -> None:
        for teacher in self._teachers:
            if "start_value" in teacher.signals:
                teacher.student_learned(values)

    def _ask(self, i: int, n: int) -> Plan:
        """A plan of sub-teacher ``i``, its reasons with their prefix; tasks as it sees them, origins as it calls them.

        Its version goes into the reasons, so that an episode can be given back with it.
        """
        plan = self._teachers[i].plan(n)
        self._versions[i] = plan.version
        reasons = tuple(
            {f"{i}.teacher_version": plan.version} | {f"{i}.{name}": number for name, number in reason.items()}
            for reason in plan.reasons or ({},) * n
        )
        return replace(plan, version=sum(self._versions), reasons=reasons)

    def _chosen(self, i: int, n: int, numbers: Mapping[str, float]) -> Plan:
        """A plan of sub-teacher ``i``, which was chosen to decide alone; ``numbers`` are why."""
        plan = self._ask(i, n)
        origins = tuple(f"{self._names[i]}/{origin}" for origin in plan.origins)
        reasons = tuple({self.mark: i, **numbers, **reason} for reason in plan.reasons)
        return Plan(plan.tasks + self._parts[i].offset, origins, plan.version, reasons)

    def _owner(self, reason: Mapping[str, float]) -> int | None:
        """Which sub-teacher decided alone; ``None`` for an episode that none of them planned."""
        return int(reason[self.mark]) if self.mark in reason else None

    def _returned(self, i: int, episode: Episode, origin: str) -> Episode:
        """The episode as sub-teacher ``i`` knows it."""
        reason = _without_prefix(i, episode.reason)
        version = int(reason.pop("teacher_version", 0))
        task = self._parts[i].of(episode.task)
        return replace(episode, task=task, origin=origin, reason=reason, teacher_version=version)

    def _own_origin(self, i: int, origin: str) -> str:
        return origin.removeprefix(f"{self._names[i]}/")

    def _explained(self, i: int, origin: str, reason: Mapping[str, float]) -> str:
        return self._teachers[i].explain(origin, _without_prefix(i, reason))


def _without_prefix(i: int, reason: Mapping[str, float]) -> dict[str, float]:
    prefix = f"{i}."
    return {name.removeprefix(prefix): number for name, number in reason.items() if name.startswith(prefix)}
