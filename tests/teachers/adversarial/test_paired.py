"""Teachers whose tasks are built by an agent: PAIRED, minimax and REPAIRED."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from teachrl.config.experiment import Experiment
from teachrl.errors import UsageError
from teachrl.files import read_json, read_tree, write_tree
from teachrl.records.episodes import Episode
from teachrl.records.level_scores import RoundResult
from teachrl.students.base import StudentContext
from teachrl.students.registry import make_student
from teachrl.tasks.spaces import BoxTaskSpace, TaskSpace
from teachrl.teachers.adversarial.repaired import RepairedTeacher
from teachrl.teachers.base import TeacherContext
from teachrl.teachers.registry import make_teacher
from teachrl.training.run import train
from teachrl_envs.maze.level_space import LevelTaskSpace

MAZES = LevelTaskSpace(4, 4, generator="dcd", walls=6)
BOX = BoxTaskSpace({"a": (0.0, 10.0), "b": (-1.0, 1.0)})


def build(
    teacher: str = "paired",
    space: TaskSpace = MAZES,
    n: int = 8,
    seed: int = 0,
    preset: str = "default",
    **options: Any,
) -> Any:
    def employ(name: str, settings: Any, seen: Any, acts: Any, together: int) -> Any:
        return make_student(name, StudentContext(seen, acts, together, seed, 10**6), None, settings)

    context = TeacherContext(space, np.random.default_rng(seed), n_envs=n, make_agent=employ)
    return make_teacher(teacher, context, options={"noise": 4, **options})


def played(returns: Sequence[Sequence[float]]) -> RoundResult:
    """One student's returns, for each environment."""
    nothing = np.zeros((1, len(returns)))
    episodes = tuple(
        Episode(np.zeros(1), value, value, 1, None, True, "builder", 0, i, 0, 0, 0)
        for i, own in enumerate(returns)
        for value in own
    )
    return RoundResult(nothing, nothing, episodes)


def rounds(teacher: Any, count: int, worth: Any) -> np.ndarray:
    """What the tasks of ``count`` rounds were worth, shape ``(count, n)``; both kinds are paid just that."""
    found = []
    for _ in range(count):
        values = [worth(task) for task in teacher.plan(teacher.context.n_envs).tasks]
        other = played([[0.0] for _ in values])
        teacher.update_round(
            [other, played([[v] for v in values])] if len(teacher.students) == 2 else [played([[-v] for v in values])]
        )
        found.append(values)
    return np.array(found)


PROTAGONIST = [[0.2, 0.4], [0.9], [0.0, 0.0, 0.8], [], [0.5]]
ANTAGONIST = [[0.1, 0.7], [0.3, 0.1], [0.1], [0.5], [0.5]]


@pytest.mark.parametrize(
    ("teacher", "options", "expected"),
    [
        ("paired", {}, [0.4, 0.0, 0.0, np.nan, 0.0]),
        ("paired", {"regret": "flexible"}, [0.4, 0.7, 0.7, np.nan, 0.0]),
        ("minimax", {}, [-0.4, -0.9, -0.8, np.nan, -0.5]),
    ],
)
def test_what_tasks_are_worth(teacher: str, options: dict[str, Any], expected: list[float]) -> None:
    made = build(teacher, n=5, **options)
    results = [played(PROTAGONIST), played(ANTAGONIST)][: len(made.students)]
    assert made.worth(results) == pytest.approx(expected, nan_ok=True)
    made.plan(5)
    made.update_round(results)
    reason = made.plan(5).reasons[0]
    assert reason["unjudged"] == 1
    assert reason["updates"] == 1
    assert reason["mean_reward"] == pytest.approx(np.nanmean(expected))


def test_the_agent_gets_whole_episodes_paid_at_their_last_move(monkeypatch: pytest.MonkeyPatch) -> None:
    teacher, seen = build(n=3), []
    monkeypatch.setattr(type(teacher.builder._agent), "learn", lambda self, fragment: seen.append(fragment))
    plan = teacher.plan(3)
    teacher.update_round([played([[0.25], [], [0.0]]), played([[1.0], [1.0], [0.5]])])
    (fragment,) = seen
    assert fragment.rewards.shape == (8, 3)  # six walls, the goal, the agent
    assert fragment.rewards[-1].tolist() == [0.75, 0.0, 0.5]
    assert not fragment.rewards[:-1].any()
    assert fragment.episode_starts[0].all()
    assert not fragment.episode_starts[1:].any()
    assert fragment.terminated[-1].all()
    assert not fragment.terminated[:-1].any()
    assert fragment.last_starts.all()  # so that no value is added past the end
    for i, task in enumerate(plan.tasks):
        walls = np.zeros(16)
        walls[fragment.actions[:6, i]] = 1
        walls[fragment.actions[6:, i]] = 0
        moved = fragment.actions[6, i] == fragment.actions[7, i]
        assert moved or np.array_equal(task[:16], walls)


