"""Sub-goals: what is shown, what is paid, what counts as reached, and that judging has none of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pyarrow.parquet as pq
import pytest
from minigrid.core.constants import COLORS

from teachrl.config.experiment import EnvConfig, Experiment
from teachrl.environments import Env, make_env
from teachrl.errors import UsageError
from teachrl.evaluation.evaluator import evaluate_run
from teachrl.evaluation.snapshots import snapshots_of_run
from teachrl.factory.environment import training_env
from teachrl.files import write_tree
from teachrl.guides.registry import make_guide
from teachrl.guides.subgoals.guide import SubgoalGuide
from teachrl.guides.subgoals.level import read_level
from teachrl.training.run import train
from tests.support.listed_subgoals import Flat, Listed

LEFT, RIGHT, FORWARD, PICKUP, DROP, TOGGLE = range(6)
MAZE = EnvConfig.model_validate({"id": "teachrl/Maze-v0", "options": {"height": 2, "width": 6, "max_steps": 20}})
CORRIDOR = {"rows": [">....G", "......"]}
LISTED = "tests.support.listed_subgoals:Listed"


def guided(cells: list[tuple[int, int]], env: Env | None = None, **options: Any) -> Env:
    guide = make_guide("subgoals", {"provider": {"name": LISTED, "options": {"cells": cells}}, **options}, MAZE)
    return guide.guided(make_env(MAZE) if env is None else env)


def play(env: Env, actions: list[int]) -> list[tuple[float, float, Any]]:
    """Reward, the environment's own, and what was told after each action."""
    steps = []
    for action in actions:
        observation, reward, _, _, info = env.step(action)
        steps.append((float(reward), float(info["own_reward"]), observation))
    return steps


def test_a_subgoal_pays_less_the_later_it_is_reached_and_the_last_pays_nothing() -> None:
    env = guided([(2, 1), (4, 1), (6, 1)], weight=0.5)
    env.reset(seed=0, options={"task": CORRIDOR})
    rewards = play(env, [FORWARD] * 5)
    assert [own for _, own, _ in rewards] == pytest.approx([0, 0, 0, 0, 1 - 0.9 * 5 / 20])
    bonuses = [reward - own for reward, own, _ in rewards]
    assert bonuses == pytest.approx([0.5 * (1 - 1 / 20), 0, 0.5 * (1 - 2 / 20), 0, 0])


def test_the_last_one_is_never_shown() -> None:
    env = guided([(2, 1), (6, 1)], encoding="position")
    first, _ = env.reset(seed=0, options={"task": CORRIDOR})
    assert first[-2:] == pytest.approx([1 / 8, 0])
    assert all((seen[-2:] == 0).all() for _, _, seen in play(env, [FORWARD] * 5))


def test_positions_are_seen_from_the_agent() -> None:
    env = guided([(5, 1), (6, 1)], encoding="position")
    env.reset(seed=0, options={"task": CORRIDOR})
    assert [seen[-2] for _, _, seen in play(env, [FORWARD] * 3)] == pytest.approx([3 / 8, 2 / 8, 1 / 8])


def test_statistics_come_at_the_end() -> None:
    env = guided([(2, 1), (3, 1), (1, 1), (6, 1)], weight=1)
    env.reset(seed=0, options={"task": CORRIDOR})
    *_, info = [env.step(FORWARD)[4] for _ in range(5)]
    assert info["guide"] == pytest.approx({"given": 3, "reached": 2, "progress": 2 / 3, "paid": 2 * 19 / 20})


def door_key() -> tuple[Env, dict[str, tuple[int, int]]]:
    """DoorKey-5x5, and where the key and the door are on seed 1."""
    env = Flat("MiniGrid-DoorKey-5x5-v0")
    env.reset(seed=1)
    bare: Any = env.unwrapped
    kinds = {bare.grid.get(x, y).type: (x, y) for x in range(5) for y in range(5) if bare.grid.get(x, y) is not None}
    return env, kinds


def stand_before(env: Env, cell: tuple[int, int], carry: str | None = None) -> None:
    """Put the agent to the left of a cell, looking at it; with the key in its hand, taken from the grid."""
    bare: Any = env.unwrapped
    bare.agent_pos, bare.agent_dir = (cell[0] - 1, cell[1]), 0
    bare.grid.set(cell[0] - 1, cell[1], None)


