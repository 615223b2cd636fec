"""The levels that a regret teacher keeps: plain arrays, and functions that weigh, draw, offer and record.

Source: Jiang et al. 2021, "Prioritized Level Replay" (arXiv 2010.03934), and the published code of its successors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from teachrl.tasks.spaces import Vector

Prioritization = Literal["rank", "power", "top_k", "uniform"]
Numbers = NDArray[np.float64]
Whole = NDArray[np.int64]


@dataclass(frozen=True)
class ReplayRule:
    """How replay chooses: see `score_weights` and `replay_probabilities`."""

    prioritization: Prioritization = "rank"
    temperature: float = 0.3
    staleness_coefficient: float = 0.3
    top_k: int = 1


@dataclass(frozen=True)
class Origin:
    """Where a level comes from: its number, that of the level it is an edit of (-1: of none), and after how many."""

    number: int
    parent: int = -1
    generation: int = 0


@dataclass
class LevelBuffer:
    """Up to ``capacity`` different levels; only the first ``filled`` rows mean something.

    ``levels (capacity, size)``; ``scores``; ``best_returns``, the best undiscounted return that the level ever paid,
    NaN while none is known; ``last_played``, the ``clock`` (count of draws) when it was last replayed or put in;
    ``numbers``, ``parents`` and ``generations`` as in `Origin`.
    """

    levels: Vector
    scores: Numbers
    best_returns: Numbers
    last_played: Whole
    numbers: Whole
    parents: Whole
    generations: Whole
    filled: int = 0
    clock: int = 0

    @classmethod
    def empty(cls, capacity: int, size: int) -> Self:
        """A buffer for levels of ``size`` numbers."""
        played, numbers, parents, generations = (np.zeros(capacity, dtype=np.int64) for _ in range(4))
        levels, scores, best_returns = np.zeros((capacity, size)), np.zeros(capacity), np.full(capacity, np.nan)
        return cls(levels, scores, best_returns, played, numbers, parents, generations)

    def __post_init__(self) -> None:
        self._rows = {self.levels[i].tobytes(): i for i in range(self.filled)}

    @property
    def capacity(self) -> int:
        """The most levels that it holds."""
        return len(self.scores)

    def row_of(self, level: Vector) -> int | None:
        """Where a level is, ``None`` when it is not here."""
        return self._rows.get(np.asarray(level, dtype=np.float64).tobytes())

    def origin(self, row: int) -> Origin:
        """Where the level of a row comes from."""
        return Origin(int(self.numbers[row]), int(self.parents[row]), int(self.generations[row]))

    def staleness(self) -> Whole:
        """Draws since each level was last played, shape ``(filled,)``."""
        return self.clock - self.last_played[: self.filled]

    def put(self, row: int, level: Vector, score: float, best_return: float, origin: Origin) -> None:
        """Write a level into a row, over whatever was there."""
        if row < self.filled:
            del self._rows[self.levels[row].tobytes()]
        self.filled = max(self.filled, row + 1)
        self.levels[row], self.scores[row], self.best_returns[row] = level, score, best_return
        self.last_played[row] = self.clock
        self.numbers[row], self.parents[row] = origin.number, origin.parent
        self.generations[row] = origin.generation
        self._rows[self.levels[row].tobytes()] = row

    def state(self) -> dict[str, Any]:
        """A copy of everything, as a tree; rows without meaning left out."""
        parts = {f.name: getattr(self, f.name) for f in fields(self)}
        copies = {k: v[: self.filled].copy() if isinstance(v, np.ndarray) else v for k, v in parts.items()}
        return {**copies, "capacity": self.capacity}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """The inverse of `state`."""
        filled, whole = state["filled"], vars(cls.empty(state["capacity"], state["levels"].shape[1]))
        rows = {name: array for name, array in whole.items() if isinstance(array, np.ndarray)}
        for name, array in rows.items():
            array[:filled] = state[name]
        return cls(**rows, filled=filled, clock=state["clock"])


def score_weights(scores: Numbers, rule: ReplayRule) -> Numbers:
    """The part of the probabilities that follows the scores, shape ``(n,)``, adding up to 1.

    ``rank``: ``(1 / rank) ** (1 / temperature)``, rank 1 for the highest score, equal scores in the order of the rows.
    ``power``: ``max(score, 0) ** (1 / temperature)``, uniform when no score is positive. ``top_k``: uniform over the
    ``top_k`` highest. ``uniform``: all alike.
    """
    order = np.argsort(-scores, kind="stable")
    weights: Numbers = np.ones(len(scores))
    if rule.prioritization == "rank":
        weights[order] = (1.0 / np.arange(1, len(scores) + 1)) ** (1 / rule.temperature)
    elif rule.prioritization == "power":
        highest = scores.max(initial=0.0)
        if highest > 0:  # scaled first, so that no power of a large score overflows
            weights = (np.maximum(scores, 0.0) / highest) ** (1 / rule.temperature)
    elif rule.prioritization == "top_k":
        weights[order[rule.top_k :]] = 0.0
    weights /= weights.sum()
    return weights


def replay_probabilities(buffer: LevelBuffer, rule: ReplayRule) -> Numbers:
    """``(1 - c) P_score + c P_stale``, shape ``(filled,)``, with ``c`` the staleness coefficient.

    ``P_stale`` grows with the draws since a level was last played, and is uniform when all were just played. The buffer
    must hold a level.
    """
    return _with_staleness(score_weights(buffer.scores[: buffer.filled], rule), buffer, rule)


def _with_staleness(by_score: Numbers, buffer: LevelBuffer, rule: ReplayRule) -> Numbers:
    staleness = buffer.staleness()
    total = staleness.sum()
    stale = staleness / total if total else 1 / buffer.filled
    probabilities: Numbers = (1 - rule.staleness_coefficient) * by_score + rule.staleness_coefficient * stale
    return probabilities


@dataclass(frozen=True)
class Draws:
    """Rows to replay, and for each, in the moment of its draw, its staleness and probability; all of shape ``(n,)``."""

    rows: Whole
    staleness: Whole
    probabilities: Numbers


def draw(buffer: LevelBuffer, rule: ReplayRule, rng: np.random.Generator, n: int) -> Draws:
    """Draw ``n`` rows, one after another: each counts as just played, and all others age by one draw."""
    by_score = score_weights(buffer.scores[: buffer.filled], rule)
    rows, staleness, drawn = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64), np.zeros(n)
    for i in range(n):
        probabilities = _with_staleness(by_score, buffer, rule)
        row = rng.choice(buffer.filled, p=probabilities)
        rows[i], staleness[i], drawn[i] = row, buffer.staleness()[row], probabilities[row]
        buffer.clock += 1
        buffer.last_played[row] = buffer.clock
    return Draws(rows, staleness, drawn)


def offer(
    buffer: LevelBuffer, rule: ReplayRule, level: Vector, score: float, best_return: float, origin: Origin
) -> bool:
    """Take in a level that is not here yet: into a free row, else over the one least likely to be replayed.

    A full buffer keeps what it has unless the new score is at least as high as that of the one it would replace.
    Returns whether the level was taken.
    """
    row = buffer.filled
    if row == buffer.capacity:
        row = int(replay_probabilities(buffer, rule).argmin())
        if buffer.scores[row] > score:
            return False
    buffer.put(row, level, score, best_return, origin)
    return True
