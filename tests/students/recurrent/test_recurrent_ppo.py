"""PPO with an LSTM: its memory begins and ends with episodes, it learns what needs a memory, and it resumes exactly."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from torch import nn

from teachrl.config.experiment import EnvConfig, Experiment
from teachrl.environments import environment_facts
from teachrl.errors import UsageError
from teachrl.files import read_tree
from teachrl.records.episodes import Episode, Fragment
from teachrl.records.level_scores import round_result
from teachrl.rollouts.episodes import PlannedTask
from teachrl.rollouts.worker import RolloutWorker
from teachrl.students.base import Student, StudentContext
from teachrl.students.recurrent.policy import ResettingLSTM
from teachrl.students.recurrent.ppo import RecurrentPPOStudent, _value_loss
from teachrl.students.registry import make_student
from teachrl.training.run import train
from teachrl_envs import BoxTaskSpace

BOX = gym.spaces.Box(-1, 1, (3,), np.float32)
CONTINUOUS = gym.spaces.Box(-0.5, 0.5, (2,), np.float32)
DISCRETE = gym.spaces.Discrete(3, start=5)
SMALL = {"hidden_size": 8, "n_steps": 12, "encoder": [8], "head_size": 8}


def student(actions: gym.Space[Any] = DISCRETE, n_envs: int = 2, **options: Any) -> RecurrentPPOStudent:
    built = make_student("ppo-lstm", StudentContext(BOX, actions, n_envs, 0, 1000), options={**SMALL, **options})
    assert isinstance(built, RecurrentPPOStudent)
    return built


class Recall(gym.Env[Any, Any]):
    """The first observation shows a sign; five steps later, paid is who acts on it. All later ones are alike."""

    metadata = {"render_modes": []}  # noqa: RUF012
    task_space = BoxTaskSpace({"nothing": (0.0, 1.0)})
    return_range, reports_success = (0.0, 1.0), True

    def __init__(self, cut: bool = False) -> None:
        self.observation_space, self.action_space = gym.spaces.Box(-1, 1, (3,), np.float32), gym.spaces.Discrete(2)
        self._cut = cut

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self._sign, self._time = int(self.np_random.integers(2)), 0
        return np.array([2 * self._sign - 1, 0, 0], dtype=np.float32), {}

    def step(self, action: Any) -> Any:
        self._time += 1
        over = self._time == 5
        right = bool(over and action == self._sign)
        seen = np.array([0, self._time / 5, 1], dtype=np.float32)
        return seen, float(right), over and not self._cut, over and self._cut, {"success": right}


class AnyTask:
    """A source of tasks for environments that do not care."""

    def next_task(self, env_index: int, finished: Episode | None) -> PlannedTask:
        return PlannedTask(np.zeros(1), "any", 0)


def worker(n_envs: int, cut: bool = False) -> RolloutWorker:
    facts = environment_facts(Recall(), EnvConfig(id="tests:Recall"))
    return RolloutWorker(lambda: Recall(cut), n_envs, facts, AnyTask(), seed=0, discount=0.99)


def recall_rate(name: str, options: dict[str, Any], updates: int) -> float:
    """The share of right answers in the last quarter of the updates, exploration included."""
    playing = worker(n_envs=16)
    learner = make_student(name, StudentContext(BOX, gym.spaces.Discrete(2), 16, 0, 10**6), options=options)
    successes: list[bool] = []
    for update in range(updates):
        fragment = playing.collect(learner, learner.fragment_steps)
        learner.learn(fragment)
        if update >= 0.75 * updates:
            successes += [bool(e.success) for e in fragment.episodes]
    return float(np.mean(successes))


def test_it_learns_what_a_student_without_memory_cannot() -> None:
    common = {"n_steps": 20, "learning_rate": 1e-2, "n_epochs": 5}
    assert recall_rate("ppo-lstm", {**common, "hidden_size": 16, "encoder": []}, updates=40) > 0.95
    assert recall_rate("ppo", {**common, "batch_size": 320}, updates=40) < 0.65


@pytest.mark.parametrize("layers", [{}, {"n_minibatches": 3}])
def test_an_update_sees_the_probabilities_and_values_with_which_the_student_acted(layers: dict[str, Any]) -> None:
    """Over sequences cut by episodes, from the memory at the fragment's first step, in batches of whole columns."""
    learner, playing = student(gym.spaces.Discrete(2), n_envs=3, **layers), worker(n_envs=3)
    playing.collect(learner, 7)
    fragment = playing.collect(learner, 12)
    assert fragment.memory is not None
    assert fragment.memory.any()
    batch = learner._batch(fragment).columns(torch.tensor([2, 0]))
    with torch.no_grad():
        distribution, values, _ = learner.policy(batch.observations, batch.memory, batch.starts)
    assert torch.allclose(distribution.log_prob(batch.actions), batch.log_probs, atol=1e-6)
    assert torch.allclose(values, batch.values, atol=1e-6)


