"""Where sub-goals come from: providers behind one small interface, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from teachrl.config.registry import Entry, Registry
from teachrl.config.validation import validated
from teachrl.errors import UsageError

if TYPE_CHECKING:
    from teachrl.guides.subgoals.level import GridLevel, Subgoal


class Provider(Protocol):
    """Gives sub-goals for levels. Its class has a ``Config``, a `Settings`, which is its constructor's one argument."""

    @property
    def identity(self) -> dict[str, Any]:
        """What the answers depend on, as JSON."""

    def subgoals(self, level: GridLevel) -> tuple[Subgoal, ...]:
        """In the order in which they are to be reached; the last one ends the episode. There may be none."""


PROVIDERS = Registry(
    "sub-goal provider",
    {
        "planner": Entry("teachrl.guides.subgoals.planner:Planner", "our own search, which knows the whole level"),
        "llm": Entry(
            "teachrl.guides.subgoals.llm.provider:LLM", "a language model's, behind any OpenAI-compatible endpoint"
        ),
        "recorded": Entry(
            "teachrl.guides.subgoals.recorded:Recorded", "those in a file that 'teachrl subgoals collect' wrote"
        ),
        "bot": Entry("teachrl.guides.subgoals.bot:Bot", "BabyAI's bot, for missions in words, where it works"),
        "surrogate": Entry(
            "teachrl.guides.subgoals.surrogate:Surrogate", "the planner's, with errors like a language model's"
        ),
    },
)


def make_provider(name: str, options: Mapping[str, Any]) -> Provider:
    """Build a provider by name, or ``module:Class`` for your own. Raises `UsageError`."""
    provider_class = PROVIDERS.load(name)
    config_class = getattr(provider_class, "Config", None)
    if config_class is None or not callable(getattr(provider_class, "subgoals", None)):
        raise UsageError(f"provider {name!r} must be a class with a Config and a method subgoals(level)")
    provider: Provider = provider_class(validated(config_class, options, f"provider {name}"))
    return provider
