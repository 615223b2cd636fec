"""PPO on Stump Tracks against plain SB3 PPO on BipedalWalker-v3, and what the teacher costs, in one run.

``python -m benchmarks.training_speed``. The three loops have the same settings and take turns, so that a busy machine
slows them alike.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env

from teachrl.config.experiment import Experiment
from teachrl.files import read_json
from teachrl.training.run import train

STEPS = 65_536
ROUNDS = 3
SETTINGS = {"n_steps": 1024, "batch_size": 256, "n_epochs": 10, "policy_kwargs": {"net_arch": [64, 64]}}


def _ours(teacher: str, folder: Path, seed: int) -> tuple[float, float]:
    """Steps per second, and the teacher's share of the time."""
    experiment = Experiment.model_validate(
        {
            "env": {"id": "teachrl/StumpTracks-v0", "n_envs": 8},
            "teacher": teacher,
            "student": {"name": "ppo", "options": SETTINGS},
            "steps": STEPS,
            "seed": seed,
            "evaluate_every": 0,
            "checkpoint_every": 10 * STEPS,
        }
    )
    moments: list[tuple[int, float]] = []
    outcome = train(experiment, folder, on_progress=lambda p: moments.append((p.step, time.perf_counter())))
    (first, start), (last, stop) = moments[0], next(m for m in moments if m[0] >= STEPS)
    status = read_json(outcome.path / "status.json")
    return (last - first) / (stop - start), status["teacher_seconds"] / (stop - start)


def _plain(seed: int) -> float:
    model = PPO("MlpPolicy", make_vec_env("BipedalWalker-v3", 8, seed=seed), device="cpu", seed=seed, **SETTINGS)
    model.learn(8192)
    start = time.perf_counter()
    model.learn(STEPS - 8192, reset_num_timesteps=False)
    return (STEPS - 8192) / (time.perf_counter() - start)


def measure() -> dict[str, float]:
    """Medians over the rounds: steps per second of each loop, their ratio, the teacher's share of the time."""
    rates: dict[str, list[float]] = {"plain": [], "random": [], "alp-gmm": []}
    shares = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(ROUNDS):
            rates["plain"].append(_plain(seed))
            for teacher in ("random", "alp-gmm"):
                rate, share = _ours(teacher, Path(folder), seed)
                rates[teacher].append(rate)
            shares.append(share)
    median = {name: statistics.median(values) for name, values in rates.items()}
    return {
        "plain_sb3_steps_per_second": median["plain"],
        "random_steps_per_second": median["random"],
        "alp_gmm_steps_per_second": median["alp-gmm"],
        "times_plain_sb3": statistics.median(b / a for a, b in zip(rates["plain"], rates["alp-gmm"], strict=True)),
        "teacher_share_percent": 100 * statistics.median(shares),
    }


def main() -> None:
    for name, value in measure().items():
        print(f"{name:<30} {value:>10,.2f}")


if __name__ == "__main__":
    main()
