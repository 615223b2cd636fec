"""Answers as the cache keeps them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from teachrl.guides.subgoals.level import GridLevel
from teachrl.guides.subgoals.llm.answer_cache import (
    Answer,
    AnswerCache,
    KeptSubgoal,
    Source,
    level_digest,
)

SOURCE = Source(model="model", prompt="1", prompt_digest="abc", parameters={"temperature": 0.0})


def answer(level: GridLevel, source: Source = SOURCE, **fields: Any) -> Answer:
    return Answer(
        environment=level.environment,
        key=level.key,
        level=level_digest(level),
        source=source,
        ended="answered",
        subgoals=(KeptSubgoal(cell=(1, 2), name="yellow key"),),
        **fields,
    )


def add(path: Path, *answers: Answer) -> None:
    cache = AnswerCache(path)
    with cache.writing():
        for one in answers:
            cache.add(one)
