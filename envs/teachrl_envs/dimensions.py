"""The dimensions of task spaces: one named, bounded number each, and the error for what does not fit."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

Choice = str | int | float | bool


class TaskError(ValueError):
    """A task, or the description of a task space, is not what it should be. The message names the parameter."""


@dataclass(frozen=True)
class Dimension:
    """One number of a task.

    ``continuous``: any value in ``[low, high]``. ``integer``: a whole number in ``[low, high]``, both included.
    ``choice``: one of ``choices``; in vectors it is the index of the choice, so ``low = 0, high = len(choices) - 1``.
    ``low == high`` is allowed: the dimension is then fixed.
    """

    name: str
    low: float
    high: float
    kind: Literal["continuous", "integer", "choice"] = "continuous"
    choices: tuple[Choice, ...] = ()

    def __post_init__(self) -> None:
        if not self.name or not isinstance(self.name, str):
            raise TaskError(f"a task parameter needs a name; got {self.name!r}")
        for bound in (self.low, self.high):
            if isinstance(bound, bool) or not isinstance(bound, (int, float)) or not math.isfinite(bound):
                raise TaskError(f"{self.name}: bounds must be finite numbers; got [{self.low!r}, {self.high!r}]")
        if self.low > self.high:
            raise TaskError(f"{self.name}: the lower bound {self.low:g} is above the upper bound {self.high:g}")
        if not math.isfinite(self.high - self.low):
            raise TaskError(f"{self.name}: the bounds {self.low:g} and {self.high:g} are too far apart")
        if self.kind != "continuous" and (self.low != int(self.low) or self.high != int(self.high)):
            raise TaskError(f"{self.name}: integer bounds must be whole numbers; got [{self.low:g}, {self.high:g}]")

    @property
    def range_text(self) -> str:
        """The allowed values in words, for messages and tables."""
        if self.kind == "choice":
            return "one of " + ", ".join(repr(c) for c in self.choices)
        return f"{'a whole number' if self.kind == 'integer' else 'a number'} in [{self.low:g}, {self.high:g}]"

    def parse(self, value: Any) -> float:
        """Turn one value of a task dict into its number in the vector; raise `TaskError` when it does not belong."""
        if isinstance(value, (np.ndarray, np.generic)) and value.ndim == 0:
            value = value.item()  # compared as what it is: True is not 1, and 0.1 in single precision is above 0.1
        if self.kind == "choice":
            known = value if isinstance(value, (str, int, float)) else None
            for index, choice in enumerate(self.choices):
                if known == choice and isinstance(known, bool) == isinstance(choice, bool):
                    return float(index)
            raise TaskError(f"{self.name} must be {self.range_text}; got {value!r}")
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise TaskError(f"{self.name} must be {self.range_text}; got {value!r}")
        if not self.low <= value <= self.high or (self.kind == "integer" and value != int(value)):
            raise TaskError(f"{self.name} must be {self.range_text}; got {value!r}")
        return float(value)

    def value(self, number: float) -> Choice:
        """The inverse of `parse`: the value of the task dict for a number of the vector."""
        if self.kind == "choice":
            return self.choices[round(float(number))]
        return round(float(number)) if self.kind == "integer" else float(number)


def checked_keys(task: object, names: tuple[str, ...]) -> Mapping[str, Any]:
    """``task`` itself, once it is known to be a dict with exactly the parameters ``names``."""
    if not isinstance(task, Mapping):
        raise TaskError(f"a task is a dict with {', '.join(names)}; got {task!r}")
    for name in task:
        if name not in names:
            close = difflib.get_close_matches(str(name), names, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else "."
            raise TaskError(f"unknown task parameter {name!r}{hint} Parameters here: {', '.join(names)}")
    for name in names:
        if name not in task:
            raise TaskError(f"task parameter {name!r} is missing; a task needs {', '.join(names)}, got {dict(task)!r}")
    return task