def test_the_lstm_is_torchs_with_its_memory_wiped_where_episodes_begin() -> None:
    torch.manual_seed(0)
    ours, theirs = ResettingLSTM(4, 6), nn.LSTM(4, 6)
    with torch.no_grad():
        for here, there in ((ours.project.weight, theirs.weight_ih_l0), (ours.recur.weight, theirs.weight_hh_l0),
                            (ours.project.bias, theirs.bias_ih_l0)):  # fmt: skip
            there.copy_(here)
        theirs.bias_hh_l0.zero_()
    inputs, memory, starts = torch.randn(9, 1, 4), torch.randn(1, 12), torch.zeros(9, 1, dtype=torch.bool)
    starts[5] = True
    outputs, after = ours(inputs, memory, starts)
    first, _ = theirs(inputs[:5], (memory[None, :, :6].contiguous(), memory[None, :, 6:].contiguous()))
    second, (hidden, cell) = theirs(inputs[5:])
    assert torch.allclose(outputs, torch.cat([first, second]), atol=1e-6)
    assert torch.allclose(after, torch.cat([hidden[0], cell[0]], dim=-1), atol=1e-6)
    one = torch.autograd.grad(outputs.square().sum(), ours.recur.weight)[0]
    other = torch.autograd.grad(torch.cat([first, second]).square().sum(), theirs.weight_hh_l0)[0]
    assert torch.allclose(one, other, atol=1e-5)


def test_a_cut_episode_is_worth_what_its_last_observation_is_under_its_own_memory() -> None:
    learner, playing = student(gym.spaces.Discrete(2), gae_lambda=0.0), worker(n_envs=2, cut=True)
    fragment = playing.collect(learner, 12)
    estimates = learner.fragment_values(fragment)
    assert set(estimates.final) == {(4, 0), (4, 1), (9, 0), (9, 1)}
    memory = np.zeros((2, learner.memory_size), dtype=np.float32)
    for t in range(5):
        memory = np.asarray(learner.act(fragment.observations[t], memory, deterministic=True).memory)
    last = np.stack([fragment.final_observations[4, i] for i in range(2)])
    expected = learner._values(last, memory)
    assert not np.allclose(expected, learner.values(last))
    assert [estimates.final[4, i] for i in range(2)] == pytest.approx(expected, abs=1e-6)
    advantages = round_result(fragment, estimates, learner.discount, 0.0).advantages
    by_hand = fragment.rewards[4] + learner.discount * expected - estimates.values[4]
    assert advantages[4] == pytest.approx(by_hand, abs=1e-6)
    following = learner._values(fragment.last_observations, np.asarray(fragment.last_memory))
    assert estimates.last == pytest.approx(following, abs=1e-6)


@pytest.mark.parametrize("actions", [DISCRETE, CONTINUOUS], ids=["discrete", "box"])
def test_deterministic_acting_changes_nothing_and_actions_are_the_environments(actions: gym.Space[Any]) -> None:
    learner = student(actions)
    observations, memory = np.full((2, 3), 0.5, dtype=np.float32), np.zeros((2, 16), dtype=np.float32)
    before = torch.get_rng_state()
    first, again = (learner.act(observations, memory, deterministic=True) for _ in range(2))
    assert torch.equal(before, torch.get_rng_state())
    assert np.array_equal(first.actions, again.actions)
    assert not memory.any()
    assert np.shape(first.memory) == (2, 16)
    for _ in range(20):
        assert all(actions.contains(action) for action in learner.act(observations, memory).actions)


@pytest.mark.parametrize("actions", [DISCRETE, CONTINUOUS], ids=["discrete", "box"])
def test_a_restored_student_acts_and_learns_identically(actions: gym.Space[Any]) -> None:
    learner = student(actions, learning_rate="lin_0.01", n_minibatches=2)
    learner.learn(played(learner))
    saved = learner.state()
    first = learner.learn(played(learner))
    other = student(actions, learning_rate="lin_0.01", n_minibatches=2)
    other.restore(saved)
    assert other.learn(played(other)) == first
    for name, weight in other.policy.state_dict().items():
        assert torch.equal(weight, learner.policy.state_dict()[name]), name


