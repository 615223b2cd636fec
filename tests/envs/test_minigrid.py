"""`teachrl/MiniGrid-v0`: MiniGrid's own numbers, seeds as tasks, successes, missions, and students that see them."""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import gymnasium as gym
import minigrid  # noqa: F401  (registers its environments)
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from minigrid.core.world_object import Box

from teachrl.config.experiment import EnvConfig, Experiment
from teachrl.environments import environment_facts, make_env
from teachrl.errors import UsageError
from teachrl.factory.student import load_student
from teachrl.starts.adapters.registry import adapter_for
from teachrl.training.run import train
from teachrl_envs.minigrid.mission import WORDS, mission_numbers
from teachrl_envs.minigrid.view import CellCodes, visible_cells
from teachrl_envs.tasks import TaskError

# The WFC family needs files that MiniGrid's wheel does not have.
IDS = [name for name in gym.registry if name.startswith(("MiniGrid-", "BabyAI-")) and "WFC" not in name]
CORRIDOR = "MiniGrid-KeyCorridorS3R3-v0"
LEFT, RIGHT, FORWARD, PICKUP, DROP, TOGGLE, DONE = range(7)


def quietly(call: Any, *args: Any, **kwargs: Any) -> Any:
    with contextlib.redirect_stdout(io.StringIO()):
        return call(*args, **kwargs)


def made(name: str = CORRIDOR, **options: Any) -> Any:
    return make_env(EnvConfig(id="teachrl/MiniGrid-v0", options={"minigrid_id": name, **options}))


def compare(env: Any, codes: CellCodes, steps: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    quietly(env.reset, seed=seed)
    for _ in range(steps):
        assert (visible_cells(env, codes) == env.gen_obs()["image"]).all()
        *_, terminated, truncated, _ = env.step(int(rng.choice([LEFT, RIGHT, FORWARD, FORWARD, PICKUP, DROP, TOGGLE])))
        if terminated or truncated:
            quietly(env.reset, seed=seed + 1)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("part", range(8))
def test_the_view_is_minigrids_own(part: int) -> None:
    for name in IDS[part::8]:
        env = quietly(gym.make, name, disable_env_checker=True).unwrapped
        compare(env, CellCodes(), steps=40, seed=part)
        env.close()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from([3, 5, 7, 9]), st.booleans())
def test_views_of_any_size_with_and_without_walls_to_see_through(seed: int, view: int, through: bool) -> None:
    env: Any = gym.make("MiniGrid-ObstructedMaze-1Dlhb-v0", agent_view_size=view, disable_env_checker=True).unwrapped
    env.see_through_walls = through
    compare(env, CellCodes(), steps=60, seed=seed)


def test_observations_are_the_view_in_the_order_of_a_picture_and_the_direction() -> None:
    env = made()
    observation, info = env.reset(seed=3, options={"task": {"seed": 5}})
    assert info["task"] == {"seed": 5}
    plain: Any = gym.make(CORRIDOR, disable_env_checker=True)
    seen, _ = plain.reset(seed=5)
    for action in (LEFT, FORWARD, RIGHT, FORWARD, TOGGLE, PICKUP):
        image = observation[:147].reshape(7, 7, 3)
        assert image.transpose(1, 0, 2) * 10 == pytest.approx(seen["image"])
        assert observation[147:].tolist() == [float(k == seen["direction"]) for k in range(4)]
        assert env.observation_space.contains(observation)
        observation, reward, *ended, info = env.step(action)
        seen, expected, *as_expected, _ = plain.step(action)
        assert (reward, *ended) == (expected, *as_expected)
        assert info["success"] is False


