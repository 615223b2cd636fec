"""A teacher that counts its tasks and writes down what it is told, to see what composites pass on."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from teachrl.files import StateTree
from teachrl.records.episodes import Episode
from teachrl.teachers.base import Plan, Signal, Teacher, TeacherConfig, TeacherContext, Values


class RecordingConfig(TeacherConfig):
    asks: tuple[Signal, ...] = Field((), description="signals")


class RecordingTeacher(Teacher):
    Config = RecordingConfig
    rules = {"goal & more": "Goal {goal:.0f}."}  # noqa: RUF012
    config: RecordingConfig

    def __init__(self, context: TeacherContext, config: RecordingConfig) -> None:
        super().__init__(context, config)
        self._planned, self._told, self._values = 0, [], 0

    @property
    def signals(self) -> frozenset[Signal]:
        return frozenset(self.config.asks)

    def plan(self, n: int) -> Plan:
        goals = range(self._planned, self._planned + n)
        self._planned += n
        reasons = tuple({"goal": goal} for goal in goals)
        return Plan(self.space.sample(self.rng, n), ("goal & more",) * n, version=self._planned, reasons=reasons)

    def update(self, episodes: Sequence[Episode]) -> None:
        for e in episodes:
            told = {"task": e.task.tolist(), "origin": e.origin, "reason": dict(e.reason), "version": e.teacher_version}
            self._told.append(told)

    def student_learned(self, values: Values) -> None:
        self._values += 1

    def state(self) -> StateTree:
        return {
            "rng": self.rng.bit_generator.state,
            "planned": self._planned,
            "told": list(self._told),
            "values": self._values,
        }

    def restore(self, state: StateTree) -> None:
        self.rng.bit_generator.state = state["rng"]
        self._planned, self._told, self._values = state["planned"], list(state["told"]), state["values"]
