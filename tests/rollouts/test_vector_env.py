"""Environments stepped in one call play what environments of their own would play, and fail as they would."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from teachrl.config.experiment import EnvConfig
from teachrl.environments import environment_facts
from teachrl.errors import TeachrlError
from teachrl.files import read_tree, write_tree
from teachrl.records.episodes import Episode
from teachrl.rollouts.episodes import PlannedTask
from teachrl.rollouts.vector_env import NativeVectorEnv, SyncVectorEnv, make_vector_env
from teachrl.rollouts.worker import RolloutWorker
from teachrl.students.base import Decision
from teachrl_envs import BoxTaskSpace, ParameterizedEnv, TaskError
from teachrl_envs.maze.env import Maze
from tests.support.own_classes import Trap

ROOM: dict[str, Any] = {"height": 4, "width": 5, "max_steps": 20}


class OwnRules(Maze):
    """A user's subclass: it may have changed anything, so the batch of its parent is not for it."""


class RandomWalk:
    """Draws actions, and asks to get back what it saw."""

    memory_size = 0
    needs_privileged = False

    def __init__(self) -> None:
        self.rng = np.random.default_rng(3)

    def act(self, observations: Any, memory: Any, deterministic: bool = False) -> Decision:
        return Decision(self.rng.integers(3, size=len(observations)), {"seen": observations.copy()})


class Answering:
    """The next level depends on everything that was told so far."""

    def __init__(self) -> None:
        self.levels = Maze(**ROOM).task_space.sample(np.random.default_rng(0), 100)
        self.info = 0.0

    def next_task(self, env_index: int, finished: Episode | None) -> PlannedTask:
        if finished is not None:
            self.info = self.info * 1.5 + finished.episode_return + finished.length + finished.seed
        return PlannedTask(self.levels[int(self.info + env_index) % 100], "answer", 1, {"told": self.info})


def worker(kind: type[Maze], source: Any = None, n_envs: int = 4, options: Any = None, **others: Any) -> RolloutWorker:
    room = {**ROOM, **(options or {})}
    facts = environment_facts(kind(**room), EnvConfig(id="teachrl/Maze-v0"))
    made = source or Answering()
    return RolloutWorker(lambda: kind(**room), n_envs, facts, made, seed=5, discount=0.9, **others)


