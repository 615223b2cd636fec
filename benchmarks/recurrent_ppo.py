"""The whole loop of a student with memory in mazes, and the same beside sb3-contrib's RecurrentPPO.

``python -m benchmarks.recurrent_ppo``: steps per second of collecting and learning, LSTM-256, 32 mazes of 13 x 13 for
256 steps, 5 epochs over one minibatch, and where the time goes. Rates are of wall time and of processor time, which is
what it takes on a core of its own.

``python -m benchmarks.recurrent_ppo contrib`` measures theirs as well, in turns, and ``... curves`` lets both learn
small mazes with the same settings. Both need ``pip install sb3-contrib``.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
import torch

from teachrl.config.experiment import EnvConfig
from teachrl.environments import declared_facts, make_env
from teachrl.records.episodes import Episode
from teachrl.rollouts.episodes import PlannedTask
from teachrl.rollouts.worker import RolloutWorker
from teachrl.students.base import Student, StudentContext
from teachrl.students.recurrent.ppo import RecurrentPPOStudent
from teachrl.students.registry import make_student
from teachrl.tasks.spaces import TaskSpace

ENVS, STEPS, ROUNDS = 32, 256, 5
MAZE = EnvConfig(id="teachrl/Maze-v0", n_envs=ENVS)
SMALL_MAZE = EnvConfig(
    id="teachrl/Maze-v0", n_envs=ENVS, options={"height": 5, "width": 5, "walls": 5, "max_steps": 50}
)
CURVE_UPDATES, CURVE_SEEDS, CURVE_POINTS = 100, 3, 10
CURVE_SETTINGS = {"n_steps": 64, "n_epochs": 5, "learning_rate": 1e-3, "gamma": 0.995, "gae_lambda": 0.95}
CURVE_HIDDEN = 64


class RandomLevels:
    """A source of tasks, drawn from the space."""

    def __init__(self, space: TaskSpace, seed: int) -> None:
        self._space, self._rng = space, np.random.default_rng(seed)

    def next_task(self, env_index: int, finished: Episode | None) -> PlannedTask:
        return PlannedTask(self._space.sample(self._rng, 1)[0], "random", 0)


def _ours(settings: EnvConfig, seed: int, preset: str | None, **options: Any) -> tuple[Student, RolloutWorker]:
    facts = declared_facts(settings)
    context = StudentContext(facts.observation_space, facts.action_space, ENVS, seed, 10**9)
    student = make_student("ppo-lstm", context, preset, options)
    source = RandomLevels(facts.task_space, seed)
    discount = student.discount
    return student, RolloutWorker(lambda: make_env(settings), ENVS, facts, source, seed=seed, discount=discount)


def _timed(work: Callable[[], object]) -> tuple[float, float]:
    """Wall and processor seconds."""
    wall, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - processor


def _our_rounds(preset: str | None, **options: Any) -> Callable[[], dict[str, tuple[float, float]]]:
    """One update a call: the time of its parts. ``act`` is a part of ``collect``, done again by itself."""
    student, worker = _ours(MAZE, 0, preset, n_steps=STEPS, **options)
    memory = np.zeros((ENVS, student.memory_size), dtype=np.float32)

    def play() -> dict[str, tuple[float, float]]:
        fragments = []
        collect = _timed(lambda: fragments.append(worker.collect(student, STEPS)))
        seen = fragments[0].observations
        act = _timed(lambda: [student.act(observations, memory) for observations in seen])
        return {"collect": collect, "act": act, "learn": _timed(lambda: student.learn(fragments[0]))}

    return play


def _their_model(settings: EnvConfig, seed: int, hidden: int, **options: Any) -> Any:
    from sb3_contrib import RecurrentPPO
    from stable_baselines3.common.env_util import make_vec_env
    from stable_baselines3.common.logger import Logger

    seeds = iter(range(1000 * seed, 1000 * seed + ENVS))
    environments = make_vec_env(lambda: LevelAtReset(make_env(settings), next(seeds)), ENVS, seed=seed)
    policy = {"lstm_hidden_size": hidden, "net_arch": {"pi": [32], "vf": [32]}, "optimizer_kwargs": {"eps": 1e-5}}
    shared = {"shared_lstm": True, "enable_critic_lstm": False}
    batch = int(options["n_steps"]) * ENVS
    kwargs = {**options, "batch_size": batch, "policy_kwargs": {**policy, **shared}, "seed": seed, "device": "cpu"}
    model = RecurrentPPO("MlpLstmPolicy", environments, **kwargs)
    model.set_logger(Logger(folder=None, output_formats=[]))
    model._setup_learn(10**9)
    return model


class LevelAtReset(gym.Wrapper[Any, Any, Any, Any]):
    """Gives each episode a random level where nobody hands one out."""

    def __init__(self, env: gym.Env[Any, Any], seed: int) -> None:
        super().__init__(env)
        self._space, self._rng = env.get_wrapper_attr("task_space"), np.random.default_rng(seed)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        task = self._space.task(self._space.sample(self._rng, 1)[0])
        return self.env.reset(seed=seed, options={"task": task})


def _their_update(model: Any) -> dict[str, tuple[float, float]]:
    from stable_baselines3.common.callbacks import CallbackList

    callback = CallbackList([])
    callback.init_callback(model)
    collect = _timed(lambda: model.collect_rollouts(model.env, callback, model.rollout_buffer, model.n_steps))
    return {"collect": collect, "learn": _timed(model.train)}


def _rates(parts: dict[str, tuple[float, float]]) -> list[float]:
    """Steps per second of wall and of processor time, of the loop of collecting and learning."""
    return [ENVS * STEPS / (parts["collect"][i] + parts["learn"][i]) for i in range(2)]


def measure() -> dict[str, float]:
    """Medians over rounds. Shares are of the loop's processor time."""
    play = _our_rounds("dcd")
    rounds = [play() for _ in range(ROUNDS + 1)][1:]
    rates = [_rates(parts) for parts in rounds]
    loop = [parts["collect"][1] + parts["learn"][1] for parts in rounds]
    shares = {
        "learn": [parts["learn"][1] for parts in rounds],
        "collect": [parts["collect"][1] for parts in rounds],
        "collect_without_acting": [parts["collect"][1] - parts["act"][1] for parts in rounds],
    }
    return {
        "steps_per_wall_second": statistics.median(wall for wall, _ in rates),
        "steps_per_processor_second": statistics.median(processor for _, processor in rates),
        **{
            f"percent_{name}": 100 * statistics.median(a / b for a, b in zip(times, loop, strict=True))
            for name, times in shares.items()
        },
    }


