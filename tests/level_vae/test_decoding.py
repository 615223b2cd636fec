from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from teachrl.errors import TeachrlError, UsageError
from teachrl.files import write_tree
from teachrl.level_vae.config import make_config
from teachrl.level_vae.decoding import LevelDecoder, load_decoder
from teachrl.level_vae.model import initialized
from teachrl.level_vae.sequences import LevelSequences
from teachrl.level_vae.training import train_vae
from teachrl_envs.maze.level_space import LevelTaskSpace

TINY = {"embedding_size": 4, "encoder_size": 4, "decoder_size": 6, "latent_size": 3, "batch_size": 8, "steps": 2}


def make_decoder(sequences: LevelSequences, seed: int = 0, **changes: Any) -> LevelDecoder:
    config = make_config(changes={**TINY, **changes})
    return LevelDecoder(initialized(config, sequences, seed).decoder, sequences, config.latent_size)


def assert_levels(decoder: LevelDecoder, latents: np.ndarray, rng: np.random.Generator | None) -> None:
    sequences = decoder.sequences
    space = LevelTaskSpace(max(sequences.height, 2), max(sequences.width, 2))
    vectors = decoder.decode(latents, rng)
    assert vectors.shape == (len(latents), sequences.cells + 3)
    for vector in vectors:
        level = space.level(vector)  # complains about anything that is no level
        assert level.walls.sum() <= sequences.walls
        assert level.direction == 0


@settings(max_examples=60, deadline=None)
@given(
    latents=arrays(np.float64, st.tuples(st.integers(0, 5), st.just(3)), elements=st.floats(-1e30, 1e30)),
    size=st.tuples(st.integers(2, 4), st.integers(2, 4)),
    share=st.floats(0, 1),
    seed=st.integers(0, 1000),
    in_order=st.booleans(),
    sampled=st.booleans(),
    cell=st.sampled_from(["gru", "lstm"]),
)
def test_any_latent_of_any_network_decodes_into_a_level(
    latents: np.ndarray, size: tuple[int, int], share: float, seed: int, in_order: bool, sampled: bool, cell: str
) -> None:
    sequences = LevelSequences(*size, round(share * (size[0] * size[1] - 2)), in_order)
    decoder = make_decoder(sequences, seed, cell=cell)
    assert_levels(decoder, latents, np.random.default_rng(seed) if sampled else None)


def test_what_the_network_wants_most_is_taken_when_it_leads_to_a_level() -> None:
    decoder = make_decoder(LevelSequences(3, 3, 4))
    for parameter in decoder.module.parameters():
        torch.nn.init.zeros_(parameter)
    wanted = {3: 9.0, 7: 8.0, 2: 7.0, decoder.sequences.end: 6.0}  # 2 after 7 cannot be a wall: goal 2, then the agent
    for token, logit in wanted.items():
        decoder.module.output.bias.data[token] = logit
    (level,) = decoder.decode(np.zeros((1, 3)))
    assert np.flatnonzero(level[:9]).tolist() == [2]  # token 3
    assert level[9:].tolist() == [1, 0, 6]  # the agent's cell, the direction, the goal's cell: tokens 2 and 7


def test_samples_differ_follow_the_network_and_repeat_with_the_seed() -> None:
    decoder = make_decoder(LevelSequences(3, 3, 4))
    for parameter in decoder.module.parameters():
        torch.nn.init.zeros_(parameter)
    latents = np.zeros((2000, 3))
    levels = decoder.decode(latents, np.random.default_rng(0))
    assert np.array_equal(levels, decoder.decode(latents, np.random.default_rng(0)))
    assert len(np.unique(levels, axis=0)) > 500
    # All tokens alike: after two cells the end is one of 8 allowed tokens, so 1 in 8 levels has no wall.
    assert np.mean(levels[:, :9].sum(axis=1) == 0) == pytest.approx(1 / 8, abs=0.03)


def test_latents_of_another_shape_or_not_finite_are_refused() -> None:
    decoder = make_decoder(LevelSequences(3, 3, 4))
    for latents in (np.zeros(3), np.zeros((2, 4)), np.full((1, 3), np.nan), np.full((1, 3), 1e300)):
        with pytest.raises(UsageError, match=r"\(n, 3\)"):
            decoder.decode(latents)


def test_a_file_is_loaded_for_the_mazes_it_was_trained_on_and_weights_travel(tmp_path: Path) -> None:
    sequences = LevelSequences(3, 4, 5)
    training = train_vae(tmp_path / "vae.npz", make_config(changes=TINY), sequences, 0)
    latents = np.random.default_rng(0).normal(size=(20, 3))
    decoder = load_decoder(tmp_path / "vae.npz", LevelTaskSpace(3, 4))
    levels = decoder.decode(latents)
    assert decoder.latent_size == 3
    assert np.array_equal(levels, LevelDecoder(training.vae.decoder, sequences, 3).decode(latents))
    other = make_decoder(sequences, seed=7)
    assert not np.array_equal(other.decode(latents), levels)
    other.load_weights(decoder.weights())
    assert np.array_equal(other.decode(latents), levels)
    with pytest.raises(UsageError, match="3 x 4 cells, the environment's have 4 x 3"):
        load_decoder(tmp_path / "vae.npz", LevelTaskSpace(4, 3))


def test_files_that_are_something_else_are_refused(tmp_path: Path) -> None:
    space = LevelTaskSpace(3, 4)
    write_tree(tmp_path / "other.npz", {"kind": "something else"})
    with pytest.raises(UsageError, match="is not a level VAE"):
        load_decoder(tmp_path / "other.npz", space)
    for content in (b"", b"text", b"PK\x03\x04broken"):
        (tmp_path / "broken.npz").write_bytes(content)
        with pytest.raises(TeachrlError, match="broken"):
            load_decoder(tmp_path / "broken.npz", space)
    with pytest.raises(TeachrlError, match=r"missing\.npz"):
        load_decoder(tmp_path / "missing.npz", space)