def same(one: Any, two: Any) -> bool:
    if isinstance(one, dict):
        return one.keys() == two.keys() and all(same(one[k], two[k]) for k in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(two) and all(map(same, one, two))
    if hasattr(one, "__dataclass_fields__"):
        return all(same(getattr(one, name), getattr(two, name)) for name in one.__dataclass_fields__)
    if isinstance(one, np.ndarray):
        return one.dtype == two.dtype and np.array_equal(one, two)
    return type(one) is type(two) and bool(one == two)


def test_one_call_and_one_after_the_other_collect_the_same() -> None:
    batched, separate = worker(Maze, keep_steps=True), worker(OwnRules, keep_steps=True)
    assert isinstance(batched.tracker._environments, NativeVectorEnv)
    assert isinstance(separate.tracker._environments, SyncVectorEnv)
    students = RandomWalk(), RandomWalk()
    successes = 0
    for _ in range(3):
        one, two = (w.collect(s, 200) for w, s in zip((batched, separate), students, strict=True))
        assert same(one, two)
        successes += sum(bool(e.success) for e in one.episodes)
    assert successes > 5
    assert same(batched.state(), separate.state())


@pytest.mark.parametrize("kinds", [(Maze, Maze), (Maze, OwnRules), (OwnRules, Maze)])
def test_each_goes_on_where_the_other_stopped(kinds: Any, tmp_path: Any) -> None:
    one, student = worker(kinds[0]), RandomWalk()
    one.collect(student, 33)
    write_tree(tmp_path / "worker.npz", one.state())
    two = worker(kinds[1])
    two.restore(read_tree(tmp_path / "worker.npz"))
    two._source.info = one._source.info  # the source's own place
    again = RandomWalk()
    again.rng.bit_generator.state = student.rng.bit_generator.state
    assert same(one.collect(student, 60), two.collect(again, 60))


def test_numbers_of_episodes_go_on_after_a_restart_and_a_resume() -> None:
    one, two = worker(Maze), worker(Maze)
    one.collect(RandomWalk(), 50)
    one.restart()
    two.restore(one.state())
    two._source.info = one._source.info
    assert same(one.collect(RandomWalk(), 50), two.collect(RandomWalk(), 50))


def test_only_the_class_that_declares_a_batch_gets_one() -> None:
    def kind(make: Any) -> type:
        facts = environment_facts(make(), EnvConfig(id="teachrl/Maze-v0"))
        return type(make_vector_env(make, 2, facts))

    def parameterized() -> Any:
        return ParameterizedEnv(Maze(), BoxTaskSpace({"a": (0, 1)}), lambda env, task: None)

    assert kind(Maze) is NativeVectorEnv
    assert kind(lambda: gym.make("teachrl/Maze-v0", disable_env_checker=True)) is NativeVectorEnv
    assert kind(OwnRules) is SyncVectorEnv
    assert kind(lambda: gym.wrappers.TransformReward(Maze(), lambda r: r + 1)) is SyncVectorEnv
    assert kind(parameterized) is SyncVectorEnv


class TrapBatch:
    """Traps that are stepped together; a dangerous one misbehaves in its row alone, or in the whole call."""

    def __init__(self, n: int, fault: str) -> None:
        self.fault, self.count, self.danger = fault, np.zeros(n), np.zeros(n)

    def reset(self, row: int, task: Any, seed: int) -> Any:
        self.count[row], self.danger[row] = 0, task[0]
        return np.array([0, task[0]])

    def step(self, rows: Any, actions: Any) -> Any:
        self.count[rows] += 1
        armed = (self.count[rows] == 4) & (self.danger[rows] > 0.5)
        if self.fault == "step" and armed.any():
            raise RuntimeError("the motor burnt out")
        observations = np.stack([self.count[rows], self.danger[rows]], axis=1).astype(np.float32)
        observations[armed & (self.fault == "nan observation")] = np.nan
        rewards = np.where(armed & (self.fault == "inf reward"), np.inf, 1.0)
        return observations, rewards, np.zeros(len(rows), bool), self.count[rows] == 10, None


class BatchedTrap(Trap):
    def vectorized(self, n: int) -> TrapBatch:
        return TrapBatch(n, self._fault)


class InTurn:
    def __init__(self, dangers: list[float]) -> None:
        self.dangers, self.calls = dangers, 0

    def next_task(self, env_index: int, finished: Episode | None) -> PlannedTask:
        self.calls += 1
        return PlannedTask(np.array([self.dangers[(self.calls - 1) % len(self.dangers)]]), "turn", 0)


class Still:
    memory_size = 0
    needs_privileged = False

    def act(self, observations: Any, memory: Any, deterministic: bool = False) -> Decision:
        return Decision(np.zeros((len(observations), 1), dtype=np.float32))


def traps(kind: type[Trap], fault: str, on_error: Any) -> RolloutWorker:
    facts = environment_facts(kind(), EnvConfig(id="tests.support.own_classes:Trap"))
    source = InTurn([0.1, 0.9, 0.2])
    return RolloutWorker(lambda: kind(fault), 2, facts, source, seed=0, discount=0.5, on_error=on_error)


@pytest.mark.parametrize("fault", ["nan observation", "inf reward"])
def test_a_row_that_fails_leaves_the_others_alone(fault: str) -> None:
    one, two = (traps(kind, fault, "skip").collect(Still(), 60) for kind in (BatchedTrap, Trap))
    assert same(one, two)
    assert {float(e.task[0]) for e in one.episodes} == {0.1, 0.2}
    with pytest.raises(TeachrlError, match=r"environment 1 failed at step 4 of its episode 0") as error:
        traps(BatchedTrap, fault, "abort").collect(Still(), 60)
    assert "'danger': 0.9" in str(error.value)


def test_a_call_that_raises_fails_all_its_rows() -> None:
    rollouts = traps(BatchedTrap, "step", "skip")
    fragment = rollouts.collect(Still(), 60)
    assert rollouts.skipped >= 2
    assert {float(e.task[0]) for e in fragment.episodes} == {0.1, 0.2}
    with pytest.raises(TeachrlError, match=r"environment 0 failed at step 4 .* RuntimeError: the motor burnt out"):
        traps(BatchedTrap, "step", "abort").collect(Still(), 60)


@pytest.mark.parametrize("kind", [Maze, OwnRules])
def test_a_task_that_is_no_level_is_an_error_of_the_teacher(kind: type[Maze]) -> None:
    source = Answering()
    source.levels[:, -1] = source.levels[:, -3]  # the goal where the agent is
    with pytest.raises(TaskError, match="agent and goal are in the same cell"):
        worker(kind, source).collect(RandomWalk(), 1)


class Curious(RandomWalk):
    """Asks for what is told beside the view, and to get it back."""

    needs_privileged = True

    def act_with_privileged(self, observations: Any, privileged: Any, memory: Any) -> Decision:
        decision = self.act(observations, memory)
        return Decision(decision.actions, {**decision.extras, "told": privileged.copy()})


@pytest.mark.parametrize("options", [{"privileged": True}, {"observe": "full", "privileged": True}])
def test_one_call_and_one_after_the_other_see_and_tell_the_same(options: dict[str, Any]) -> None:
    made = [worker(kind, options=options) for kind in (Maze, OwnRules)]
    one, two = (w.collect(Curious(), 150) for w in made)
    assert same(one, two)
    assert len(one.episodes) > 20
    if "observe" in options:
        assert np.array_equal(one.extras["told"], one.observations)


class Silent(Maze):
    """Declares that it tells something, and tells nothing."""

    def step(self, action: Any) -> Any:
        *result, info = super().step(action)
        del info["privileged"]
        return (*result, info)


def test_an_environment_that_does_not_tell_what_it_declared_is_named() -> None:
    with pytest.raises(TeachrlError, match="has no 'privileged'"):
        worker(Silent, options={"privileged": True}).collect(Curious(), 5)
