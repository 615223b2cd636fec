"""Callbacks watch a run, log it, and may ask it to stop."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from pathlib import Path

from teachrl.config.experiment import CallbackChoice
from teachrl.errors import UsageError
from teachrl.records.evaluation import EvaluationResult
from teachrl.training.progress import Progress, RunInfo, RunResult
from teachrl.training.registry import CALLBACKS
from teachrl.training.schedules import Update


class Callback:
    """Base class of callbacks; each method does nothing unless it is overridden.

    A callback sees a run and does not change its numbers. `on_fragment` and `on_evaluation` may return True to ask the
    run to stop: it then saves a checkpoint and ends as ``stopped``, from which it can be resumed.
    """

    def on_start(self, run: RunInfo) -> None:
        """Run before the first fragment of this process."""

    def on_fragment(self, progress: Progress, update: Update) -> bool | None:
        """Run after each fragment, or each round of fragments. Return True to stop the run."""

    def on_evaluation(self, progress: Progress, evaluation: EvaluationResult) -> bool | None:
        """Run after each evaluation on the test set. Return True to stop the run."""

    def on_checkpoint(self, progress: Progress, checkpoint: Path) -> None:
        """Run after each checkpoint, whose folder is given."""

    def on_end(self, result: RunResult) -> None:
        """Run once at the end, however the run ended."""


class CallbackList(Callback):
    """Several callbacks as one, called in their order."""

    def __init__(self, callbacks: Sequence[Callback]) -> None:
        self._callbacks = callbacks

    def on_start(self, run: RunInfo) -> None:
        for callback in self._callbacks:
            callback.on_start(run)

    def on_fragment(self, progress: Progress, update: Update) -> bool:
        # All of them see the fragment, also after one has asked to stop.
        asked = [callback.on_fragment(progress, update) for callback in self._callbacks]
        return any(asked)

    def on_evaluation(self, progress: Progress, evaluation: EvaluationResult) -> bool:
        asked = [callback.on_evaluation(progress, evaluation) for callback in self._callbacks]
        return any(asked)

    def on_checkpoint(self, progress: Progress, checkpoint: Path) -> None:
        for callback in self._callbacks:
            callback.on_checkpoint(progress, checkpoint)

    def on_end(self, result: RunResult) -> None:
        for callback in self._callbacks:
            callback.on_end(result)


class OnProgress(Callback):
    """Calls a function with the progress after each fragment and each evaluation."""

    def __init__(self, function: Callable[[Progress], None]) -> None:
        self._function = function

    def on_fragment(self, progress: Progress, update: Update) -> None:
        self._function(progress)

    def on_evaluation(self, progress: Progress, evaluation: EvaluationResult) -> None:
        self._function(progress)


def make_callback(choice: CallbackChoice) -> Callback:
    """Build a callback by name, or ``module:Class`` for your own. Raises `UsageError`."""
    callback_class = CALLBACKS.load(choice.name)
    if not (isinstance(callback_class, type) and issubclass(callback_class, Callback)):
        raise UsageError(f"callback {choice.name!r} is not a subclass of teachrl.Callback")
    try:
        inspect.signature(callback_class).bind(**choice.options)
    except TypeError as error:
        options = dict(choice.options)
        raise UsageError(f"callback {choice.name!r} cannot be built with the options {options}: {error}") from None
    build: Callable[..., Callback] = callback_class
    return build(**choice.options)
