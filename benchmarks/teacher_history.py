"""What ALP-GMM costs an episode as its history grows: ``python -m benchmarks.teacher_history``."""

from __future__ import annotations

import resource
import time

import numpy as np

from teachrl.records.episodes import Episode
from teachrl.tasks.spaces import BoxTaskSpace
from teachrl.teachers.base import Teacher, TeacherContext
from teachrl.teachers.registry import make_teacher

SIZES = (1_000, 100_000, 1_000_000)
EPISODES = 5_000


def _teach(teacher: Teacher, episodes: int, rng: np.random.Generator) -> float:
    """Microseconds an episode, choosing and learning together."""
    seconds = 0.0
    for noise in rng.random(episodes):
        start = time.perf_counter()
        task = teacher.plan(1).tasks[0]
        seconds += time.perf_counter() - start
        value = float(task[0] * task[1] + 0.1 * noise)
        episode = Episode(task, value, value, 1, None, True, "", 0, 0, 0, 0, 0)
        start = time.perf_counter()
        teacher.update([episode])
        seconds += time.perf_counter() - start
    return 1e6 * seconds / episodes


def measure() -> dict[str, float]:
    """Microseconds an episode at each size of history, the ratio, and the memory that the largest history took."""
    space = BoxTaskSpace({"a": (0.0, 1.0), "b": (0.0, 1.0)})
    rng = np.random.default_rng(0)
    teacher = make_teacher("alp-gmm", TeacherContext(space, np.random.default_rng(0), (0.0, 1.1)))
    _teach(teacher, 500, rng)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    figures, history = {}, teacher._progress.history  # type: ignore[attr-defined]
    for size in SIZES:
        # The past is filled in directly: a million episodes of fitting would take an hour and measure the same.
        while history.count < size:
            history.add(rng.random(2), float(rng.random()))
        figures[f"us_per_episode_at_{size}"] = _teach(teacher, EPISODES, rng)
    figures["ratio"] = figures[f"us_per_episode_at_{SIZES[-1]}"] / figures[f"us_per_episode_at_{SIZES[0]}"]
    figures["memory_mb"] = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    return figures


def main() -> None:
    for name, value in measure().items():
        print(f"{name:<30} {value:>10,.2f}")


if __name__ == "__main__":
    main()