def test_builds_ever_more_walls_when_walls_are_what_it_is_paid_for() -> None:
    options = {"learning_rate": 3e-3, "ent_coef": 0.0}
    worth = rounds(build(n=16, builder_options=options), 40, lambda maze: maze[:-3].sum())
    assert worth[-5:].mean() > worth[:5].mean() + 0.5


def test_builds_boxes_too() -> None:
    options = {"learning_rate": 1e-2, "ent_coef": 0.0}
    teacher = build("minimax", BOX, n=16, builder_options=options)
    worth = rounds(teacher, 40, lambda task: task[0] / 10)
    assert worth[-5:].mean() > worth[:5].mean() + 0.2
    assert "after 40 updates" in teacher.explain("builder", teacher.plan(16).reasons[0])


def test_divides_by_the_running_deviation() -> None:
    plain, scaled = build(n=2), build(n=2, normalize_reward=True)
    results = [played([[0.0], [0.0]]), played([[100.0], [300.0]])]
    for teacher in (plain, scaled):
        teacher.plan(2)
    waiting = [teacher.builder._open for teacher in (plain, scaled)]
    for teacher in (plain, scaled):
        teacher.update_round(results)
    paid = [fragment.rewards[-1].tolist() for fragment in waiting if fragment is not None]
    assert paid == [[100.0, 300.0], pytest.approx([1.0, 3.0])]


@pytest.mark.parametrize("judged", [True, False])
@pytest.mark.parametrize(
    ("teacher", "space", "options"),
    [
        ("paired", MAZES, {"normalize_reward": True}),
        ("paired", MAZES, {"builder": "ppo-lstm", "builder_options": {"hidden_size": 8}}),
        ("minimax", BOX, {}),
        ("repaired", MAZES, {"capacity": 16, "replay_probability": 0.7}),
    ],
)
def test_goes_on_identically(
    teacher: str, space: TaskSpace, options: dict[str, Any], judged: bool, tmp_path: Path
) -> None:
    def update_round(made: Any, number: int) -> None:
        made.update_round([played([[0.1 * i * number] for i in range(8)])] * len(made.students))

    def go_on(made: Any) -> list[np.ndarray]:
        tasks = []
        for number in range(3):
            if number or not judged:
                update_round(made, number)
            tasks.append(made.plan(8).tasks)
        return tasks

    one, two = build(teacher, space, **options), build(teacher, space, seed=5, **options)
    for number in range(3):
        one.plan(8)
        if number < 2 or judged:
            update_round(one, number)
    write_tree(tmp_path / "teacher.npz", one.state())
    two.restore(read_tree(tmp_path / "teacher.npz"))
    tasks = go_on(one)
    assert np.array_equal(tasks, go_on(two))
    assert not np.array_equal(tasks[0], tasks[1])


def test_what_the_students_draw_changes_nothing_and_is_not_changed() -> None:
    alone, beside = build(), build()
    expected = rounds(alone, 3, lambda maze: maze[0])
    torch.manual_seed(7)
    np.random.seed(7)  # noqa: NPY002
    drawn = [float(torch.rand(())), np.random.random()]  # noqa: NPY002
    torch.manual_seed(7)
    np.random.seed(7)  # noqa: NPY002
    assert np.array_equal(rounds(beside, 3, lambda maze: maze[0]), expected)
    beside.restore(beside.state())
    assert [float(torch.rand(())), np.random.random()] == drawn  # noqa: NPY002


def test_takes_as_many_walls_as_the_generator_unless_told() -> None:
    assert max(int(task[:-3].sum()) for task in build(n=32).plan(32).tasks) in (5, 6)
    plan = build(n=32, walls=1).plan(32)
    assert [task[:-3].sum() for task in plan.tasks] == [reason["walls"] for reason in plan.reasons]
    assert max(reason["walls"] for reason in plan.reasons) == 1
    for task in plan.tasks:
        MAZES.level(task)


def test_does_not_go_on_for_nothing() -> None:
    teacher, nobody = build(space=BOX, n=2), [played([[], [1.0]]), played([[1.0], []])]

    def play_on() -> None:
        for _ in range(1000):
            teacher.plan(2)
            teacher.update_round(nobody)

    with pytest.raises(UsageError, match=r"no task was played to the end .* longer than episodes"):
        play_on()


