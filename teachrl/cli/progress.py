"""How training shows where it is: a bar on a terminal, plain lines now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

import typer

SECONDS_BETWEEN_LINES = 5.0


class ProgressLike(Protocol):
    """What the training loop reports (`teachrl.training.run.Progress`)."""

    @property
    def step(self) -> int: ...
    @property
    def total_steps(self) -> int: ...
    @property
    def steps_per_second(self) -> float: ...
    @property
    def mean_return(self) -> float | None: ...
    @property
    def mastered_percent(self) -> float | None: ...
    @property
    def episodes(self) -> int: ...


OnProgress = Callable[[ProgressLike], None]


@contextmanager
def progress_display() -> Iterator[OnProgress]:
    """Gives the function that the training loop calls."""
    if not sys.stdout.isatty():
        yield _Lines()
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    # The speed of the last half minute foretells the rest better than the start, when things were still compiled.
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"), TimeRemainingColumn())
    with Progress(*columns, speed_estimate_period=30) as bar:
        task = bar.add_task("starting", total=None)

        def show(progress: ProgressLike) -> None:
            bar.update(
                task, completed=progress.step, total=progress.total_steps, description=_numbers(progress, short=True)
            )

        yield show


class _Lines:
    """Prints a line at most every few seconds, and one at the end."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._next = -float("inf")

    def __call__(self, progress: ProgressLike) -> None:
        now = self._clock()
        if now < self._next and progress.step < progress.total_steps:
            return
        self._next = now + SECONDS_BETWEEN_LINES
        share = 100 * progress.step / max(progress.total_steps, 1)
        left = max(progress.total_steps - progress.step, 0) / max(progress.steps_per_second, 1e-9)
        eta = f"{left:.0f} s left" if progress.steps_per_second > 0 else "time left unknown"
        typer.echo(
            f"step {progress.step:,} of {progress.total_steps:,} ({share:.0f} %), {_numbers(progress)}, "
            f"episodes {progress.episodes:,}, {eta}"
        )


def _numbers(progress: ProgressLike, short: bool = False) -> str:
    mean = "-" if progress.mean_return is None else f"{progress.mean_return:.2f}"
    mastered = "-" if progress.mastered_percent is None else f"{progress.mastered_percent:.1f} %"
    rate = f"{progress.steps_per_second:,.0f}"
    return (
        f"{rate} steps/s · return {mean} · mastered {mastered}"
        if short
        else f"{rate} steps/s, return {mean}, mastered {mastered}"
    )
