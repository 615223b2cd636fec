"""WHAT to aim at: help on the way through an episode, while a student trains and never when it is judged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from teachrl.config.experiment import EnvConfig
from teachrl.config.registry import Entry, Registry
from teachrl.config.settings import Settings
from teachrl.config.validation import validated
from teachrl.errors import UsageError
from teachrl.guides.base import Guide

__all__ = ["GUIDES", "Guide", "guide_settings", "make_guide"]

GUIDES = Registry(
    "guide",
    {
        "subgoals": Entry(
            "teachrl.guides.subgoals.guide:SubgoalGuide",
            "sub-goals of a planner, a language model or a file, shown and paid (Words as Beacons, 2024)",
            "methods/subgoals",
        ),
        "potential": Entry(
            "teachrl.guides.rewards.potential:PotentialGuide",
            "potential-based shaping from known or learnt values (Ng et al. 1999)",
            "methods/designed_rewards",
        ),
        "exprd": Entry(
            "teachrl.guides.rewards.exprd_guide:ExprdGuide",
            "sparse rewards by linear programs, where the model is known (Devidze et al. 2021)",
            "methods/designed_rewards",
        ),
        "adaptive": Entry(
            "teachrl.guides.rewards.adaptive_guide:AdaptiveGuide",
            "rewards for the student as it is now, designed again and again, where the model is known (2024)",
            "methods/designed_rewards",
        ),
        "explors": Entry(
            "teachrl.guides.rewards.explors_guide:ExplorsGuide",
            "rewards by the student's own success, and a bonus for what is new (ExploRS, 2022)",
            "methods/designed_rewards",
        ),
    },
    group="teachrl.guides",
)


def guide_settings(name: str, options: Mapping[str, Any]) -> Settings:
    """The full settings of a guide. Raises `UsageError`."""
    guide_class = GUIDES.load(name)
    if not (isinstance(guide_class, type) and issubclass(guide_class, Guide)):
        raise UsageError(f"guide {name!r} is not a subclass of teachrl.guides.base.Guide")
    return validated(guide_class.Config, options, f"guide {name}")


def make_guide(name: str, options: Mapping[str, Any], settings: EnvConfig) -> Guide:
    """Build a guide by name, or ``module:Class`` for your own, for an environment. Raises `UsageError`."""
    guide_class: type[Guide] = GUIDES.load(name)
    return guide_class(guide_settings(name, options), settings)