def test_repaired_learns_where_it_should() -> None:
    """Students from replayed levels alone, the builder from its own."""
    options = {"capacity": 12, "minimum_fill": 1.0, "replay_probability": 0.5}
    teacher = build("repaired", n=4, **options)
    assert isinstance(teacher, RepairedTeacher)
    built: list[bytes] = []
    for number in range(40):
        plan = teacher.plan(4)
        (origin,) = set(plan.origins)
        levels = [task.tobytes() for task in plan.tasks]
        if origin == "builder":
            built += levels
        else:
            assert number >= 3
            assert set(levels) <= set(built)
        assert plan.learn == (origin == "replay")
        assert teacher.builder.is_waiting == (origin == "builder")
        before = teacher.builder.updates
        teacher.update_round([played([[0.1]] * 4), played([[0.1 * i] for i in range(4)])])
        assert teacher.builder.updates == before + (origin == "builder")
        assert "{" not in teacher.explain(origin, plan.reasons[0])
    assert 10 < teacher.builder.updates < 35
    with pytest.raises(UsageError, match="only_solvable"):
        build("repaired", only_solvable=True)


def test_refuses_what_cannot_work() -> None:
    with pytest.raises(UsageError, match="nobody here can make one"):
        make_teacher("paired", TeacherContext(MAZES, np.random.default_rng(0)))
    with pytest.raises(UsageError, match="n_steps is the number of moves"):
        build(builder_options={"n_steps": 3})
    with pytest.raises(UsageError, match=r"cannot be 'ppo': student option 'gama'.* did you mean 'gamma'"):
        build(builder_options={"gama": 1})
    with pytest.raises(UsageError, match="'sac' learns every 1 steps"):
        build(space=BOX, builder="sac")
    with pytest.raises(UsageError, match=r"cannot be 'ppolstm': unknown student .*'ppo-lstm'"):
        build(builder="ppolstm")
    with pytest.raises(UsageError, match="walls is for mazes"):
        build(space=BOX, walls=3)
    with pytest.raises(UsageError, match=r"4 x 4 cannot be built: .* \[0, 14\]; got 15"):
        build(walls=15)
    with pytest.raises(UsageError, match="builds 8 tasks at once, one an environment; it was asked for 3"):
        build().plan(3)


def experiment(teacher: Any, **changes: Any) -> Experiment:
    fields: dict[str, Any] = {
        "env": {"id": "teachrl/Maze-v0", "options": {"height": 5, "width": 5, "max_steps": 20}, "n_envs": 4},
        "teacher": teacher,
        "student": {"name": "ppo", "options": {"n_steps": 32, "batch_size": 64, "n_epochs": 1}},
        "steps": 6 * 32 * 4,
        "evaluate_every": 0,
        "checkpoint_every": 2 * 32 * 4,
        "keep_checkpoints": 1,
        "name": "run",
    }
    return Experiment.model_validate({**fields, **changes})


def tree_equal(one: Any, two: Any) -> bool:
    if isinstance(one, dict):
        return one.keys() == two.keys() and all(tree_equal(one[key], two[key]) for key in one)
    return bool(np.array_equal(one, two))


@pytest.mark.parametrize(
    "teacher",
    [
        {"name": "paired", "options": {"builder": "ppo-lstm", "builder_options": {"hidden_size": 16}}},
        {"name": "repaired", "options": {"capacity": 8}},
        "minimax",
    ],
)
def test_trains_and_resumes_identically(teacher: Any, tmp_path: Path) -> None:
    interrupted = False

    def stop_once(progress: Any) -> None:
        nonlocal interrupted
        if not interrupted and progress.step >= 300:
            interrupted = True
            os.kill(os.getpid(), signal.SIGTERM)

    whole = train(experiment(teacher), tmp_path / "whole").path
    assert train(experiment(teacher), tmp_path / "parts", on_progress=stop_once).status == "interrupted"
    parts = train(experiment(teacher), tmp_path / "parts").path
    (last,) = (whole / "checkpoints").iterdir()
    files = sorted(file.name for file in last.glob("*.npz") if file.name != "run.npz")
    students = {"minimax": {"student.npz"}}.get(str(teacher), {"student.npz", "antagonist.npz"})
    assert students | {"teacher.npz", "worker.npz"} == set(files)
    for name in files:
        trees = [read_tree(run / "checkpoints" / last.name / name) for run in (whole, parts)]
        assert tree_equal(*trees), name
    costs = read_json(whole / "status.json")["costs"]
    assert costs["training_steps"] + costs["scoring_steps"] == 6 * 32 * 4  # of both students together
    assert costs["updates"] == costs["training_steps"] // (32 * 4 * (len(files) - 2))
    assert (costs["scoring_steps"] > 0) == ("repaired" in str(teacher))
