"""Sub-goals from a language model behind any OpenAI-compatible endpoint; each level is asked about once, ever.

Source: Words as Beacons 2024 (arXiv 2410.08632), whose prompts and answers are not published: prompts, the schema of
answers and their checks are ours. Deviations: after an answer with a fault the question is asked once more, with the
fault in words, where theirs drops the sub-goals that lie outside the level and keeps all others.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator

from teachrl.config.settings import Name, Number, Options, Settings, Whole
from teachrl.errors import TeachrlError, UsageError
from teachrl.guides.subgoals.level import GridLevel, Subgoal
from teachrl.guides.subgoals.llm.answer_cache import (
    Answer,
    AnswerCache,
    KeptFault,
    Source,
    kept_subgoals,
    kept_text,
    level_digest,
)
from teachrl.guides.subgoals.llm.budget import Amount, Budget
from teachrl.guides.subgoals.llm.collecting import collect
from teachrl.guides.subgoals.llm.endpoint import Endpoint, EndpointSettings, Reply, most_prompt_tokens
from teachrl.guides.subgoals.llm.parsing import Fault, answer_schema, judge_answer
from teachrl.guides.subgoals.llm.prompts import messages, prompt_of
from teachrl.guides.subgoals.provider import make_provider

LONGEST_FAULT = 600
"""Characters of a fault that are told; plain ASCII, as all that is quoted in it is escaped."""


class LLMConfig(EndpointSettings):
    """Settings of the provider ``llm``."""

    cache: Name = Field(description="file that keeps all answers (JSON lines)")
    prompt: Name = Field("1", description="version of the prompt")
    temperature: Number = Field(0.0, ge=0, le=2, description="of the model's sampling")
    max_tokens: Whole = Field(512, ge=16, description="most tokens of an answer")
    most_subgoals: Whole = Field(12, ge=1, le=200, description="most sub-goals of an answer")
    schema_of: Literal["level", "form", "none"] = Field(
        "level", description="what the model is held to: things of the level; form, JSON of the right form; none"
    )
    extra: Options = Field(default={}, description="further fields of the request, such as seed: 0")
    concurrency: Whole = Field(4, ge=1, le=256, description="requests at the same time while collecting")
    requests_budget: Whole | None = Field(None, ge=1, description="requests that may be sent in all; default: any")
    tokens_budget: Whole | None = Field(None, ge=1, description="tokens that may be spent in all; default: any")
    fallback: Literal["none", "planner", "abort"] = Field(
        "none",
        description="where no answer is usable: none, no sub-goals; planner, the planner's; abort, an error",
    )

    @field_validator("prompt")
    @classmethod
    def _known_prompt(cls, value: str) -> str:
        prompt_of(value)
        return value


class LLM:
    """Provider ``llm``. The cache is looked at first; when all levels are in it, nothing is sent or imported.

    Budgets count what the answers in the cache cost as well, so that they hold over interruptions. Raises
    `TeachrlError` when the endpoint cannot be reached, refuses, or a budget is spent.
    """

    Config: ClassVar[type[Settings]] = LLMConfig

    def __init__(self, config: LLMConfig) -> None:
        self.config = config
        self._prompt = prompt_of(config.prompt)
        self.source = Source(
            model=config.model,
            prompt=config.prompt,
            prompt_digest=self._prompt.digest,
            parameters=config.model_dump(
                include={"temperature", "max_tokens", "most_subgoals", "schema_of", "extra"}, mode="json"
            ),
        )
        self.cache = AnswerCache(Path(config.cache))
        self._known_endpoint: Endpoint | None = None
        self._connecting = threading.Lock()
        self._stop = threading.Event()

    @property
    def identity(self) -> dict[str, Any]:
        """What the sub-goals depend on."""
        return {"provider": "llm", **self.source.model_dump(mode="json"), "fallback": self.config.fallback}

    def subgoals(self, level: GridLevel) -> tuple[Subgoal, ...]:
        """From the cache, or else from the model, and then for good from the cache."""
        answer = self.cache.get(level, self.source)
        if answer is None:
            with self.cache.writing():
                answer = self.cache.get(level, self.source)
                if answer is None:
                    answer = self._ask(level)
                    self.cache.add(answer)
        if answer.ended != "fallback":
            return answer.played()
        if self.config.fallback == "abort":
            raise _unusable(answer)
        return self._stand_in(level)

    def collect(self, levels: Iterable[GridLevel], on_answer: Callable[[Answer], None] = lambda answer: None) -> None:
        """Ask about all levels that the cache does not have; with ``fallback: abort`` up to the first bad answer."""
        bad: list[Answer] = []

        def look_at(answer: Answer) -> None:
            on_answer(answer)
            if answer.fallback == "abort":
                bad.append(answer)

        def wanted() -> Iterator[GridLevel]:
            for level in levels:
                if bad:
                    return
                yield level

        self._stop.clear()
        try:
            collect(wanted(), self._ask, self.source, self.cache, self.config.concurrency, look_at, self._stop.set)
        finally:
            self._stop.clear()
        if bad:
            raise _unusable(bad[0])

    def _endpoint(self) -> Endpoint:
        with self._connecting:
            if self._known_endpoint is None:
                mine = [answer for answer in self.cache.answers() if answer.source.group == self.source.group]
                budget = Budget(self.config.requests_budget, self.config.tokens_budget)
                tokens = sum(answer.prompt_tokens + answer.answer_tokens for answer in mine)
                budget.charge(Amount(sum(answer.requests for answer in mine), tokens))
                self._known_endpoint = Endpoint(self.config, budget, self._stop)
            return self._known_endpoint

    def _ask(self, level: GridLevel) -> Answer:
        started = time.monotonic()
        talk = self._talk(level)
        usable = not isinstance(talk.judged, Fault)
        subgoals = self._stand_in(level) if isinstance(talk.judged, Fault) else talk.judged
        return Answer(
            environment=level.environment,
            key=level.key,
            level=level_digest(level),
            source=self.source,
            ended="fallback" if not usable else "repaired" if talk.faults else "answered",
            fallback="" if usable else self.config.fallback,
            subgoals=kept_subgoals(subgoals),
            said=tuple(talk.said),
            faults=tuple(KeptFault(kind=fault.kind, words=fault.words) for fault in talk.faults),
            requests=len(talk.said),
            prompt_tokens=talk.prompt_tokens,
            answer_tokens=talk.answer_tokens,
            seconds=round(time.monotonic() - started, 3),
        )

    def _talk(self, level: GridLevel) -> _Talk:
        """The question and, after a fault, the one further question; the budget has room for both or none is sent."""
        endpoint, config, talk, fields = self._endpoint(), self.config, _Talk(), self._fields(level)
        sent = messages(level, self._prompt, config.most_subgoals)
        longest = messages(level, self._prompt, config.most_subgoals, fault="x" * LONGEST_FAULT)
        set_aside = Amount(2, 2 * (most_prompt_tokens(longest, fields) + config.max_tokens))
        endpoint.budget.set_aside(set_aside)
        try:
            while len(talk.said) < 2:
                reply = endpoint.chat(sent, config.max_tokens, fields)
                talk.take(reply, judge_answer(reply.text, level, config.most_subgoals))
                if not isinstance(talk.judged, Fault):
                    break
                sent = messages(level, self._prompt, config.most_subgoals, talk.judged.words[:LONGEST_FAULT])
        finally:
            endpoint.budget.settle(set_aside, Amount(len(talk.said), talk.prompt_tokens + talk.answer_tokens))
        return talk

    def _fields(self, level: GridLevel) -> dict[str, Any]:
        fields: dict[str, Any] = {"temperature": self.config.temperature, **self.config.extra}
        if self.config.schema_of != "none":
            schema = answer_schema(self.config.most_subgoals, level if self.config.schema_of == "level" else None)
            fields["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": "subgoals", "schema": schema, "strict": True},
            }
        return fields

    def _stand_in(self, level: GridLevel) -> tuple[Subgoal, ...]:
        if self.config.fallback != "planner":
            return ()
        try:
            return make_provider("planner", {}).subgoals(level)
        except UsageError:  # it finds no way either
            return ()


@dataclass
class _Talk:
    """What was said about one level, what it cost, and what the last of it is worth."""

    said: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    judged: tuple[Subgoal, ...] | Fault = ()
    prompt_tokens: int = 0
    answer_tokens: int = 0

    def take(self, reply: Reply, judged: tuple[Subgoal, ...] | Fault) -> None:
        self.said.append(kept_text(reply.text))
        self.prompt_tokens += reply.prompt_tokens
        self.answer_tokens += reply.answer_tokens
        self.judged = judged
        if isinstance(judged, Fault):
            self.faults.append(judged)


def _unusable(answer: Answer) -> TeachrlError:
    words = answer.faults[-1].words if answer.faults else "unknown"
    return TeachrlError(
        f"the model {answer.source.model!r} gave no usable answer about {answer.environment}, key {answer.key}: "
        f"{words}. The setting fallback chooses what then: none, planner or abort"
    )
