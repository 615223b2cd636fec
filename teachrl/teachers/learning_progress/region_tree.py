"""Axis-aligned regions of the unit cube that split where learning progress differs, the memory of RIAC."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from teachrl.tasks.spaces import Vector

SplitScore = Literal["weighted", "difference"]


@dataclass(frozen=True)
class SplitRules:
    """When a region splits, and which of the candidates wins.

    ``region_size``: points that a region holds without splitting; ``attempts``: candidates; ``min_points``: on each
    side; ``min_side``: shortest side of a region, in the unit cube; ``discard_ratio``: share of ``region_size`` whose
    oldest points go when no candidate is valid; ``score``: the difference of learning progress between the two sides,
    or that weighted with the numbers of their points.
    """

    region_size: int
    attempts: int
    min_points: int
    min_side: float
    discard_ratio: float
    score: SplitScore


def absolute_progress(returns: NDArray[np.float64], kept: NDArray[np.bool_], window: int) -> NDArray[np.float64]:
    """The absolute difference between the mean returns of the older and the newer half of the last ``window`` points.

    ``returns`` has shape ``(n,)`` or ``(m, n)``, oldest first; ``kept``, ``(m, n)``, says which of them count. Returns
    ``(m,)``, 0 for those with fewer than three points.
    """
    age = np.cumsum(kept[:, ::-1], axis=1)[:, ::-1]  # 1 is the newest
    count = np.minimum(age[:, 0], window)
    half = count // 2
    newer = kept & (age <= half[:, None])
    older = kept & (age > half[:, None]) & (age <= count[:, None])
    change = returns - returns[..., -1:]  # so that equal returns give exactly 0
    older_mean = np.where(older, change, 0.0).sum(axis=1) / np.maximum(count - half, 1)
    newer_mean = np.where(newer, change, 0.0).sum(axis=1) / np.maximum(half, 1)
    return np.where(count > 2, np.abs(newer_mean - older_mean), 0.0)


class RegionTree:
    """A binary tree of regions. Every point is added to all regions that hold it, from the root down to a leaf.

    A region knows its last ``region_size + 1`` points, as places in the history of all points, newest last. An episode
    costs one pass over the path to its leaf, and a leaf that overflows one round of candidates, so that the cost grows
    with the depth of the tree alone.
    """

    def __init__(self, size: int, rules: SplitRules) -> None:
        self._rules = rules
        self._points = np.zeros((1024, size))
        self._returns = np.zeros(1024)
        self.episodes = 0
        region = [
            ("low", np.float64, (size,)),
            ("high", np.float64, (size,)),
            ("progress", np.float64),
            ("dimension", np.int32),  # the cut between its children: up to the threshold to the first
            ("threshold", np.float64),
            ("child", np.int32),  # the first of two neighbours; 0 for a leaf
            ("count", np.int32),
            ("members", np.int32, (rules.region_size + 1,)),
        ]
        self._regions = np.zeros(16, dtype=region)
        self._regions["high"][0] = 1.0
        self.size = 1

    @property
    def regions(self) -> NDArray[np.void]:
        """All regions, with ``low`` and ``high`` in the unit cube and ``progress``. The root comes first."""
        return self._regions[: self.size]

    def add(self, point: Vector, value: float) -> int:
        """Add a point of the unit cube and its return to all its regions. Returns its leaf, which may now be full."""
        if self.episodes == len(self._returns):
            self._points = np.concatenate([self._points, np.zeros_like(self._points)])
            self._returns = np.concatenate([self._returns, np.zeros_like(self._returns)])
        self._points[self.episodes], self._returns[self.episodes] = point, value
        path, regions, capacity = self._path(point), self._regions, self._rules.region_size + 1
        members = regions["members"][path]
        members[:, :-1] = members[:, 1:]
        members[:, -1] = self.episodes
        self.episodes += 1
        count = np.minimum(regions["count"][path] + 1, capacity)
        kept = np.arange(capacity) >= capacity - count[:, None]
        regions["members"][path], regions["count"][path] = members, count
        regions["progress"][path] = absolute_progress(self._returns[members], kept, self._rules.region_size)
        return path[-1]

    def _path(self, point: Vector) -> list[int]:
        children, dimensions, thresholds = (self._regions[name] for name in ("child", "dimension", "threshold"))
        path = [0]
        while child := int(children[path[-1]]):
            path.append(child + int(point[dimensions[path[-1]]] > thresholds[path[-1]]))
        return path

    def is_full(self, region: int) -> bool:
        """Whether a region holds more points than it may without splitting."""
        return bool(self._regions["count"][region] > self._rules.region_size)

    def split(self, leaf: int, rng: np.random.Generator) -> None:
        """Cut a full leaf in two by the best candidate, or, when none is valid, drop its oldest points."""
        regions, rules = self._regions[leaf], self._rules
        members = regions["members"]
        points = self._points[members]
        dimensions, thresholds = self._candidates(points, regions["high"] - regions["low"], rng)
        first = (points[:, dimensions] <= thresholds).T
        sides = [absolute_progress(self._returns[members], side, rules.region_size) for side in (first, ~first)]
        count = first.sum(axis=1)
        score = np.abs(sides[0] - sides[1])
        if rules.score == "weighted":
            score = score * count * (len(members) - count)
        valid = thresholds - regions["low"][dimensions] >= rules.min_side
        valid &= regions["high"][dimensions] - thresholds >= rules.min_side
        valid &= np.minimum(count, len(members) - count) >= rules.min_points
        if not valid.any():
            regions["count"] -= max(1, int(rules.discard_ratio * rules.region_size))
            return
        best = int(np.where(valid, score, -1.0).argmax())
        progress = [float(side[best]) for side in sides]
        self._divide(leaf, int(dimensions[best]), float(thresholds[best]), first[best], progress)

    def _candidates(
        self, points: NDArray[np.float64], sides: Vector, rng: np.random.Generator
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Cuts (dimensions, thresholds) distributed as uniform ones of which those with too few points are redrawn.

        The thresholds that leave enough points on both sides of a dimension are one interval, so nothing needs to be
        redrawn: a dimension is chosen in proportion to the share that its interval has of its side.
        """
        ordered = np.sort(points, axis=0)
        start, end = ordered[self._rules.min_points - 1], ordered[-self._rules.min_points]
        share = np.maximum(end - start, 0.0) / sides
        if share.sum() <= 0:
            return np.zeros(0, dtype=np.int64), np.zeros(0)
        dimensions = rng.choice(len(sides), self._rules.attempts, p=share / share.sum())
        return dimensions, rng.uniform(start[dimensions], end[dimensions])

    def _divide(
        self, leaf: int, dimension: int, threshold: float, first: NDArray[np.bool_], progress: list[float]
    ) -> None:
        if self.size + 2 > len(self._regions):
            self._regions = np.concatenate([self._regions, np.zeros_like(self._regions)])
        parent, child = self._regions[leaf], self.size
        self.size += 2
        for index, (side, bound) in enumerate(((first, "high"), (~first, "low"))):
            region = self._regions[child + index]
            region["low"], region["high"] = parent["low"], parent["high"]
            region[bound][dimension] = threshold
            members = parent["members"][side]
            region["members"][-len(members) :] = members
            region["count"], region["progress"] = len(members), progress[index]
        parent["child"], parent["dimension"], parent["threshold"] = child, dimension, threshold

    def worst_point(self, region: int) -> Vector:
        """The point of the lowest return that a region knows, of shape ``(size,)``. Needs one point."""
        members = self._regions["members"][region][-int(self._regions["count"][region]) :]
        worst: Vector = self._points[members[self._returns[members].argmin()]]
        return worst

    def state(self) -> dict[str, Any]:
        """All points and all regions."""
        return {
            "points": self._points[: self.episodes].copy(),
            "returns": self._returns[: self.episodes].copy(),
            "regions": {name: self.regions[name].copy() for name in self._regions.dtype.names or ()},
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on where `state` was taken."""
        self.episodes, self.size = len(state["returns"]), len(state["regions"]["count"])
        room = max(1024, self.episodes)
        self._points = np.zeros((room, self._points.shape[1]))
        self._returns = np.zeros(room)
        self._points[: self.episodes], self._returns[: self.episodes] = state["points"], state["returns"]
        self._regions = np.zeros(max(16, self.size), dtype=self._regions.dtype)
        for name, values in state["regions"].items():
            self._regions[name][: self.size] = values
