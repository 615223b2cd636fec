"""The frozen test sets: their bytes, their hashes, and the environments that they are for."""

import json

import gymnasium
import numpy as np
import pytest

from teachrl_envs.specs import ENV_SPECS
from teachrl_envs.tasks import TaskSpace
from teachrl_envs.test_sets import make

FILES = sorted(make.FOLDER.glob("*.json"))
SIZES = {
    "hypercubes-2d-10-v1": 100,
    "maze-jaxued-v1": 8,
    "maze-large-corridor-v1": 16,
    "maze-medium-v1": 1,
    "maze-mini-v1": 1,
    "maze-perfect-large-v1": 10,
    "maze-perfect-medium-v1": 50,
    "maze-perfect-small-v1": 50,
    "maze-rooms-and-corridors-v1": 12,
    "point-mass-2d-grid-v1": 100,
    "point-mass-2d-target-v1": 50,
    "point-mass-3d-grid-v1": 125,
    "point-mass-3d-target-v1": 50,
    "stump-tracks-grid-v1": 100,
}


def load(name):
    return json.loads((make.FOLDER / f"{name}.json").read_text())


def test_the_script_writes_the_same_bytes(tmp_path):
    written = make.write(tmp_path)
    assert sorted(p.name for p in written) == [p.name for p in FILES]
    for path in written:
        assert path.read_bytes() == (make.FOLDER / path.name).read_bytes(), path.name


def test_every_test_set_stands_in_the_row_of_its_environment():
    rows = {name: spec.id for spec in ENV_SPECS for name in spec.test_sets}
    assert rows == {path.stem: json.loads(path.read_text())["env"] for path in FILES}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_test_set_is_whole(path):
    test_set = json.loads(path.read_text())
    assert path.stem == f"{test_set['name']}-v{test_set['version']}"
    assert test_set["sha256"] == make.canonical_hash(test_set)
    assert (test_set["format"], test_set["seed"], test_set["episodes_per_task"]) == (1, 0, 1)
    space = TaskSpace.from_json(test_set["task_space"])
    vectors = np.array([space.vector(task) for task in test_set["tasks"]])
    assert len(vectors) == SIZES[path.stem]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_test_set_fits_its_environment(path):
    test_set = json.loads(path.read_text())
    kwargs = {"context_dimensions": 3} if "-3d-" in path.stem else {}
    if path.stem.startswith("maze-"):
        kwargs = {name: test_set["task_space"][name] for name in ("height", "width", "max_steps")}
        assert all(f"{name}={value}" in test_set["description"] for name, value in kwargs.items())
    env = gymnasium.make(test_set["env"], **kwargs).unwrapped
    assert env.task_space == TaskSpace.from_json(test_set["task_space"])
    for task in (test_set["tasks"][0], test_set["tasks"][-1]):
        assert env.reset(seed=0, options={"task": task})[1]["task"] == task


def test_the_hash_notices_a_change_but_not_the_order_of_the_fields():
    test_set = load("hypercubes-2d-10-v1")
    assert make.canonical_hash(dict(reversed(test_set.items()))) == test_set["sha256"]
    test_set["tasks"][3]["x0"] += 1e-9
    assert make.canonical_hash(test_set) != test_set["sha256"]


def test_the_stump_tracks_grid():
    tasks = load("stump-tracks-grid-v1")["tasks"]
    assert tasks[0] == {"stump_height": 0.0, "obstacle_spacing": 0.0}
    assert tasks[1] == pytest.approx({"stump_height": 0.0, "obstacle_spacing": 2 / 3})
    assert tasks[-1] == {"stump_height": 3.0, "obstacle_spacing": 6.0}
    assert len({tuple(task.values()) for task in tasks}) == 100


def test_draws_from_the_target_lie_around_its_mean_and_inside_the_bounds():
    drawn = np.array([list(task.values()) for task in load("point-mass-3d-target-v1")["tasks"]])
    assert np.all(abs(drawn - [2.5, 0.5, 0.0]) < 5 * np.array([4e-3, 3.75e-3, 2e-3]))
    assert np.all(drawn[:, 1] >= 0.5)
    assert np.all(drawn[:, 2] >= 0.0)
    assert len(set(drawn[:, 0])) == 50


def test_the_middle_of_every_cell_is_in_the_hypercubes_set():
    env = gymnasium.make("teachrl/Hypercubes-v0").unwrapped
    cells = {tuple(env.reset(options={"task": task})[0]) for task in load("hypercubes-2d-10-v1")["tasks"]}
    assert len(cells) == 100
