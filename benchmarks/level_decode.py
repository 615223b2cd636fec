"""Levels per second out of the level VAE's decoder: the small size and the published one, in batches of 1,024.

One core, latents from the prior. The networks are untrained and never end a sequence by themselves, so every level has
all its walls and takes the most steps: the worst case. Time is processor time; each figure is the median over the
rounds.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import statistics
import time

import numpy as np

from teachrl.level_vae.config import make_config
from teachrl.level_vae.decoding import LevelDecoder
from teachrl.level_vae.model import initialized
from teachrl.level_vae.sequences import LevelSequences

ROUNDS = 5
SIZES = {"small": (LevelSequences(9, 9, 25), 2048), "clutr2022": (LevelSequences(13, 13, 50), 64)}


def measure() -> dict[str, float]:
    """Medians over the rounds, 1/s."""
    return {f"level_decode_{preset}_levels_per_second": _rate(preset) for preset in SIZES}


def _rate(preset: str) -> float:
    sequences, n = SIZES[preset]
    config = make_config(preset)
    module = initialized(config, sequences, 0).decoder
    module.output.bias.data[sequences.end] = -1e6
    decoder = LevelDecoder(module, sequences, config.latent_size)
    latents = np.random.default_rng(0).standard_normal((n, config.latent_size))
    decoder.decode(latents[:8])
    seconds = []
    for _ in range(ROUNDS):
        start = time.process_time()
        decoder.decode(latents)
        seconds.append(time.process_time() - start)
    return n / statistics.median(seconds)


def main() -> None:
    for name, figure in measure().items():
        print(f"{name}: {figure:,.0f}")


if __name__ == "__main__":
    main()
