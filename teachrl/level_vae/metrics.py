"""What a level VAE is worth: how well it returns levels that it has not seen, and what its latent space holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from teachrl.level_vae.decoding import LevelDecoder
from teachrl.level_vae.model import LevelVAE, kl_divergence
from teachrl.level_vae.sequences import PADDING, Levels
from teachrl_envs.maze.level_space import LevelTaskSpace

HELD_OUT, EXAMPLES = 2000, 8
ACTIVE = 0.01  # variance of a unit's mean over levels above which it is in use (Burda et al. 2016, arXiv 1509.00519)


@dataclass(frozen=True)
class Evaluation:
    """`numbers` for a table and for JSON; and levels: the first held-out ones, their reconstructions, prior samples."""

    numbers: dict[str, Any]
    held_out: Levels
    reconstructed: Levels
    prior: Levels


def evaluate(vae: LevelVAE, seed: int, levels: int = HELD_OUT) -> Evaluation:
    """Measure a network on ``levels`` random levels that are not from its training's stream, and on prior samples.

    * ``token_accuracy``: share of the tokens, the end among them, that rate highest after the true tokens before them.
    * ``exact_reconstruction``: share of levels that decoding their latent's mean gives back, every cell.
    * ``cell_accuracy``: share of cells whose wall is then right.
    * ``kl``: nats, mean. ``active_units``: latent numbers in use, of ``latent_size``.
    * ``solvable`` of the data and of decoded draws from the prior; ``wall_counts``: levels with 0, 1, ... walls.

    The most probable token is taken everywhere.
    """
    rng = np.random.default_rng([seed, 1])
    held_out = vae.sequences.sample(rng, levels)
    device = vae.decoder.output.weight.device
    tokens = torch.from_numpy(vae.sequences.encode(held_out, rng)).to(device)
    decoder = LevelDecoder(vae.decoder, vae.sequences, vae.config.latent_size)
    with torch.no_grad():
        mean, log_variance = vae.encode(tokens)
        targets, rated = vae.targets(tokens), vae.reconstruct(mean, tokens).argmax(dim=2)
        kl = kl_divergence(mean, log_variance).mean().item()
    reconstructed = decoder.decode(mean.cpu().numpy())
    prior = decoder.decode(rng.standard_normal((levels, vae.config.latent_size)))
    space = LevelTaskSpace(vae.sequences.height, vae.sequences.width)
    numbers = {
        "token_accuracy": (rated == targets)[targets != PADDING].double().mean().item(),
        "exact_reconstruction": float((reconstructed == held_out).all(axis=1).mean()),
        "cell_accuracy": float((reconstructed[:, :-3] == held_out[:, :-3]).mean()),
        "kl": kl,
        "active_units": int((mean.var(dim=0) > ACTIVE).sum().item()),
        "latent_size": vae.config.latent_size,
        "solvable": {"data": _solvable(space, held_out), "prior": _solvable(space, prior)},
        "wall_counts": {"data": _counts(vae, held_out), "prior": _counts(vae, prior)},
        "levels": levels,
    }
    return Evaluation(numbers, held_out[:EXAMPLES], reconstructed[:EXAMPLES], prior[:EXAMPLES])


def _solvable(space: LevelTaskSpace, levels: Levels) -> float:
    return float(space.is_solvable(levels).mean())


def _counts(vae: LevelVAE, levels: Levels) -> list[int]:
    walls = levels[:, :-3].sum(axis=1).astype(np.int64)
    counts: list[int] = np.bincount(walls, minlength=vae.sequences.walls + 1).tolist()
    return counts
