"""How right lists of sub-goals are, measured against the planner's.

As in Words as Beacons 2024 (arXiv 2410.08632): the n-th sub-goal of a list is compared with the planner's n-th. Its
cell is right or off by a Manhattan distance (0 where it is right); its object is right or not. A sub-goal that a list
lacks is wrong, and has no distance.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from teachrl.guides.subgoals.level import GridLevel, Subgoal
from teachrl.guides.subgoals.llm.answer_cache import Answer
from teachrl.guides.subgoals.llm.parsing import Fault, infeasible, read_answer
from teachrl.guides.subgoals.llm.prompts import shown


@dataclass
class Accuracy:
    """Lists compared so far."""

    cells: list[list[bool]] = field(default_factory=list)
    objects: list[list[bool]] = field(default_factory=list)
    distances: list[int] = field(default_factory=list)
    same: int = 0
    feasible: int = 0
    given: int = 0

    def compare(self, subgoals: Sequence[Subgoal], right: Sequence[Subgoal], level: GridLevel) -> None:
        """Add the list of one level."""
        pairs = [(subgoals[i] if i < len(subgoals) else None, wanted) for i, wanted in enumerate(right)]
        self.cells.append([mine is not None and mine.cell == wanted.cell for mine, wanted in pairs])
        self.objects.append([mine is not None and shown(mine.name) == shown(wanted.name) for mine, wanted in pairs])
        self.distances += [_distance(mine, wanted) for mine, wanted in pairs if mine is not None]
        self.same += [subgoal.cell for subgoal in subgoals] == [subgoal.cell for subgoal in right]
        self.given += bool(subgoals)
        self.feasible += bool(subgoals) and infeasible(tuple(subgoals), level) is None

    def numbers(self) -> dict[str, Any]:
        """Shares of all sub-goals or levels, and cells of distance; None where nothing was compared."""
        cells, objects = ([right for each in lists for right in each] for lists in (self.cells, self.objects))
        return {
            "levels": len(self.cells),
            "levels_with_subgoals": self.given,
            "cell_accuracy": _mean(cells),
            "object_accuracy": _mean(objects),
            "manhattan_mean": _mean(self.distances),
            "manhattan_std": float(np.std(self.distances)) if self.distances else None,
            "same_list": _mean([True] * self.same + [False] * (len(self.cells) - self.same)),
            "feasible_order": self.feasible / self.given if self.given else None,
            "positions": [
                {
                    "position": i + 1,
                    "levels": sum(len(each) > i for each in self.cells),
                    "cell_accuracy": _mean([each[i] for each in self.cells if len(each) > i]),
                    "object_accuracy": _mean([each[i] for each in self.objects if len(each) > i]),
                }
                for i in range(max((len(each) for each in self.cells), default=0))
            ],
        }


def _distance(mine: Subgoal, wanted: Subgoal) -> int:
    return abs(mine.cell[0] - wanted.cell[0]) + abs(mine.cell[1] - wanted.cell[1])


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None


def said_at_first(answer: Answer) -> tuple[Subgoal, ...]:
    """The first answer as it was said, true or not; none where it could not be read, the recorded ones without any."""
    if not answer.said:
        return answer.played()
    said = read_answer(answer.said[0])
    return () if isinstance(said, Fault) else tuple(Subgoal(item.cell, item.name) for item in said)


def summary(answers: Iterable[Answer]) -> dict[str, Any]:
    """How answers ended, their faults by kind, and what they cost."""
    all_of_them = list(answers)
    return {
        "ended": {kind: sum(a.ended == kind for a in all_of_them) for kind in ("answered", "repaired", "fallback")},
        "faults": dict(Counter(fault.kind for answer in all_of_them for fault in answer.faults).most_common()),
        "requests": sum(answer.requests for answer in all_of_them),
        "prompt_tokens": sum(answer.prompt_tokens for answer in all_of_them),
        "answer_tokens": sum(answer.answer_tokens for answer in all_of_them),
        "seconds": round(sum(answer.seconds for answer in all_of_them), 1),
    }
