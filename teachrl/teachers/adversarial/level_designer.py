"""An agent that builds tasks move by move and learns from what they were worth, and what its teachers share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from teachrl.errors import UsageError
from teachrl.files import StateTree
from teachrl.nn.rng import IsolatedGlobalRNG
from teachrl.records.curriculum import Curriculum
from teachrl.records.episodes import Array, Decision, Fragment
from teachrl.records.level_scores import RoundResult
from teachrl.records.state import Stateful
from teachrl.tasks.spaces import TaskError, TaskSpace, Vector
from teachrl.teachers.adversarial.regret import RunningScale
from teachrl.teachers.base import Agent, Plan, TeacherConfig, TeacherContext
from teachrl.teachers.level_replay.base import IDLE_LIMIT
from teachrl.teachers.rounds import RoundTeacher
from teachrl_envs.level_building import Builder, CubeBuilder
from teachrl_envs.maze.level_building import MazeBuilder
from teachrl_envs.maze.level_space import LevelTaskSpace

# A reward that only the last move gets must not fade on its way to the first.
UNDISCOUNTED = {"gamma": 1.0, "gae_lambda": 0.95, "n_epochs": 5, "learning_rate": 1e-3, "ent_coef": 0.01}
DEFAULTS: Mapping[str, Mapping[str, Any]] = {"ppo": {**UNDISCOUNTED, "batch_size": 256}, "ppo-lstm": UNDISCOUNTED}
# The builders of Jiang et al. 2021, which have all of a student's settings; half the squared error, weighed by half, is
# a quarter of ours.
DCD = {
    "gamma": 0.995,
    "gae_lambda": 0.95,
    "n_epochs": 5,
    "learning_rate": 1e-4,
    "ent_coef": 0.0,
    "vf_coef": 0.25,
    "clip_range_vf": 0.2,
}


class LevelDesignerConfig(TeacherConfig):
    """Settings of every teacher that employs a builder."""

    builder: str = Field("ppo", description="the agent that builds tasks: ppo, ppo-lstm or your own module:Class")
    builder_options: dict[str, Any] = Field(
        {}, description="the agent's options, over those that are meant for building; n_steps is the number of moves"
    )
    walls: int | None = Field(
        None, ge=0, description="mazes: how many moves place a wall; null for the budget of the environment's generator"
    )
    noise: int = Field(50, ge=0, description="how many random numbers the builder sees at each move")
    normalize_reward: bool = Field(False, description="whether rewards are divided by their running deviation")

    @field_validator("builder_options")
    @classmethod
    def _steps_are_moves(cls, options: dict[str, Any]) -> dict[str, Any]:
        if "n_steps" in options:
            raise ValueError("n_steps is the number of moves that make a task; leave it out")
        return options


class LevelDesigner(Stateful):
    """Builds one task an environment, as the episodes of one fragment, and learns from it once it is rewarded.

    ``updates`` counts fragments learnt from, ``unjudged`` the tasks so far whose reward was not known, and
    ``mean_reward`` is that of the last fragment's other tasks.

    Raises `UsageError` for an agent or settings that cannot build tasks of the context's space, and when fragment after
    fragment nobody knows any reward, so that a run cannot go on for nothing.
    """

    saved = ("_scale", "updates", "unjudged", "_idle", "mean_reward")

    def __init__(self, context: TeacherContext, config: LevelDesignerConfig) -> None:
        self._rules = _rules(context.space, config)
        self._n = context.n_envs
        self._generators = IsolatedGlobalRNG(int(context.rng.integers(2**32)))
        with self._generators.active():
            self._agent = self._employ(context, config)
        self._scale = RunningScale() if config.normalize_reward else None
        self._open: Fragment | None = None
        self.updates = self.unjudged = self._idle = 0
        self.mean_reward = 0.0

    def _employ(self, context: TeacherContext, config: LevelDesignerConfig) -> Agent:
        if context.make_agent is None:
            raise UsageError("tasks are built by an agent of the teacher's own, and nobody here can make one: train()")
        rules = self._rules
        options = {**DEFAULTS.get(config.builder, {}), **config.builder_options, "n_steps": rules.n_moves}
        try:
            agent = context.make_agent(
                config.builder, options, rules.observation_space, rules.action_space, context.n_envs
            )
        except UsageError as error:
            raise UsageError(f"the agent that builds tasks cannot be {config.builder!r}: {error}") from None
        if agent.fragment_steps != rules.n_moves:
            raise UsageError(
                f"the agent that builds tasks must learn from whole ones, {rules.n_moves} moves; {config.builder!r} "
                f"learns every {agent.fragment_steps} steps. Choose ppo or ppo-lstm"
            )
        return agent

    @property
    def is_waiting(self) -> bool:
        """Whether tasks were built that have not been rewarded."""
        return self._open is not None

    def build(self, rng: np.random.Generator, n: int) -> Vector:
        """``n`` tasks, shape ``(n, size)``; ``n`` must be the context's ``n_envs``, `UsageError` otherwise."""
        if n != self._n:
            raise UsageError(f"the agent builds {self._n} tasks at once, one an environment; it was asked for {n}")
        observations = [self._rules.begin(rng, n)]
        memory: Array = np.zeros((n, self._agent.memory_size), dtype=np.float32)
        decisions: list[Decision] = []
        with self._generators.active():
            while not self._rules.is_finished():
                decision = self._agent.act(observations[-1], memory)
                memory = memory if decision.memory is None else decision.memory
                decisions.append(decision)
                observations.append(self._rules.move(decision.actions))
        extras = {name: np.stack([d.extras[name] for d in decisions]) for name in decisions[0].extras}
        actions = np.stack([d.actions for d in decisions])
        self._open = self._fragment(np.stack(observations), actions, extras)
        return self._rules.tasks()

    def reasons(self) -> tuple[Mapping[str, float], ...]:
        """What is known of each task just built, and of the builder."""
        known = {"updates": self.updates, "mean_reward": self.mean_reward, "unjudged": self.unjudged}
        return tuple({**known, **facts} for facts in self._rules.facts())

    def learn(self, rewards: NDArray[np.float64]) -> None:
        """Learn from the tasks just built, given what each was worth, shape ``(n,)``.

        A NaN says that nobody knows: its task is rewarded with 0 and counted.
        """
        assert self._open is not None
        known = np.isfinite(rewards)
        self.unjudged += int((~known).sum())
        self.mean_reward = float(rewards[known].mean()) if known.any() else 0.0
        self._idle = 0 if known.any() else self._idle + 1
        if self._idle == IDLE_LIMIT:
            raise UsageError(
                f"in {IDLE_LIMIT} rounds no task was played to the end of an episode by every student, and the agent "
                "that builds them had nothing to learn from. Let the students collect fragments that are longer than "
                "episodes (`n_steps`)"
            )
        paid = np.where(known, rewards, 0.0)
        if self._scale is not None:
            self._scale.observe(rewards[known])
            paid = paid / self._scale.scale
        self._open.rewards[-1] = paid
        with self._generators.active():
            self._agent.learn(self._open)
        self._open = None
        self.updates += 1

    def _fragment(self, observations: Array, actions: Array, extras: Mapping[str, Array]) -> Fragment:
        """Episodes without their rewards: ``observations (n_moves + 1, n, ...)``, the others ``(n_moves, n, ...)``."""
        shape = actions.shape[:2]
        starts, ends = np.zeros(shape, dtype=np.bool_), np.zeros(shape, dtype=np.bool_)
        starts[0] = ends[-1] = True
        last, memory = observations[-1], np.zeros((self._n, self._agent.memory_size), dtype=np.float32)
        return Fragment(
            observations=observations[:-1],
            actions=actions,
            rewards=np.zeros(shape),
            terminated=ends,
            truncated=np.zeros(shape, dtype=np.bool_),
            episode_starts=starts,
            last_observations=last,
            last_starts=ends[-1],
            final_observations={(shape[0] - 1, i): last[i] for i in range(self._n)},
            extras=extras,
            memory=memory,
            last_memory=memory,
        )

    def state(self) -> StateTree:
        """Everything: the agent, the counters, and the tasks that wait for their reward."""
        waiting = self._open
        built = None
        if waiting is not None:
            observations = np.concatenate([waiting.observations, waiting.last_observations[None]])
            built = {"observations": observations, "actions": waiting.actions.copy(), "extras": _copies(waiting.extras)}
        with self._generators.active():
            agent = self._agent.state()
        return {**super().state(), "agent": agent, "built": built}

    def restore(self, state: StateTree) -> None:
        """Go on exactly where `state` was taken."""
        super().restore(state)
        with self._generators.active():
            self._agent.restore(state["agent"])
        built = state["built"]
        self._open = None
        if built is not None:
            parts = np.array(built["observations"]), np.array(built["actions"])
            self._open = self._fragment(*parts, _copies(built["extras"]))


