"""Several workers collect as one run would, and what they were in the middle of survives a checkpoint."""

from __future__ import annotations

import os
import platform
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from teachrl.config.experiment import Experiment
from teachrl.errors import TeachrlError, UsageError
from teachrl.files import read_json
from teachrl.rollouts.merging import in_order, merged
from teachrl.training.run import Run, train
from tests.support.runs import CARTPOLE, DQN, PPO, SAC, assert_same_run, episodes, experiment
from tests.support.workers import MAZE, SMALL_LSTM, shared

FADING = {"name": "tests.support.fading_guide:Fading"}


def interrupted_once(chosen: Experiment, folder: Path, at: int) -> Path:
    def stop(progress: Any) -> None:
        if progress.step >= at:
            os.kill(os.getpid(), signal.SIGTERM)

    assert train(chosen, folder, on_progress=stop).status == "interrupted"
    return train(chosen, folder).path


@pytest.mark.slow
@pytest.mark.parametrize(
    "chosen",
    [
        shared(PPO),
        shared(SAC),
        shared(DQN, CARTPOLE),
        shared(PPO, guide=FADING),
        shared(SMALL_LSTM, MAZE, teacher={"name": "robust-plr"}),
        shared(SMALL_LSTM, MAZE, teacher={"name": "paired"}),
    ],
    ids=["ppo", "sac", "dqn", "learning guide", "held levels", "two students"],
)
def test_interrupted_and_resumed_equals_never_interrupted(chosen: Experiment, tmp_path: Path) -> None:
    whole = train(chosen, tmp_path / "whole").path
    assert_same_run(whole, interrupted_once(chosen, tmp_path / "cut", at=900))


def test_episodes_count_environments_and_steps_of_the_whole_run(tmp_path: Path) -> None:
    table = episodes(train(shared(PPO, "tests.support.own_classes:Trap"), tmp_path).path).to_pylist()
    assert {row["env_index"] for row in table} == {0, 1, 2, 3}
    names = [(row["env_index"], row["number"]) for row in table]
    assert len(set(names)) == len(names)
    assert len({row["seed"] for row in table}) == len(names)
    # Ten steps an episode, and all four environments step together.
    assert [row["step"] for row in table] == [40 * (1 + k // 4) for k in range(len(table))]


def test_every_task_is_the_teachers_and_the_teacher_is_told_of_every_episode_once(tmp_path: Path) -> None:
    run = Run(shared(PPO, "tests.support.own_classes:Trap", teacher="random"), _directory(tmp_path))
    planned: list[bytes] = []
    info: list[tuple[int, int]] = []
    plan, update = run.teacher.plan, run.teacher.update

    def spied_plan(n: int) -> Any:
        chosen = plan(n)
        planned.extend(np.asarray(task).tobytes() for task in chosen.tasks)
        return chosen

    def spied_update(ended: Any) -> None:
        info.extend((e.env_index, e.number) for e in ended)
        update(ended)

    run.teacher.plan, run.teacher.update = spied_plan, spied_update  # type: ignore[method-assign]
    played = []
    for _ in range(3):
        played.append(run.rollouts.collect(run.student, 200))
        run.schedule.end(played[-1:])
    ended = [episode for fragment in played for episode in fragment.episodes]
    assert info == [(e.env_index, e.number) for e in ended]
    tasks = [np.asarray(e.task).tobytes() for e in ended]
    assert set(tasks) <= set(planned)
    # Before the first episode ended nobody knew how short they are, so some tasks came twice in the first fragment.
    repeated = run.rollouts.metrics["workers/repeated"]
    assert 0 < repeated < 80
    assert len(tasks) - len(set(tasks)) <= repeated
    assert len(set(planned)) < len(tasks) + 3 * 80
    run.close()


def _directory(path: Path) -> Any:
    from teachrl.runs.directory import RunDirectory

    return RunDirectory(path / "run")


def test_workers_have_random_streams_of_their_own(tmp_path: Path) -> None:
    run = Run(shared(PPO, "tests.support.own_classes:Trap"), _directory(tmp_path))
    fragment = run.rollouts.collect(run.student, 64)
    first, second = fragment.actions[:, :2], fragment.actions[:, 2:]
    assert not np.array_equal(first, second)
    run.close()


def test_a_worker_that_may_not_skip_ends_the_run_with_the_task_and_the_file(tmp_path: Path) -> None:
    env = {"id": "tests.support.own_classes:Trap", "n_envs": 4, "options": {"fault": "step"}}
    with pytest.raises(TeachrlError, match=r"worker \d: environment \d failed at step 4 .*\n.*danger.*failures"):
        train(shared(PPO, env), tmp_path)
    assert len(list((tmp_path / "run" / "failures").iterdir())) == 1


def test_a_worker_that_may_skip_goes_on_and_the_run_counts(tmp_path: Path) -> None:
    env = {"id": "tests.support.own_classes:Trap", "n_envs": 4, "options": {"fault": "step"}, "on_error": "skip"}
    chosen, directory = shared(PPO, env), _directory(tmp_path)
    run = Run(chosen, directory)
    with directory.locked():
        directory.prepare(chosen, empty=False)
        fragment = run.rollouts.collect(run.student, 64)
    assert run.rollouts.skipped == len(list((directory.path / "failures").iterdir())) > 0
    assert all(episode.task[0] <= 0.5 for episode in fragment.episodes)
    run.close()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"backend": "ray", "workers": None}, "--workers 2"),
        ({"workers": 3}, "set env.n_envs to 3"),
        ({"workers": {"count": 2, "mode": "asynchronous"}}, "workers.mode is for backend ray"),
        ({"backend": "ray", "workers": {"count": 2, "device": "cuda"}}, "workers.gpus"),
        ({"workers": {"count": 2, "placment": "spread"}}, "did you mean 'placement'"),
        ({"workers": True}, "workers"),
    ],
)
def test_settings_that_cannot_be_are_refused(changes: dict[str, Any], message: str) -> None:
    from teachrl.config.loading import load_experiment

    with pytest.raises(UsageError, match=message):
        load_experiment(None, {"env": {"id": "teachrl/PointMass-v0", "n_envs": 4}, **changes})