def test_what_is_taken_or_opened_is_reached() -> None:
    env, where = door_key()
    guide = guided([where["key"], where["door"], where["goal"]], env, weight=1)
    guide.reset(seed=1)
    bare: Any = env.unwrapped
    locked = guide.step(DROP)[0][-3:]
    assert locked == pytest.approx(np.array(bare.grid.get(*where["key"]).encode()) / 10)
    stand_before(env, where["key"])
    seen, reward, *_ = guide.step(PICKUP)
    assert bare.carrying is not None
    assert reward == pytest.approx(1 - 2 / bare.max_steps)
    assert seen[-3:] == pytest.approx(np.array(bare.grid.get(*where["door"]).encode()) / 10)
    stand_before(env, where["door"])
    seen, reward, *_ = guide.step(TOGGLE)
    assert reward == pytest.approx(1 - 1 / bare.max_steps)
    assert (seen[-3:] == -1).all()


def test_what_was_reached_before_its_turn_is_passed_over_without_pay() -> None:
    env, where = door_key()
    guide = guided([where["door"], where["key"], where["goal"]], env, weight=1)
    guide.reset(seed=1)
    bare: Any = env.unwrapped
    stand_before(env, where["key"])
    assert guide.step(PICKUP)[1] == 0
    stand_before(env, where["door"])
    seen, reward, *_ = guide.step(TOGGLE)
    assert reward == pytest.approx(1 - 2 / bare.max_steps)
    assert (seen[-3:] == -1).all()


def test_a_second_subgoal_in_the_same_cell_begins_with_what_lies_there_then() -> None:
    env = Flat("MiniGrid-ObstructedMaze-1Dlh-v0")
    env.reset(seed=1)
    bare: Any = env.unwrapped
    box = next(
        (x, y)
        for x in range(bare.width)
        for y in range(bare.height)
        if bare.grid.get(x, y) is not None and bare.grid.get(x, y).type == "box"
    )
    guide = guided([box, box, (0, 0)], env, weight=1)
    guide.reset(seed=1)
    stand_before(env, box)
    assert guide.step(TOGGLE)[1] > 0  # the box is a key now
    assert guide.step(DROP)[1] == 0
    assert guide.step(PICKUP)[1] > 0


@pytest.mark.parametrize(("drop", "shown"), [(0.0, 1.0), (1.0, 0.0), (0.3, 0.7)])
def test_hidden_subgoals_are_paid_all_the_same(drop: float, shown: float) -> None:
    env = guided([(2, 1), (6, 1)], encoding="position", drop=drop)
    seen = []
    for seed in range(300):
        first, _ = env.reset(seed=seed, options={"task": CORRIDOR})
        seen.append(first[-2] != 0)
        assert env.step(FORWARD)[1] > 0
        assert (env.reset(seed=seed, options={"task": CORRIDOR})[0] == first).all()
    assert np.mean(seen) == pytest.approx(shown, abs=0.08)


def test_only_paid_or_only_shown() -> None:
    env = guided([(2, 1), (6, 1)], encoding="position", show=False)
    assert env.reset(seed=0, options={"task": CORRIDOR})[0][-2] == 0
    assert env.step(FORWARD)[1] > 0
    env = guided([(2, 1), (6, 1)], encoding="position", weight=0)
    assert env.reset(seed=0, options={"task": CORRIDOR})[0][-2] != 0
    assert env.step(FORWARD)[1] == 0


def test_levels_are_asked_for_once() -> None:
    guide = make_guide("subgoals", {"provider": {"name": LISTED, "options": {"cells": [(2, 1), (6, 1)]}}}, MAZE)
    assert isinstance(guide, SubgoalGuide)
    envs = [guide.guided(make_env(MAZE)) for _ in range(2)]
    for env in envs * 2:
        env.reset(seed=3, options={"task": CORRIDOR})
        env.reset(seed=4, options={"task": {"rows": ["G....>", "......"]}})
    assert isinstance(guide.provider, Listed)
    assert guide.provider.asked == [">....G/......", "G....>/......"]


