"""Reads single files of a run; one that cannot be read is an `OSError` or a `ValueError`. Nothing is executed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from teachrl.records.curriculum import Curriculum
from teachrl.records.evaluation import EvaluationResult

T = TypeVar("T")


def read_object(file: Path) -> Mapping[str, Any]:
    """Return a JSON object, such as a status or a failed episode."""
    value = json.loads(file.read_text(encoding="utf-8"))
    if not isinstance(value, Mapping):
        raise ValueError(f"expected a JSON object, got {type(value).__name__}")
    return value


def read_evaluation(file: Path) -> EvaluationResult:
    """Return one evaluation."""
    return _record(file, EvaluationResult.from_json)


def read_curriculum(file: Path) -> Curriculum:
    """Return one curriculum; its vectors are arrays."""
    return _record(file, Curriculum.from_json)


def _record(file: Path, from_json: Callable[[Mapping[str, Any]], T]) -> T:
    data = read_object(file)
    try:
        return from_json(data)
    except KeyError as error:
        raise ValueError(f"it has no {error.args[0]}") from error
    except (TypeError, AttributeError) as error:
        raise ValueError(str(error)) from error
