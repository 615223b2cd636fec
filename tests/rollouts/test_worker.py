"""Rollouts: tasks arrive at once, records are raw, faults are reported and can be played again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from teachrl.config.experiment import EnvConfig
from teachrl.environments import environment_facts, make_env
from teachrl.errors import TeachrlError
from teachrl.records.episodes import Episode
from teachrl.rollouts.episodes import PlannedTask
from teachrl.rollouts.worker import FAILURE_LIMIT, RolloutWorker
from teachrl.students.base import Decision


class Constant:
    """Acts with zeros and asks to get back what it saw."""

    memory_size = 0
    needs_privileged = False

    def act(self, observations: Any, memory: Any, deterministic: bool = False) -> Decision:
        return Decision(np.zeros((len(observations), 1), dtype=np.float32), {"seen": observations.copy()})


class Script:
    """Tasks from a list, and a record of who was told what."""

    def __init__(self, dangers: list[float]) -> None:
        self.dangers, self.calls = dangers, []

    def next_task(self, env_index: int, finished: Episode | None) -> PlannedTask:
        self.calls.append((env_index, finished))
        danger = self.dangers[(len(self.calls) - 1) % len(self.dangers)]
        return PlannedTask(np.array([danger]), f"call {len(self.calls) - 1}", 7)


def worker(script: Script, n_envs: int = 1, fault: str = "none", **options: Any) -> RolloutWorker:
    settings = EnvConfig(id="tests.support.own_classes:Trap", options={"fault": fault})
    facts = environment_facts(make_env(settings), settings)
    return RolloutWorker(lambda: make_env(settings), n_envs, facts, script, seed=5, discount=0.5, **options)


def test_the_task_chosen_at_an_episodes_end_is_played_next() -> None:
    script = Script([0.0, 0.1, 0.2, 0.3])
    fragment = worker(script).collect(Constant(), 25)
    assert [e.origin for e in fragment.episodes] == ["call 0", "call 1"]
    assert [finished for _, finished in script.calls[1:]] == list(fragment.episodes)
    # The observation shows the task: rows 0-9 play the first, 10-19 the second, 20-24 the third.
    assert np.allclose(fragment.observations[:, 0, 1], [0.0] * 10 + [0.1] * 10 + [0.2] * 5)


def test_records_are_raw_and_complete() -> None:
    (episode,) = worker(Script([0.25])).collect(Constant(), 10).episodes
    assert episode.episode_return == 10.0
    assert episode.discounted_return == pytest.approx(sum(0.5**i for i in range(10)))
    assert (episode.length, episode.success, episode.terminated) == (10, True, False)
    assert (episode.step, episode.number, episode.teacher_version) == (10, 0, 7)


def test_fragment_rows_fit_together() -> None:
    fragment = worker(Script([0.0]), n_envs=3).collect(Constant(), 12)
    assert fragment.observations.shape == (12, 3, 2)
    assert np.array_equal(fragment.extras["seen"], fragment.observations)
    assert fragment.truncated[9].all()
    assert not fragment.terminated.any()
    following = fragment.next_observations()
    assert np.array_equal(following[9, :, 0], [10, 10, 10])  # the episode's own last state
    assert np.array_equal(fragment.observations[10, :, 0], [0, 0, 0])  # the next one's first
    assert fragment.episode_starts[[0, 10]].all()
    assert fragment.episode_starts.sum() == 6


FAULTS = {
    "reset": "the gate is stuck",
    "step": "the motor burnt out",
    "nan observation": "NaN",
    "inf reward": "the reward is inf",
    "other task": "asked to play",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_told_with_task_seed_and_step_and_saved(fault: str, tmp_path: Path) -> None:
    saved: list[dict[str, Any]] = []

    def save(failure: dict[str, Any]) -> str:
        saved.append(json.loads(json.dumps(failure)))
        return "failure.json"

    with pytest.raises(TeachrlError) as error:
        worker(Script([0.1, 0.9]), fault=fault, on_failure=save).collect(Constant(), 30)
    text = str(error.value)
    assert FAULTS[fault] in text
    assert "'danger': 0.9" in text
    assert "failure.json" in text
    assert f"seed {saved[0]['seed']}" in text
    assert saved[0]["task"] == {"danger": 0.9}
    assert len(saved[0]["actions"]) == saved[0]["step"] == (0 if fault in ("reset", "other task") else 4)


@pytest.mark.parametrize("fault", FAULTS)
def test_skip_leaves_the_episode_out_and_goes_on(fault: str) -> None:
    script = Script([0.1, 0.9, 0.2])
    rollouts = worker(script, fault=fault, on_error="skip")
    fragment = rollouts.collect(Constant(), 60)
    assert {float(e.task[0]) for e in fragment.episodes} == {0.1, 0.2}
    assert rollouts.skipped > 0
    assert np.isfinite(fragment.observations).all()
    assert np.isfinite(fragment.rewards).all()


def test_skip_gives_up_when_nothing_but_faults_comes() -> None:
    with pytest.raises(TeachrlError, match=f"{FAILURE_LIMIT} episodes in a row"):
        worker(Script([0.9]), fault="reset", on_error="skip").collect(Constant(), 5)


def test_an_open_episode_is_restored_by_playing_it_again() -> None:
    one, two = worker(Script([0.1, 0.2, 0.3]), n_envs=2), worker(Script([0.1, 0.2, 0.3]), n_envs=2)
    one.collect(Constant(), 14)
    two.restore(one.state())
    two._source.calls = list(one._source.calls)  # the script's own place
    a, b = one.collect(Constant(), 20), two.collect(Constant(), 20)
    assert np.array_equal(a.observations, b.observations)
    assert [e.seed for e in a.episodes] == [e.seed for e in b.episodes]