def against_contrib() -> None:
    """Both loops in turns; theirs has no encoder, so ours has none here either."""
    ours = _our_rounds(None, encoder=[], learning_rate=1e-4)
    model = _their_model(MAZE, 0, 256, n_steps=STEPS, n_epochs=5, learning_rate=1e-4, gamma=0.995)
    for _ in range(3):
        for name, parts in (("ours", ours()), ("sb3-contrib", _their_update(model))):
            (wall, processor), (collect, learn) = _rates(parts), (parts["collect"], parts["learn"])
            times = f"collect {collect[1]:.2f} s, learn {learn[1]:.2f} s of processor time"
            print(f"{name:<12} {wall:>6,.0f} steps/s, {processor:>6,.0f} of processor time ({times})", flush=True)


def curves() -> None:
    """The mean return of the episodes of each tenth of a run, by seed."""
    for seed in range(CURVE_SEEDS):
        runs = {"ours": _our_curve, "their start": _our_curve_from_their_start, "sb3-contrib": _their_curve}
        for name, run in runs.items():
            points = run(seed)
            print(f"{name:<12} seed {seed} " + " ".join(f"{p:.2f}" for p in points), flush=True)


def _tenths(by_update: list[list[float]]) -> list[float]:
    width = len(by_update) // CURVE_POINTS
    parts = [by_update[i : i + width] for i in range(0, len(by_update), width)]
    return [float(np.mean([value for update in part for value in update])) for part in parts]


def _our_curve(seed: int) -> list[float]:
    student, worker = _ours(SMALL_MAZE, seed, None, hidden_size=CURVE_HIDDEN, encoder=[], **CURVE_SETTINGS)
    return _learned(student, worker)


def _our_curve_from_their_start(seed: int) -> list[float]:
    """With the initial weights that torch gives an LSTM, as in sb3-contrib."""
    student, worker = _ours(SMALL_MAZE, seed, None, hidden_size=CURVE_HIDDEN, encoder=[], **CURVE_SETTINGS)
    assert isinstance(student, RecurrentPPOStudent)
    for weights in student.policy.lstm.parameters():
        torch.nn.init.uniform_(weights, -(CURVE_HIDDEN**-0.5), CURVE_HIDDEN**-0.5)
    return _learned(student, worker)


def _learned(student: Student, worker: RolloutWorker) -> list[float]:
    returns = []
    for _ in range(CURVE_UPDATES):
        fragment = worker.collect(student, student.fragment_steps)
        student.learn(fragment)
        returns.append([e.episode_return for e in fragment.episodes])
    return _tenths(returns)


def _their_curve(seed: int) -> list[float]:
    model = _their_model(SMALL_MAZE, seed, CURVE_HIDDEN, **CURVE_SETTINGS)
    returns = []
    for _ in range(CURVE_UPDATES):
        model.ep_info_buffer.clear()
        _their_update(model)
        returns.append([float(info["r"]) for info in model.ep_info_buffer])
    return _tenths(returns)


def main() -> None:
    torch.set_num_threads(1)
    for name, figure in measure().items():
        print(f"{name}: {figure:,.0f}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    {"": main, "contrib": against_contrib, "curves": curves}["".join(sys.argv[1:])]()
