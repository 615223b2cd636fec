"""An OpenAI-compatible endpoint: requests that are tried again, within a budget, and never tell the key."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from teachrl.config.settings import Name, Number, Settings, Whole
from teachrl.errors import TeachrlError, UsageError
from teachrl.guides.subgoals.llm.budget import Amount, Budget

T = TypeVar("T")
LONGEST_DELAY = 60.0
TOKENS_A_MESSAGE = 16
"""More than any chat template puts around a message."""
TRIED_AGAIN = frozenset({408, 409, 425, 429})
"""With 500 and above: what may be well a little later."""


class EndpointSettings(Settings):
    """Where a model is served, and how patiently it is asked."""

    base_url: Name = Field(description="address of the endpoint, such as http://127.0.0.1:8080/v1")
    model: Name = Field(description="the model's name at the endpoint")
    api_key_env: Name = Field("OPENAI_API_KEY", description="environment variable that holds the key, if one is needed")
    timeout: Number = Field(120.0, gt=0, description="seconds that the endpoint may be silent before a try has failed")
    retries: Whole = Field(6, ge=0, description="how often a request that failed is sent again")
    retry_delay: Number = Field(1.0, gt=0, description="seconds before the first of them; doubles up to 60")

    @field_validator("base_url")
    @classmethod
    def _plain_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("must begin with http:// or https:// and name a host")
        if parts.username or parts.password or parts.query:
            raise ValueError("must hold no key or password; name an environment variable in api_key_env")
        return value


@dataclass(frozen=True)
class Reply:
    """What a model said, and the tokens that it cost."""

    text: str
    prompt_tokens: int
    answer_tokens: int


class Endpoint:
    """Asks a model, from many threads if need be. When ``stop`` is set, nothing is tried again."""

    def __init__(self, settings: EndpointSettings, budget: Budget, stop: threading.Event) -> None:
        self.settings = settings
        self.budget = budget
        self.stop = stop
        self._key = os.environ.get(settings.api_key_env, "")
        self._openai = _import_openai()
        self._client = self._openai.OpenAI(
            base_url=settings.base_url, api_key=self._key or "none", timeout=settings.timeout, max_retries=0
        )

    def chat(self, messages: Sequence[Mapping[str, str]], max_tokens: int, fields: Mapping[str, Any]) -> Reply:
        """One answer. Raises `TeachrlError` when there is none after all tries, or the budget forbids them.

        The caller has set aside what one try may cost; what failed is charged besides.
        """
        worst = most_prompt_tokens(messages, fields)
        create = self._client.chat.completions.create

        def send() -> Reply:
            response = create(
                model=self.settings.model, messages=list(messages), max_tokens=max_tokens, extra_body=dict(fields)
            )
            return _reply(response, worst, max_tokens)

        return self._tried(send, worst + max_tokens)

    def embed(self, texts: Sequence[str]) -> list[Any]:
        """What should be one vector a text. Raises `TeachrlError`."""

        def send() -> list[Any]:
            response = self._client.embeddings.create(
                model=self.settings.model, input=list(texts), encoding_format="float"
            )
            return [getattr(item, "embedding", None) for item in getattr(response, "data", None) or ()]

        return self._tried(send, sum(len(text.encode()) for text in texts))

    def _tried(self, send: Callable[[], T], tokens: int) -> T:
        for number in range(1, self.settings.retries + 2):
            cost = Amount(1, tokens)  # unless it is known that less was spent
            try:
                return send()
            except self._openai.APIStatusError as error:
                cost = Amount(1, 0)
                failure = self._words(f"status {error.status_code}: {error.message}")
                if error.status_code not in TRIED_AGAIN and error.status_code < 500:
                    raise TeachrlError(f"{self._where()} refuses the request: {failure}") from None
            except self._openai.OpenAIError as error:
                if type(error.__cause__).__name__ == "ConnectError":  # httpx's, whichever version openai is built on
                    cost = Amount(0, 0)
                failure = self._words(str(error))
            except (ValueError, RecursionError) as error:
                failure = self._words(f"its reply is not the JSON that it says it is ({type(error).__name__})")
            room = self.budget.charge(cost)
            if number > self.settings.retries or self.stop.wait(self._delay(number)):
                break
            if not room:
                raise self.budget.exhausted()
        raise TeachrlError(f"{self._where()} does not answer: {failure} (tried {number} times)")

    def _delay(self, failures: int) -> float:
        return float(min(LONGEST_DELAY, self.settings.retry_delay * 2 ** min(failures - 1, 10)))

    def _where(self) -> str:
        return f"the endpoint {self.settings.base_url} with model {self.settings.model!r}"

    def _words(self, text: str) -> str:
        """What an error says, in short and without the key, which some endpoints repeat."""
        return (text.replace(self._key, "[key]") if self._key else text)[:300]


def _import_openai() -> Any:
    try:
        import openai
    except ImportError:
        raise UsageError(
            "asking a language model needs the package openai, which is not installed: pip install 'teachrl[llm]'. "
            "A cache that holds all levels needs none"
        ) from None
    return openai


def most_prompt_tokens(messages: Sequence[Mapping[str, str]], fields: Mapping[str, Any]) -> int:
    """More tokens than a request can have: one a byte, a schema included, and what the chat template adds."""
    return len(json.dumps(fields)) + sum(len(message["content"].encode()) + TOKENS_A_MESSAGE for message in messages)


def _reply(response: Any, most_prompt: int, most_answer: int) -> Reply:
    """What came, of whatever form; an endpoint that does not say what it cost is taken to have cost the most."""
    try:
        text = response.choices[0].message.content
    except (AttributeError, IndexError, TypeError):
        text = ""
    usage = getattr(response, "usage", None)
    prompt, answer = (getattr(usage, name, None) for name in ("prompt_tokens", "completion_tokens"))
    return Reply(
        text if isinstance(text, str) else "",
        prompt if isinstance(prompt, int) and prompt >= 0 else most_prompt,
        answer if isinstance(answer, int) and answer >= 0 else most_answer,
    )
