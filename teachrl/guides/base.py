"""What every guide is: help on the way through an episode, given in training and never in judging."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from teachrl.config.experiment import EnvConfig
from teachrl.config.settings import Settings
from teachrl.environments import Env
from teachrl.records.episodes import Array, Fragment
from teachrl.records.state import Stateful

LoadValues = Callable[[Path, Env], Callable[[Array], Array]]
"""Loads the value function of a finished run's student, for an environment of the same observations."""


class Guide(ABC):
    """Help for one run: what its environments are wrapped in.

    A guided environment's reward is what the student learns from; ``info["own_reward"]`` is the environment's own,
    which returns, success and teachers are about. ``info["guide"]``, where it is there, is a dict of numbers about
    the episode so far; those at its end go into the episode log. Episodes must follow from task, seed and actions.
    """

    Config: ClassVar[type[Settings]]
    load_values: LoadValues | None = None
    """Set by `teachrl.factory.environment`, for guides that use the values of an earlier run."""

    def __init__(self, config: Any, settings: EnvConfig) -> None:
        self.config = config
        self.settings = settings

    @abstractmethod
    def guided(self, env: Env) -> Env:
        """The environment for training. Raises `UsageError` when it is none that this guide can help in."""

    def unguided(self, env: Env) -> Env:
        """The environment for judging: observations of the same shape, and no help. As it is, unless overridden."""
        return env


class LearningGuide(Stateful, Guide):
    """A guide that changes with the student. The attributes that it names in ``saved`` go into checkpoints.

    ``watches``: it takes note of steps in its environments themselves, so they must be in its own process.
    """

    watches: ClassVar[bool] = False

    @abstractmethod
    def update(self, fragment: Fragment) -> None:
        """Learn from what the student just played and learnt from."""
