"""Jobs on a real cluster with its dashboard, through `ray job`, as docs/cluster.md says."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from teachrl.cli.app import main
from teachrl.config.experiment import to_yaml
from teachrl.config.yaml_files import dump, parse, read_text
from teachrl.files import read_json
from teachrl.training.run import train
from tests.support.clusters import JobCluster, job_cluster
from tests.support.runs import PPO, assert_same_run
from tests.support.suites import TINY
from tests.support.waiting import eventually
from tests.support.workers import shared

pytestmark = pytest.mark.slow

RECIPE = Path("experiments/cluster/runtime_env.yaml")
TEACHRL = (sys.executable, "-m", "teachrl.cli.app")
# What a user's project has beside teachrl: a module that no node has installed.
GYM = """
from teachrl_envs import BoxTaskSpace, ParameterizedEnv
import gymnasium as gym

def make():
    def apply(env, task):
        env.length = task["length"]
        env.polemass_length = env.masspole * env.length
    space = BoxTaskSpace({"length": (0.25, 1.0)})
    env = gym.make("CartPole-v1", max_episode_steps=100)
    return ParameterizedEnv(env, space, apply, return_range=(0.0, 100.0), mastery_return=95.0)
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[JobCluster]:
    with job_cluster(cpus=4) as started:
        yield started


@pytest.fixture(scope="module")
def recipe() -> str:
    """The environment that the documentation recommends."""
    return json.dumps(parse(read_text(RECIPE), str(RECIPE)))


def submitted(cluster: JobCluster, name: str, recipe: str, project: Path, *command: str, wait: bool = False) -> Any:
    options = ("--submission-id", name, "--working-dir", str(project), "--runtime-env-json", recipe)
    done = cluster.job("submit", *options, *(() if wait else ("--no-wait",)), "--", *TEACHRL, *command)
    assert wait or done.returncode == 0, done.stdout + done.stderr
    return done


def project(folder: Path, steps: int) -> Path:
    """A project of a user's, with an experiment on an environment of its own."""
    (folder / "my_gym.py").write_text(GYM)
    chosen = shared(PPO, {"id": "my_gym:make", "n_envs": 4}, steps=steps)
    (folder / "experiment.yaml").write_text(to_yaml(chosen.model_copy(update={"backend": "ray"})))
    return folder


def test_a_job_that_is_stopped_and_submitted_again_ends_with_the_same_numbers(
    cluster: JobCluster, recipe: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "project").mkdir()
    mine, runs = project(tmp_path / "project", steps=12_000), tmp_path / "shared"
    command = ("train", "experiment.yaml", "--runs-dir", str(runs))
    submitted(cluster, "first", recipe, mine, *command)
    eventually(lambda: any(runs.glob("run/checkpoints/step_*")), "a checkpoint", seconds=120)
    assert cluster.job("stop", "first").returncode == 0
    assert "was stopped" in cluster.job("status", "first").stdout
    status = read_json(runs / "run" / "status.json")
    assert status["status"] == "interrupted", "SIGTERM saves"
    assert 0 < status["step"] < 12_000
    again = submitted(cluster, "second", recipe, mine, *command, wait=True)
    assert again.returncode == 0, again.stdout
    assert len(read_json(runs / "run" / "status.json")["workers"]["places"]) == 2
    monkeypatch.syspath_prepend(mine)
    local = shared(PPO, {"id": "my_gym:make", "n_envs": 4}, steps=12_000)
    assert_same_run(train(local, tmp_path / "whole").path, runs / "run")


def test_a_bench_as_a_job(cluster: JobCluster, recipe: str, tmp_path: Path) -> None:
    (tmp_path / "tiny.yaml").write_text(dump(TINY))
    command = ("bench", "run", "tiny.yaml", "--budget", "smoke", "--ray-address", "auto")
    done = submitted(cluster, "bench", recipe, tmp_path, *command, "-o", str(tmp_path / "bench"), wait=True)
    assert done.returncode == 0, done.stdout
    assert "4 of 4 runs are finished" in done.stdout
    assert main(["bench", "report", str(tmp_path / "bench")]) == 0


def test_the_recipe_brings_this_project_to_nodes(cluster: JobCluster, recipe: str) -> None:
    """The copies are what is imported, not what is installed."""
    show = "import teachrl, teachrl_envs, os; print(teachrl.__file__, teachrl_envs.__file__, os.listdir('experiments'))"
    options = ("--working-dir", ".", "--runtime-env-json", recipe)
    done = cluster.job("submit", *options, "--", sys.executable, "-c", show)
    assert done.returncode == 0, done.stdout
    said = [line for line in done.stdout.splitlines() if "__init__.py" in line and "__file__" not in line]
    assert len(said) == 1, done.stdout
    assert said[0].count("/runtime_resources/") == 2
    assert "quickstart.yaml" in said[0]
