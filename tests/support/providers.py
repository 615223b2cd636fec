"""A provider of sub-goals that asks an endpoint and keeps its answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from teachrl.guides.subgoals.llm.provider import LLM
from teachrl.guides.subgoals.provider import make_provider
from tests.support.endpoint_double import Double


def provider(tmp_path: Path, double: Double | str, **options: Any) -> LLM:
    fields = {
        "base_url": double if isinstance(double, str) else double.base_url,
        "model": "double",
        "cache": str(tmp_path / "cache.jsonl"),
        "retry_delay": 0.01,
        "retries": 2,
        "timeout": 10,
    }
    made = make_provider("llm", {**fields, **options})
    assert isinstance(made, LLM)
    return made