def test_the_teacher_may_choose_the_one_subgoal() -> None:
    env = Flat("MiniGrid-Empty-5x5-v0")
    guide = guided([(2, 1), (3, 1), (3, 3)], env=OneTask(env), choices=2)
    for choice, paid in ((0, [True, True]), (1, [True, False]), (2, [False, True])):
        task = {"task": {"task": "standard"}, "subgoal": {"subgoal": choice}}
        _, info = guide.reset(seed=0, options={"task": task})
        assert info["task"] == task
        assert [reward > 0 for reward, _, _ in play(guide, [FORWARD] * 2)] == paid


class OneTask(gym.Wrapper[Any, Any, Any, Any]):
    """Declares the one task that it plays."""

    def __init__(self, env: Env) -> None:
        from teachrl.environments import ONE_TASK

        super().__init__(env)
        self.task_space = ONE_TASK

    def reset(self, **kwargs: Any) -> Any:
        observation, info = self.env.reset(seed=kwargs.get("seed"))
        return observation, {**info, "task": {"task": "standard"}}


def test_a_subgoal_outside_of_the_level_is_refused() -> None:
    env = guided([(2, 7), (6, 1)])
    with pytest.raises(UsageError, match=r"sub-goal \(2, 7\) .* is outside of its 8 x 4 cells"):
        env.reset(seed=0, options={"task": CORRIDOR})


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"env": "CartPole-v1", "guide": "subgoals"}, "for grid worlds"),
        ({"env": "MiniGrid-Empty-5x5-v0", "guide": "subgoals"}, "teachrl/MiniGrid-v0"),
        ({"env": "teachrl/Maze-v0", "guide": "subgoal"}, "did you mean 'subgoals'"),
        ({"env": "teachrl/Maze-v0", "guide": {"name": "subgoals", "options": {"wait": 1}}}, "did you mean 'weight'"),
        ({"env": "teachrl/Maze-v0", "guide": {"name": "subgoals", "options": {"provider": "plan"}}}, "planner"),
    ],
)
def test_guides_that_cannot_work_are_refused(fields: dict[str, Any], words: str) -> None:
    import minigrid  # noqa: F401  (registers its environments)

    with pytest.raises(UsageError, match=words):
        training_env(Experiment.model_validate(fields))


def experiment(**fields: Any) -> Experiment:
    guide = {"name": "subgoals", "options": {"provider": {"name": LISTED, "options": {"cells": [(2, 1), (3, 1)]}}}}
    student = {"name": "ppo", "options": {"n_steps": 32, "batch_size": 32, "n_epochs": 1}}
    env = {"id": "teachrl/Maze-v0", "options": {"height": 2, "width": 6, "max_steps": 20}, "n_envs": 2}
    common = {"steps": 512, "checkpoint_every": 64, "evaluate_every": 256, "keep_checkpoints": 20, "name": "run"}
    return Experiment.model_validate(
        {"env": env, "teacher": "random", "student": student, "guide": guide, **common, **fields}
    )


def test_returns_and_judging_know_nothing_of_the_help(tmp_path: Path) -> None:
    train(experiment(), tmp_path)
    log = pq.read_table(tmp_path / "run" / "episodes")
    assert max(log["return"].to_pylist()) <= 1
    assert any('"reached": 1' in told for told in log["guide"].to_pylist())
    result = evaluate_run(tmp_path / "run", deterministic=False)
    assert all(0 <= task.episode_return <= 1 for task in result.tasks)
    where = training_env(experiment())
    assert where.facts.observation_space == where.evaluation_env.facts.observation_space
    seen, _ = where.evaluation_env.make().reset(seed=0)
    assert (seen[-3:] == -1).all()


def test_a_stopped_run_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    chosen = {"guide": {**experiment().model_dump()["guide"]}}
    chosen["guide"]["options"] = {**chosen["guide"]["options"], "drop": 0.5}
    train(experiment(**chosen), tmp_path / "whole")
    train(experiment(**chosen, steps=256), tmp_path / "halved")
    train(experiment(**chosen), tmp_path / "halved", mode="resume")
    logs = [pq.read_table(tmp_path / kind / "run" / "episodes").to_pylist() for kind in ("whole", "halved")]
    assert logs[0] == logs[1]


CORRIDOR_LEVELS = {"minigrid_id": "MiniGrid-KeyCorridorS3R3-v0", "seeds": 20}
SUBGOAL_TEACHER = {
    "name": "product",
    "options": {
        "parts": [
            {"parameters": ["task"], "teacher": "random"},
            {"parameters": ["subgoal"], "teacher": {"name": "learning-progress", "options": {"signal": "guide"}}},
        ]
    },
}


