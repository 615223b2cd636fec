from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from teachrl.errors import UsageError
from teachrl.level_vae.config import PRESETS, make_config
from teachrl.level_vae.files import read_file
from teachrl.level_vae.metrics import evaluate
from teachrl.level_vae.model import initialized, kl_divergence
from teachrl.level_vae.sequences import LevelSequences
from teachrl.level_vae.training import VAETraining, train_vae

TINY = {"embedding_size": 8, "encoder_size": 8, "decoder_size": 16, "latent_size": 8, "batch_size": 16, "steps": 12}
MAZES = LevelSequences(3, 3, 4)


def equal(a: Any, b: Any) -> bool:
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(equal(a[key], b[key]) for key in a)
    return bool(np.array_equal(a, b))


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("in_order", [True, False])
def test_an_interrupted_training_goes_on_with_the_same_numbers(tmp_path: Path, preset: str, in_order: bool) -> None:
    mazes = LevelSequences(3, 3, 4, in_order)
    config = make_config(preset, TINY)
    whole = train_vae(tmp_path / "whole.npz", config, mazes, 3)

    def stop(progress: Any) -> None:
        if progress.step == 5:
            os.kill(os.getpid(), signal.SIGTERM)

    assert train_vae(tmp_path / "parts.npz", config, mazes, 3, on_progress=stop).step == 5
    torch.manual_seed(99)  # whatever else draws from torch's generator changes nothing
    train_vae(tmp_path / "parts.npz", config, mazes, 3)
    first, second = (read_file(tmp_path / f"{name}.npz").state for name in ("whole", "parts"))
    assert equal(first, second)
    assert equal(first, whole.state())


def test_it_learns_small_mazes_and_says_so() -> None:
    layers = {"embedding_size": 16, "encoder_size": 32, "decoder_size": 48, "shortcut_size": 64, "latent_size": 16}
    config = make_config(changes={**layers, "batch_size": 32, "steps": 300, "kl_weight": 0.02, "learning_rate": 1e-2})
    training = VAETraining(config, LevelSequences(3, 3, 3), 0)
    before = evaluate(training.vae, 0, levels=200).numbers
    for _ in range(config.steps):
        training.advance()
    after = evaluate(training.vae, 0, levels=200).numbers
    assert before["exact_reconstruction"] < 0.1
    assert after["exact_reconstruction"] > 0.9
    assert after["token_accuracy"] > 0.97
    assert after["kl"] > 3
    assert 5 <= after["active_units"] <= 16
    assert after["wall_counts"]["data"] == pytest.approx([50] * 4, abs=25)
    assert sum(after["wall_counts"]["prior"]) == 200
    assert 0.5 < after["solvable"]["data"] < 1


def test_targets_are_the_sequence_then_the_end_then_padding() -> None:
    vae = initialized(make_config(changes=TINY), MAZES, 0)
    tokens = torch.tensor([[2, 4, 9, 1, 0, 0], [1, 2, 3, 4, 5, 6]])
    end = MAZES.end
    assert vae.targets(tokens).tolist() == [[2, 4, 9, 1, end, 0, 0], [1, 2, 3, 4, 5, 6, end]]


def test_kl_divergence_by_hand() -> None:
    mean, log_variance = torch.tensor([[0.0, 0.0], [2.0, 0.0]]), torch.tensor([[0.0, 0.0], [0.0, 1.0]])
    assert kl_divergence(mean, log_variance).tolist() == pytest.approx([0, 2 + (np.e - 2) / 2])


def test_the_published_preset_has_the_published_size_and_loss() -> None:
    config = make_config("clutr2022")
    vae = initialized(config, LevelSequences(13, 13, 50), 0)
    assert vae.decoder.embedding.weight.shape == (172, 300)
    assert vae.encoder.mean.weight.shape == (64, 1200)
    assert vae.decoder.recurrent.weight_ih_l0.shape == (4 * 800, 300 + 64)
    assert vae.decoder.recurrent.weight_hh_l1.shape == (4 * 800, 800)
    assert vae.decoder.output.weight.shape == (172, 800)
    # Untrained, every one of the 53 tokens costs about log(172) in the mean, the padding among them.
    training = VAETraining(make_config("clutr2022", TINY), LevelSequences(13, 13, 50), 0)
    logits, targets = torch.zeros(2, 53, 172), torch.zeros(2, 53, dtype=torch.int64)
    targets[:, :10] = 5
    own, loss = training._reconstruction(logits, targets)
    assert loss.item() == pytest.approx(np.log(172))
    assert own == pytest.approx(10 * np.log(172))


def test_a_file_of_other_settings_is_not_continued(tmp_path: Path) -> None:
    path = tmp_path / "vae.npz"
    train_vae(path, make_config(changes=TINY), MAZES, 0)
    with pytest.raises(UsageError, match=r"kl_weight=0\.02 there, 0\.5 here; walls=4 there, 3 here"):
        train_vae(path, make_config(changes={**TINY, "kl_weight": 0.5}), LevelSequences(3, 3, 3), 0)
    with pytest.raises(UsageError, match="seed=0 there, 1 here"):
        train_vae(path, make_config(changes=TINY), MAZES, 1)


def test_what_cannot_be_trained_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="did you mean 'small'"):
        make_config("smal")
    with pytest.raises(UsageError, match="did you mean 'latent_size'"):
        make_config(changes={"latent_siz": 3})
    with pytest.raises(UsageError, match="no folder"):
        train_vae(tmp_path / "missing" / "vae.npz", make_config(changes=TINY), MAZES, 0)
