"""Plays the sub-goals that a cache file holds: no model, no network."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from teachrl.config.packaged import beside
from teachrl.config.settings import Name, Settings
from teachrl.errors import TeachrlError, UsageError
from teachrl.guides.subgoals.level import GridLevel, Subgoal
from teachrl.guides.subgoals.llm.answer_cache import AnswerCache, Source


class RecordedConfig(Settings):
    """Settings of the provider ``recorded``."""

    cache: Name = Field(description="file that 'teachrl subgoals collect' wrote (JSON lines)")
    model: Name | None = Field(default=None, description="whose answers; default: of the only model in the file")
    prompt: str | None = Field(default=None, description="to which prompt version; default: the only one of the model")
    missing: Literal["error", "none"] = Field(
        default="error", description="for a level that the file does not have: error, or none, no sub-goals"
    )


class Recorded:
    """Provider ``recorded``. Raises `UsageError` for a file that does not hold the answers of exactly one source."""

    Config: ClassVar[type[Settings]] = RecordedConfig

    def __init__(self, config: RecordedConfig) -> None:
        self.config = config
        path = beside(Path(config.cache))
        if not path.is_file():
            raise UsageError(
                f"there is no file {config.cache!r} of recorded sub-goals; make one: teachrl subgoals collect"
            )
        self.cache = AnswerCache(path)
        self.source = self._only_source()

    @property
    def identity(self) -> dict[str, Any]:
        """What the sub-goals depend on."""
        return {"provider": "recorded", **self.source.model_dump(mode="json"), "missing": self.config.missing}

    def levels(self, environment: str) -> tuple[str, ...]:
        """Keys (seeds) of the environment's levels that the file has sub-goals for, in the file's order."""
        group = self.source.group
        return tuple(
            answer.key
            for answer in self.cache.answers()
            if answer.environment == environment and answer.source.group == group
        )

    def subgoals(self, level: GridLevel) -> tuple[Subgoal, ...]:
        """As recorded. Raises `TeachrlError` for a level that the file does not have, unless ``missing`` is none."""
        answer = self.cache.get(level, self.source)
        if answer is not None:
            return answer.played()
        if self.config.missing == "none":
            return ()
        raise TeachrlError(
            f"{self.config.cache} has no sub-goals for {level.environment}, key {level.key}; it has "
            f"{self._holdings()}. "
            "Collect them (teachrl subgoals collect), choose among those levels, or set missing: none"
        )

    def _holdings(self) -> str:
        counts: dict[str, int] = {}
        for answer in self.cache.answers():
            counts[answer.environment] = counts.get(answer.environment, 0) + 1
        return ", ".join(f"{count} levels of {environment}" for environment, count in counts.items())

    def _only_source(self) -> Source:
        config = self.config
        sources = {
            answer.source.group: answer.source
            for answer in self.cache.answers()
            if config.model in (None, answer.source.model) and config.prompt in (None, answer.source.prompt)
        }
        if len(sources) == 1:
            return next(iter(sources.values()))
        known = "; ".join(f"model={s.model} prompt={s.prompt} {s.parameters}" for s in sources.values())
        raise UsageError(
            f"{config.cache} holds answers of {len(sources)} sources that fit; say which by model and prompt, or "
            f"collect each into a file of its own. They are: {known or 'none'}"
        )
