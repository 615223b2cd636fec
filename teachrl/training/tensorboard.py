"""What a run tells TensorBoard, under SB3's names where SB3 has them; ``docs/metrics.md`` lists them all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from teachrl.training.schedules import Update


class TensorboardLog:
    """Writes the events of one run, from ``step`` on: later ones of an earlier process are hidden."""

    def __init__(self, folder: Path, step: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer: Any = SummaryWriter(str(folder), purge_step=step)

    def collected(self, step: int, done: Update, mean_return: float | None, speed: float, teacher: float) -> None:
        """A fragment: its metrics, the mean return of late, steps a second, and the teacher's share of the time."""
        for tag, value in done.metrics.items():
            self._writer.add_scalar(tag, value, step)
        whole, parts = (
            [e for e in done.episodes if e.from_snapshot == from_snapshot] for from_snapshot in (False, True)
        )
        if whole:
            self._writer.add_scalar("rollout/ep_rew_mean", mean_return, step)
            self._writer.add_scalar("rollout/ep_len_mean", np.mean([e.length for e in whole]), step)
        if parts:
            rewards, lengths = zip(*((e.episode_return, e.length) for e in parts), strict=True)
            self._writer.add_scalar("snapshots/ep_rew_mean", np.mean(rewards), step)
            self._writer.add_scalar("snapshots/ep_len_mean", np.mean(lengths), step)
        for name in done.episodes[0].guide if done.episodes else ():
            self._writer.add_scalar(f"guide/{name}", np.mean([e.guide[name] for e in done.episodes]), step)
        self._writer.add_scalar("time/fps", speed, step)
        self._writer.add_scalar("teacher/seconds_share", teacher, step)

    def evaluated(self, step: int, evaluation: Mapping[str, Any]) -> None:
        """An evaluation."""
        self._writer.add_scalar("eval/mean_reward", evaluation["mean_return"], step)
        if evaluation["mastered_percent"] is not None:
            self._writer.add_scalar("eval/mastered_percent", evaluation["mastered_percent"], step)

    def close(self) -> None:
        """Write what is left."""
        self._writer.close()
