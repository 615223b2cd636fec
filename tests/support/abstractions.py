"""Abstractions of what is observed."""

from __future__ import annotations

from typing import Any


def halves(observations: Any) -> Any:
    """An abstraction: which half of the short chain."""
    return observations.argmax(axis=1)[:, None] // 3