def played(learner: Student) -> Fragment:
    """Twelve steps with made-up observations and rewards that depend on the actions."""
    rng = np.random.default_rng(1)
    observations = rng.normal(size=(13, 2, 3)).astype(np.float32)
    memory = np.zeros((2, learner.memory_size), dtype=np.float32)
    decisions = []
    for t in range(12):
        decisions.append(learner.act(observations[t], memory if t == 0 else np.asarray(decisions[-1].memory)))
    actions = np.stack([d.actions for d in decisions])
    nothing = np.zeros((12, 2), dtype=np.bool_)
    return Fragment(
        observations[:12],
        actions,
        actions.reshape(12, 2, -1).sum(axis=-1).astype(np.float64),
        nothing,
        nothing,
        nothing,
        observations[12],
        nothing[0],
        extras={name: np.stack([d.extras[name] for d in decisions]) for name in decisions[0].extras},
        memory=memory,
        last_memory=decisions[-1].memory,
    )


def test_the_larger_of_two_errors_counts_for_a_value_that_left_its_range() -> None:
    """Old value 0, return 2: at 1, the error 1 becomes that of the nearest allowed value, 0.2."""
    values, batch = torch.tensor([1.0]), SimpleNamespace(values=torch.tensor([0.0]), returns=torch.tensor([2.0]))
    assert _value_loss(values, batch, None).item() == pytest.approx(1.0)  # type: ignore[arg-type]
    assert _value_loss(values, batch, 0.2).item() == pytest.approx(1.8**2)  # type: ignore[arg-type]
    assert _value_loss(values, batch, 1.5).item() == pytest.approx(1.0)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"hidden": 5}, "did you mean 'hidden_size'"),
        ({"n_steps": 0}, "n_steps"),
        ({"learning_rate": "quick"}, "lin_X"),
        ({"learning_rate": -1.0}, "above 0"),
        ({"n_minibatches": 3}, "2 environments"),
        ({"n_steps": 1, "n_minibatches": 2}, "two steps"),
        ({"encoder": "grid"}, "these have 3"),
        ({"encoder": [0]}, "encoder"),
    ],
)
def test_wrong_options_are_explained(options: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        student(**options)


def test_wrong_spaces_are_explained() -> None:
    with pytest.raises(UsageError, match="Discrete or Box"):
        student(gym.spaces.MultiBinary(2))
    with pytest.raises(UsageError, match="observations in a Box"):
        make_student("ppo-lstm", StudentContext(gym.spaces.Discrete(4), DISCRETE, 2, 0, 1000))


@pytest.mark.parametrize("preset", ["dcd", "jaxued"])
def test_presets_play_and_learn_in_mazes(preset: str, tmp_path: Path) -> None:
    options = {"n_steps": 8, "hidden_size": 8, "n_epochs": 1}
    outcome_ = train(maze({"name": "ppo-lstm", "preset": preset, "options": options}, steps=32), tmp_path)
    assert outcome_.status == "finished"


def maze(student: dict[str, Any], steps: int) -> Experiment:
    env = {"id": "teachrl/Maze-v0", "n_envs": 2, "options": {"height": 5, "width": 5, "walls": 5, "max_steps": 20}}
    return Experiment.model_validate(
        {"env": env, "teacher": "random", "student": student, "steps": steps, "name": "run",
         "evaluate_every": steps // 2, "checkpoint_every": steps // 4}
    )  # fmt: skip


def test_interrupted_and_resumed_equals_never_interrupted(tmp_path: Path) -> None:
    options = {"n_steps": 24, "hidden_size": 8, "encoder": [8], "n_minibatches": 2, "learning_rate": "lin_1e-2"}
    chosen = maze({"name": "ppo-lstm", "options": options}, steps=480)
    whole = train(chosen, tmp_path / "whole")

    def stop(progress: Any) -> None:
        if progress.step >= 200:
            os.kill(os.getpid(), signal.SIGTERM)

    assert train(chosen, tmp_path / "cut", on_progress=stop).status == "interrupted"
    cut = train(chosen, tmp_path / "cut")
    newest = sorted((whole.path / "checkpoints").iterdir())[-1].name
    for part in ("student", "teacher", "worker"):
        trees = [read_tree(run.path / "checkpoints" / newest / f"{part}.npz") for run in (whole, cut)]
        assert same(*trees), part
    memory = read_tree(cut.path / "checkpoints" / newest / "worker.npz")["memory"]
    assert memory.shape == (2, 16)
    assert memory.any()


def same(a: Any, b: Any) -> bool:
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    return bool(np.array_equal(a, b))
