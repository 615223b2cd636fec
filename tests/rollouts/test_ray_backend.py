"""Workers in Ray: the same numbers as in this process, and lost workers cost their half fragment and nothing else."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from teachrl.config.experiment import Experiment
from teachrl.errors import TeachrlError
from teachrl.runs.directory import RunDirectory
from teachrl.training.run import Run, train
from tests.support.runs import PPO, SAC, assert_same_run
from tests.support.workers import MAZE, SMALL_LSTM, in_ray, shared

ray = pytest.importorskip("ray")
memory_summary = pytest.importorskip("ray._private.internal_api").memory_summary

pytestmark = pytest.mark.slow
MODULE = "tests.support.slow_env"
TRAP = "tests.support.own_classes:Trap"


@pytest.fixture(scope="module", autouse=True)
def one_ray() -> Iterator[None]:
    """One small cluster for all tests of this file."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray.init(
        "local", num_cpus=8, num_gpus=1, include_dashboard=False, log_to_driver=False, object_store_memory=2 * 10**8
    )
    yield
    ray.shutdown()


def started(chosen: Experiment, folder: Path) -> Run:
    return Run(chosen, RunDirectory(folder / "run"))


@pytest.mark.parametrize(
    "chosen",
    [shared(SAC, steps=512), shared(SMALL_LSTM, MAZE, teacher={"name": "paired"}, steps=512)],
    ids=["sac", "two students"],
)
def test_ray_gives_the_numbers_of_workers_in_one_process(chosen: Experiment, tmp_path: Path) -> None:
    here = train(chosen, tmp_path / "here").path
    away = train(in_ray(chosen), tmp_path / "away")
    assert away.status == "finished"
    assert_same_run(here, away.path)


def test_interrupted_in_ray_and_resumed_equals_never_interrupted_in_one_process(tmp_path: Path) -> None:
    chosen = in_ray(shared(PPO, steps=1024))

    def stop(progress: Any) -> None:
        if progress.step >= 500:
            os.kill(os.getpid(), signal.SIGTERM)

    assert train(chosen, tmp_path / "cut", on_progress=stop).status == "interrupted"
    cut = train(chosen, tmp_path / "cut").path
    assert_same_run(train(shared(PPO, steps=1024), tmp_path / "whole").path, cut)


def pids(run: Any) -> list[int]:
    return [int(place.partition(" ")[2]) for place in run.rollouts.places]


def test_a_killed_worker_is_replaced_and_no_episode_counts_twice(tmp_path: Path) -> None:
    run = started(in_ray(shared(PPO, TRAP), losses=3), tmp_path)
    episodes = []
    for k in range(6):
        if k in (2, 4):
            os.kill(pids(run)[k // 2 - 1], signal.SIGKILL)
        fragment = run.rollouts.collect(run.student, 64)
        assert fragment.rewards.shape == (64, 4)
        episodes += fragment.episodes
    assert run.rollouts.steps == 6 * 64 * 4
    assert run.rollouts.metrics["workers/lost"] == 2
    names = [(e.env_index, e.number) for e in episodes]
    assert len(set(names)) == len(names)
    run.close()


def test_a_worker_that_hangs_is_given_up(tmp_path: Path) -> None:
    run = started(in_ray(shared(PPO, TRAP, teacher="random"), patience=4), tmp_path)
    run.rollouts.collect(run.student, 8)
    os.kill(pids(run)[1], signal.SIGSTOP)
    before = time.monotonic()
    assert run.rollouts.collect(run.student, 8).n_envs == 4
    assert 3 < time.monotonic() - before < 60
    assert run.rollouts.metrics["workers/lost"] == 1
    run.close()


def test_endless_losses_end_the_run(tmp_path: Path) -> None:
    env = {"id": f"{MODULE}:Deadly", "n_envs": 4}
    run = started(in_ray(shared(PPO, env, teacher="random"), losses=2), tmp_path)
    with pytest.raises(TeachrlError, match=r"3 workers were lost in a row, and workers\.losses allows 2"):
        run.rollouts.collect(run.student, 64)
    run.close()


def test_too_few_places_and_what_cannot_be_made_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("teachrl.rollouts.ray_backend.MAKING", 0.0)
    with pytest.raises(TeachrlError, match=r"0 of 2 workers were ready .* 9 CPU and 0 GPU, .* has 8 and 1"):
        started(in_ray(shared(PPO), cpus=9, patience=2), tmp_path)
    here = {"id": f"{MODULE}:OnlyHere", "n_envs": 4, "options": {"main": os.getpid()}}
    monkeypatch.undo()
    broken = shared(PPO, here, teacher="random")
    with pytest.raises(TeachrlError, match=r"a worker cannot be made: .*not in this process"):
        started(in_ray(broken), tmp_path)


def test_shares_of_gpus_are_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = started(in_ray(shared(PPO), gpus=0.5), tmp_path)
    assert ray.available_resources().get("GPU", 0) == 0
    run.close()
    monkeypatch.setattr("teachrl.rollouts.ray_backend.MAKING", 0.0)
    with pytest.raises(TeachrlError, match=r"0\.75 GPU, and the whole cluster has 8 and 1"):
        started(in_ray(shared(PPO), gpus=0.75, patience=2), tmp_path)


def test_asynchronous_workers_do_not_wait_for_the_slowest(tmp_path: Path) -> None:
    options = {"marker": str(tmp_path / "slow"), "main": os.getpid()}
    chosen = shared(PPO, {"id": f"{MODULE}:Slow", "n_envs": 4, "options": options}, teacher="random")
    run = started(in_ray(chosen, mode="asynchronous", staleness=2), tmp_path)
    slow_worker = [str(pid) for pid in pids(run)].index((tmp_path / "slow").read_text())
    seen, ages = [], []
    for _ in range(8):
        fragment = run.rollouts.collect(run.student, 64)
        assert fragment.rewards.shape == (64, 4)
        run.student.learn(fragment)
        ages.append(run.rollouts.metrics["workers/staleness"])
        seen += [e.env_index for e in fragment.episodes]
    slow = sum(index // 2 == slow_worker for index in seen)
    assert slow < len(seen) / 3
    assert 0 < max(ages) <= 2
    assert run.rollouts.steps == (8 * 2 + run.rollouts.counters.stale) * 64 * 2
    run.close()


def test_the_store_does_not_fill_up(tmp_path: Path) -> None:
    """Two megabytes come from each worker for a fragment, and their episodes are kept, as teachers may."""
    run = started(in_ray(shared(PPO, {"id": f"{MODULE}:Wide", "n_envs": 4}, teacher="random")), tmp_path)
    kept = [episode for _ in range(20) for episode in run.rollouts.collect(run.student, 32).episodes]
    assert len(kept) > 200
    # Ray lets go of objects a little later than we do.
    deadline = time.monotonic() + 10
    while megabytes_stored() > 20 and time.monotonic() < deadline:
        time.sleep(0.2)
    assert megabytes_stored() <= 20
    run.close()


def megabytes_stored() -> int:
    summary = memory_summary(ray.get_runtime_context().gcs_address, stats_only=True)
    used = re.search(r"Plasma memory usage (\d+) MiB", summary)
    assert used is not None
    return int(used.group(1))
