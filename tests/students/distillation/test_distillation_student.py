"""The parts of imitation that runs do not show: what is kept of a mentor's labels, and when it is imitated how much."""

from __future__ import annotations

import numpy as np
import pytest

from teachrl.config.distillation import DistillConfig
from teachrl.students.distillation.dataset import LabelledDataset


@pytest.mark.parametrize("sizes", [(3,), (3, 4), (5, 5, 5), (23,), (4, 19, 2)])
def test_the_newest_labels_are_kept(sizes: tuple[int, ...]) -> None:
    kept, seen = LabelledDataset(10), 0
    for size in sizes:
        numbers = np.arange(seen, seen + size)
        kept.add({"observations": numbers, "label.actions": 2 * numbers})
        seen += size
    rows = kept.rows(np.arange(len(kept)))
    assert sorted(rows["observations"]) == list(range(max(0, seen - 10), seen))
    assert np.array_equal(rows["label.actions"], 2 * rows["observations"])
    again = LabelledDataset(10)
    again.restore(kept.state())
    for side in (kept, again):
        side.add({"observations": np.array([99]), "label.actions": np.array([198])})
    assert np.array_equal(*(s.rows(np.arange(len(s)))["observations"] for s in (kept, again)))


def test_weight_and_share_go_linearly_and_then_stay() -> None:
    settings = DistillConfig(mentor="a:b", weight=2.0, weight_end=1.0, decay_steps=100, beta=0.5, beta_steps=50)
    assert [settings.weight_at(step) for step in (0, 50, 100, 500)] == [2.0, 1.5, 1.0, 1.0]
    assert [settings.beta_at(step) for step in (0, 25, 50, 500)] == [0.5, 0.25, 0.0, 0.0]
    constant = DistillConfig(mentor="a:b", weight=2.0, beta=0.5)
    assert (constant.weight_at(10**6), constant.beta_at(10**6)) == (2.0, 0.5)