@pytest.mark.parametrize(
    ("teacher", "options"),
    [
        ("alp-gmm", {}),
        ({"name": "plr", "options": {"capacity": 8}}, {}),
        (SUBGOAL_TEACHER, {"choices": 2, "drop": 0.5}),
    ],
)
def test_it_goes_with_teachers_of_tasks_and_of_subgoals(teacher: Any, options: dict[str, Any], tmp_path: Path) -> None:
    env = {"id": "teachrl/MiniGrid-v0", "n_envs": 4, "options": CORRIDOR_LEVELS}
    guide = {"name": "subgoals", "options": {"provider": "planner", **options}}
    student = {"name": "ppo", "options": {"n_steps": 300, "batch_size": 300, "n_epochs": 1}}
    train(experiment(env=env, teacher=teacher, guide=guide, student=student, steps=2400), tmp_path)
    log = pq.read_table(tmp_path / "run" / "episodes").to_pylist()
    assert log
    assert all(
        json.loads(row["guide"])["given"] == (2 if row.get("task.subgoal.subgoal", 0) == 0 else 1) for row in log
    )


def test_subgoals_may_be_told_in_language(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    vectors = {f"{color} {kind}": rng.normal(size=5) for color in COLORS for kind in ("key", "ball")}
    vectors |= {f"locked {color} door": rng.normal(size=5) for color in COLORS}
    write_tree(tmp_path / "words.npz", {"encoder": "made up", "vectors": vectors})
    settings = EnvConfig.model_validate({"id": "teachrl/MiniGrid-v0", "options": CORRIDOR_LEVELS})
    options = {"encoding": "language", "language": {"cache": str(tmp_path / "words.npz")}}
    guide = make_guide("subgoals", options, settings)
    env = guide.guided(make_env(settings))
    told, _ = env.reset(seed=0, options={"task": {"seed": 1}})
    key = next(thing for thing in read_level(env.unwrapped, "corridor", "1").things if thing.kind == "key")
    assert told[-5:] == pytest.approx(vectors[key.name].astype(np.float32))
    unguided, _ = guide.unguided(make_env(settings)).reset(seed=0, options={"task": {"seed": 1}})
    assert unguided.shape == told.shape
    assert (unguided[-5:] == 0).all()
    with pytest.raises(UsageError, match="go together"):
        make_guide("subgoals", {"encoding": "language"}, settings)


RECORDED: dict[str, Any] = {"name": "recorded", "options": {"cache": "experiments/subgoals/key_corridor_smollm2.jsonl"}}


@pytest.mark.parametrize("provider", [{"name": "surrogate", "options": {"model": "llama3-70b"}}, RECORDED, "bot"])
def test_providers_are_told_the_environment_that_makes_the_levels(provider: Any) -> None:
    settings = EnvConfig.model_validate({"id": "teachrl/MiniGrid-v0", "options": CORRIDOR_LEVELS})
    env = make_guide("subgoals", {"provider": provider}, settings).guided(make_env(settings))
    for seed in range(20):
        env.reset(seed=0, options={"task": {"seed": seed}})


def test_a_student_is_judged_where_nobody_can_give_subgoals(tmp_path: Path) -> None:
    env = {"id": "teachrl/MiniGrid-v0", "n_envs": 4, "options": CORRIDOR_LEVELS}
    cache = tmp_path / "recorded.jsonl"
    cache.write_bytes(Path(RECORDED["options"]["cache"]).read_bytes())
    guide = {"name": "subgoals", "options": {"provider": {"name": "recorded", "options": {"cache": str(cache)}}}}
    chosen = experiment(env=env, guide=guide, steps=256)
    train(chosen, tmp_path)
    cache.unlink()
    assert evaluate_run(tmp_path / "run", episodes=1).mean_solve_rate is not None
    with pytest.raises(UsageError, match="no file"):
        training_env(chosen)


def test_states_of_a_guided_student_are_not_for_others(tmp_path: Path) -> None:
    train(experiment(), tmp_path)
    with pytest.raises(UsageError, match="sees more than teachrl/Maze-v0 shows"):
        snapshots_of_run(tmp_path / "run")