def test_a_level_is_a_seed_and_the_rest_follows_from_the_episodes_own() -> None:
    env = made("MiniGrid-Dynamic-Obstacles-8x8-v0")
    assert env.get_wrapper_attr("return_range") == (-1.0, 1.0)

    def played(level: int, seed: int) -> np.ndarray[Any, Any]:
        first, _ = env.reset(seed=seed, options={"task": {"seed": level}})
        return np.stack([first, *(env.step(LEFT)[0] for _ in range(8))])

    assert (played(1, 1) == played(1, 1)).all()
    assert (played(1, 1)[0] == played(1, 2)[0]).all()
    assert (played(1, 1) != played(1, 2)).any()
    assert (played(1, 1)[0] != played(2, 1)[0]).any()
    drawn = [env.reset(seed=seed)[1]["task"]["seed"] for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_a_seed_also_decides_the_resets_after_it() -> None:
    env = made()

    def following(seed: int) -> list[int]:
        return [env.reset(seed=seed)[1]["task"]["seed"], *(env.reset()[1]["task"]["seed"] for _ in range(4))]

    assert following(1) == following(1) != following(2)
    assert len(set(following(1))) > 1


@pytest.mark.filterwarnings("ignore")
def test_a_babyai_episode_is_as_long_as_its_own_level_allows() -> None:
    env = made("BabyAI-GoToSeqS5R2-v0")
    limits = set()
    for level in range(6):
        env.reset(seed=0, options={"task": {"seed": level}})
        limit, steps, truncated = env.unwrapped.max_steps, 0, False
        while not truncated:
            *_, truncated, _ = env.step(LEFT)
            steps += 1
        assert steps == limit
        limits.add(limit)
    assert len(limits) > 1


def test_an_empty_box_that_is_toggled_is_gone_and_seen_to_be() -> None:
    env = made("BabyAI-GoToLocal-v0")
    env.reset(seed=0, options={"task": {"seed": 0}})
    level = env.unwrapped
    x, y = (int(number) for number in level.front_pos)
    level.grid.set(x, y, Box("red"))
    ahead = slice(((5 * 7) + 3) * 3, ((5 * 7) + 3) * 3 + 3)
    assert env.step(DONE)[0][ahead] * 10 == pytest.approx([7, 0, 0])
    assert env.step(TOGGLE)[0][ahead] * 10 == pytest.approx([1, 0, 0])


def test_without_minigrid_the_extra_is_named() -> None:
    code = (
        "import sys; sys.modules['minigrid'] = None\n"
        "from teachrl.environments import make_env\n"
        "from teachrl.errors import UsageError\n"
        "from teachrl.config.experiment import EnvConfig\n"
        "try: make_env(EnvConfig(id='teachrl/MiniGrid-v0', options={'minigrid_id': 'MiniGrid-Empty-5x5-v0'}))\n"
        "except UsageError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "teachrl[minigrid]" in done.stdout


def test_success_is_the_mission_accomplished_and_no_other_end() -> None:
    env = made("MiniGrid-Empty-5x5-v0")
    env.reset(seed=0, options={"task": {"seed": 0}})
    *_, (_, reward, terminated, _, info) = [env.step(a) for a in (FORWARD, FORWARD, RIGHT, FORWARD, FORWARD)]
    assert (terminated, info["success"]) == (True, True)
    assert reward > 0.9
    env = made("MiniGrid-LavaGapS5-v0")
    for seed in range(20):
        env.reset(seed=0, options={"task": {"seed": seed}})
        for _ in range(3):
            _, reward, terminated, _, info = env.step(FORWARD)
            if terminated:
                assert info["success"] is False
                return
    raise AssertionError("no seed with lava ahead")


@pytest.mark.filterwarnings("ignore")
def test_missions_are_told_in_numbers() -> None:
    env = made("BabyAI-GoToLocal-v0", mission="words")
    first, _ = env.reset(seed=0, options={"task": {"seed": 1}})
    mission = env.unwrapped.mission
    assert (first[151:] == mission_numbers(mission)).all()
    assert (env.step(LEFT)[0][151:] == mission_numbers(mission)).all()
    assert (env.reset(seed=0, options={"task": {"seed": 2}})[0][151:] == mission_numbers(env.unwrapped.mission)).all()
    numbers = mission_numbers("put the red ball next to the box").reshape(2, -1)
    place = {word: i for i, word in enumerate(WORDS)}
    assert numbers[:, place["put"]].tolist() == [1, 1]
    assert numbers[:, place["the"]] == pytest.approx([1 - 1 / 8, 1 - 6 / 8])
    assert numbers[:, place["key"]].tolist() == [0, 0]
    assert made("BabyAI-GoToLocal-v0").observation_space.shape == (151,)


@pytest.mark.filterwarnings("ignore")
def test_every_word_of_the_missions_is_known() -> None:
    for name in IDS[::3]:
        env = quietly(gym.make, name, disable_env_checker=True).unwrapped
        env.gen_obs = lambda: None
        for seed in range(5):
            quietly(env.reset, seed=seed)
            assert set(env.mission.lower().replace(",", "").replace(".", "").split()) <= set(WORDS), env.mission


def test_levels_that_babyai_throws_away_are_not_spoken_of(capsys: pytest.CaptureFixture[str]) -> None:
    env = made("BabyAI-SynthS5R2-v0")
    for seed in range(30):
        env.reset(seed=seed, options={"task": {"seed": seed}})
    assert capsys.readouterr().out == ""


def test_snapshots_go_through(tmp_path: Path) -> None:
    env = made()
    env.reset(seed=0, options={"task": {"seed": 7}})
    adapter = adapter_for(env)
    state = adapter.save(env.unwrapped)
    seen = [env.step(a)[0] for a in (RIGHT, FORWARD, LEFT, TOGGLE)]
    env.reset(seed=0, options={"task": {"seed": 7}})
    adapter.restore(env.unwrapped, state)
    again = [env.step(a)[0] for a in (RIGHT, FORWARD, LEFT, TOGGLE)]
    assert all((a == b).all() for a, b in zip(seen, again, strict=True))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"minigrid_id": "MiniGrid-KeyCorridorS3R3"}, "did you mean 'MiniGrid-KeyCorridorS3R3-v0'"),
        ({"minigrid_id": "CartPole-v1"}, "one of MiniGrid's or BabyAI's"),
        ({"minigrid_id": CORRIDOR, "seeds": 0}, "seeds must be"),
        ({"minigrid_id": CORRIDOR, "mission": "text"}, "mission is 'none' or 'words'"),
        ({}, "minigrid_id"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        make_env(EnvConfig(id="teachrl/MiniGrid-v0", options=options))


def test_tasks_outside_are_refused() -> None:
    with pytest.raises(TaskError, match="seed"):
        made(seeds=10).reset(seed=0, options={"task": {"seed": 10}})


def experiment(**fields: Any) -> Experiment:
    kwargs = {"features_extractor_class": "grid", "net_arch": []}
    student = {"name": "ppo", "options": {"n_steps": 16, "batch_size": 32, "n_epochs": 1, "policy_kwargs": kwargs}}
    env = {"id": "teachrl/MiniGrid-v0", "n_envs": 4, "options": {"minigrid_id": CORRIDOR, "seeds": 50}}
    common = {"teacher": "random", "steps": 128, "evaluate_every": 0, "name": "run", "test_set": None}
    return Experiment.model_validate({"env": env, "student": student, **common, **fields})


def test_students_see_it_with_convolutions(tmp_path: Path) -> None:
    train(experiment(), tmp_path)
    trained = load_student(tmp_path / "run")
    observation, _ = trained.make_env().reset(seed=0)
    assert trained.student.act(observation[None], np.zeros((1, 0)), deterministic=True).actions.shape == (1,)
    facts = environment_facts(trained.make_env(), trained.experiment.env)
    assert facts.knowledge.reports_success


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({"features_extractor_class": "gird"}, "did you mean 'grid'"),
        ({"features_extractor_class": "grid", "features_extractor_kwargs": {"view": 9}}, "with a view of 9"),
    ],
)
def test_wrong_eyes_are_refused(kwargs: dict[str, Any], words: str, tmp_path: Path) -> None:
    student = {"name": "ppo", "options": {"policy_kwargs": kwargs}}
    with pytest.raises(UsageError, match=words):
        train(experiment(student=student), tmp_path)
