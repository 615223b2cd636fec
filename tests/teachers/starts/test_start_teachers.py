"""Teachers that choose the start: how often, how evenly, and when they move on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teachrl.errors import UsageError
from teachrl.records.episodes import Episode
from teachrl.tasks.knowledge import Knowledge
from teachrl.tasks.spaces import DiscreteTaskSpace
from teachrl.teachers.base import Plan, Snapshots, Teacher, TeacherContext
from teachrl.teachers.registry import make_teacher
from tests.support.made_up_rounds import play_round

# Two episodes: a success of 100 steps, and a failure; most states are worth about the same.
ELAPSED = np.tile(np.arange(0, 100, 10), 2)
VALUES = np.array([0.0] * 8 + [5.0, 9.0] + [0.1] * 8 + [5.1, 9.1])
SNAPSHOTS = Snapshots(
    VALUES, ELAPSED, 100 - ELAPSED, np.repeat([1.0, 0.0], 10), np.random.default_rng(0).random((20, 3))
)


def build(name: str, snapshots: Snapshots | None = SNAPSHOTS, seed: int = 0, **options: Any) -> Teacher:
    n = 20 if snapshots is None else len(snapshots)
    space, rng = DiscreteTaskSpace(n + 1, name="snapshot"), np.random.default_rng(seed)
    context = TeacherContext(space, rng, (0.0, 1.0), Knowledge(mastery_return=1.0), snapshots=snapshots)
    return make_teacher(name, context, options=options)


def tell(teacher: Teacher, plan: Plan, k: int = 0, step: int = 1, success: bool = True) -> None:
    reason = plan.reasons[k]
    teacher.update([
        Episode(plan.tasks[k], 1.0, 1.0, 1, success, True, plan.origins[k], plan.version, 0, 0, 0, step, reason)
    ])  # fmt: skip


def test_clusters_are_drawn_alike_and_their_members_too() -> None:
    plan = build("s3rl", clusters=3).plan(6000)
    chosen = plan.tasks[:, 0].astype(int) - 1
    assert (chosen >= 0).all()
    for low, high in ((-1, 1), (4, 6), (8, 10)):
        members = np.flatnonzero((low < VALUES) & (high > VALUES))
        drawn = np.isin(chosen, members)
        assert drawn.mean() == pytest.approx(1 / 3, abs=0.03)
        counts = np.bincount(chosen[drawn], minlength=20)[members]
        assert counts.min() > 0.6 * counts.mean()
    plain = build("s3rl", balance="none").plan(6000).tasks[:, 0].astype(int) - 1
    assert np.bincount(plain, minlength=20).min() > 200


@pytest.mark.parametrize(("fade", "shares"), [("step", [1, 1, 0]), ("linear", [1, 0.5, 0])])
def test_snapshots_end_with_the_phase(fade: str, shares: list[float]) -> None:
    teacher = build("s3rl", fade=fade, phase_steps=1000)
    for step, share in zip((0, 500, 1000), shares, strict=True):
        if step:
            tell(teacher, teacher.plan(1), step=step)
        plan = teacher.plan(1000)
        assert np.mean(plan.tasks > 0) == pytest.approx(share, abs=0.05)
        assert {"snapshot" if task > 0 else "start" for task in plan.tasks[:, 0]} == set(plan.origins)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from([0.0, 1.0, 2.0]), min_size=1, max_size=8), st.integers(1, 9), st.integers(0, 99))
def test_any_bank_can_be_cut_into_any_number_of_clusters(values: list[float], clusters: int, seed: int) -> None:
    n = len(values)
    bank = Snapshots(np.array(values), np.arange(n), np.arange(n) + 1, np.ones(n), np.zeros((n, 2)))
    for kind in ("value", "time", "observation"):
        tasks = build("s3rl", bank, seed, clusters=clusters, cluster_by=kind).plan(20).tasks
        assert ((tasks >= 1) & (tasks <= n)).all()


def test_reverse_moves_back_when_the_frontier_is_mastered() -> None:
    teacher = build("reverse", stages=5, window=10, advance_at=0.8, revisit=0.3)
    for stage in range(5):
        plan = teacher.plan(400)
        frontier = [k for k in range(400) if plan.origins[k] == "frontier"]
        remaining = {int(plan.reasons[k]["remaining"]) for k in frontier}
        assert remaining == {20 * stage + 10, 20 * stage + 20}
        revisited = {int(plan.reasons[k]["remaining"]) for k in range(400) if plan.origins[k] == "revisit"}
        assert revisited == set(range(10, 20 * stage + 1, 10))
        assert (plan.tasks <= 10).all(), "only the successful episode"
        for _ in range(20):
            tell(teacher, plan, frontier[0], success=False)
        assert teacher.plan(1).version == stage
        for _ in range(8):
            tell(teacher, plan, frontier[0])
        assert teacher.plan(1).version == stage + 1
        tell(teacher, plan, frontier[0])  # of the stage before: counts no more
    last = teacher.plan(200)
    assert set(last.origins) == {"start", "revisit"}
    assert {last.tasks[k, 0] for k in range(200) if last.origins[k] == "start"} == {0.0}


def test_regret_starts_replays_what_was_scored_high() -> None:
    teacher: Any = build("regret-starts", capacity=4, minimum_fill=1.0, replay_probability=0.9, temperature=0.1,
                         score="positive_value_loss", staleness_coefficient=0.0, true_start=0.0)  # fmt: skip
    plans = [play_round(teacher, 4, lambda task: float(task[0] == 7)) for _ in range(200)]
    replayed = np.concatenate([plan.tasks[:, 0] for plan in plans if plan.origins[0] == "replay"])
    assert np.mean(replayed[-100:] == 7) > 0.8, "once it was found"
    fresh = build("regret-starts", true_start=1.0).plan(30)
    assert (fresh.tasks == 0).all()


@pytest.mark.parametrize("name", ["s3rl", "reverse", "regret-starts"])
def test_same_seed_same_starts_and_a_state_goes_on_identically(name: str) -> None:
    def next_starts(teacher: Any, rounds: int) -> list[list[float]]:
        starts = []
        for i in range(rounds):
            if name == "regret-starts":
                plan = play_round(teacher, 4, lambda task: float(task[0] % 3))
            else:
                plan = teacher.plan(4)
                for k in range(4):
                    tell(teacher, plan, k, step=100 * i, success=bool(plan.tasks[k, 0] % 3))
            starts.append(plan.tasks[:, 0].tolist())
        return starts

    options = {"s3rl": {"phase_steps": 1500, "fade": "linear"}, "reverse": {"window": 5}}.get(name, {"capacity": 8})
    one, two, other = (build(name, seed=seed, **options) for seed in (0, 0, 1))
    assert next_starts(one, 10) == next_starts(two, 10)
    assert next_starts(other, 10) != next_starts(build(name, seed=0, **options), 10)
    two = build(name, seed=5, **options)
    two.restore(one.state())
    assert next_starts(one, 10) == next_starts(two, 10)
    plan = one.plan(4)
    assert all(one.explain(origin, reason) for origin, reason in zip(plan.origins, plan.reasons, strict=True))


def test_what_is_missing_is_said_before_training() -> None:
    for name in ("s3rl", "reverse", "regret-starts"):
        with pytest.raises(UsageError, match="teachrl snapshots"):
            build(name, None)
    unknown = Snapshots(np.full(20, np.nan), ELAPSED, 100 - ELAPSED, np.full(20, np.nan), np.zeros((20, 3)))
    with pytest.raises(UsageError, match="cluster_by"):
        build("s3rl", unknown)
    with pytest.raises(UsageError, match="known to have succeeded"):
        build("reverse", unknown)
