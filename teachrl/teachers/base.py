"""What every teacher is: it chooses tasks (`plan`) and learns from the episodes played on them (`update`)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from teachrl.errors import UsageError
from teachrl.files import StateTree
from teachrl.records.curriculum import Curriculum
from teachrl.records.episodes import Array, Decision, Episode, Fragment
from teachrl.records.state import Stateful
from teachrl.tasks.knowledge import Knowledge, Piece
from teachrl.tasks.spaces import TaskSpace, Vector

Signal = Literal["success", "start_value", "transitions"]
Values = Callable[[Array], NDArray[np.float64]]


class TeacherConfig(BaseModel):
    """Base of the teachers' settings: frozen, and an unknown name is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True)
class Plan:
    """Tasks to play, vectors of shape ``(n, size)``, with why each was chosen and the teacher's version.

    ``origins`` name the rules; ``reasons`` hold the numbers that decided, and may be left out. Both come back with the
    episode, so a teacher can also leave marks for itself there, such as which of its goals a task belongs to. With
    ``learn`` False the student plays and does not learn; only teachers of whole rounds (`RoundTeacher`) may ask for it.
    """

    tasks: Vector
    origins: tuple[str, ...]
    version: int
    reasons: tuple[Mapping[str, float], ...] = ()
    learn: bool = True


class Agent(Protocol):
    """A learning agent that a teacher employs, to build levels for example; every `teachrl.students.Student` is one."""

    fragment_steps: int
    discount: float
    memory_size: int

    def act(self, observations: Array, memory: Array, deterministic: bool = False) -> Decision:
        """Choose actions."""

    def learn(self, fragment: Fragment) -> dict[str, float]:
        """Learn from one fragment."""

    def state(self) -> StateTree:
        """Everything that affects what comes next."""

    def restore(self, state: StateTree) -> None:
        """Go on where `state` was taken."""


MakeAgent = Callable[[str, Mapping[str, Any], gym.Space[Any], gym.Space[Any], int], Agent]
"""Builds an agent from a student's name, its options, observation and action space, and how many act at once."""


@dataclass(frozen=True)
class Snapshots:
    """What is known about the snapshots among which a teacher may choose; choice ``i + 1`` is snapshot ``i`` of ``N``.

    ``values (N,)``: discounted return expected there by the policy that took them, NaN where it has no estimate.
    ``elapsed`` and ``remaining (N,)``: steps from the start of its episode, and to its end. ``successful (N,)``: 1, 0,
    or NaN where nobody can tell, of its episode. ``observations (N, ...)``.
    """

    values: NDArray[np.float64]
    elapsed: NDArray[np.int64]
    remaining: NDArray[np.int64]
    successful: NDArray[np.float64]
    observations: Array

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True)
class TeacherContext:
    """What a teacher is told before it starts.

    The task space, its own random stream, the range of returns if known, as much knowledge about the tasks as the
    experiment grants, how many environments play at once, how to employ an agent of its own, and which snapshots
    episodes may start from.
    """

    space: TaskSpace
    rng: np.random.Generator
    return_range: tuple[float, float] | None = None
    knowledge: Knowledge = field(default_factory=Knowledge)
    n_envs: int = 1
    make_agent: MakeAgent | None = None
    snapshots: Snapshots | None = None


class Teacher(Stateful, ABC):
    """Chooses tasks and learns from episodes.

    Same seed and same episodes give the same tasks; everything that affects the next task is in `state`, a tree of
    dicts, JSON values and arrays. The generator is always in it; a class names its other attributes in ``saved``.
    """

    Config: ClassVar[type[TeacherConfig]] = TeacherConfig
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"default": {}}
    takes_levels: ClassVar[bool] = False
    """Whether it can choose tasks that are whole levels, whose space is no cube."""
    rules: ClassVar[Mapping[str, str]] = {}
    """For each origin, the sentence that tells the choice, with the names of its numbers in braces."""

    def __init__(self, context: TeacherContext, config: TeacherConfig) -> None:
        self.space = context.space
        self.rng = context.rng
        self.context = context
        self.config = config

    @classmethod
    def required_knowledge(cls, config: Any) -> tuple[Piece, ...]:
        """Pieces of knowledge without which the teacher cannot work under these settings."""
        return ()

    @property
    def signals(self) -> frozenset[Signal]:
        """What it needs to be told of episodes, beyond return, discounted return and length."""
        return frozenset()

    @abstractmethod
    def plan(self, n: int) -> Plan:
        """Choose the next ``n`` tasks."""

    @abstractmethod
    def update(self, episodes: Sequence[Episode]) -> None:
        """Learn from finished episodes, in the order in which they ended."""

    def student_learned(self, values: Values) -> None:
        """The student has learnt from a fragment. ``values`` maps observations ``(n, ...)`` to its estimates ``(n,)``.

        Called only for teachers with the signal ``start_value``.
        """
        raise NotImplementedError(f"{type(self).__name__} asks for start_value and makes no use of it")

    def explain(self, origin: str, reason: Mapping[str, float]) -> str:
        """Why a task of this origin was chosen, in a sentence."""
        if origin not in self.rules:
            return f"Chosen by the rule {origin!r}." if origin else "No reason was recorded."
        return self.rules[origin].format_map(reason)

    def curriculum(self) -> Curriculum:
        """What to draw of the teacher now; by default, a uniform choice."""
        return Curriculum()

    def unit_return(self, value: float, clip: bool) -> float:
        """Scale a return by the environment's declared range, so that the range becomes ``[0, 1]``."""
        if self.context.return_range is None:
            raise UsageError(
                "this teacher scales returns by the environment's range, and the environment declares none. Give it a "
                "`return_range`, set env.return_range in the experiment, or choose a preset that does not scale."
            )
        low, high = self.context.return_range
        scaled = (value - low) / (high - low)
        return min(max(scaled, 0.0), 1.0) if clip else scaled
