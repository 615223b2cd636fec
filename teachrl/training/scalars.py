"""The scalars that loggers write, under SB3's names where SB3 has them; ``docs/metrics.md`` lists them all."""

from __future__ import annotations

import numpy as np

from teachrl.records.evaluation import EvaluationResult
from teachrl.training.progress import Progress, RunInfo, passed
from teachrl.training.schedules import Update

INTERVAL = 1000
"""Environment steps between two fragments that are logged."""


class LogInterval:
    """Decides which fragments are logged: about one per `INTERVAL` steps, and the one before each checkpoint."""

    def __init__(self, run: RunInfo) -> None:
        self._last, self._checkpoint_every = run.step, run.experiment.checkpoint_every

    def is_due(self, step: int, update: Update) -> bool:
        """Whether the fragment that ended at ``step`` is to be logged."""
        before, self._last = self._last, step
        return passed(self._checkpoint_every, before, step) or (bool(update.metrics) and passed(INTERVAL, before, step))


def fragment_scalars(progress: Progress, update: Update) -> dict[str, float]:
    """Return the student's metrics, returns and lengths of the fragment, speed, and the teacher's share of time."""
    found = dict(update.metrics)
    whole, parts = ([e for e in update.episodes if e.from_snapshot == from_snapshot] for from_snapshot in (False, True))
    if whole:
        assert progress.mean_return is not None
        found["rollout/ep_rew_mean"] = progress.mean_return
        found["rollout/ep_len_mean"] = float(np.mean([e.length for e in whole]))
    if parts:
        found["snapshots/ep_rew_mean"] = float(np.mean([e.episode_return for e in parts]))
        found["snapshots/ep_len_mean"] = float(np.mean([e.length for e in parts]))
    for name in update.episodes[0].guide if update.episodes else ():
        found[f"guide/{name}"] = float(np.mean([e.guide[name] for e in update.episodes]))
    return {**found, "time/fps": progress.steps_per_second, "teacher/seconds_share": progress.teacher_share}


def evaluation_scalars(evaluation: EvaluationResult) -> dict[str, float]:
    """Return the mean return on the test set, and the percentage of mastered tasks where that is known."""
    found: dict[str, float] = {"eval/mean_reward": evaluation.mean_return}
    if evaluation.mastered_percent is not None:
        found["eval/mastered_percent"] = evaluation.mastered_percent
    return found
