"""Replayed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from teachrl.errors import TeachrlError, UsageError
from teachrl.files import read_tree, write_json, write_tree
from teachrl.records.episodes import Episode
from teachrl.runs.directory import RunDirectory
from teachrl.tasks.spaces import BoxTaskSpace, DiscreteTaskSpace, ProductTaskSpace, TaskSpace
from teachrl.teachers.base import Teacher, TeacherContext
from teachrl.teachers.registry import make_teacher

SPACE = ProductTaskSpace({"at": BoxTaskSpace({"x": (0.0, 1.0)}), "what": DiscreteTaskSpace(3)})


def write_run(path: Path, episodes: int = 7, space: TaskSpace = SPACE) -> np.ndarray:
    """A run of two environments whose log is in three parts; returns the tasks in the log's order."""
    tasks = space.sample(np.random.default_rng(5), episodes)
    (path / "episodes").mkdir(parents=True)
    write_json(path / "task_space.json", space.to_json())
    records = [Episode(t, 0.0, 0.0, 1, None, True, "", 0, i % 2, i, 0, 2 * (i // 2)) for i, t in enumerate(tasks)]
    for part in (records[:2], records[3:1:-1], records[4:]):  # rows of one step may lie in any order
        RunDirectory(path).write_episodes(part[-1].step, part, space) if part else None
    return tasks


def replayed(run: Path, seed: int = 0, space: TaskSpace = SPACE, **options: str) -> Teacher:
    context = TeacherContext(space, np.random.default_rng(seed))
    return make_teacher("replayed", context, options={"run": str(run), **options})


def test_the_same_order_again_and_again(tmp_path: Path) -> None:
    tasks = write_run(tmp_path)
    teacher = replayed(tmp_path)
    assert np.array_equal(teacher.plan(16).tasks, np.concatenate([tasks, tasks, tasks[:2]]))
    plan = teacher.plan(1)
    assert plan.reasons == ({"episode": 2, "pass": 2},)
    assert teacher.explain(plan.origins[0], plan.reasons[0]) == (
        "The task of episode 2 of the replayed log, in its order (pass 2)."
    )


def test_shuffled_plays_each_once_a_pass_in_an_order_of_the_seed(tmp_path: Path) -> None:
    write_run(tmp_path, 30)
    orders = [[r["episode"] for r in replayed(tmp_path, s, order="shuffled").plan(60).reasons] for s in (0, 0, 1)]
    assert orders[0] == orders[1] != orders[2]
    assert sorted(orders[0][:30]) == sorted(orders[0][30:]) == list(range(30))
    assert orders[0][:30] != orders[0][30:]


@pytest.mark.parametrize("order", ["same", "shuffled"])
def test_goes_on_from_its_state(tmp_path: Path, order: str) -> None:
    write_run(tmp_path)
    first, second = replayed(tmp_path, order=order), replayed(tmp_path, seed=9, order=order)
    first.plan(10)
    write_tree(tmp_path / "t.npz", first.state())
    second.restore(read_tree(tmp_path / "t.npz"))
    assert second.curriculum() == first.curriculum()
    assert np.array_equal(first.plan(20).tasks, second.plan(20).tasks)


def test_a_log_that_changed_is_refused(tmp_path: Path) -> None:
    write_run(tmp_path / "a")
    write_run(tmp_path / "b", 8)
    with pytest.raises(TeachrlError, match="not the one that this run began to replay"):
        replayed(tmp_path / "b").restore(replayed(tmp_path / "a").state())


def test_another_task_space_is_refused(tmp_path: Path) -> None:
    write_run(tmp_path)
    with pytest.raises(UsageError, match="another task space"):
        replayed(tmp_path, space=BoxTaskSpace({"x": (0.0, 1.0)}))


def test_what_is_no_run_or_has_no_episodes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no run directory"):
        replayed(tmp_path)
    (tmp_path / "episodes").mkdir()
    write_json(tmp_path / "task_space.json", SPACE.to_json())
    with pytest.raises(UsageError, match="no episodes in its log yet"):
        replayed(tmp_path)
    (tmp_path / "episodes" / "part-000000000001.parquet").write_text("torn")
    with pytest.raises(TeachrlError, match="cannot be read"):
        replayed(tmp_path)


def test_picture_shows_the_tasks_to_come(tmp_path: Path) -> None:
    tasks = write_run(tmp_path)
    teacher = replayed(tmp_path)
    teacher.plan(5)
    curriculum = teacher.curriculum()
    assert curriculum.random_ratio == 0
    assert np.array_equal(curriculum.samples, tasks[5:])
