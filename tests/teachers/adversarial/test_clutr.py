"""CLUTR: the latent policy finds what is paid, levels are valid, regret reaches it, ablations are what they say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats

from teachrl.config.experiment import Experiment
from teachrl.errors import UsageError
from teachrl.files import read_tree, write_tree
from teachrl.level_vae.config import make_config
from teachrl.level_vae.sequences import LevelSequences
from teachrl.level_vae.training import train_vae
from teachrl.records.episodes import Episode
from teachrl.records.level_scores import RoundResult
from teachrl.teachers.adversarial.clutr import ClutrTeacher
from teachrl.teachers.adversarial.clutr_policy import LatentPolicy, LatentPolicySettings
from teachrl.teachers.base import TeacherContext
from teachrl.teachers.registry import make_teacher
from teachrl.training.run import train
from teachrl_envs.maze.level_space import LevelTaskSpace

NAME = "clutr"
SPACE = LevelTaskSpace(5, 5, walls=8, max_steps=50)
SMALL = {"embedding_size": 8, "encoder_size": 8, "decoder_size": 16, "latent_size": 4, "batch_size": 16}


@pytest.fixture(scope="module")
def vae(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("vae") / "vae.npz"
    train_vae(file, make_config("small", {**SMALL, "steps": 30}), LevelSequences(5, 5, 8), seed=0)
    return file


def build(vae: Path | None, seed: int = 0, space: LevelTaskSpace = SPACE, **options: Any) -> ClutrTeacher:
    context = TeacherContext(space, np.random.default_rng(seed))
    chosen = {"vae": None if vae is None else str(vae), **options}
    teacher = make_teacher(NAME, context, "default", chosen)
    assert isinstance(teacher, ClutrTeacher)
    return teacher


def played(returns: list[list[float]]) -> RoundResult:
    """An outcome of which only the returns matter: some for each environment."""
    episodes = tuple(
        Episode(np.zeros(1), r, r, 1, r > 0, True, "", 0, i, k, 0, 0)
        for i, own in enumerate(returns)
        for k, r in enumerate(own)
    )
    nothing = np.zeros((1, len(returns)))
    return RoundResult(nothing, nothing, episodes)


def settings(**changes: Any) -> LatentPolicySettings:
    return LatentPolicySettings(context_size=3, latent_size=2, bound=4.0, **changes)


def test_the_log_probability_is_that_of_the_rescaled_latent() -> None:
    policy = LatentPolicy(np.random.default_rng(0), settings())
    proposal = policy.propose(np.random.default_rng(1), 50)
    latents = policy.latents(proposal)
    assert (np.abs(latents) < 4).all()
    assert np.abs(latents).max() > 2  # the whole range is used, not the unit cube alone
    beta, _ = policy._network(torch.from_numpy(proposal.contexts.astype(np.float32)))
    a, b = beta.concentration1.detach().numpy(), beta.concentration0.detach().numpy()
    expected = stats.beta.logpdf(latents, a, b, loc=-4, scale=8).sum(axis=1)
    assert np.allclose(proposal.log_probs, expected, atol=1e-3)


def test_the_policy_moves_to_where_it_is_paid() -> None:
    rng = np.random.default_rng(0)
    policy = LatentPolicy(rng, settings(learning_rate=3e-3))
    for _ in range(150):
        proposal = policy.propose(rng, 32)
        policy.learn(proposal, -np.abs(policy.latents(proposal) - [2.0, -2.0]).sum(axis=1))
    means = policy.latents(policy.propose(rng, 500)).mean(axis=0)
    assert means[0] > 1.2
    assert means[1] < -1.2


def test_it_needs_a_vae_of_these_mazes(vae: Path) -> None:
    with pytest.raises(UsageError, match="teachrl vae train"):
        build(None)
    with pytest.raises(UsageError, match="6 x 6"):
        build(vae, space=LevelTaskSpace(6, 6))


@pytest.mark.parametrize("options", [{}, {"latent_policy": "random"}, {"decoder": "finetuned"}])
def test_levels_are_valid_and_the_state_goes_on_identically(vae: Path, options: Any, tmp_path: Path) -> None:
    one, two = build(vae, **options), build(vae, seed=5, **options)
    rng = np.random.default_rng(3)

    def rounds(teacher: ClutrTeacher, results: list[Any]) -> list[np.ndarray]:
        tasks = []
        for own, other in results:
            tasks.append(teacher.plan(8).tasks)
            teacher.update_round([played(own), played(other)])
        return tasks

    results = [tuple(rng.random((2, 8, 2)).tolist()) for _ in range(6)]
    for tasks in rounds(one, results[:3]):
        assert all(SPACE.level(level).walls.sum() <= 8 for level in tasks)
    write_tree(tmp_path / "state.npz", one.state())
    two.restore(read_tree(tmp_path / "state.npz"))
    assert all(map(np.array_equal, rounds(one, results[3:]), rounds(two, results[3:])))


def test_levels_without_an_ended_episode_are_left_out(vae: Path) -> None:
    teacher = build(vae)
    before = teacher.plan(2) and teacher.state()["policy"]["network"]
    teacher.update_round([played([[], []]), played([[0.5], []])])
    after = teacher.state()["policy"]["network"]
    assert all(np.array_equal(before[k], after[k]) for k in before)
    teacher.update_round([played([[0.1], []]), played([[0.5], [1.0]])])
    learnt = teacher.state()["policy"]["network"]
    assert not all(np.array_equal(before[k], learnt[k]) for k in before)


@pytest.mark.parametrize(("decoder", "changes"), [("frozen", False), ("finetuned", True)])
def test_only_a_finetuned_decoder_changes(vae: Path, decoder: str, changes: bool) -> None:
    teacher = build(vae, decoder=decoder)
    before = teacher._decoder.weights()
    teacher.plan(4)
    teacher.update_round([played([[0.1], [0.2], [0.3], [0.9]]), played([[1.0], [0.2], [0.9], [0.1]])])
    after = teacher._decoder.weights()
    assert changes is not all(np.array_equal(before[k], after[k]) for k in before)


def test_another_vae_cannot_take_over(vae: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.npz"
    train_vae(other, make_config("small", {**SMALL, "steps": 1}), LevelSequences(5, 5, 8), seed=1)
    with pytest.raises(UsageError, match="another level VAE"):
        build(other).restore(build(vae).state())


def test_a_run_resumes_identically(vae: Path, tmp_path: Path) -> None:
    student = {"name": "ppo", "options": {"n_steps": 64, "batch_size": 64, "n_epochs": 1}}
    env = {"id": "teachrl/Maze-v0", "n_envs": 4, "options": {"height": 5, "width": 5, "walls": 8, "max_steps": 50}}
    teacher = {"name": NAME, "options": {"vae": str(vae)}}
    fields = {"env": env, "teacher": teacher, "student": student, "evaluate_every": 0, "name": "run"}
    experiments = [
        Experiment.model_validate({**fields, "steps": steps, "checkpoint_every": 512}) for steps in (1024, 2048)
    ]
    whole = train(experiments[1], tmp_path / "whole").path
    train(experiments[0], tmp_path / "parts")
    resumed = train(experiments[1], tmp_path / "parts", mode="resume").path
    for part in ("student", "antagonist", "teacher", "worker"):
        trees = [read_tree(run / "checkpoints/step_000000002048" / f"{part}.npz") for run in (whole, resumed)]
        assert same(*trees), part


def same(one: Any, two: Any) -> bool:
    if isinstance(one, dict):
        return one.keys() == two.keys() and all(same(one[k], two[k]) for k in one)
    if isinstance(one, list):
        return len(one) == len(two) and all(map(same, one, two))
    return np.array_equal(one, two) if isinstance(one, np.ndarray) else bool(one == two)
