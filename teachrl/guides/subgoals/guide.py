"""Sub-goals on the way: shown to the student and paid when reached, while it trains.

Source: "Words as Beacons: guiding RL agents with high-level language prompts", 2024
(arXiv 2410.08632). A provider gives an ordered list of cells for a level. The current one is told to the student at the
end of its observation; reaching it pays ``weight * (1 - t / T)``, with ``t`` the steps since the one before and ``T``
the episode's limit; the last one is what the environment itself pays for, and is neither shown nor paid.

Deviations:

* A sub-goal is reached when the agent stands on its cell, or when what lies there is not what lay there at the start
  (picked up, opened, put down). Theirs looks at changes within the one step, so that a sub-goal reached too early is
  waited for in vain; here it is passed over, without pay, when its turn comes.
* ``drop`` hides sub-goals from the student at random (they are still paid), so that it learns to do without.
* The environment in which the student is judged is of the same shape and tells "none" at every step. Theirs judged
  with sub-goals.
* The published training loop never reset one of its sixteen environments, and took time limits for ends; ours does not.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, Literal, Self

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from pydantic import Field, field_validator, model_validator

from teachrl.config.experiment import EnvConfig
from teachrl.config.settings import Name, Options, Settings, Whole
from teachrl.environments import Env
from teachrl.errors import UsageError
from teachrl.guides.base import Guide
from teachrl.guides.subgoals.encodings import Encoding, Language, Position, Representation
from teachrl.guides.subgoals.env import Guided, Unguided, Way
from teachrl.guides.subgoals.language import Embeddings, LanguageConfig
from teachrl.guides.subgoals.level import read_level
from teachrl.guides.subgoals.provider import Provider, make_provider

MOST_KNOWN = 100_000
"""Levels whose sub-goals are kept in memory; then they are asked for again."""


class ProviderSettings(Settings):
    """Who gives the sub-goals."""

    name: Name = Field(
        default="planner", description="planner, bot, llm, recorded, surrogate, or 'module:Class' of your own"
    )
    options: Options = Field(default={}, description="the provider's settings")


class SubgoalConfig(Settings):
    """Settings of the guide ``subgoals``."""

    provider: ProviderSettings = Field(
        default=ProviderSettings(), description="who gives them: a name, or a mapping with name, options"
    )
    encoding: Literal["position", "representation", "language"] = Field(
        "representation",
        description="how they are told: position, from the agent; representation, what lies there; language, an "
        "embedding of what it is called",
    )
    language: LanguageConfig | None = Field(None, description="for encoding language: where its vectors come from")
    show: bool = Field(True, description="whether the student sees them; false: they are only paid")
    weight: float = Field(0.2, ge=0, le=10, description="what reaching one at once pays; 0: they are only shown")
    drop: float = Field(0.0, ge=0, le=1, description="how likely one is hidden from the student")
    choices: Whole = Field(
        0,
        ge=0,
        le=100,
        description="n: the teacher chooses one of the first n alone, or all; 0: always all",
    )

    @model_validator(mode="after")
    def _vectors_for_language(self) -> Self:
        if (self.encoding == "language") != (self.language is not None):
            raise ValueError("encoding: language and the setting language go together, and one is missing")
        return self

    @field_validator("provider", mode="before")
    @classmethod
    def _by_name(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value


class SubgoalGuide(Guide):
    """See the module's text. For MiniGrid environments, BabyAI levels and `Maze` with flat observations."""

    Config = SubgoalConfig
    config: SubgoalConfig

    def __init__(self, config: SubgoalConfig, settings: EnvConfig) -> None:
        super().__init__(config, settings)
        self.encoding = _encoding(config)
        self.known: dict[str, Way] = {}

    @cached_property
    def provider(self) -> Provider:
        """Who gives the sub-goals; made when training needs it, for judging needs nobody."""
        return make_provider(self.config.provider.name, self.config.provider.options)

    def guided(self, env: Env) -> Env:
        _check(env, self.settings)
        _ = self.provider  # wrong settings are refused here, before anything is played
        return Guided(env, self)

    def unguided(self, env: Env) -> Env:
        _check(env, self.settings)
        return Unguided(env, self.encoding)

    def way(self, env: Any, name: str, key: str) -> Way:
        """The sub-goals of the level that a bare environment has just begun. Raises `UsageError`."""
        if key not in self.known:
            if len(self.known) >= MOST_KNOWN:
                self.known.clear()
            level = read_level(env, name, key)
            subgoals = self.provider.subgoals(level)
            for subgoal in subgoals:
                if not level.inside(subgoal.cell):
                    raise UsageError(
                        f"provider {self.config.provider.name}: the sub-goal {subgoal.cell} of level {key} is outside "
                        f"of its {level.width} x {level.height} cells"
                    )
            self.known[key] = Way(subgoals[:-1], max(level.width, level.height), level.max_steps)
        return self.known[key]


def _encoding(config: SubgoalConfig) -> Encoding:
    if config.language is not None:
        vectors = Embeddings(config.language)
        return Language(vectors.embed, vectors.size)
    return Position() if config.encoding == "position" else Representation()


def _check(env: Env, settings: EnvConfig) -> None:
    from teachrl_envs.maze.env import Maze

    flat = isinstance(env.observation_space, spaces.Box) and len(env.observation_space.shape) == 1
    if not isinstance(env.unwrapped, Maze) and not hasattr(env.unwrapped, "agent_pos"):
        raise UsageError(
            f"the guide subgoals is for grid worlds, teachrl/MiniGrid-v0 and teachrl/Maze-v0; {settings.id} is a "
            f"{type(env.unwrapped).__name__}"
        )
    if not flat or env.get_wrapper_attr("observation_space").dtype != np.float32:
        raise UsageError(
            f"the guide subgoals appends numbers to flat observations of float32; {settings.id} has "
            f"{env.observation_space}: take teachrl/MiniGrid-v0 with the option minigrid_id"
        )
    if isinstance(env, gym.Wrapper) and hasattr(env, "starts_from_snapshots"):
        raise UsageError("sub-goals are given for whole levels: they do not go together with starts from snapshots")
