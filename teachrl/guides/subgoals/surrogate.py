"""What a language model's sub-goals would be like, without one: the planner's, with errors of a known size.

Source: Words as Beacons 2024 (arXiv 2410.08632), which measured three models on 1,000 levels of six environments and
trained on the planner's sub-goals with such errors; the numbers in `PUBLISHED` are theirs. Each sub-goal stays as it is
with the given accuracy, and is wrong otherwise:

* ``errors: position``: it is displaced by a Manhattan distance that is normal with the given mean and deviation, at
  least 1, to any cell of the level at that distance, all alike.
* ``errors: object``: it is another object of the level, all alike.

Deviations: theirs displaced always to the right, and fell back to any cell of the level. What is wrong about a level
follows from the level and ``seed`` alone, as a model's answers are asked for once. An object is any of the level's;
theirs were doors only in some environments. A door of the agent's way may also be wrongly another door.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
from pydantic import Field

from teachrl.config.settings import Name, Options, Settings, Whole
from teachrl.errors import UsageError
from teachrl.guides.subgoals.level import Cell, GridLevel, Subgoal
from teachrl.guides.subgoals.provider import Provider, make_provider


class Errors(NamedTuple):
    """How often cells are right, mean and deviation of how far they are off, and how often objects are right."""

    accuracy: float
    mean: float
    std: float
    object_accuracy: float


Model = Literal["llama3-70b", "deepseek-coder-33b", "qwen1.5-72b"]
PUBLISHED: Mapping[str, Mapping[str, Errors]] = {
    "MiniGrid-KeyCorridorS3R3": {
        "llama3-70b": Errors(0.9743, 0.18, 1.20, 0.9847),
        "deepseek-coder-33b": Errors(0.3337, 2.57, 2.54, 0.9063),
        "qwen1.5-72b": Errors(0.9810, 0.07, 0.63, 0.9957),
    },
    "MiniGrid-KeyCorridorS6R3": {
        "llama3-70b": Errors(0.9137, 1.47, 5.02, 0.9323),
        "deepseek-coder-33b": Errors(0.3650, 7.24, 7.47, 0.7617),
        "qwen1.5-72b": Errors(0.8810, 1.34, 4.25, 0.9587),
    },
    "MiniGrid-ObstructedMaze-1Dlh": {
        "llama3-70b": Errors(0.9880, 0.08, 0.82, 0.9887),
        "deepseek-coder-33b": Errors(0.4300, 2.98, 3.41, 0.7390),
        "qwen1.5-72b": Errors(0.6687, 2.18, 3.53, 0.7417),
    },
    "MiniGrid-ObstructedMaze-1Dlhb": {
        "llama3-70b": Errors(0.4485, 4.33, 4.21, 0.4858),
        "deepseek-coder-33b": Errors(0.2288, 4.49, 3.39, 0.5182),
        "qwen1.5-72b": Errors(0.4050, 3.85, 3.71, 0.4820),
    },
    "MiniGrid-MultiRoom-N2-S4": {
        "llama3-70b": Errors(0.9210, 0.26, 1.01, 0.9295),
        "deepseek-coder-33b": Errors(0.3518, 2.91, 2.54, 0.2731),
        "qwen1.5-72b": Errors(0.7135, 1.12, 2.05, 0.5585),
    },
    "MiniGrid-MultiRoom-N4-S5": {
        "llama3-70b": Errors(0.5397, 3.69, 4.65, 0.5480),
        "deepseek-coder-33b": Errors(0.1294, 7.92, 4.64, 0.1753),
        "qwen1.5-72b": Errors(0.3604, 5.23, 4.94, 0.3521),
    },
}


class SurrogateConfig(Settings):
    """Settings of the provider ``surrogate``."""

    errors: Literal["position", "object"] = Field(
        "object", description="what is wrong about a wrong sub-goal: its position, or which object it is"
    )
    model: Model | None = Field(None, description="a model that was measured: its accuracy and its errors")
    accuracy: float | None = Field(None, ge=0, le=1, description="how likely a sub-goal is right; instead of model")
    mean_error: float = Field(2.0, ge=0, le=1000, description="mean distance of wrong positions, in cells")
    error_deviation: float = Field(2.0, ge=0, le=1000, description="standard deviation of that distance")
    seed: Whole = Field(0, ge=0, lt=2**32, description="which errors are made")
    provider: Name = Field("planner", description="who gives the right ones")
    provider_options: Options = Field(default={}, description="that provider's settings")


class Surrogate:
    """See the module's text. Raises `UsageError` for a model on an environment on which it was not measured."""

    Config = SurrogateConfig

    def __init__(self, config: SurrogateConfig) -> None:
        if (config.model is None) == (config.accuracy is None):
            raise UsageError("the provider surrogate needs one of model and accuracy")
        self.config = config
        self._right: Provider = make_provider(config.provider, config.provider_options)

    @property
    def identity(self) -> dict[str, Any]:
        """The settings, and the right provider's."""
        return {**self.config.model_dump(), "of": self._right.identity}

    def subgoals(self, level: GridLevel) -> tuple[Subgoal, ...]:
        """The right ones, some of them made wrong."""
        rng = np.random.default_rng([self.config.seed, zlib.crc32(f"{level.environment} {level.key}".encode())])
        errors, objects = self._errors(level), self.config.errors == "object"
        accuracy = errors.object_accuracy if objects else errors.accuracy
        return tuple(
            subgoal
            if rng.random() < accuracy
            else (_other_object(level, subgoal, rng) if objects else _displaced(level, subgoal, errors, rng))
            for subgoal in self._right.subgoals(level)
        )

    def _errors(self, level: GridLevel) -> Errors:
        config = self.config
        if config.accuracy is not None:
            return Errors(config.accuracy, config.mean_error, config.error_deviation, config.accuracy)
        name = level.environment.rpartition("-v")[0]
        if name not in PUBLISHED:
            raise UsageError(
                f"{config.model} was not measured on {level.environment}, only on {', '.join(PUBLISHED)}: set accuracy "
                "instead of model"
            )
        assert config.model is not None
        return PUBLISHED[name][config.model]


def _other_object(level: GridLevel, subgoal: Subgoal, rng: np.random.Generator) -> Subgoal:
    others = [thing for thing in level.things if thing.cell != subgoal.cell]
    if not others:
        return subgoal
    thing = others[rng.integers(len(others))]
    return Subgoal(thing.cell, thing.name)


def _displaced(level: GridLevel, subgoal: Subgoal, errors: Errors, rng: np.random.Generator) -> Subgoal:
    """At the drawn distance, or the nearest smaller one at which the level has a cell."""
    distance = max(1, round(rng.normal(errors.mean, errors.std)))
    cells: list[Cell] = []
    while not cells:
        cells = [cell for cell in ring(subgoal.cell, distance) if level.inside(cell)]
        distance = min(distance - 1, level.width + level.height)
    cell = cells[rng.integers(len(cells))]
    there = level.thing_at(cell)
    return Subgoal(cell, "wall" if cell in level.walls else "floor" if there is None else there.name)


def ring(cell: Cell, distance: int) -> list[Cell]:
    """All cells at a Manhattan distance of at least 1, each once."""
    x, y = cell
    quarter = [(i, distance - i) for i in range(distance)]  # from (0, d), turned three times
    turned = [(dx, dy) for a, b in quarter for dx, dy in ((a, b), (b, -a), (-a, -b), (-b, a))]
    return [(x + dx, y + dy) for dx, dy in turned]