def test_merged_fragments_are_side_by_side(tmp_path: Path) -> None:
    run = Run(shared(PPO, "tests.support.own_classes:Trap"), _directory(tmp_path))
    one, two = run.rollouts.collect(run.student, 20), run.rollouts.collect(run.student, 20)
    both = merged([one, two])
    assert both.n_envs == 8
    np.testing.assert_array_equal(both.observations[:, 4:], two.observations)
    np.testing.assert_array_equal(both.extras["values"][:, :4], one.extras["values"])
    assert {(t, i - 4) for t, i in both.final_observations if i >= 4} == set(two.final_observations)
    np.testing.assert_array_equal(both.next_observations()[:, 4:], two.next_observations())
    assert in_order([two, one]) == [*one.episodes, *two.episodes]
    run.close()


def test_a_guide_that_watches_its_environments_is_refused() -> None:
    chosen = shared(PPO, {"id": "teachrl/Chain-v0", "n_envs": 4}, guide={"name": "explors"}, teacher="random")
    with pytest.raises(UsageError, match=r"ExplorsGuide takes note of every step .* leave workers out"):
        Run(chosen, _directory(Path("nowhere")))


def test_the_status_says_who_collects(tmp_path: Path) -> None:
    status = read_json(train(shared(PPO), tmp_path).path / "status.json")
    here = f"{platform.node()} {os.getpid()}"
    names = {f"workers/{name}" for name in ("stale", "repeated", "lost", "staleness")}
    assert status["workers"]["places"] == [here, here]
    assert set(status["workers"]["metrics"]) == names
    alone = read_json(train(experiment(PPO), tmp_path / "alone").path / "status.json")
    assert alone["workers"] == {"places": [], "metrics": {}}
