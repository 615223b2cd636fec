"""Every registered teacher by name: task spaces, the options that it cannot do without, and ways to play with it."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

import teachrl_envs  # noqa: F401  (registers the environments)
from teachrl.errors import UsageError
from teachrl.records.episodes import Episode, Transitions
from teachrl.students.base import StudentContext
from teachrl.students.registry import make_student
from teachrl.tasks.knowledge import Knowledge, TaskDistribution
from teachrl.tasks.spaces import BoxTaskSpace, DiscreteTaskSpace, ProductTaskSpace, TaskSpace
from teachrl.teachers.base import Teacher, TeacherContext
from teachrl.teachers.composite.base import CompositeTeacher
from teachrl.teachers.registry import TEACHERS, make_teacher
from teachrl.teachers.rounds import RoundTeacher
from teachrl_envs.maze.level_space import LevelTaskSpace
from tests.support.made_up_rounds import play_round

SPACES: dict[str, TaskSpace] = {
    "box": BoxTaskSpace({"a": (-1.0, 2.0), "b": (0.0, 100.0)}),
    "one dimension": BoxTaskSpace({"a": (0.0, 1.0)}),
    "twenty dimensions": BoxTaskSpace({f"x{i}": (0.0, 1.0) for i in range(20)}),
    "fixed dimension": BoxTaskSpace({"a": (0.0, 1.0), "b": (2.0, 2.0)}),
    "integers": BoxTaskSpace({"a": (0, 5), "b": (0.0, 1.0)}, integer=["a"]),
    "discrete": DiscreteTaskSpace(["flat", "stairs", "gap"], name="terrain"),
    "product": ProductTaskSpace({"where": BoxTaskSpace({"x": (0.0, 1.0)}), "what": DiscreteTaskSpace(4)}),
}
# These may stay at their first task when returns never reach the thresholds of a preset.
SAME_FOR_ALL_SEEDS = {"adr"}
N_ENVS = 4  # at once, where a teacher plans whole rounds
MAZES = LevelTaskSpace(5, 5, generator="dcd", walls=6)
# Buffers that are full, and agents that have learnt, within the few rounds of a case.
REPLAY = {"capacity": 16, "minimum_fill": 0.5}
BUILDER = {"noise": 2, "builder_options": {"n_epochs": 1, "policy_kwargs": {"net_arch": [4]}}}
# What a teacher cannot do without, beyond its default settings.
OPTIONS: dict[str, dict[str, Any]] = {
    "plr": REPLAY,
    "robust-plr": REPLAY,
    "accel": REPLAY,
    "sfl": {"capacity": 8, "candidates": 16, "refresh_every": 4},
    "paired": BUILDER,
    "minimax": BUILDER,
    "repaired": {**BUILDER, **REPLAY},
    "goal-gan": {"pretraining_iterations": 20},  # not needed, but each case would take seconds
    "sequence": {"stages": [{"teacher": "random", "until": {"episodes": 50}}, {"teacher": "alp-gmm"}]},
    "mixture": {"teachers": [{"teacher": "random", "weight": 0.2}, {"teacher": "alp-gmm", "weight": 0.8}]},
}
# Made of other teachers, or in need of another run's log, a level VAE or snapshots, these have their own tests.
ELSEWHERE = {"product", "replayed", "clutr", "s3rl", "reverse", "regret-starts"}
TEACHER_NAMES = sorted(set(TEACHERS.entries) - ELSEWHERE)
# Kinds of task space that a teacher refuses, with a message, before it starts.
REFUSED: dict[str, set[str]] = {
    teacher: {"twenty dimensions"} for teacher in ("learning-progress", "procurl", "cyclical")
}
# Environments that do not declare what a teacher cannot do without.
LACKING: dict[str, set[str]] = {
    "target": {"teachrl/Hypercubes-v0", "teachrl/StumpTracks-v0", "teachrl/MiniGrid-v0"},
    "cyclical": {"teachrl/MiniGrid-v0"},
}
# What an environment cannot do without.
ENV_OPTIONS = {"teachrl/MiniGrid-v0": {"minigrid_id": "MiniGrid-Empty-5x5-v0"}}
# Environments whose tasks are whole levels: teachers that work on boxes of numbers refuse.
LEVELS = {"teachrl/Maze-v0"}
TEACHERS_FOR_LEVELS = {
    t for t in TEACHER_NAMES if TEACHERS.load(t).takes_levels and not issubclass(TEACHERS.load(t), CompositeTeacher)
}
# Presets that are about mazes, and say so elsewhere.
ONLY_FOR_LEVELS = {("accel", "dcd60")}
ALL_PRESETS = [(t, p) for t in TEACHER_NAMES for p in sorted(TEACHERS.load(t).presets)]
PRESETS = [choice for choice in ALL_PRESETS if choice not in ONLY_FOR_LEVELS]
ROUND_TEACHERS = sorted(t for t in TEACHER_NAMES if issubclass(TEACHERS.load(t), RoundTeacher))
# There the agent itself teaches, or there is but one task: nothing that a teacher could choose.
WITHOUT_TASKS = {f"teachrl/{name}-v0" for name in ("Teaching", "MazeBuilding", "RoomsNav", "Chain", "LineKey")}
ENVIRONMENTS = sorted(name for name in gym.registry if name.startswith("teachrl/") and name not in WITHOUT_TASKS)


def employ(name: str, options: Any, seen: Any, acts: Any, n_envs: int) -> Any:
    return make_student(name, StudentContext(seen, acts, n_envs, 0, 10**6), None, options)


def build(teacher: str, preset: str, space: TaskSpace, seed: int = 0) -> Teacher:
    middle, width = (space.low + space.high) / 2, space.high - space.low
    easy, wanted = TaskDistribution(middle, 0.2 * width), TaskDistribution(space.high, 0.05 * width)
    knowledge = Knowledge(mastery_return=1.0)
    if space.has_unit_cube:
        knowledge = Knowledge(mastery_return=1.0, initial=easy, target=wanted)
    context = TeacherContext(space, np.random.default_rng(seed), (-1.0, 3.0), knowledge, N_ENVS, employ)
    return make_teacher(teacher, context, preset, OPTIONS.get(teacher))


def play(teacher: Teacher, episodes: int, returns: Any = None) -> np.ndarray:
    """Unit-cube tasks of ``episodes`` episodes, two environments at once, whose results get better with time.

    Teachers of rounds get a tenth of the episodes as rounds.
    """
    if isinstance(teacher, RoundTeacher):
        return teacher.space.to_unit(play_rounds(teacher, episodes // 10, returns))
    space, waiting, tasks = teacher.space, [teacher.plan(1) for _ in range(2)], []
    for i in range(episodes):
        plan = waiting.pop(0)
        unit = space.to_unit(plan.tasks[0])
        tasks.append(unit)
        value = float(unit.mean()) * 3 * i / episodes if returns is None else returns
        steps = Transitions(unit[None].repeat(2, 0), np.zeros((1, 1)), np.array([value]))
        reason = plan.reasons[0] if plan.reasons else {}
        episode = Episode(plan.tasks[0], value, value, 1, value > 1, True, plan.origins[0], plan.version, i % 2, i, 0,
                          i + 1, reason, unit, steps)  # fmt: skip
        teacher.update([episode])
        if "start_value" in teacher.signals and i % 20 == 19:
            teacher.student_learned(lambda observations, scale=value: observations.mean(axis=1) * scale)
        waiting.append(teacher.plan(1))
    return np.array(tasks)


def play_rounds(teacher: RoundTeacher, rounds: int, returns: Any = None) -> np.ndarray:
    """Tasks of ``rounds`` rounds, whose results get better with time, and are best where the first number is high."""
    span = max(teacher.space.high[0] - teacher.space.low[0], 1.0)
    tasks = []
    for i in range(rounds):

        def result(task: np.ndarray, i: int = i) -> float:
            return float(task[0] / span) * 3 * i / rounds if returns is None else returns

        tasks.append(play_round(teacher, N_ENVS, result).tasks)
    return np.concatenate(tasks)


def supported(teacher: str, preset: str, space: str, seed: int = 0) -> Teacher:
    """The teacher, or a skip where it refuses this kind of space as `REFUSED` says."""
    if space in REFUSED.get(teacher, ()):
        with pytest.raises(UsageError):
            build(teacher, preset, SPACES[space], seed)
        pytest.skip("refused, with a message")
    return build(teacher, preset, SPACES[space], seed)