BUILT = (
    "Built by an agent after {updates:.0f} updates; the tasks that it had built last were worth {mean_reward:.3g} on "
    "average, and {unjudged:.0f} so far could not be judged."
)


class BuildingTeacher(RoundTeacher):
    """Each round, an agent builds one task an environment and is paid what a subclass says that they were worth."""

    Config: ClassVar[type[TeacherConfig]] = LevelDesignerConfig
    takes_levels = True
    rules = {"builder": BUILT}
    saved = ("builder", "_tasks")

    def __init__(self, context: TeacherContext, config: LevelDesignerConfig) -> None:
        super().__init__(context, config)
        self.builder = LevelDesigner(context, config)
        self._tasks: Vector = np.zeros((0, context.space.size))

    def plan(self, n: int) -> Plan:
        self._tasks = self.builder.build(self.rng, n)
        return Plan(self._tasks.copy(), ("builder",) * n, self.builder.updates, self.builder.reasons())

    def update_round(self, results: Sequence[RoundResult]) -> None:
        self.builder.learn(self.worth(results))

    @abstractmethod
    def worth(self, results: Sequence[RoundResult]) -> NDArray[np.float64]:
        """What each environment's task is worth to the builder, shape ``(n_envs,)``; NaN where nobody knows."""

    def curriculum(self) -> Curriculum:
        """The tasks that were built last."""
        return Curriculum(samples=tuple(task.tolist() for task in self._tasks), random_ratio=0.0)


def _copies(arrays: Mapping[str, Array]) -> dict[str, Array]:
    return {name: np.array(array) for name, array in arrays.items()}


def _rules(space: TaskSpace, config: LevelDesignerConfig) -> Builder:
    if isinstance(space, LevelTaskSpace):
        walls = space.budget if config.walls is None else config.walls
        try:
            return MazeBuilder(space.height, space.width, walls, config.noise)
        except TaskError as error:
            raise UsageError(f"mazes of {space.height} x {space.width} cannot be built: {error}") from None
    if config.walls is not None:
        raise UsageError(f"walls is for mazes, and tasks here are {space!r}: leave it out")
    return CubeBuilder(space, config.noise)
