"""Asks about many levels, several at a time, and keeps each answer as soon as it is there."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path

from teachrl.guides.subgoals.level import GridLevel
from teachrl.guides.subgoals.llm.answer_cache import Answer, AnswerCache, Source, kept_subgoals, level_digest
from teachrl.guides.subgoals.provider import Provider


def collect(
    levels: Iterable[GridLevel],
    ask: Callable[[GridLevel], Answer],
    source: Source,
    cache: AnswerCache,
    concurrency: int = 1,
    on_answer: Callable[[Answer], None] = lambda answer: None,
    on_stop: Callable[[], None] = lambda: None,
) -> None:
    """Put an answer of ``source`` about every level into the cache; levels that are there already are not asked about.

    When one cannot be had, or on Ctrl-C, no further level is asked about, those under way are waited for and kept
    (``on_stop`` can hasten them), and the error is raised. The same call again goes on from there.
    """
    errors: list[BaseException] = []
    waiting: set[Future[Answer]] = set()
    asked: set[tuple[str, str]] = set()

    def keep(done: Iterable[Future[Answer]]) -> None:
        for future in done:
            error = future.exception()
            if error is not None:
                errors.append(error)
                continue
            cache.add(future.result())
            on_answer(future.result())

    with cache.writing(wait=False), ThreadPoolExecutor(concurrency) as pool:
        try:
            for level in levels:
                name = (level.environment, level.key)
                if name in asked or cache.get(level, source) is not None:
                    continue
                asked.add(name)
                waiting.add(pool.submit(ask, level))
                if len(waiting) >= concurrency:
                    done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                    keep(done)
                if errors:
                    break
            while waiting and not errors:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                keep(done)
        finally:
            on_stop()
            keep(wait(waiting).done)
    if errors:
        raise errors[0]


def collect_from(
    name: str, provider: Provider, levels: Iterable[GridLevel], path: Path, on_answer: Callable[[Answer], None]
) -> None:
    """Ask a provider called ``name`` about levels, for a cache file; one that has a cache of its own keeps to that."""
    own = getattr(provider, "collect", None)
    if own is not None:
        own(levels, on_answer)
        return
    source = Source(model=name, parameters=provider.identity)

    def ask(level: GridLevel) -> Answer:
        started = time.monotonic()
        subgoals = provider.subgoals(level)
        return Answer(
            environment=level.environment,
            key=level.key,
            level=level_digest(level),
            source=source,
            ended="answered",
            subgoals=kept_subgoals(subgoals),
            seconds=round(time.monotonic() - started, 3),
        )

    collect(levels, ask, source, AnswerCache(path), on_answer=on_answer)
